"""From cells with states to the numbers a tree sees."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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
        columns = []
        informative, gap, rare = (np.zeros(len(m), bool) for _ in range(3))
        for name in self.analytes:
            values, states = m.column(name)
            measured, lost = is_measured(states), is_censored(states)
            kept = lost & np.isfinite(values) & (self.censored != "missing" or name in self.at_limit)
            column, empty = np.where(measured | kept, values, np.nan), ~(measured | lost)
            if name in self.fills:
                column = np.where(empty, self.fills[name], column)
                gap |= empty
            rare |= lost & (name in self.at_limit)
            columns.append(column)
            informative |= measured | lost
        for name in self.indicators:
            _, states = m.column(name)
            measured, lost = is_measured(states), is_censored(states)
            otherwise = self.fills.get(f"{name}{ND}", np.nan)
            columns.append(np.where(lost, 1.0, np.where(measured, 0.0, otherwise)))
            informative |= measured | lost
        out = m.flagged(Reason.NOTHING_MEASURED, ~informative).flagged(Reason.NO_VALUE, gap & informative)
        out = out.flagged(Reason.RARELY_UNDETECTED, rare)
        values = np.stack(columns).T if columns else np.zeros((len(m), 0))
        return Features(self.names, values, out.flags)
