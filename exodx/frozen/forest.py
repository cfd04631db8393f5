"""The trees as they stand, and their exact SHAP values (for now through XGBoost's own booster)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xgboost
from numpy.typing import NDArray

from exodx.errors import ModelRefused, Problem


@dataclass(frozen=True)
class Forest:
    """Boosted trees as XGBoost UBJSON.

    Parameters
    ----------
    ubjson : bytes
        The booster; all its trees are used.
    n_features : int
        Columns it takes, in the order of the transform's features.
    """

    ubjson: bytes = field(repr=False)
    n_features: int

    @cached_property
    def _booster(self) -> xgboost.Booster:
        try:
            booster = xgboost.Booster(model_file=bytearray(self.ubjson or b"-"))  # no bytes at all would abort the process
        except xgboost.core.XGBoostError as error:
            found = str(error).splitlines()[0]
            raise ModelRefused(Problem("FOREST_DAMAGED", "forest.ubj", found, "Save the model again.")) from None
        if booster.num_features() != self.n_features:
            found = f"{booster.num_features()} features where the transform gives {self.n_features}"
            raise ModelRefused(Problem("FOREST_MISMATCH", "forest.ubj", found, "Save the model again."))
        return booster

    def margin(self, values: NDArray[np.float64], threads: int = 1) -> NDArray[np.float64]:
        """Return raw margins (log-odds before calibration), shape (n,), of features of shape (n, k)."""
        return self._predict(values, threads, contributions=False)

    def contributions(self, values: NDArray[np.float64], threads: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return exact path-dependent TreeSHAP values (Lundberg et al. 2020, 10.1038/s42256-019-0138-9).

        Returns
        -------
        shap : ndarray, shape (n, k)
        base : ndarray, shape (n,)
            The same number in every row; rows of ``shap`` plus ``base`` sum to the raw margin.
        """
        table = self._predict(values, threads, contributions=True)
        return table[:, :-1], table[:, -1]

    def _predict(self, values: NDArray[np.float64], threads: int, *, contributions: bool) -> NDArray[np.float64]:
        if len(values) == 0:
            return np.zeros((0, self.n_features + 1) if contributions else 0)
        self._booster.set_param({"nthread": threads})
        matrix = xgboost.DMatrix(values, missing=np.nan, nthread=threads)
        out = self._booster.predict(matrix, output_margin=not contributions, pred_contribs=contributions)
        return np.asarray(out, np.float64)
