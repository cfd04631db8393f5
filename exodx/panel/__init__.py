"""WORDS: what is measured (analytes, units, panels) and what was decided before outcomes were seen (the study plan)."""

from exodx.panel.analyte import Analyte
from exodx.panel.catalog import builtin_names, load_panel
from exodx.panel.declaration import read_toml
from exodx.panel.panel import Panel, parse_panel
from exodx.panel.plan import StudyPlan, parse_plan
from exodx.panel.units import MAX_CT, UNITS, Scale

__all__ = [
    "MAX_CT",
    "UNITS",
    "Analyte",
    "Panel",
    "Scale",
    "StudyPlan",
    "builtin_names",
    "load_panel",
    "parse_panel",
    "parse_plan",
    "read_toml",
]
