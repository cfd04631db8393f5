"""What any model must beat, under the same folds: a ridge logistic regression and the best single analyte."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from exodx.frozen import Measurements
from exodx.stats import auc, log_loss
from exodx.training.procedure import InnerFold, Prepared

Floats = NDArray[np.float64]
RIDGE_C = (0.003, 0.03, 0.3, 3.0)


def benchmark_scores(data: Prepared, held: Measurements) -> dict[str, Floats]:
    """Fit both benchmarks on training specimens and score held-out ones.

    Returns
    -------
    scores : dict of str to ndarray, shape (n_held,)
        ``logistic`` (log-odds) and ``single_analyte`` (the analyte's value, turned so that higher means positive).
    """
    new = data.transform.apply(held).values
    ridge = _ridge(_best_c(data.folds)).fit(data.features, data.y)
    column, sign, middle = _best_analyte(data.features, data.y)
    single = np.where(np.isnan(new[:, column]), middle, new[:, column])
    return {"logistic": np.asarray(ridge.decision_function(new), np.float64), "single_analyte": sign * single}


def _ridge(c: float) -> Pipeline:
    return Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("ridge", LogisticRegression(C=c, max_iter=10_000)),
        ]
    )


def _best_c(folds: tuple[InnerFold, ...]) -> float:
    """Choose the ridge by inner log loss."""

    def loss(c: float) -> float:
        losses = []
        for fold in folds:
            p = _ridge(c).fit(fold.train, fold.y).predict_proba(fold.held)[:, 1]
            losses.append((log_loss(fold.held_y, p), len(p)))
        return float(np.average([v for v, _ in losses], weights=[n for _, n in losses]))

    return min(RIDGE_C, key=loss)


def _best_analyte(features: Floats, y: NDArray[np.int8]) -> tuple[int, float, float]:
    """Return column, sign and median of the analyte with the AUC furthest from one half in training."""
    medians = np.array([np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else 0.0 for c in features.T])
    filled = np.where(np.isnan(features), medians, features)
    aucs = np.array([auc(y, column) for column in filled.T])
    best = int(np.argmax(np.abs(aucs - 0.5)))
    return best, 1.0 if aucs[best] >= 0.5 else -1.0, float(medians[best])
