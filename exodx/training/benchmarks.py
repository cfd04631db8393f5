"""What any model must beat, under the same folds: a ridge logistic regression, the best single analyte, and XGBoost as it comes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from exodx.frozen import Measurements
from exodx.frozen.calibrator import probability
from exodx.stats import auc, log_loss
from exodx.training.boosting import OBJECTIVE
from exodx.training.procedure import InnerFold, Prepared
from exodx.training.ridge import rotated

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]

BENCHMARKS = ("logistic", "single_analyte", "default_xgboost")
RIDGE_C = (0.003, 0.03, 0.3, 3.0)
DEFAULT_ROUNDS = 100
"""As XGBoost's own scikit-learn interface."""


def benchmark_scores(data: Prepared, held: Measurements) -> dict[str, Floats]:
    """Fit the benchmarks on training specimens and score held-out ones.

    Returns
    -------
    scores : dict of str to ndarray, shape (n_held,)
        ``logistic`` (log-odds), ``single_analyte`` (the analyte's value, turned so that higher means positive) and
        ``default_xgboost`` (log-odds by XGBoost's default settings, 100 rounds).
    """
    new = data.transform.apply(held).values
    (logistic,) = ridge_margins(data.features, data.y, new, (_best_c(data.folds),))
    column, sign, middle = _best_analyte(data.features, data.y)
    single = np.where(np.isnan(new[:, column]), middle, new[:, column])
    boosted = default_xgboost(data.features, data.y, new)
    return dict(zip(BENCHMARKS, (logistic, sign * single, boosted), strict=True))


def ridge_margins(features: Floats, y: Labels, new: Floats, strengths: Sequence[float]) -> list[Floats]:
    """Return the log-odds that scikit-learn's ridge gives new specimens, for each of its ``C``.

    Medians stand for missing values. With more features than specimens it is fitted on as few columns as there are specimens, which
    is the same ridge.
    """
    scaling = Pipeline([("impute", SimpleImputer(strategy="median", keep_empty_features=True)), ("scale", StandardScaler())])
    columns, back = rotated(scaling.fit_transform(features))
    turned = scaling.transform(new) @ back
    fitted = [LogisticRegression(C=c, max_iter=10_000).fit(columns, y) for c in strengths]
    return [np.asarray(ridge.decision_function(turned), np.float64) for ridge in fitted]


def default_xgboost(features: Floats, y: Labels, new: Floats) -> Floats:
    """Return the log-odds that XGBoost gives new specimens with nothing tuned."""
    matrix, held = (xgboost.DMatrix(x, label, missing=np.nan, nthread=1) for x, label in ((features, y), (new, None)))
    params = {key: OBJECTIVE[key] for key in ("objective", "nthread", "verbosity")}
    return np.asarray(xgboost.train(params, matrix, DEFAULT_ROUNDS).predict(held, output_margin=True), np.float64)


def _best_c(folds: tuple[InnerFold, ...]) -> float:
    """Choose the ridge by inner log loss."""
    margins = [ridge_margins(fold.train, fold.y, fold.held, RIDGE_C) for fold in folds]
    losses = [[log_loss(fold.held_y, probability(m)) for m in found] for fold, found in zip(folds, margins, strict=True)]
    means = np.average(losses, axis=0, weights=[len(fold.held_y) for fold in folds])
    return RIDGE_C[int(means.argmin())]


def _best_analyte(features: Floats, y: Labels) -> tuple[int, float, float]:
    """Return column, sign and median of the analyte with the AUC furthest from one half in training."""
    medians = np.array([np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else 0.0 for c in features.T])
    filled = np.where(np.isnan(features), medians, features)
    aucs = np.array([auc(y, column) for column in filled.T])
    best = int(np.argmax(np.abs(aucs - 0.5)))
    return best, 1.0 if aucs[best] >= 0.5 else -1.0, float(medians[best])
