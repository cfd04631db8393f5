"""WORDS: what is measured (analytes, units, panels) and what was decided before outcomes were seen (the study plan)."""

from exodx.panel.analyte import Analyte
from exodx.panel.catalog import builtin_names, load_panel
from exodx.panel.columns import FRACTIONS, ColumnMatch, is_analyte_name, match_columns, unit_problem
from exodx.panel.declaration import read_toml
from exodx.panel.identity import infer_accessions, name_warnings, resolve_names
from exodx.panel.panel import Panel, parse_panel
from exodx.panel.plan import StudyPlan, load_plan, parse_plan
from exodx.panel.quality import QualityRule, default_rules, rules_of
from exodx.panel.units import MAX_CT, UNITS, Scale, read_unit, unit_factor

__all__ = [
    "FRACTIONS",
    "MAX_CT",
    "UNITS",
    "Analyte",
    "ColumnMatch",
    "Panel",
    "QualityRule",
    "Scale",
    "StudyPlan",
    "builtin_names",
    "default_rules",
    "infer_accessions",
    "is_analyte_name",
    "load_panel",
    "load_plan",
    "match_columns",
    "name_warnings",
    "parse_panel",
    "parse_plan",
    "read_toml",
    "read_unit",
    "resolve_names",
    "rules_of",
    "unit_factor",
    "unit_problem",
]
