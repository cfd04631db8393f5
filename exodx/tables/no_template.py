"""No-template controls held against the specimens: where both amplify nearly alike, the specimen's Ct may be the reagents'."""

from __future__ import annotations

from collections import defaultdict

from exodx.tables.coded import counted
from exodx.tables.table import Remark, TextTable
from exodx.tables.tasks import MEASURES_SPECIMEN, NTC

CLOSE_CT = 3.0
"""A specimen within so many cycles of the no-template control cannot be told from contamination."""

_NAMED = 5


def close_to_control(wells: TextTable) -> tuple[list[Remark], list[str]]:
    """Return what a no-template control within three cycles of specimens means, and notes that name them.

    Parameters
    ----------
    wells : TextTable
        Every well of an export, as :func:`~exodx.tables.wells.read_wells` gives them.

    Returns
    -------
    remarks : list of Remark
        One a target; without specimens' ids, which stay out of reports.
    notes : list of str
    """
    if NTC not in counted(wells.columns["task"]):
        return [], []
    earliest: dict[tuple[str, str], float] = {}
    columns = (wells.columns[name] for name in ("analyte", "plate", "task", "specimen_id", "value"))
    rows = [(analyte, plate, task, who, ct) for analyte, plate, task, who, text in zip(*columns, strict=True) if (ct := _ct(text))]
    for analyte, plate, task, _, ct in rows:
        if task == NTC:
            earliest[analyte, plate] = min(ct, earliest.get((analyte, plate), ct))
    close: dict[str, dict[str, float]] = defaultdict(dict)
    for analyte, plate, task, who, ct in rows:
        limit = earliest.get((analyte, plate))
        if task in MEASURES_SPECIMEN and limit is not None and ct > limit - CLOSE_CT:
            close[analyte][who] = max(ct, close[analyte].get(who, ct))
    first = {analyte: min(ct for (name, _), ct in earliest.items() if name == analyte) for analyte in close}
    return [_remark(analyte, first[analyte], len(found)) for analyte, found in close.items()], list(map(_named, close.items()))


def _remark(analyte: str, control: float, n: int) -> Remark:
    message = (
        f"{analyte}: the no-template control amplifies at Ct {control:g}, and {n} specimen{'s' * (n > 1)} within {CLOSE_CT:g} "
        "cycles of it or later: that may be contamination or primer dimers. Find the cause, or lower the panel's ct_cutoff."
    )
    return Remark("ntc_close", message)


def _named(found: tuple[str, dict[str, float]]) -> str:
    analyte, specimens = found
    listed = ", ".join(f"{who} ({ct:g})" for who, ct in list(specimens.items())[:_NAMED])
    return f"near the no-template control of {analyte}: {listed}" + (
        f" … ({len(specimens)} in all)" if len(specimens) > _NAMED else ""
    )


def _ct(text: str) -> float | None:
    try:
        return float(text.replace(",", ".")) or None
    except ValueError:
        return None
