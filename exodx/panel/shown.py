"""What a panel shows of itself: one line, and a view in a notebook."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exodx.markup import card, table

if TYPE_CHECKING:
    from exodx.panel.panel import Panel


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
    )
    columns = ("analyte", "kind", "unit", "role", "fraction", "in cases", "accession")
    rows = [(a.name, a.kind, a.unit, a.role, a.fraction or "", a.direction or "", a.accession or "") for a in panel.analytes]
    return card(f"Panel {panel.name}, version {panel.version}", facts, table(columns, rows))


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
