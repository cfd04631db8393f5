"""From cells with states to the numbers a tree sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exodx.frozen.measurements import Features, Measurements, Reason, is_censored, is_measured

ND = "__nd"
"""Suffix of a not-detected indicator feature."""


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
        ``missing``: a censored cell is NaN; ``limit``, ``conditional_mean``: it keeps what the scale put there.
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
            known = is_measured(states) | (is_censored(states) if self.censored != "missing" else False)
            columns.append(np.where(known, values, np.nan))
            informative |= is_measured(states) | is_censored(states)
        for name in self.indicators:
            _, states = m.column(name)
            columns.append(np.where(is_censored(states), 1.0, np.where(is_measured(states), 0.0, np.nan)))
            informative |= is_measured(states) | is_censored(states)
        out = m.flagged(Reason.NOTHING_MEASURED, ~informative)
        values = np.column_stack(columns) if columns else np.zeros((len(m), 0))
        return Features(self.names, values, out.flags)
