"""The fact table: everything that the program knows of a study and a sheet may ask for, by name, computed once.

To add a fact: write a function of :class:`~exodx.report.sheets.material.StudyMaterial` in the module it belongs to, name it in that
module's table, and name it in the TOML file of the sheet that asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from exodx.report.sheets.cohort_facts import COHORT_FACTS
from exodx.report.sheets.design_facts import DESIGN_FACTS
from exodx.report.sheets.material import Fact, StudyMaterial, Telling
from exodx.report.sheets.panel_facts import PANEL_FACTS
from exodx.report.sheets.result_facts import RESULT_FACTS

FACTS: Mapping[str, Telling] = MappingProxyType({**COHORT_FACTS, **PANEL_FACTS, **DESIGN_FACTS, **RESULT_FACTS})


def gather_facts(material: StudyMaterial) -> dict[str, Fact]:
    """Return every fact that is known of a study, by name."""
    told = {name: tell(material) for name, tell in FACTS.items()}
    return {name: fact for name, fact in told.items() if fact is not None}
