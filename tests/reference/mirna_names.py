"""How exodx/panel/names/mirna.tsv was made. Not needed at run time, nor by the tests other than to compare.

    python tests/reference/mirna_names.py REFERENCE_FOLDER > exodx/panel/names/mirna.tsv

The facts (which accession bore which name in which miRBase release) come from the two checking tables of the project,
``hsa_mirna_name_map.csv`` and ``mirna_panel_accessions.csv``, which were computed from miRBase's releases 6 to 22. The checking
map is for checking and is not copied: what is kept is a selection, written down below, and closed so that no kept name can mean an
accession that was left out:

1. the panel miRNAs (all of ``mirna_panel_accessions.csv``);
2. every accession that one of the 18 ambiguous names ever meant;
3. the haemolysis signature and its ratio, candidate references, removed accessions and indistinguishable pairs that
   ``domain.md`` names, and those of the built-in panels;
4. the other arms of all of these: whoever measures miR-126-3p meets miR-126*;
5. whatever else bore a name of any of these, until nothing is added.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

SIGNATURE = (
    "106b-3p 140-3p 142-5p 532-5p 17-5p 19b-3p 30c-5p 324-5p 192-5p 660-5p 186-5p 425-5p 25-3p 363-3p 183-5p 451a 182-5p 191-5p "
    "194-5p 20b-5p 23a-3p 16-5p 21-5p 92a-3p 106a-5p 486-5p 144-3p"
)
REFERENCES = "103a-3p 423-5p 191-5p 16-5p 484 93-5p 24-3p 30e-5p 425-5p 320a-3p"
NAMED = (
    "27a-3p 29a-3p 29c-3p 101-3p 193b-3p 376c-3p 499b-3p 499b-5p 153-3p 203b-3p 34a-5p 34b-5p 34c-5p 31-5p 1229-3p 30a-5p 30b-5p"
)
REMOVED = "720 1274a 1274b 1308 1826 1280 1254 3656 4417 4532 1273a 1273c 1273d 1273e 1273f 1273g-3p 1273g-5p 1273h-3p 1273h-5p"
CATALOGUE = "96-5p 1226-3p 3615 450b-5p 328-3p 339-5p 543 1260b"
"""Reported of vesicles in the diseases of the built-in panels."""
PAIRS = ("199a-3p 199b-3p", "365a-3p 365b-3p", "517a-3p 517b-3p")

HEADER = """\
# Human mature miRNA names by accession, written for exodx by tests/reference/mirna_names.py, which says what was selected and why.
# The facts are miRBase's, releases 6 to 22, whose LICENSE puts it in the public domain. Kozomara A, Birgaoanu M,
# Griffiths-Jones S. miRBase: from microRNA sequences to function. Nucleic Acids Res 2019;47:D155. doi:10.1093/nar/gky1141
# name: in release 22, or the last it had. names: each with the releases it was valid in; nothing before release 6 is recorded.
# A span is from the first release to the last; a gap within it is not recorded.
# twins: accessions whose mature sequence is the same, as far as they are recorded here."""


def stem(name: str) -> str:
    """Return a name without its arm or star."""
    return re.sub(r"(-[35]p|\*)$", "", name)


def release(text: str) -> str:
    return text.removeprefix("v").replace("_", ".")


def last_names(rows: list[dict[str, str]]) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return the last release of every accession and its name there."""
    last: dict[str, tuple[tuple[int, ...], str]] = {}
    for row in rows:
        at = tuple(int(n) for n in release(row["last_release"]).split("."))
        last[row["mimat"]] = max(last.get(row["mimat"], ((0,), "")), (at, row["name"]))
    return last


def select(rows: list[dict[str, str]], panel: set[str]) -> set[str]:
    """Return the accessions to keep."""
    last = last_names(rows)
    by_last = {name: mimat for mimat, (_, name) in last.items()}
    wanted = f"{SIGNATURE} {REFERENCES} {NAMED} {CATALOGUE} {REMOVED} {' '.join(PAIRS)}".split()
    kept = panel | {row["mimat"] for row in rows if row["ambiguous"] == "True"} | {by_last[f"hsa-miR-{name}"] for name in wanted}
    stems = {stem(name) for mimat, (_, name) in last.items() if mimat in kept}
    kept |= {mimat for mimat, (_, name) in last.items() if stem(name) in stems}
    while True:
        names = {row["name"] for row in rows if row["mimat"] in kept}
        grown = kept | {row["mimat"] for row in rows if row["name"] in names}
        if grown == kept:
            return kept
        kept = grown


def table(folder: Path) -> str:
    """Return the text of the table."""
    with (folder / "hsa_mirna_name_map.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (folder / "mirna_panel_accessions.csv").open() as file:
        kept = select(rows, {row["mimat"] for row in csv.DictReader(file)})
    last = last_names(rows)
    lines = [HEADER, "accession\tname\tstate\tnames\ttwins"]
    current = {row["name_v22"]: row["mimat"] for row in rows}
    for mimat in sorted(kept):
        spans = [
            (release(row["first_release"]), release(row["last_release"]), row["name"].removeprefix("hsa-"))
            for row in rows
            if row["mimat"] == mimat
        ]
        spans.sort(key=lambda span: [int(n) for n in span[0].split(".")])
        now = next(row["name_v22"] for row in rows if row["mimat"] == mimat)
        state = "removed" if now == "(removed)" else "current"
        name = last[mimat][1].removeprefix("hsa-") if state == "removed" else now.removeprefix("hsa-")
        twins = [t for pair in PAIRS if name in {f"miR-{p}" for p in pair.split()} for t in pair.split() if f"miR-{t}" != name]
        names = "; ".join(f"{n} {first}..{end}" for first, end, n in spans)
        lines.append(f"{mimat}\t{name}\t{state}\t{names}\t{' '.join(current[f'hsa-miR-{t}'] for t in twins)}".rstrip("\t"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1])))
