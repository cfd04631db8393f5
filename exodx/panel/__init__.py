"""WORDS: what is measured (analytes, units, panels) and what was decided before outcomes were seen (the study plan)."""

from exodx.panel.analyte import Analyte
from exodx.panel.catalog import builtin_names, load_panel
from exodx.panel.declaration import read_toml
from exodx.panel.panel import Panel, parse_panel
from exodx.panel.plan import StudyPlan, parse_plan
from exodx.panel.quality import QualityRule, default_rules, rules_of
from exodx.panel.units import MAX_CT, UNITS, Scale

__all__ = [
    "MAX_CT",
    "UNITS",
    "Analyte",
    "Panel",
    "QualityRule",
    "Scale",
    "StudyPlan",
    "builtin_names",
    "default_rules",
    "load_panel",
    "parse_panel",
    "parse_plan",
    "read_toml",
    "rules_of",
]
