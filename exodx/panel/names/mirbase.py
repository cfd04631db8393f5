"""miRBase's own files, supplied by the user: ``aliases.txt`` and ``mature.fa`` become a table of the user's. No network."""

from __future__ import annotations

import gzip
import json
import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exodx.errors import InputRefused, Problem
from exodx.panel.names.spelling import mirna_key
from exodx.panel.names.table import LATEST, Mature, NameTables, Release, Span, builtin_tables, parse_release, release_text

FORMAT = 1
LARGEST = 200_000_000
"""Bytes, unpacked: ten times miRBase's largest file."""

_ACCESSION = re.compile(r"MIMAT\d{7}", re.ASCII)
_HEADER = re.compile(r">(?P<name>hsa-\S+)\s+(?P<accession>MIMAT\d{7})\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Imported:
    """One release as read from the user's files; human miRNAs only.

    Parameters
    ----------
    release : tuple of int
        That ``mature.fa`` is of.
    names : mapping
        Accession → name in that release.
    aliases : mapping
        Accession → every name it ever had, oldest first.
    twins : tuple of tuple of str
        Accessions with the same mature sequence.
    """

    release: Release
    names: Mapping[str, str]
    aliases: Mapping[str, tuple[str, ...]]
    twins: tuple[tuple[str, ...], ...]


def import_mirbase(aliases: Path, mature: Path, release: str | None = None) -> tuple[Path, Imported]:
    """Read miRBase's files and keep their names in the user's folder; what was kept of the same release is replaced.

    Parameters
    ----------
    aliases, mature : Path
        ``aliases.txt`` and ``mature.fa``, gzip-compressed or not.
    release : str, optional
        That ``mature.fa`` is of; 22 unless given. The file itself does not say.

    Returns
    -------
    path : Path
        The table written.
    imported : Imported
        What was read.

    Raises
    ------
    InputRefused
        With every line that cannot be read, or when a file holds no human miRNA.
    """
    problems: list[Problem] = []
    version = parse_release(release) if release is not None else LATEST
    names, twins = _read_mature(mature, problems)
    known = _read_aliases(aliases, problems)
    if problems:
        raise InputRefused(problems)
    imported = Imported(version, names, known, twins)
    path = names_folder() / f"mirbase-{release_text(version)}.json"
    _write(path, {"format": FORMAT, "release": release_text(version), "names": names, "aliases": known, "twins": twins})
    return path, imported


def names_folder() -> Path:
    """Return the folder of imported tables: ``$EXODX_HOME/names`` (``~/.exodx`` unless set)."""
    return Path(os.environ.get("EXODX_HOME") or Path.home() / ".exodx").absolute() / "names"


def read_tables() -> NameTables:
    """Return the tables that come with exodx, with what the user imported laid over them.

    Raises
    ------
    InputRefused
        When an imported table was damaged.
    """
    tables = builtin_tables()
    folder = names_folder()
    kept = [_load(path) for path in sorted(folder.glob("mirbase-*.json"))] if folder.is_dir() else []
    return merge(tables, kept)


def merge(tables: NameTables, kept: list[Imported]) -> NameTables:
    """Lay imported releases over tables, the newest last; an accession that the newest release lacks counts as removed."""
    newest = max((k.release for k in kept), default=(0,))
    matures = dict(tables.matures)
    for one in sorted(kept, key=lambda k: k.release):
        twins = {accession: tuple(a for a in group if a != accession) for group in one.twins for accession in group}
        for accession in sorted({*one.names, *one.aliases}):
            old = matures.get(accession)
            matures[accession] = _merged(accession, old, accession in tables.matures, one, twins.get(accession, ()), newest)
    if newest >= LATEST:
        present = next(k.names for k in kept if k.release == newest)
        matures = {a: m if m.removed or a in present else _without(m) for a, m in matures.items()}
    return tables.with_matures(matures.values())


def _without(mature: Mature) -> Mature:
    return Mature(mature.accession, mature.name, True, mature.spans, mature.twins)


def _merged(accession: str, old: Mature | None, shipped: bool, one: Imported, twins: tuple[str, ...], newest: Release) -> Mature:
    """Return one miRNA with an import's names added to what was known."""
    spans = list(old.spans) if old else []
    current = one.names.get(accession)
    if current and not any(s.holds(one.release) and mirna_key(s.name) == mirna_key(current) for s in spans):
        spans.append(Span(current, one.release, one.release))
    known = {mirna_key(s.name) for s in spans}
    spans = [Span(name) for name in one.aliases.get(accession, ()) if mirna_key(name) not in known] + spans
    if old is None or (current is not None and (one.release >= LATEST or not shipped)):
        name, removed = current or one.aliases[accession][-1], current is None or one.release < newest
    else:
        name, removed = old.name, old.removed
    joined = tuple(dict.fromkeys((*(old.twins if old else ()), *twins)))
    return Mature(accession, name, removed, tuple(spans), joined)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        content = path.read_bytes() if path.stat().st_size <= LARGEST else b""
        if content[:2] == b"\x1f\x8b":
            with gzip.open(path) as file:
                content = file.read(LARGEST + 1)
        if not content or len(content) > LARGEST:
            raise InputRefused(Problem("FILE_UNREADABLE", str(path), "empty, or far larger than miRBase's", "Check the file."))
        text = content.decode("utf-8")
    except OSError as error:
        raise InputRefused(Problem("FILE_UNREADABLE", str(path), error.strerror or str(error), "Check the path.")) from None
    except (EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputRefused(Problem("FILE_UNREADABLE", str(path), str(error), "Download it from miRBase again.")) from None
    yield from enumerate(text.splitlines(), start=1)


def _read_mature(path: Path, problems: list[Problem]) -> tuple[dict[str, str], tuple[tuple[str, ...], ...]]:
    """Return names by accession and the groups of accessions with one sequence, of the human entries of ``mature.fa``."""
    names: dict[str, str] = {}
    sequences: dict[str, str] = {}
    accession = ""
    fix = "Give miRBase's mature.fa: '>hsa-miR-126-3p MIMAT0000445 Homo sapiens miR-126-3p' and the sequence."
    for number, line in _lines(path):
        if line.startswith(">"):
            header = _HEADER.match(line)
            accession = header["accession"] if header else ""
            if header and names.setdefault(accession, header["name"]) != header["name"]:
                problems.append(Problem("ACCESSION_TWICE", f"{path}, line {number}", f"{accession} has two names", fix))
            elif line.startswith(">hsa-") and not header:
                problems.append(Problem("MATURE_INVALID", f"{path}, line {number}", f"{line[:60]!r} has no MIMAT accession", fix))
        elif accession:
            sequences[accession] = sequences.get(accession, "") + line.strip().upper().replace("T", "U")
    if not names and not problems:
        problems.append(Problem("NO_HUMAN_MIRNA", str(path), "no '>hsa-…' entry with a MIMAT accession", fix))
    groups: dict[str, list[str]] = {}
    for key, sequence in sequences.items():
        groups.setdefault(sequence, []).append(key)
    return names, tuple(tuple(group) for sequence, group in groups.items() if sequence and len(group) > 1)


def _read_aliases(path: Path, problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    """Return every name by accession, of the human mature entries of ``aliases.txt``."""
    aliases: dict[str, tuple[str, ...]] = {}
    fix = "Give miRBase's aliases.txt: an accession, a tab, names with a semicolon after each."
    for number, line in _lines(path):
        accession, tab, rest = line.partition("\t")
        names = tuple(name.strip() for name in rest.split(";") if name.strip())
        if line.strip() and (not tab or not re.fullmatch(r"MI(?:MAT)?\d{7}", accession)):
            problems.append(Problem("ALIASES_INVALID", f"{path}, line {number}", repr(line[:60]), fix))
        elif names and _ACCESSION.fullmatch(accession) and all(name.startswith("hsa-") for name in names):
            aliases[accession] = names
    if not aliases and not problems:
        problems.append(Problem("NO_HUMAN_MIRNA", str(path), "no MIMAT accession with hsa- names", fix))
    return aliases


def _write(path: Path, table: Mapping[str, Any]) -> None:
    """Write a table whole or not at all, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as file:
        json.dump(table, file)
    Path(file.name).replace(path)


def _load(path: Path) -> Imported:
    fix = "Delete it and run exodx name import again."
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["format"] != FORMAT:
            raise InputRefused(Problem("NAMES_FORMAT", str(path), f"format {table['format']!r} is not known", fix))
        aliases = {str(a): tuple(str(n) for n in names) for a, names in table["aliases"].items()}
        names = {str(a): str(n) for a, n in table["names"].items()}
        twins = tuple(tuple(str(a) for a in group) for group in table["twins"])
        return Imported(parse_release(table["release"], str(path)), names, aliases, twins)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputRefused(Problem("NAMES_DAMAGED", str(path), f"not a table that exodx wrote ({error})", fix)) from None
