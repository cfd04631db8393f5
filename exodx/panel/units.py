"""The units a measurement may come in, and the scale each implies."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType


class Scale(StrEnum):
    """How numbers of a unit behave, hence how they become log2 quantities."""

    CT = "ct"
    """Threshold cycles: lower means more; one cycle is one log2 step at full efficiency."""
    COUNTS = "counts"
    """Sequencing reads: integers, relative to the library."""
    CPM = "cpm"
    """Counts already brought to a million reads; a zero is a small number, not a missing one."""
    LINEAR = "linear"
    """Concentrations and intensities: proportional to the amount."""
    NORMALISED = "normalised"
    """Already on a log or standard scale: passed through."""


MAX_CT = 50.0
"""No thermocycler runs longer."""

UNITS = MappingProxyType(
    {
        "Ct": Scale.CT,
        "count": Scale.COUNTS,
        "pg/mL": Scale.LINEAR,
        "ng/mL": Scale.LINEAR,
        "ug/mL": Scale.LINEAR,
        "pg/1e9 particles": Scale.LINEAR,
        "pg/ug EV protein": Scale.LINEAR,
        "pg/mL plasma equivalent": Scale.LINEAR,
        "U/mL": Scale.LINEAR,
        "particles/mL": Scale.LINEAR,
        "MFI": Scale.LINEAR,
        "percent positive": Scale.LINEAR,
        "intensity": Scale.LINEAR,
        "CPM": Scale.CPM,
        "NPX": Scale.NORMALISED,
        "log2": Scale.NORMALISED,
        "ln": Scale.NORMALISED,
        "log10": Scale.NORMALISED,
        "log2 CPM": Scale.NORMALISED,
        "minus delta Ct": Scale.NORMALISED,
        "z-score": Scale.NORMALISED,
        "normalised": Scale.NORMALISED,
    }
)
"""Unit → scale. Units are spelt one way; another spelling is refused with the nearest of these."""

_SPELT = MappingProxyType(
    {
        "cq": "Ct",
        "cp": "Ct",
        "counts": "count",
        "reads": "count",
        "readcount": "count",
        "%positive": "percent positive",
        "particles/ml": "particles/mL",
        "zscore": "z-score",
        "log2cpm": "log2 CPM",
        "normalized": "normalised",
    }
)
"""Other spellings of units that are no concentration, without case and blanks."""

_MASS = MappingProxyType({"fg": -15, "pg": -12, "ng": -9, "ug": -6, "mcg": -6, "mg": -3, "g": 0})
_VOLUME = MappingProxyType({"ul": -6, "ml": -3, "dl": -1, "l": 0})
_CONCENTRATION = r"(?P<mass>fg|pg|ng|ug|mcg|mg|g)(?:/|per)(?P<volume>ul|ml|dl|l)"


@lru_cache(1 << 10)
def read_unit(text: str) -> str | None:
    """Return the unit that a text says, as :data:`UNITS` spells it; None when it says none.

    A concentration that is not among them (``pg/dL``) is returned without blanks: it is a unit, though no panel's.

    >>> [read_unit(t) for t in ("pg / ml", "ng/L", "pg/dL", "Cq", "soluble")]
    ['pg/mL', 'pg/mL', 'pg/dl', 'Ct', None]
    """
    key = _folded(text)
    named = {_folded(unit): unit for unit in UNITS} | dict(_SPELT)
    if key in named:
        return named[key]
    power = _power(key)
    if power is None:
        return None
    return next((unit for unit in UNITS if _power(_folded(unit)) == power), key)


def unit_factor(found: str, expected: str) -> float | None:
    """Return how many of ``expected`` one of ``found`` is; None where neither can be had from the other.

    >>> unit_factor("ng/mL", "pg/mL"), unit_factor("pg/dL", "pg/mL"), unit_factor("NPX", "pg/mL")
    (1000.0, 0.01, None)
    """
    powers = _power(_folded(found)), _power(_folded(expected))
    if powers[0] is None or powers[1] is None:
        return None
    step = powers[0] - powers[1]
    return float(10**step) if step >= 0 else 1.0 / 10**-step


def _power(key: str) -> int | None:
    """Grams per litre, as a power of ten, of a concentration."""
    match = re.fullmatch(_CONCENTRATION, key)
    return _MASS[match["mass"]] - _VOLUME[match["volume"]] if match else None


def _folded(text: str) -> str:
    return "".join(text.casefold().replace("\u00b5", "u").replace("\u03bc", "u").split())
