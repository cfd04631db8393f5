"""The rows of the accuracy benchmark: each learns from a fold and returns margins (log-odds) of its held-out specimens.

Methods that cannot take a missing value get the training median. Probabilities of forests are held half a tree away from 0 and 1.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from accuracy_tasks import Fold
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from exodx.panel import parse_plan
from exodx.stats import auc, log_loss
from exodx.training import fit_procedure, prepare

Floats = NDArray[np.float64]
Method = Callable[[Fold], Floats]

TREES = 500
RIDGE_C = tuple(10.0**e for e in (-4, -3, -2, -1, 0, 1, 2))
SUB_FORESTS, SUB_TREES, FEWEST_CUTS, MOST_CUTS = 80, 4, 8, 25
MEMBERS = ("depth 2", "boosted random forest", "ridge", "extra-trees (XGBoost)")
"""Of the mean of margins."""


def margins(probability: Floats, clip: float) -> Floats:
    """Return log-odds of probabilities held ``clip`` away from 0 and 1."""
    return np.asarray(logit(np.clip(probability, clip, 1 - clip)), np.float64)


def xgboost_defaults(fold: Fold) -> Floats:
    model = xgboost.XGBClassifier(n_jobs=1, random_state=fold.seed).fit(fold.train_features, fold.y)
    return np.asarray(model.predict(fold.held_features, output_margin=True), np.float64)


def boosted(fold: Fold, rounds: int, params: Mapping[str, Any]) -> Floats:
    """Grow boosted trees for a number of rounds without early stopping."""
    settings = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "seed": fold.seed, **params}
    booster = xgboost.train(settings, xgboost.QuantileDMatrix(fold.train_features, fold.y, nthread=1), rounds)
    return np.asarray(booster.predict(xgboost.DMatrix(fold.held_features, nthread=1), output_margin=True), np.float64)


def boosted_forest(fold: Fold) -> Floats:
    share = fold.train_features.shape[1] ** -0.5
    params = {"max_depth": 6, "eta": 0.15, "subsample": 0.63, "colsample_bynode": share, "num_parallel_tree": 30}
    return boosted(fold, 20, params)


def imputed(*steps: Any) -> Pipeline:
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), *steps)


def logistic(c: float) -> Pipeline:
    return imputed(StandardScaler(), LogisticRegression(C=c, max_iter=10_000))


def ridge(fold: Fold) -> Floats:
    """Fit a ridge logistic regression whose strength is chosen by inner log loss."""

    def loss(c: float) -> float:
        found = [log_loss(held_y, logistic(c).fit(x, y).predict_proba(held)[:, 1]) for x, y, held, held_y in fold.inner]
        return float(np.average(found, weights=[len(held_y) for *_, held_y in fold.inner]))

    model = logistic(min(RIDGE_C, key=loss)).fit(fold.train_features, fold.y)
    return np.asarray(model.decision_function(fold.held_features), np.float64)


def forest(fold: Fold, kind: type) -> Floats:
    model = imputed(kind(TREES, random_state=fold.seed, n_jobs=1)).fit(fold.train_features, fold.y)
    return margins(model.predict_proba(fold.held_features)[:, 1], 0.5 / TREES)


def xgboost_extra_trees(fold: Fold) -> Floats:
    """Grow extra-trees by XGBoost: small forests, each on features cut at random points of its own, averaged.

    XGBoost searches every cut of the features it draws; that few cuts are there, at random, makes the trees extremely randomised
    (10.1007/s10994-006-6226-1). Each leaf holds the positive share of its specimens.
    """
    rng = np.random.default_rng(fold.seed)
    params = {
        "objective": "reg:squarederror",
        "base_score": float(fold.y.mean()),
        "tree_method": "hist",
        "max_depth": 12,
        "eta": 1.0,
        "lambda": 1e-6,
        "min_child_weight": 1e-6,
        "colsample_bynode": fold.train_features.shape[1] ** -0.5,
        "num_parallel_tree": SUB_TREES,
        "nthread": 1,
    }
    ordered = np.sort(fold.train_features, axis=0)
    total = np.zeros(len(fold.held_features))
    for sub in range(SUB_FORESTS):
        cuts = random_cuts(ordered, int(rng.integers(FEWEST_CUTS, MOST_CUTS + 1)), rng)
        train, held = (coded(x, cuts) for x in (fold.train_features, fold.held_features))
        matrix = xgboost.QuantileDMatrix(train, fold.y, max_bin=MOST_CUTS + 2, nthread=1)
        booster = xgboost.train({**params, "max_bin": MOST_CUTS + 2, "seed": fold.seed + sub}, matrix, 1)
        total += booster.predict(xgboost.DMatrix(held, nthread=1))
    return margins(total / SUB_FORESTS, 0.5 / (SUB_FORESTS * SUB_TREES))


def random_cuts(ordered: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Return n random quantiles of each feature, shape (features, n); infinite where it was never measured.

    Parameters
    ----------
    ordered : ndarray, shape (specimens, features)
        Each feature's values sorted, NaN last.
    n : int
    rng : Generator
    """
    last = (~np.isnan(ordered)).sum(axis=0)[:, None] - 1
    place = np.maximum(last, 0) * rng.random((ordered.shape[1], n))
    low, high = np.floor(place).astype(int), np.ceil(place).astype(int)
    columns = ordered.T
    found = [np.take_along_axis(columns, at, axis=1) for at in (low, high)]
    return np.where(last < 0, np.inf, np.sort(found[0] + (place - low) * (found[1] - found[0]), axis=1))


def coded(features: Floats, cuts: Floats) -> NDArray[np.float32]:
    """Return the number of cuts below each value; NaN stays."""
    codes = [np.searchsorted(points, column) for column, points in zip(features.T, cuts, strict=True)]
    return np.where(np.isnan(features), np.nan, np.array(codes).T).astype(np.float32)


def single_analyte(fold: Fold) -> Floats:
    """Fit a logistic curve to the feature whose training AUC is furthest from one half."""
    filled = imputed().fit(fold.train_features)
    x, new = filled.transform(fold.train_features), filled.transform(fold.held_features)
    best = int(np.argmax([abs(auc(fold.y, column) - 0.5) for column in x.T]))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x[:, [best]], fold.y)
    return np.asarray(model.decision_function(new[:, [best]]), np.float64)


def mean_of_margins(fold: Fold) -> Floats:
    found = [timed(METHODS[name], name, fold)[0] for name in MEMBERS]
    return np.asarray(np.mean(found, axis=0), np.float64)


def timed(method: Method, name: str, fold: Fold) -> tuple[Floats, float]:
    """Return margins and seconds of CPU of a method, which is run once a fold, on one thread."""
    if name not in fold.memo:
        with threadpool_limits(1), xgboost.config_context(nthread=1):
            begun = time.process_time()
            found = method(fold)
        shared = sum(fold.memo[member][1] for member in MEMBERS) if name == MEAN else 0.0
        fold.memo[name] = found, max(time.process_time() - begun, shared)
    return fold.memo[name]


MEAN = "mean of margins"
METHODS: dict[str, Method] = {
    "XGBoost defaults": xgboost_defaults,
    "ridge": ridge,
    "random forest": partial(forest, kind=RandomForestClassifier),
    "extra-trees": partial(forest, kind=ExtraTreesClassifier),
    "stumps": partial(boosted, rounds=300, params={"max_depth": 1, "eta": 0.05}),
    "depth 2": partial(boosted, rounds=200, params={"max_depth": 2, "eta": 0.05}),
    "boosted random forest": boosted_forest,
    "extra-trees (XGBoost)": xgboost_extra_trees,
    MEAN: mean_of_margins,
    "single analyte": single_analyte,
}
PLANS: dict[str, dict[str, Any]] = {
    "exodx (standard)": {"budget": "standard"},
    "exodx (quick)": {"budget": "quick"},
}


def exodx(fold: Fold, plan: Mapping[str, Any]) -> Floats:
    """Run the package's own procedure on the training cohort, as it would be run on any."""
    chosen = parse_plan({"seed": fold.seed, **plan}, "plan")
    return np.asarray(fit_procedure(prepare(fold.cohort, chosen), chosen).margin(fold.held_cohort.measurements), np.float64)


def peer(fold: Fold, function: Callable[[Fold], Any]) -> Floats:
    """Run a reader's own function, which gives probabilities."""
    found = np.asarray(function(fold), np.float64)
    if found.shape != (len(fold.held_features),) or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"{function.__name__} must return a probability for each held-out specimen")
    return margins(found, 1e-4)


@lru_cache
def peers(path: Path) -> dict[str, Method]:
    """Return the functions that a file defines, each a method; a name that starts with ``_`` is none."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = {name: f for name, f in vars(module).items() if callable(f) and getattr(f, "__module__", "") == module.__name__}
    return {name: partial(peer, function=f) for name, f in own.items() if not name.startswith("_")}


def score(method: Method, name: str, fold: Fold) -> tuple[Floats, float]:
    """Return margins of every held-out specimen, the training prevalence's where one cannot be scored, and seconds."""
    found, seconds = timed(method, name, fold)
    usual = float(logit(fold.y.mean()))
    return np.where(fold.scored & np.isfinite(found), found, usual), seconds


def probability(margin: Floats) -> Floats:
    return np.asarray(expit(margin), np.float64)
