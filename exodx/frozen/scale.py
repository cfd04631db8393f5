"""To log2 quantities, higher = more. Ct is flipped here and nowhere else; reads become counts per million of a measured library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.cells import State
from exodx.frozen.measurements import Measurements, Reason, from_columns, is_censored, is_measured
from exodx.libraries.registry import METHODS
from exodx.libraries.sizes import library_sizes
from exodx.panel import Scale

Floats = NDArray[np.float64]
States = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LibraryScaling:
    """How many reads a library is taken to hold.

    Parameters
    ----------
    method : str
        A key of :data:`exodx.libraries.registry.METHODS`.
    reference : dict of str to float
        What the method stored of the training specimens, by analyte: the geometric means, the pseudo-library …
    library : float
        Mean reads of a training library.

    Raises
    ------
    ValueError
        If there is no such method.
    """

    method: str = "cpm"
    reference: dict[str, float] = field(default_factory=dict)
    library: float = 0.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"no way to measure a library is called {self.method!r}.")

    def reads(self, m: Measurements, names: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return each specimen's effective library size, and whether it cannot be compared with training; shape (n,)."""
        counts = count_matrix(m, names)
        total = library_sizes(counts)
        if not names:
            return total, np.zeros(len(m), bool)
        reference = np.array([self.reference[name] for name in names] if self.reference else [])
        size = METHODS[self.method].reads(counts, reference, self.library)
        return np.where(np.isfinite(size), size, 0.0), (total > 0) & ~np.isfinite(size)


def count_matrix(m: Measurements, names: Sequence[str]) -> Floats:
    """Return the reads of these analytes, shape (n, len(names)); a cell without a number counts 0."""
    columns = [np.where(is_measured(s), v, 0.0) for v, s in (m.column(name) for name in names)]
    return np.column_stack(columns) if columns else np.zeros((len(m), 0))


@dataclass(frozen=True, slots=True)
class Log2Scale:
    """To log2 quantities, higher = more: −Ct·log2 E, log2(CPM + prior), log2 concentration; normalised data as they are.

    Parameters
    ----------
    scales : dict of str to str
        Scale of each analyte.
    lods : dict of str to float
        Limits of detection, in the analyte's unit.
    ct_cutoff : float
        A Ct above it is undetermined.
    prior_cpm : float
        Added to counts per million; frozen in training, because a prior that follows the cohort's mean library
        would give one specimen another value in another batch.
    given_cpm_prior : float
        Added to values that came as counts per million.
    efficiencies : dict of str to float
        Amplification factor of the Ct assays that do not simply double.
    below : dict of str to float
        What a censored cell holds, as a log2 quantity; analytes without one hold their limit (cut-off + 1 cycle, LOD/√2).
    library : LibraryScaling
    unexpressed : tuple of str
        Analytes of too few reads in training: their reads are part of the library, and they go no further.
    """

    scales: dict[str, str]
    lods: dict[str, float]
    ct_cutoff: float
    prior_cpm: float
    given_cpm_prior: float
    efficiencies: dict[str, float] = field(default_factory=dict)
    below: dict[str, float] = field(default_factory=dict)
    library: LibraryScaling = LibraryScaling()
    unexpressed: tuple[str, ...] = ()

    def apply(self, m: Measurements) -> Measurements:
        """Return log2 quantities; a value above the upper limit of quantification holds that limit and is flagged."""
        counted = [n for n in m.names if self.scales[n] == Scale.COUNTS]
        reads, strange = self.library.reads(m, counted)
        kept = tuple(name for name in m.names if name not in self.unexpressed)
        columns, over, changed = [], np.zeros(len(m), bool), kept != m.names
        for name in kept:
            values, states = m.column(name)
            above = states == np.uint8(State.ABOVE_LOQ)
            if above.any():
                over |= above
                states = np.where(above & np.isfinite(values), np.uint8(State.MEASURED), states)
            columns.append(self._column(name, values, states, reads))
            changed = changed or columns[-1][0] is not values or above.any()
        out = (from_columns(kept, columns, m) if changed else m).flagged(Reason.ABOVE_LOQ, over)
        if counted:
            out = out.flagged(Reason.NO_READS, (reads == 0) & ~strange).flagged(Reason.LIBRARY_NOT_COMPARABLE, strange)
        return out

    def _column(self, name: str, values: Floats, states: States, reads: Floats) -> tuple[Floats, States]:
        scale = self.scales[name]
        if scale == Scale.CT:
            late = is_measured(states) & (values > self.ct_cutoff)
            states = np.where(late, np.uint8(State.UNDETERMINED), states)
            ct = np.where(is_censored(states), self.ct_cutoff + 1.0, values)
            quantity = -ct * np.log2(self.efficiencies[name]) if name in self.efficiencies else -ct
        elif scale == Scale.COUNTS:
            cpm = 1e6 * np.where(is_censored(states), 0.0, values) / np.where(reads > 0, reads, np.nan)
            quantity = np.log2(cpm + self.prior_cpm)
        elif scale == Scale.CPM:
            quantity = np.log2(np.where(is_censored(states), 0.0, values) + self.given_cpm_prior)
        elif scale == Scale.LINEAR:
            limit = self.lods.get(name)
            floor = np.where(values > 0, values, np.nan) if limit is None else np.full_like(values, limit)
            quantity = np.log2(np.where(is_censored(states), floor / np.sqrt(2.0), np.where(values > 0, values, np.nan)))
        else:
            quantity = values
        return (np.where(is_censored(states), self.below[name], quantity) if name in self.below else quantity), states

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Log2Scale:
        """Rebuild from plain JSON types; a state of bundle format 1 has no library."""
        scale = cls(**state)
        return replace(scale, library=LibraryScaling(**state.get("library", {})), unexpressed=tuple(scale.unexpressed))
