"""The compiled forest: tables instead of trees. Scoring compares, packs bits, looks up and adds, without XGBoost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import doors, loops
from exodx.frozen.kernels import FLUSH, Kernel, Work, native_kernel, numpy_kernel
from exodx.frozen.linear import linear_terms
from exodx.frozen.native import is_kept
from exodx.frozen.parts import Linear, Parts
from exodx.frozen.shapley import quadrature

Floats = NDArray[np.float64]

NATIVE_LOOKUPS, COMPILED_LOOKUPS = 10**8, 5 * 10**8
"""Lookups (rows times columns) from which machine code is used, where it is kept and where it must be compiled: it saves 1.3 ns a
lookup, is loaded in 0.1 s and compiled, once and for all, in 2.5."""
LOOKUPS_OF_A_LEAF = 60
"""What a leaf without a table costs, in lookups."""
PRODUCTS_OF_A_LOOKUP = 8
"""What machine code saves by each, one to the other."""


@dataclass(frozen=True, eq=False)
class CompiledForest:
    """Boosters, and a linear member or none, as arrays.

    Parameters
    ----------
    parts : Parts
    n_features : int
    """

    parts: Parts
    n_features: int

    def margin(self, values: Floats, threads: int = 1, kernel: Kernel | None = None) -> Floats:
        """Return raw margins, shape (n,), of features of shape (n, k); threads and kernel change the time only."""
        return self._scored(values, threads, kernel, explained=False)[0]

    def contributions(self, values: Floats, threads: int = 1, kernel: Kernel | None = None) -> tuple[Floats, Floats]:
        """Return exact path-dependent TreeSHAP values, shape (n, k), and the base value in every row, shape (n,)."""
        return self.both(values, threads, kernel)[1], np.full(len(values), self.base)

    def both(self, values: Floats, threads: int = 1, kernel: Kernel | None = None) -> tuple[Floats, Floats]:
        """Return margins and SHAP values, the same bits as each alone; the splits are answered once."""
        margin, shap = self._scored(values, threads, kernel, explained=True)
        return margin, shap.T

    @property
    def base(self) -> float:
        """The margin that SHAP values start from."""
        return float(self.parts.whole.constants[1])

    def kernel_for(self, n_rows: int, beside: int = 0) -> Kernel:
        """Return the kernel that scores so many rows sooner; whoever scores them in pieces asks once, for the whole.

        Parameters
        ----------
        n_rows : int
        beside : int
            What else its loops do for each row, in products.
        """
        lookups = len(self.parts.columns.feature) + LOOKUPS_OF_A_LEAF * len(self.parts.leaves.value)
        cost = n_rows * (lookups + beside // PRODUCTS_OF_A_LOOKUP)
        pays = cost >= COMPILED_LOOKUPS or (cost >= NATIVE_LOOKUPS and is_kept(loops))
        return (native_kernel() if pays else None) or numpy_kernel()

    def _scored(self, values: Floats, threads: int, kernel: Kernel | None, *, explained: bool) -> tuple[Floats, Floats]:
        """Return margins and SHAP values, shape (k, n), none of them unless explained; rows are shared out among threads."""
        chosen, columns = kernel or self.kernel_for(len(values)), np.ascontiguousarray(values.T, np.float64)
        if threads == 1 or len(values) <= chosen.rows:
            return self._put(columns, chosen, explained=explained)
        margin, shap = np.empty(len(values)), np.empty((self.n_features if explained else 0, len(values)))

        def work(rows: slice) -> None:
            margin[rows], shap[:, rows] = self._put(np.ascontiguousarray(columns[:, rows]), chosen, explained=explained)

        step = -(-len(values) // (threads * chosen.rows)) * chosen.rows
        doors.in_threads(work, [slice(start, start + step) for start in range(0, len(values), step)], threads)
        return margin, shap

    def _put(self, columns: Floats, kernel: Kernel, *, explained: bool) -> tuple[Floats, Floats]:
        """Add the linear member's terms and the constant to what the trees give; float32 holds large features as infinite."""
        with np.errstate(over="ignore"):
            margin, shap = kernel.score(kernel.rows, self._work, columns, explained)
        for feature, term in enumerate(linear_terms(self.parts.linear, columns.T)):
            margin += term
            if explained:
                shap[feature] += term
        margin += self.parts.whole.constants[0]
        return margin, shap

    @cached_property
    def _work(self) -> Work:
        return Work(self.parts, self._is_full, self._rules)

    @cached_property
    def _is_full(self) -> NDArray[np.uint8]:
        """Say of each column whether its feature's float32 sum then holds ``FLUSH`` terms."""
        seen = [0] * self.n_features
        full = []
        for feature in self.parts.columns.feature.tolist():
            seen[feature] += 1
            full.append(seen[feature] % FLUSH == 0)
        return np.array(full, np.uint8)

    @cached_property
    def _rules(self) -> Floats:
        """Quadrature rules by number of features, shape (d + 1, 2, nodes)."""
        sizes = np.diff(self.parts.leaves.start)
        deepest = int(sizes.max(initial=1))
        rules = np.zeros((deepest + 1, 2, (deepest - 1) // 2 + 1))
        for d in sorted(set(sizes.tolist())):
            nodes, weights = quadrature(d - 1)
            rules[d, :, : len(nodes)] = nodes, weights
        return rules


def digest(boosters: Sequence[bytes], linear: Linear | None = None) -> NDArray[np.uint8]:
    """Return the SHA-256 of boosters and linear member, shape (32,): a compiled forest knows what it was made from."""
    line = [np.ascontiguousarray(column, "<f8").tobytes() for column in linear or ()]
    return np.frombuffer(sha256(b"".join(sha256(part).digest() for part in (*boosters, *line))).digest(), np.uint8)
