"""Immunoassay plates with standards: a module a family finds the wells; curves and concentrations are the same for all."""

from exodx.tables.plates.quantify import PlateCurve, fit_plates, quantify, read_off
from exodx.tables.plates.registry import plates_of_sheets, plates_of_text
from exodx.tables.plates.wells import PlateWells, Well

__all__ = ["PlateCurve", "PlateWells", "Well", "fit_plates", "plates_of_sheets", "plates_of_text", "quantify", "read_off"]
