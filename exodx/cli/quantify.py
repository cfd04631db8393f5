"""``exodx quantify``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import FILE, JSON, check_output, say, write_text
from exodx.errors import RUO

if TYPE_CHECKING:
    from exodx.tables.plates.quantify import PlateCurve
    from exodx.tables.table import TextTable


@click.command("quantify")
@click.argument("plate", type=FILE)
@click.option("--curve", type=click.Choice(["4PL", "5PL"]), default="4PL", show_default=True, help="5PL needs six standards.")
@click.option("-o", "--out", type=FILE, help="CSV file of the concentrations; stdout unless given (or --json).")
@JSON
def command(plate: Path, curve: str, out: Path | None, as_json: bool) -> None:
    """Read concentrations off an immunoassay plate's own standards, and show every curve with what its standards recover.

    PLATE is the export of a plate reader (SoftMax Pro, Gen5, xPONENT, Bio-Plex Manager, Discovery Workbench) or a table with the
    columns well, kind, specimen_id, analyte, concentration, signal, dilution. A cell is a number, <LLOQ or >ULOQ, all multiplied by
    the dilution.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.tables.plates.quantify import fit_plates, read_off
    from exodx.tables.wells import read_plates

    if out is not None:
        check_output(out, plate)
    plates = read_plates(plate)
    curves = fit_plates(plates, "5PL" if curve == "5PL" else "4PL")
    table = read_off(plates, curves)
    for note in table.notes:
        say(f"· {note}")
    if not as_json:
        say(_curves_text(curves, table.unit))
    if out is not None or not as_json:
        write_text(_csv(table), out, plate)
    if as_json:
        click.echo(json.dumps(_answer(table, curves), indent=1, ensure_ascii=False))


def _csv(table: TextTable) -> str:
    import csv
    import io

    from exodx.privacy.cells import guarded

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows([guarded(cell) for cell in row] for row in zip(*table.columns.values(), strict=True))
    return text.getvalue()


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _answer(table: TextTable, curves: Sequence[PlateCurve]) -> dict[str, Any]:
    rows = zip(*table.columns.values(), strict=True)
    return {
        "plate": table.source,
        "platform": table.platform,
        "unit": table.unit,
        "curves": [_curve_answer(curve) for curve in curves],
        "concentrations": [dict(zip(table.header, row, strict=True)) for row in rows],
        "notes": list(table.notes),
        "notice": RUO,
    }


def _curve_answer(curve: PlateCurve) -> dict[str, Any]:
    from dataclasses import asdict

    about: dict[str, Any] = {"plate": curve.plate, "analyte": curve.analyte}
    if curve.fit is None:
        return about | {"curve": None, "reason": "the vendor's concentrations are used"}
    fit = curve.fit
    levels = [{k: v if isinstance(v, (bool, int)) else _number(v) for k, v in asdict(level).items()} for level in fit.levels]
    return about | {
        "curve": None if fit.curve is None else asdict(fit.curve),
        "lloq": fit.lloq,
        "uloq": fit.uloq,
        "limit_of_blank_signal": fit.lob,
        "sigma": _number(fit.sigma),
        "wells": fit.n,
        "standards": levels,
        "left_out": list(fit.left_out),
        "untold": list(fit.untold),
        "reason": fit.reason,
    }


def _curves_text(curves: Sequence[PlateCurve], unit: str) -> str:
    lines: list[str] = []
    for curve in curves:
        lines += ["", f"plate {curve.plate}, {curve.analyte}"]
        fit = curve.fit
        if fit is None:
            lines.append("  the vendor's concentrations")
            continue
        if fit.curve is not None:
            c = fit.curve
            shape = f"  {c.model}: a {c.a:.5g}, b {c.b:.5g}, c {c.c:.5g}, d {c.d:.5g}"
            lines.append(shape + (f", g {c.g:.5g}" if c.model == "5PL" else ""))
            lines.append(f"  {'standard':>12} {'wells':>5} {'signal':>12} {'read':>12} {'recovery %':>10}")
        for level in fit.levels:
            read, recovery = ("–" if math.isnan(v) else f"{v:.5g}" for v in (level.read, level.recovery))
            beyond = "" if level.above_blank else "  within the blanks"
            lines.append(f"  {level.concentration:>12.6g} {level.n:>5} {level.signal:>12.5g} {read:>12} {recovery:>10}{beyond}")
        lines.append(f"  {fit.reason}" if fit.reason else f"  LLOQ {fit.lloq:.6g}, ULOQ {fit.uloq:.6g} {unit}".rstrip())
    return "\n".join([*lines, "", RUO])
