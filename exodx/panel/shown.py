"""What a panel shows of itself: one line, and a view in a notebook."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from exodx.markup import card, table

if TYPE_CHECKING:
    from exodx.panel.panel import Panel

WIDTH = 100
"""Characters of a line on a terminal."""


def panel_line(panel: Panel) -> str:
    """Return a panel in one line."""
    roles = Counter(a.role for a in panel.analytes)
    counts = ", ".join(f"{n} {role.replace('_', '-')}{'s' if n > 1 and role != 'haemolysis' else ''}" for role, n in roles.items())
    return f"Panel({panel.name!r}, version {panel.version!r}: {counts}; {panel.specimen_type})"


def panel_html(panel: Panel) -> str:
    """Return a panel's identity, what it is valid for, how it is normalised, and its analytes."""
    facts = (
        ("title", panel.title),
        ("valid for", conditions_text(panel)),
        ("normalisation", ", ".join(_normalisation(panel))),
        ("intended use", panel.intended_use),
        ("prevalence of use", panel.prevalence),
        ("evidence", panel.evidence),
        ("weakest point", panel.weakness),
    )
    columns = ("analyte", "kind", "unit", "role", "fraction", "in cases", "accession")
    rows = [(a.name, a.kind, a.unit, a.role, a.fraction or "", a.direction or "", a.accession or "") for a in panel.analytes]
    return card(f"Panel {panel.name}, version {panel.version}", facts, table(columns, rows))


def panels_answer(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Return what a list of panels says of each, in plain JSON types."""
    return [
        {
            "name": p.name,
            "title": p.title,
            "specimen_type": p.specimen_type,
            "isolation": p.isolation,
            "platform": p.platform,
            "targets": [a.name for a in p.with_role("target")],
            "intended_use": p.intended_use,
            "weakness": p.weakness,
        }
        for p in panels
    ]


def panels_text(panels: Sequence[Panel]) -> str:
    """Return panels as a list for a terminal: name and title, then targets and conditions, then the weakest point."""
    wide = max((len(p.name) for p in panels), default=0)
    lines = []
    for p in panels:
        said = [f"{', '.join(a.name for a in p.with_role('target'))} · {conditions_text(p)}"]
        said += [f"weakest point: {p.weakness}"] if p.weakness else []
        lines.append(f"{p.name:{wide}}  {p.title}")
        lines += [line for text in said for line in _indented(text)]
    return "\n".join(lines)


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def conditions_text(panel: Panel) -> str:
    """Return fluid, isolation and platform, as far as they are specified."""
    said = [word for word in (panel.specimen_type, panel.isolation, panel.platform) if word != "unspecified"]
    return "; ".join(said) or "unspecified"


def _normalisation(panel: Panel) -> list[str]:
    """Name how each kind of number that the panel has is normalised."""
    scales = {str(a.scale) for a in panel.with_role("target")}
    kinds = (("ct", panel.normalisation), ("counts", panel.count_normalisation), ("linear", panel.amount_normalisation))
    known = [f"{name.replace('_', ' ')} ({scale})" for scale, name in kinds if scale in scales]
    return known or [panel.normalisation.replace("_", " ")]
