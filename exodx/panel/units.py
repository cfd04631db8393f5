"""The units a measurement may come in, and the scale each implies."""

from __future__ import annotations

from enum import StrEnum
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
