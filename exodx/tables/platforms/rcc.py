"""NanoString nCounter RCC: one file a lane, counts under ``<Code_Summary>``, the lane's quality under ``<Lane_Attributes>``."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from exodx.errors import InputRefused, Problem
from exodx.tables.decoding import decode
from exodx.tables.platforms.formats import TextFormat
from exodx.tables.table import TextTable

PLATFORM = "NanoString nCounter"
MEASURED = ("endogenous", "housekeeping")
"""Code classes that are analytes (``Endogenous1`` too); positive, negative, ligation and spike-in codes are columns beside them."""

MIN_FOV, DENSITY = 0.75, (0.1, 2.25)
"""Share of the fields of view that must be counted, and the binding densities that can be (nCounter MAX and FLEX)."""

_OPEN = re.compile(r"^<([A-Za-z_]+)>\s*$")
_FACTOR = re.compile(r"\|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?$")


@dataclass(frozen=True, slots=True)
class Code:
    """One counted code: its class, its name without correction factor, its accession, its count as written, its line."""

    kind: str
    name: str
    accession: str
    count: str
    line: int
    corrected: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """One RCC file: attributes by folded key (``sample.id``, ``lane.fovcount`` …) and the codes."""

    file: str
    attributes: Mapping[str, str]
    codes: tuple[Code, ...]


def is_rcc(text: str) -> bool:
    """Say whether a text begins as NanoString's files do."""
    return text.lstrip("\ufeff \t\r\n").startswith(("<Header>", "<Sample_Attributes>", "<Code_Summary>"))


def any_rcc(files: Mapping[str, bytes]) -> bool:
    """Say whether one of several files is an RCC."""
    return any(is_rcc(decode(name, content).text) for name, content in files.items())


def read_lane(source: str, text: str) -> Lane:
    """Read one RCC file, of any version and line end.

    Raises
    ------
    InputRefused
        ``NOT_AN_RCC`` for a GeoMx file, ``RCC_DAMAGED`` where the counts are missing, cut off, or a code stands there twice.
    """
    sections = _sections(text)
    if "scan_attributes" in sections or "ngs_processing_attributes" in sections:
        fix = "Give the counts that the GeoMx software exports."
        raise InputRefused(Problem("NOT_AN_RCC", source, "a GeoMx DCC file: its codes are no analytes", fix))
    lines, closed = sections.get("code_summary", ([], False))
    if not lines or not closed:
        found = "there is no <Code_Summary>" if not lines else "<Code_Summary> is not closed: the file is cut off"
        raise InputRefused(Problem("RCC_DAMAGED", source, found, "Copy the RCC file from the instrument again."))
    attributes: dict[str, str] = {}
    for section in ("header", "sample_attributes", "lane_attributes"):
        for _, line in sections.get(section, ([], True))[0]:
            key, _, value = line.partition(",")
            attributes.setdefault(f"{section.partition('_')[0]}.{key.strip().casefold()}", value.strip().strip('"'))
    return Lane(source, attributes, _codes(source, lines))


def _sections(text: str) -> dict[str, tuple[list[tuple[int, str]], bool]]:
    """Return the lines of each section with their numbers, and whether its end stands there."""
    found: dict[str, tuple[list[tuple[int, str]], bool]] = {}
    name = ""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        stripped = line.strip()
        if match := _OPEN.match(stripped):
            name = match.group(1).casefold()
            found[name] = ([], False)
        elif name and stripped.casefold() == f"</{name}>":
            found[name] = (found[name][0], True)
            name = ""
        elif name and stripped:
            found[name][0].append((number, line))
    return found


def _codes(source: str, lines: list[tuple[int, str]]) -> tuple[Code, ...]:
    rows = [(number, _cells(line)) for number, line in lines]
    at = {cell.casefold(): i for i, cell in enumerate(rows[0][1])}
    wanted = ("codeclass", "name", "count")
    if not set(wanted) <= set(at) or len(at) < len(rows[0][1]):
        found = f"<Code_Summary> has the columns {', '.join(rows[0][1])}"
        raise InputRefused(
            Problem("RCC_DAMAGED", f"{source}, line {rows[0][0]}", found, "It must name CodeClass, Name and Count, each once.")
        )
    codes, problems = [], []
    for number, row in rows[1:]:
        if len(row) != len(at) or not row[at["name"]]:
            found = f"{len(row)} cells where the header has {len(at)}, or no name"
            problems.append(Problem("RCC_DAMAGED", f"{source}, line {number}", found, "Copy the RCC file again."))
            continue
        name, accession = row[at["name"]], row[at["accession"]] if "accession" in at else ""
        plain = _FACTOR.sub("", name)
        codes.append(Code(row[at["codeclass"]], plain, accession, row[at["count"]], number, plain != name))
    for name, times in Counter(code.name for code in codes).items():
        if times > 1:
            places = ", ".join(str(code.line) for code in codes if code.name == name)
            problems.append(Problem("ANALYTE_TWICE", f"{source}, lines {places}", f"two codes are called {name!r}", "Keep one."))
    if problems or not codes:
        raise InputRefused(problems or [Problem("RCC_DAMAGED", source, "<Code_Summary> is empty", "Copy the RCC file again.")])
    return tuple(codes)


def _cells(line: str) -> list[str]:
    """Cut a line into cells; one that no cell can hold is left whole, and found too short."""
    try:
        return [cell.strip() for cell in next(csv.reader([line]), [])]
    except csv.Error:
        return [line]


def read_rcc(source: str, text: str, notes: list[str]) -> TextTable:
    """Make a table of one RCC file alone; see :func:`rcc_table`."""
    return lanes_table(source, [read_lane(source, text)], notes)


def rcc_table(source: str, files: Mapping[str, bytes], notes: list[str]) -> TextTable:
    """Make one table of several RCC files, a row a lane; other files are counted and left out.

    Raises
    ------
    InputRefused
        ``NO_RCC`` where there is none, ``CODESETS_DIFFER`` where lanes hold other codes, and what :func:`read_lane` refuses.
    """
    texts = {name: decode(name, content).text for name, content in files.items()}
    lanes: list[Lane] = []
    problems: list[Problem] = []
    for name, text in texts.items():
        try:
            lanes += [read_lane(name, text)] if is_rcc(text) else []
        except InputRefused as refused:
            problems += refused.problems
    if not lanes and not problems:
        fix = "Give one table file, or a folder or archive of RCC files."
        raise InputRefused(Problem("NO_RCC", source, "a folder or archive without a NanoString RCC file", fix))
    others = len(texts) - len(lanes)
    if problems:
        raise InputRefused(problems)
    return lanes_table(source, lanes, [*notes, *([f"{others} other files are not read"] if others else [])])


def lanes_table(source: str, lanes: list[Lane], notes: list[str]) -> TextTable:
    """Make a table of lanes, which must hold the same codes; see :func:`rcc_table`."""
    names = [code.name for code in lanes[0].codes]
    differing = [lane for lane in lanes if sorted(code.name for code in lane.codes) != sorted(names)]
    if differing:
        fix = "Read lanes of one code set (GeneRLF) at a time."
        first = f"those of {lanes[0].file} (code set {_code_set(lanes[0])})"
        found = {lane.file: f"its codes (code set {_code_set(lane)}) are not {first}" for lane in differing}
        raise InputRefused([Problem("CODESETS_DIFFER", file, why, fix) for file, why in found.items()])
    about = {"specimen_id": [lane.attributes.get("sample.id") or lane.attributes.get("sample.sampleid", "") for lane in lanes]}
    for column, key in _COLUMNS:
        cells = [lane.attributes.get(key, "") for lane in lanes]
        about |= {column: cells} if any(cells) else {}
    counts = [{code.name: code.count for code in lane.codes} for lane in lanes]
    columns = about | {name: [count[name] for count in counts] for name in names}
    measured = [code for code in lanes[0].codes if code.kind.casefold().startswith(MEASURED)]
    return TextTable(
        source,
        columns,
        [lane.file for lane in lanes],
        "lane",
        notes=(*notes, *_notes(lanes, measured)),
        analytes=tuple(code.name for code in measured),
        unit="count",
        platform=PLATFORM,
        accessions={code.name: code.accession for code in measured if code.accession},
    )


_COLUMNS = (
    ("plate", "lane.cartridgeid"),
    ("lane", "lane.id"),
    ("FovCount", "lane.fovcount"),
    ("FovCounted", "lane.fovcounted"),
    ("BindingDensity", "lane.bindingdensity"),
    ("GeneRLF", "sample.generlf"),
    ("run_date", "sample.date"),
    ("Comments", "sample.comments"),
)


def _code_set(lane: Lane) -> str:
    return repr(lane.attributes.get("sample.generlf", ""))


def _notes(lanes: list[Lane], measured: list[Code]) -> list[str]:
    kinds = Counter(code.kind for code in lanes[0].codes)
    notes = [f"{PLATFORM}: {len(lanes)} lanes × {len(lanes[0].codes)} codes ({', '.join(f'{n} {k}' for k, n in kinds.items())})"]
    notes.append(
        f"{len(measured)} endogenous and housekeeping codes are analytes; the counts are raw, and the controls are columns"
    )
    if corrected := sum(code.corrected for code in lanes[0].codes):
        notes.append(f"{corrected} names end in a background correction factor ('|0.009'): it is cut off and NOT applied")
    few = [lane.file for lane in lanes if (share := _fov_share(lane)) is not None and share < MIN_FOV]
    notes += [f"{len(few)} lanes counted fewer than {MIN_FOV:.0%} of their fields of view: {', '.join(few)}"] if few else []
    density = {lane.file: _number(lane.attributes.get("lane.bindingdensity", "")) for lane in lanes}
    odd = [file for file, d in density.items() if d is not None and not DENSITY[0] <= d <= DENSITY[1]]
    notes += [f"{len(odd)} lanes have a binding density outside {DENSITY[0]} to {DENSITY[1]}: {', '.join(odd)}"] if odd else []
    return notes


def _fov_share(lane: Lane) -> float | None:
    seen, counted = (_number(lane.attributes.get(f"lane.{key}", "")) for key in ("fovcount", "fovcounted"))
    return counted / seen if seen and counted is not None else None


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


FORMAT = TextFormat("NanoString RCC", is_rcc, read_rcc)
