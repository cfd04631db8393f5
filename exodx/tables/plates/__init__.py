"""Immunoassay plates with standards: a module a family finds the wells; curves and concentrations are the same for all.

``quantify`` fits the curves, with SciPy: whoever recognises plates alone does not load it.
"""

from exodx.tables.plates.registry import plates_of_sheets, plates_of_text
from exodx.tables.plates.wells import PlateWells, Well

__all__ = ["PlateWells", "Well", "plates_of_sheets", "plates_of_text"]
