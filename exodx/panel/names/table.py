"""The tables that names are looked up in: human mature miRNAs with their names by miRBase release, and proteins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources

from exodx.errors import InputRefused, Problem
from exodx.panel.names.spelling import mirna_key, protein_key

Release = tuple[int, ...]

LATEST: Release = (22,)
"""The newest release of the table that comes with exodx; 22.1 changed no name."""


@dataclass(frozen=True, slots=True)
class Span:
    """A name and the releases it was valid in; both ends are None where only the name is known (miRBase's ``aliases.txt``)."""

    name: str
    first: Release | None = None
    last: Release | None = None

    def holds(self, release: Release) -> bool:
        """Say whether the name is known to have been valid in a release."""
        return self.first is not None and self.last is not None and self.first <= release <= self.last

    def __str__(self) -> str:
        if self.first is None or self.last is None:
            return "release not recorded"
        first, last = release_text(self.first), release_text(self.last)
        return f"release {first}" if first == last else f"releases {first} to {last}"


@dataclass(frozen=True, slots=True)
class Mature:
    """One mature miRNA.

    Parameters
    ----------
    accession : str
        ``MIMAT…``; never changes, whatever the name does.
    name : str
        In the newest release known, with ``hsa-``; the last name it had when removed.
    removed : bool
        No longer in miRBase.
    spans : tuple of Span
        Every name it had, oldest first.
    twins : tuple of str
        Accessions with the same mature sequence.
    """

    accession: str
    name: str
    removed: bool
    spans: tuple[Span, ...]
    twins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Protein:
    """One protein: UniProt accession, HGNC symbol, names met in papers, and what to mind."""

    accession: str
    symbol: str
    aliases: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class NameTables:
    """What names are looked up in, indexed by the key of a spelling.

    Parameters
    ----------
    matures : mapping of str to Mature
        By accession.
    proteins : mapping of str to Protein
        By accession.
    """

    matures: Mapping[str, Mature]
    proteins: Mapping[str, Protein]
    mirna_index: Mapping[str, tuple[tuple[Mature, Span], ...]] = field(init=False, repr=False)
    protein_index: Mapping[str, tuple[Protein, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        mirnas: dict[str, list[tuple[Mature, Span]]] = {}
        for mature in self.matures.values():
            for span in mature.spans:
                mirnas.setdefault(mirna_key(span.name), []).append((mature, span))
        proteins: dict[str, dict[str, Protein]] = {}
        for protein in self.proteins.values():
            for name in (protein.symbol, *protein.aliases):
                proteins.setdefault(protein_key(name), {})[protein.accession] = protein
        object.__setattr__(self, "mirna_index", {key: tuple(found) for key, found in mirnas.items()})
        object.__setattr__(self, "protein_index", {key: tuple(found.values()) for key, found in proteins.items()})

    def with_matures(self, matures: Iterable[Mature]) -> NameTables:
        """Return tables in which these miRNAs stand, instead of those of the same accession."""
        return replace(self, matures={**self.matures, **{m.accession: m for m in matures}})


def parse_release(text: str, where: str = "--release") -> Release:
    """Return a miRBase release as numbers: ``9.2``, ``v9_2`` and ``22.1`` are understood.

    Raises
    ------
    InputRefused
        When it is no release of miRBase from 6 to 22.1.

    Examples
    --------
    >>> parse_release("v9_2")
    (9, 2)
    """
    match = re.fullmatch(r"[vr]?(\d{1,2})(?:[._](\d))?", text.strip(), re.IGNORECASE | re.ASCII)
    numbers = tuple(int(n) for n in match.groups() if n is not None) if match else ()
    if numbers[1:] == (0,) or numbers == (22, 1):
        numbers = numbers[:1]
    if not (6,) <= numbers <= LATEST:
        fix = "Write a number from 6 to 22, e.g. 16 or 9.2; names before release 6 are not recorded."
        raise InputRefused(Problem("RELEASE_UNKNOWN", where, f"{text!r} is no miRBase release", fix))
    return numbers


def release_text(release: Release) -> str:
    """Return a release as it is written.

    >>> release_text((9, 2))
    '9.2'
    """
    return ".".join(str(n) for n in release)


def builtin_tables() -> NameTables:
    """Load the two tables that come with exodx."""
    matures = [_mature(*row) for row in _rows("mirna.tsv", 5)]
    proteins = [_protein(*row) for row in _rows("protein.tsv", 4)]
    return NameTables({m.accession: m for m in matures}, {p.accession: p for p in proteins})


def _rows(file: str, width: int) -> list[list[str]]:
    text = (resources.files("exodx.panel.names") / file).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split("\t") + [""] * width)[:width] for line in lines[1:]]


def _mature(accession: str, name: str, state: str, names: str, twins: str) -> Mature:
    spans = []
    for item in names.split("; "):
        old, _, releases = item.rpartition(" ")
        first, last = (tuple(int(n) for n in end.split(".")) for end in releases.split(".."))
        spans.append(Span(f"hsa-{old}", first, last))
    return Mature(accession, f"hsa-{name}", state == "removed", tuple(spans), tuple(twins.split()))


def _protein(accession: str, symbol: str, aliases: str, note: str) -> Protein:
    return Protein(accession, symbol, tuple(filter(None, aliases.split("; "))), note)
