"""Fluidigm (Standard BioTools) BioMark: Table Results, whose columns are named over two lines."""

from __future__ import annotations

from collections.abc import Sequence

from exodx.tables.instruments.wells import Columns, Family


def _locate(above: Sequence[str], header: Sequence[str]) -> Columns | None:
    """``Name`` stands over the specimen and over the assay; only the line above tells them apart."""
    names = list(zip(above, header, strict=False))
    if ("chamber", "id") not in names or ("sample", "name") not in names or ("ct", "value") not in names:
        return None
    assays = [i for i, (group, name) in enumerate(names) if name == "name" and group != "sample"]
    if len(assays) != 1:
        return None
    found = {"well": names.index(("chamber", "id")), "specimen": names.index(("sample", "name")), "analyte": assays[0]}
    found["ct"] = names.index(("ct", "value"))
    optional = {"task": ("sample", "type"), "call": ("ct", "call")}
    return found | {role: names.index(pair) for role, pair in optional.items() if pair in names}


FAMILY = Family("Fluidigm BioMark", _locate, no_ct={"999": "Undetermined", "999.0": "Undetermined"})
