"""The trees and the line as they stand, and their exact SHAP values: scored by the compiled forest, which needs no XGBoost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from exodx.errors import ModelRefused, Problem
from exodx.frozen import doors
from exodx.frozen.archive import read_compiled
from exodx.frozen.compiled import CompiledForest
from exodx.frozen.kernels import Kernel
from exodx.frozen.parts import Linear


@dataclass(frozen=True)
class Forest:
    """Trees as XGBoost UBJSON, and a linear member or none; what they give is added.

    Parameters
    ----------
    ubjson : bytes
        The booster; all its trees are used.
    n_features : int
        Columns it takes, in the order of the transform's features.
    stored : bytes or None
        Its compiled form as a bundle keeps it; made from the others where there is none.
    linear : Linear or None
    kernel : Kernel or None
        The way that rows are scored, where they come in pieces of one whole (see :meth:`prepared`); chosen by their number if None.
    """

    ubjson: bytes = field(repr=False)
    n_features: int
    stored: bytes | None = field(default=None, repr=False, compare=False)
    linear: Linear | None = field(default=None, repr=False, compare=False)
    kernel: Kernel | None = field(default=None, repr=False, compare=False)

    @cached_property
    def compiled(self) -> CompiledForest:
        """The tables that score.

        Raises
        ------
        ModelRefused
            When the booster is damaged, cannot be compiled, or takes other features.
        """
        if self.stored is not None:
            return read_compiled(self.stored, [self.ubjson], self.n_features, self.linear)
        compiled = doors.compile_boosters([(self.ubjson, 1.0)], self.linear)
        if compiled.n_features != self.n_features:
            found = f"{compiled.n_features} features where the transform gives {self.n_features}"
            raise ModelRefused(Problem("FOREST_MISMATCH", "forest.ubj", found, "Save the model again."))
        return compiled

    def prepared(self, n_rows: int, beside: int = 0) -> Forest:
        """Return the same forest, ready to score so many rows in pieces; the answers are the same, to the bit.

        ``beside`` is what else the kernel's loops do for each row (:meth:`~exodx.frozen.compiled.CompiledForest.kernel_for`).
        """
        return replace(self, kernel=self.compiled.kernel_for(n_rows, beside))

    def margin(self, values: NDArray[np.float64], threads: int = 1) -> NDArray[np.float64]:
        """Return raw margins (log-odds before calibration), shape (n,), of features of shape (n, k)."""
        return self.compiled.margin(values, threads, self.kernel)

    def contributions(self, values: NDArray[np.float64], threads: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return exact path-dependent TreeSHAP values (Lundberg et al. 2020, 10.1038/s42256-019-0138-9).

        Returns
        -------
        shap : ndarray, shape (n, k)
        base : ndarray, shape (n,)
            The same number in every row; rows of ``shap`` plus ``base`` sum to the raw margin.
        """
        return self.compiled.contributions(values, threads, self.kernel)

    def both(self, values: NDArray[np.float64], threads: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return raw margins and SHAP values in one walk, the same bits as :meth:`margin` and :meth:`contributions` give."""
        return self.compiled.both(values, threads, self.kernel)

    @property
    def base(self) -> float:
        """The raw margin that SHAP values start from."""
        return self.compiled.base
