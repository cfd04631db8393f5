"""The assay transform as a scikit-learn transformer: raw measurements in, features out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from exodx.assay import learn_transform
from exodx.estimators.frames import FrameReader, refusals
from exodx.frozen.measurements import BLOCKING
from exodx.panel import Panel


class AssayTransformer(TransformerMixin, FrameReader):  # type: ignore[misc]
    """Learn a panel's transform (quality rules, normalisation, log2 scale, encoding) from training specimens, and apply it.

    Parameters
    ----------
    panel : Panel or str, optional
        A panel, its name or file; ``auto`` infers one from the columns of a DataFrame. None takes every column as it is.

    Attributes
    ----------
    frozen_ : FrozenTransform
        What was learned: the same that a :class:`~exodx.DiagnosticModel` applies.
    panel_ : Panel
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from exodx.cohort import SimulatedStudy, simulate
    >>> from exodx.panel import load_panel
    >>> frame = simulate(load_panel("athero-3"), SimulatedStudy(n=20, seed=1)).set_index("specimen_id")
    >>> AssayTransformer("athero-3").fit_transform(frame).columns.tolist()[:3]
    ['miR-126-3p', 'miR-145-5p', 'PD-L1']
    """

    def __init__(self, panel: Panel | str | None = None) -> None:
        self.panel = panel

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from training specimens.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            Raw measurements in the panel's units; cells may say ``Undetermined``, ``<LOD`` and so on. An array has the panel's
            analytes in order.
        y : array, shape (n,), optional
            Classes; NormFinder and the filter of counts look at them.

        Raises
        ------
        FrameRefused
            With every problem of X; it is an InputRefused and a ValueError.
        """
        with refusals():
            cohort = self._read(X)
            self.frozen_ = learn_transform(cohort.panel, cohort.measurements, _codes(cohort.measurements, y))
            self.panel_ = cohort.panel
        return self

    def transform(self, X: Any) -> Any:
        """Return the features: a DataFrame of a DataFrame, else an array; NaN for specimens that quality rules refuse."""
        check_is_fitted(self, "frozen_")
        with refusals():
            cohort = self._read(X, fitted=self.panel_)
        features = self.frozen_.apply(cohort.measurements)
        values = np.where((features.flags & BLOCKING)[:, None] != 0, np.nan, features.values)
        if isinstance(X, pd.DataFrame):
            return pd.DataFrame(values, index=X.index, columns=list(features.names))
        return values

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the features.

        Raises
        ------
        ValueError
            When ``input_features`` is given and is not what was fitted on.
        """
        check_is_fitted(self, "frozen_")
        if input_features is not None:
            fitted = getattr(self, "feature_names_in_", None)
            if len(input_features) != self.n_features_in_:
                raise ValueError(f"input_features should have length equal to number of features ({self.n_features_in_})")
            if fitted is not None and list(fitted) != list(input_features):
                raise ValueError("input_features is not equal to feature_names_in_")
        return np.array(self.frozen_.names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _codes(rows: Any, y: Any) -> NDArray[np.int8] | None:
    """Return classes as codes from 0; None where there are none."""
    if y is None or type_of_target(y) not in ("binary", "multiclass"):
        return None
    check_consistent_length(rows, y)
    return np.unique(np.asarray(y), return_inverse=True)[1].astype(np.int8)
