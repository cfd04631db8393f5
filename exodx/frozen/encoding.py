"""From cells with states to the numbers a tree sees."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.measurements import Features, Measurements, Reason, is_censored, is_measured

ND = "__nd"
"""Suffix of a not-detected indicator feature."""


@dataclass(frozen=True, slots=True)
class FeatureEncoding:
    """From cells with states to the numbers a tree sees.

    A gap that training hardly ever met would send every specimen down a branch that chance chose: there a number stands in, and
    the specimen is flagged. A gap that training met often enough stays a gap, whose branch was learned.

    Parameters
    ----------
    analytes : tuple of str
        Analytes that give a feature.
    indicators : tuple of str
        Analytes that also give ``<analyte>__nd``: 1 not detected, 0 measured, NaN not run.
    censored : str
        ``missing``: a censored cell is NaN; ``limit``, ``conditional_mean``: it keeps what the scale put there.
    at_limit : tuple of str
        Analytes that were hardly ever censored in training: their censored cells keep what the scale put there.
    fills : dict of str to float
        Features that hardly ever had a gap in training (an analyte not run, or failed), and their training medians.
    """

    analytes: tuple[str, ...]
    indicators: tuple[str, ...]
    censored: str
    at_limit: tuple[str, ...] = ()
    fills: dict[str, float] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names, in column order."""
        return (*self.analytes, *(f"{name}{ND}" for name in self.indicators))

    def apply(self, m: Measurements) -> Features:
        """Return the feature matrix."""
        values, states = _matrix(m, self.analytes)
        measured, lost = is_measured(states), is_censored(states)
        empty = ~(measured | lost)
        rare, given = lost, measured
        if lost.any():
            rare = lost & np.array([name in self.at_limit for name in self.analytes], bool)[:, None]
            given = measured | ((lost if self.censored != "missing" else rare) & np.isfinite(values))
        fills = np.array([self.fills.get(name, np.nan) for name in self.analytes])
        out = np.where(given, values, fills[:, None])
        if lost.any():
            out[lost & ~given] = np.nan
        gap = np.any(empty[~np.isnan(fills)], axis=0)
        informative = ~np.all(empty, axis=0)
        if self.indicators:
            _, states = _matrix(m, self.indicators)
            measured, lost = is_measured(states), is_censored(states)
            otherwise = np.array([self.fills.get(f"{name}{ND}", np.nan) for name in self.indicators])[:, None]
            out = np.concatenate([out, np.where(lost, 1.0, np.where(measured, 0.0, otherwise))])
            informative |= (measured | lost).any(axis=0)
        flagged = m.flagged(Reason.NOTHING_MEASURED, ~informative).flagged(Reason.NO_VALUE, gap & informative)
        return Features(self.names, out.T, flagged.flagged(Reason.RARELY_UNDETECTED, np.any(rare, axis=0)).flags)


def _matrix(m: Measurements, names: tuple[str, ...]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return values and states with an analyte a row, shape (k, n)."""
    if names == m.names:
        return m.values.T, m.states.T
    places = [m.names.index(name) for name in names]
    return m.values.T[places], m.states.T[places]
