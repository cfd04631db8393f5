"""``exodx efficiency``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from exodx.cli.options import FILE, JSON, say
from exodx.errors import RUO


@click.command("efficiency")
@click.argument("export", type=FILE)
@JSON
def command(export: Path, as_json: bool) -> None:
    """Fit a standard curve to the dilution series of every target in a qPCR instrument's EXPORT.

    What is printed as efficiency goes into the panel: efficiency = 1.94 in the analyte's table.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.assay import curves_of_wells
    from exodx.tables.wells import read_wells

    wells = read_wells(export)
    for note in wells.notes:
        say(f"· {note}")
    curves = curves_of_wells(wells)
    if as_json:
        answer = {
            target: {"reason": curve} if isinstance(curve, str) else asdict(curve) | {"acceptable": curve.acceptable}
            for target, curve in curves.items()
        }
        click.echo(json.dumps({"curves": answer, "notice": RUO}, indent=1))
        return
    for target, curve in curves.items():
        if isinstance(curve, str):
            click.echo(f"{target}: no curve: {curve}")
            continue
        verdict = "" if curve.acceptable else "; outside 90 to 110 %: dilute anew, or look for inhibition"
        click.echo(
            f"{target}: efficiency {curve.efficiency:.3f} ({100 * (curve.efficiency - 1):.0f} %), "
            f"95 % CI {curve.interval.lower:.3f} to {curve.interval.upper:.3f}, slope {curve.slope:.3f}, "
            f"r² {curve.r2:.4f}, {curve.n} wells{verdict}"
        )
    click.echo(RUO)
