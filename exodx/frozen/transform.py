"""The frozen assay transform: from raw measurements to features, by numbers found in training.

Three steps, each a frozen state with one ``apply``: to log2 (Ct is flipped here and nowhere else), to the references, to features.
Every operation acts on whole columns in a fixed order, so a specimen alone gets the bits it gets in a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.cells import State
from exodx.frozen.measurements import Features, Measurements, Reason, from_columns, is_censored, is_measured
from exodx.panel import Scale

Floats = NDArray[np.float64]
States = NDArray[np.uint8]

ND = "__nd"
"""Suffix of a not-detected indicator feature."""


@dataclass(frozen=True, slots=True)
class Log2Scale:
    """To log2 quantities, higher = more: −Ct, log2(CPM + prior), log2 concentration; normalised data as they are.

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
    """

    scales: dict[str, str]
    lods: dict[str, float]
    ct_cutoff: float
    prior_cpm: float
    given_cpm_prior: float

    def apply(self, m: Measurements) -> Measurements:
        """Return log2 quantities; a censored cell holds its limit (cut-off + 1 cycle, LOD/√2, the prior)."""
        library = library_size(m, [n for n in m.names if self.scales[n] == Scale.COUNTS])
        columns = []
        for name in m.names:
            values, states = m.column(name)
            columns.append(self._column(name, values, states, library))
        out = from_columns(m.names, columns, m)
        if any(self.scales[n] == Scale.COUNTS for n in m.names):
            out = out.flagged(Reason.NO_READS, library == 0)
        return out

    def _column(self, name: str, values: Floats, states: States, library: Floats) -> tuple[Floats, States]:
        scale = self.scales[name]
        if scale == Scale.CT:
            late = is_measured(states) & (values > self.ct_cutoff)
            states = np.where(late, np.uint8(State.UNDETERMINED), states)
            return np.where(is_censored(states), -(self.ct_cutoff + 1.0), -values), states
        if scale == Scale.COUNTS:
            cpm = 1e6 * np.where(is_censored(states), 0.0, values) / np.where(library > 0, library, np.nan)
            return np.log2(cpm + self.prior_cpm), states
        if scale == Scale.CPM:
            return np.log2(np.where(is_censored(states), 0.0, values) + self.given_cpm_prior), states
        if scale == Scale.LINEAR:
            limit = self.lods.get(name)
            floor = np.where(values > 0, values, np.nan) if limit is None else np.full_like(values, limit)
            positive = np.where(is_censored(states), floor / np.sqrt(2.0), np.where(values > 0, values, np.nan))
            return np.log2(positive), states
        return values, states


def library_size(m: Measurements, names: Sequence[str]) -> Floats:
    """Return the reads of each specimen in these analytes, added in a fixed order; shape (n,)."""
    total = np.zeros(len(m))
    for name in names:
        values, states = m.column(name)
        total += np.where(is_measured(states), values, 0.0)
    return total


@dataclass(frozen=True, slots=True)
class ReferenceNormalisation:
    """−ΔCt: subtract the mean log2 quantity of the reference analytes from each Ct target (positive = more target).

    Parameters
    ----------
    targets : tuple of str
        Analytes from which the references are subtracted.
    features : tuple of str
        Analytes that go on; references and controls end here.
    reference_means : dict of str to float
        Training mean of each reference's log2 quantity; stands in for a reference that is missing in a specimen,
        so that losing one of two references does not shift the level.
    """

    targets: tuple[str, ...]
    features: tuple[str, ...]
    reference_means: dict[str, float]

    def apply(self, m: Measurements) -> Measurements:
        """Return the features' log2 quantities relative to the references."""
        level, seen = np.zeros(len(m)), np.zeros(len(m))
        for name, mean in self.reference_means.items():
            values, states = m.column(name)
            usable = is_measured(states)
            level += np.where(usable, values, mean)
            seen += usable
        level /= max(len(self.reference_means), 1)
        columns = []
        for name in self.features:
            values, states = m.column(name)
            columns.append((values - level if name in self.targets else values, states))
        out = from_columns(self.features, columns, m)
        if self.reference_means and self.targets:
            out = out.flagged(Reason.REFERENCES_UNDETECTED, seen == 0)
            out = out.flagged(Reason.REFERENCE_PARTLY_MISSING, (seen > 0) & (seen < len(self.reference_means)))
        return out


@dataclass(frozen=True, slots=True)
class FeatureEncoding:
    """From cells with states to the numbers a tree sees.

    Parameters
    ----------
    analytes : tuple of str
        Analytes that give a feature.
    indicators : tuple of str
        Analytes that also give ``<analyte>__nd``: 1 not detected, 0 measured, NaN not run.
    censored : str
        ``missing``: a censored cell is NaN; ``limit``: it keeps its limit.
    """

    analytes: tuple[str, ...]
    indicators: tuple[str, ...]
    censored: str

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names, in column order."""
        return (*self.analytes, *(f"{name}{ND}" for name in self.indicators))

    def apply(self, m: Measurements) -> Features:
        """Return the feature matrix."""
        columns = []
        informative = np.zeros(len(m), bool)
        for name in self.analytes:
            values, states = m.column(name)
            known = is_measured(states) | (is_censored(states) if self.censored == "limit" else False)
            columns.append(np.where(known, values, np.nan))
            informative |= is_measured(states) | is_censored(states)
        for name in self.indicators:
            _, states = m.column(name)
            nd = np.where(is_censored(states), 1.0, np.where(is_measured(states), 0.0, np.nan))
            columns.append(nd)
        out = m.flagged(Reason.NOTHING_MEASURED, ~informative)
        values = np.column_stack(columns) if columns else np.zeros((len(m), 0))
        return Features(self.names, values, out.flags)


@dataclass(frozen=True, slots=True)
class FrozenTransform:
    """The three steps in order; JSON in, JSON out."""

    scale: Log2Scale
    references: ReferenceNormalisation
    encoding: FeatureEncoding

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names."""
        return self.encoding.names

    def apply(self, m: Measurements) -> Features:
        """Return the features of raw measurements."""
        return self.encoding.apply(self.references.apply(self.scale.apply(m)))

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain JSON types."""
        return {step: asdict(getattr(self, step)) for step in ("scale", "references", "encoding")}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> FrozenTransform:
        """Rebuild from :meth:`to_dict`."""
        references = ReferenceNormalisation(**state["references"])
        encoding = FeatureEncoding(**state["encoding"])
        return cls(
            Log2Scale(**state["scale"]),
            replace(references, targets=tuple(references.targets), features=tuple(references.features)),
            replace(encoding, analytes=tuple(encoding.analytes), indicators=tuple(encoding.indicators)),
        )
