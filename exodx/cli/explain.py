"""``exodx explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from exodx.cli.options import (
    COHORT,
    FILE,
    MODEL,
    PSEUDONYMS,
    SPECIMENS,
    allow_options,
    conditions_of,
    open_model,
    pseudonym_key,
    say,
    stated_options,
    write_text,
)
from exodx.errors import InputRefused, Problem, nearest


@click.command("explain")
@COHORT
@MODEL
@click.option("--specimen", "wanted", required=True, help="Id of the specimen.")
@click.option("--specimen-column", help="Column of specimen ids.")
@SPECIMENS
@stated_options
@allow_options
@PSEUDONYMS
@click.option("-o", "--out", type=FILE, help="HTML file; stdout unless given.")
def command(
    cohort: Path,
    model: str,
    wanted: str,
    specimen_column: str | None,
    specimens: tuple[Path, ...],
    key_file: Path | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Write one specimen's page: its model call, probability, and what each feature contributed.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.frozen import MulticlassModel
    from exodx.report import class_specimen_page, specimen_page
    from exodx.scoring import Explain, read_specimens, score_specimens, under_pseudonyms
    from exodx.tables.reader import read_table

    key, conditions = pseudonym_key(key_file), conditions_of(options)
    frozen, model_hash = open_model(model)
    read = read_specimens(read_table(cohort), frozen, specimen_column, keep_going=True, conditions=conditions, joined=specimens)
    if wanted not in read.ids:
        fix = nearest(wanted, read.ids) if len(read.ids) <= 20 else "Check the id and the specimen column."
        raise InputRefused(Problem("SPECIMEN_UNKNOWN", str(cohort), f"no specimen {wanted!r}", fix))
    scores = under_pseudonyms(score_specimens(read, frozen, model_hash, Explain.ALL), key)
    row = read.ids.index(wanted)
    if isinstance(frozen, MulticlassModel):
        page = class_specimen_page(frozen, scores, read, row)
    else:
        page = specimen_page(frozen, scores, frozen.transform.apply(read.measurements), read.measurements, row)
    write_text(page, out, cohort)
    say(f"specimen {wanted}: {scores.prediction.call[row]}{'' if out is None else f' → {out}'}")
