"""``exodx card``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from exodx.cli.options import COHORT, FILE, check_output, say, write_text
from exodx.errors import Problem, UsageError


@click.command("card")
@COHORT
@click.option("--specimen", "wanted", required=True, help="Id of the specimen.")
@click.option("--key-file", required=True, type=FILE, help="Secret of the laboratory; the opaque id is keyed with it.")
@click.option("--panel", default="auto", show_default=True, help="Built-in panel, TOML file, or 'auto'.")
@click.option("--specimen-column", help="Column of specimen ids.")
@click.option("--specimens", type=FILE, help="A second table with specimen columns, joined by specimen id.")
@click.option("-o", "--out", type=FILE, help="JSON file; stdout unless given.")
@click.option("--qr", type=FILE, help="Also draw the QR code: .svg or .png (needs the extra 'card').")
def command(
    cohort: Path,
    wanted: str,
    key_file: Path,
    panel: str,
    specimen_column: str | None,
    specimens: Path | None,
    out: Path | None,
    qr: Path | None,
) -> None:
    """Write one specimen's card: what is known of it and its quality control, under an opaque id.

    The QR code holds the opaque id and the card's hash, nothing about a person.
    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.assay import LearnQuality
    from exodx.cohort import Intake, quality_report, read_cohort, specimen_card

    key = _key(key_file)
    columns = {} if specimen_column is None else {"specimen": specimen_column}
    data = read_cohort(cohort, Intake(panel, columns=columns, specimens=specimens))
    gate = LearnQuality(data.panel).fit(data.measurements).state_
    card = specimen_card(data, quality_report(data, gate), wanted, key)
    if qr is not None:
        check_output(qr, cohort)
        _draw(card["qr"], qr)
    write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", out, cohort)
    say(f"card {card['opaque_id'][:12]}…: quality control {card['content']['quality']['status']}")


def _key(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise UsageError(Problem("FILE_UNREADABLE", str(path), error.strerror or "unreadable", "Check the path.")) from None


def _draw(text: str, path: Path) -> None:
    try:
        import segno
    except ImportError:
        fix = "Install it: pip install 'exodx[card]'. The text of the code is on the card, under qr."
        raise UsageError(Problem("EXTRA_MISSING", "--qr", "the package segno is not installed", fix)) from None
    if path.suffix.casefold() not in (".svg", ".png"):
        raise UsageError(Problem("OUTPUT_UNWRITABLE", str(path), "not a .svg or .png file", "Choose another name."))
    try:
        segno.make(text, error="m", micro=False).save(str(path), scale=4)
    except OSError as error:
        raise UsageError(
            Problem("OUTPUT_UNWRITABLE", str(path), error.strerror or "not writable", "Choose another file.")
        ) from None
