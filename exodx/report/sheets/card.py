"""The model card: what a model is, for what, how good, for whom not; as data and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from exodx.errors import RUO
from exodx.markup import plain_markdown
from exodx.report.members import learned
from exodx.report.sheets.answers import CARD, CARD_KEYS, Answers
from exodx.report.sheets.material import Fact, StudyMaterial
from exodx.report.words import BLOCKED, SIMULATED, quoted

NEEDED = "author needed"

SECTIONS = MappingProxyType(
    {
        "Intended use": ("intended_use", "valid_for"),
        "Training data": (
            "specimens",
            "sites",
            "dates",
            "age_sex",
            "control_types",
            "reference_standard",
            "missing_cells",
            "fingerprints",
        ),
        "From measurement to feature": ("preprocessing", "missing_handling"),
        "The model": ("learning", "members", "restrictions", "output"),
        "How it was validated": ("partition", "site_handling", "later_subjects"),
        "Performance": ("headline", "discrimination", "accuracy", "utility", "benchmarks"),
        "Other sites": ("site_results",),
        "Subgroups": ("subgroups", "fairness"),
        "Calibration": ("calibration", "imbalance"),
        "Threshold": ("threshold", "threshold_origin", "indeterminate"),
        "What drives it": ("explanation", "explanation_stability", "missing_costs"),
        "Findings": ("findings",),
        "Limits": ("limits", "external_evidence"),
        "At use": ("at_use",),
        "Versions": ("software", "specification"),
    }
)
"""Sections of the card, and the facts they tell."""


def model_card(m: StudyMaterial, facts: Mapping[str, Fact], answers: Answers) -> dict[str, Any]:
    """Return the model card as plain JSON types: no specimen's row or id.

    Parameters
    ----------
    m : StudyMaterial
    facts : mapping of str to Fact
    answers : Answers
        ``licence``, ``contact`` … of the table ``model_card``.

    Returns
    -------
    dict
        ``sections``: list of ``{"section", "facts": [{"fact", "text", "source"}]}``; ``author``: what the author says, or
        ``author needed``; beside them identity, panel, headline, estimates, sites, subgroups, findings, provenance.
    """
    e, panel = m.evaluation, m.model.panel
    said = answers.of(CARD)
    return {
        "notice": RUO,
        "model_id": m.model_id,
        "model_hash": m.model_hash,
        "title": panel.title,
        "target_condition": m.model.provenance.positive_label,
        "intended_use": panel.intended_use,
        "synthetic": m.model.provenance.synthetic,
        "headline": asdict(e.headline) | {"blocked": any(f.severity == "blocking" for f in e.findings)},
        "panel": _panel(m),
        "estimates": [estimate.to_dict() for estimate in e.estimates],
        "sites": [asdict(site) for site in e.sites],
        "subgroups": [asdict(part) for part in e.subgroups],
        "calibrator": asdict(m.model.calibrator),
        "threshold": asdict(m.model.threshold) | {"id": m.model.threshold.id},
        "findings": [asdict(finding) for finding in e.findings],
        "members": [asdict(row) for row in learned(m.model.provenance.booster).members],
        "provenance": {key: value for key, value in asdict(m.model.provenance).items() if key != "booster"},
        "plan": {key: value for key, value in asdict(m.plan).items() if value is not None},
        "author": {key: said.get(key, NEEDED) for key in CARD_KEYS},
        "sections": [
            {"section": section, "facts": [{"fact": name} | asdict(facts[name]) for name in names if name in facts]}
            for section, names in SECTIONS.items()
        ],
    }


def _panel(m: StudyMaterial) -> dict[str, Any]:
    found = {f.feature: f.direction for f in m.evaluation.features}
    keys = ("name", "kind", "unit", "role", "fraction", "accession")
    analytes = [
        {key: getattr(a, key) for key in keys} | {"declared": a.direction, "found": found.get(a.name)}
        for a in m.model.panel.analytes
    ]
    fields = ("name", "version", "specimen_type", "isolation", "platform")
    return {key: getattr(m.model.panel, key) for key in fields} | {"analytes": analytes}


def card_markdown(card: Mapping[str, Any]) -> str:
    """Return a model card as Markdown; what users wrote is escaped."""
    head = quoted(*(card["headline"][key] for key in ("name", "value", "lower", "upper", "design")))
    lines = [
        f"# {plain_markdown(card['title'])}",
        "",
        f"**{RUO}**",
        "",
        f"Model `{card['model_id']}`. **{plain_markdown(head)}.**",
        "",
    ]
    lines += [f"**{BLOCKED}**", ""] if card["headline"]["blocked"] else []
    lines += [f"**{SIMULATED}**", ""] if card["synthetic"] else []
    for part in card["sections"]:
        told = [f"- {plain_markdown(fact['text'])}" for fact in part["facts"]] or [f"- {NEEDED}"]
        lines += [f"## {part['section']}", "", *told, ""]
        lines += _analytes(card["panel"]) if part["section"] == "Training data" else []
    lines += [
        "## From the author",
        "",
        *(f"- {key.replace('_', ' ')}: {plain_markdown(text)}" for key, text in card["author"].items()),
        "",
    ]
    return "\n".join([*lines, f"*{RUO}*", ""])


def _analytes(panel: Mapping[str, Any]) -> list[str]:
    rows = ["| Analyte | Unit | Role | Declared in cases | Higher values push |", "| --- | --- | --- | --- | --- |"]
    for a in panel["analytes"]:
        cells = (a["name"], a["unit"], a["role"].replace("_", " "), a["declared"] or "–", a["found"] or "–")
        rows.append(f"| {' | '.join(map(plain_markdown, cells))} |")
    return ["## Panel", "", *rows, ""]
