"""``exodx name``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from exodx.cli.options import FILE, JSON, say


@click.group("name")
def command() -> None:
    """Resolve names of miRNAs and proteins to accessions, and read miRBase's own files."""


@command.command("resolve")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.option("--release", metavar="N", help="miRBase release that the names come from, e.g. 16 or 9.2.")
@JSON
def resolve(names: tuple[str, ...], release: str | None, as_json: bool) -> None:
    """Print accession and current name, a line each; a set has its members joined by '/'.

    A name may be a mature miRNA of any release (miR-126*), a set (miR-199a/b-3p), an accession (MIMAT…, UniProt), or a
    protein's HGNC symbol or alias. All names are answered; those refused are reported together at the end, with exit code 3.
    """
    from exodx.errors import InputRefused
    from exodx.panel.names import Refusal, Resolution, look_up, parse_release, read_tables

    version = parse_release(release) if release is not None else None
    tables = read_tables()
    answers = [look_up(name, tables, version) for name in names]
    if as_json:
        click.echo(json.dumps({"answers": [_as_dict(answer) for answer in answers]}, indent=2, ensure_ascii=False))
    for answer in answers:
        if isinstance(answer, Resolution):
            for warning in answer.warnings:
                say(f"· {answer.asked}: {warning}")
            if not as_json:
                removed = " (removed)" if answer.removed else ""
                click.echo(f"{'/'.join(answer.accessions)}\t{'/'.join(answer.names)}{removed}")
    refused = [answer.problem for answer in answers if isinstance(answer, Refusal)]
    if refused:  # every one is told, however many are of a kind
        say("\n".join(["exodx: refused", *map(str, refused)]))
        raise click.exceptions.Exit(InputRefused.exit_code)


def _as_dict(answer: object) -> dict[str, object]:
    from dataclasses import asdict

    from exodx.panel.names import Refusal, Resolution

    if isinstance(answer, Refusal):
        problem = {"code": answer.problem.code, "found": answer.problem.found, "fix": answer.problem.fix}
        return {"asked": answer.asked, "refused": problem, "candidates": list(answer.candidates)}
    return asdict(answer) if isinstance(answer, Resolution) else {}


@command.command("import")
@click.option("--aliases", required=True, type=FILE, help="miRBase's aliases.txt, gzip-compressed or not.")
@click.option("--mature", required=True, type=FILE, help="miRBase's mature.fa, gzip-compressed or not.")
@click.option("--release", metavar="N", help="Release that mature.fa is of (22 unless given: the file does not say).")
def import_(aliases: Path, mature: Path, release: str | None) -> None:
    """Read miRBase's own names of all human miRNAs, for 'exodx name resolve' on this machine.

    Both files are downloaded by you from miRBase; exodx opens no connection. They are kept as one table in
    ~/.exodx/names (EXODX_HOME). Older releases of mature.fa may be imported beside the newest: then
    'resolve --release' decides their names too.
    """
    from exodx.panel.names import LATEST, import_mirbase

    path, imported = import_mirbase(aliases, mature, release)
    number = ".".join(str(n) for n in imported.release)
    say(f"Read {len(imported.names)} human miRNAs of release {number} and the names of {len(imported.aliases)}.")
    if imported.release < LATEST:
        say("Names that are current in release 22 are not among them: import that release too.")
    click.echo(path)
