"""A check for the terminal: the verdict, what speaks against it, then the tables; long lists are cut."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from types import MappingProxyType

import numpy as np

from exodx.errors import RUO
from exodx.evaluation.check import CohortCheck, Group, findings_by_code
from exodx.evaluation.check_tables import AnalyteRow, Spread
from exodx.evaluation.replicate_audits import replicate_lines

WIDTH = 98
MOST_OF_A_KIND, MOST_ANALYTES, MOST_SPECIMENS, MOST_GROUPS = 3, 40, 12, 12
NAME_WIDTH, MIN_NAME, UNIT_WIDTH, ROLE_WIDTH, CELL = 30, 12, 10, 10, 6
LARGE = 1e4
LONGEST, LONGEST_NOTE = 900, 300
STATES = MappingProxyType(
    {"below_lod": "<LOD", "undetermined": "undet", "not_run": "no run", "failed_qc": "failed", "above_loq": ">LOQ"}
)
"""States other than measured, and the head of their column."""

MEANT = MappingProxyType({"detection": "share of analytes detected"})
"""Quantities whose rule's name does not say what they are."""

CONTROLS_FIRST = ("reference", "spike_in", "interplate", "haemolysis")


def check_text(check: CohortCheck) -> str:
    """Return a check as text, at most about 100 columns wide."""
    blocks = [
        _head(check),
        list(_findings(check)),
        [f"  {line}" for line in replicate_lines(check.replicates)],
        list(_specimens(check)),
        list(_analytes(check)),
        list(_references(check)),
        list(_quality(check)),
        list(_not_ok(check)),
    ]
    return "\n".join([line for block in blocks if block for line in (*block, "")] + [RUO])


def rows_shown(rows: Sequence[AnalyteRow], most: int) -> list[AnalyteRow]:
    """Return every analyte in the panel's order, or, of too many, the controls and then those detected least."""
    if len(rows) <= most:
        return list(rows)
    worst = sorted(rows, key=lambda r: (r.role not in CONTROLS_FIRST, r.seen, r.analyte))
    return worst[:most]


def _head(check: CohortCheck) -> list[str]:
    panel = check.panel
    of = f", checked against the model {check.model}" if check.model else ""
    how = f"Ct by {panel.normalisation}, counts by {panel.count_normalisation}, amounts by {panel.amount_normalisation}"
    said = (
        f"Panel {panel.name} {panel.version} ({'inferred' if panel.inferred else 'given'}), {panel.targets} targets of "
        f"{len(check.analytes)} analytes; normalised: {how}; fingerprint {panel.fingerprint[:12]}; "
        f"names by the tables of miRBase {panel.mirbase}"
    )
    lines = [*_wrapped(check.verdict, "  "), *_wrapped(f"{check.cohort}: {_count(check)}{of}", "  ")]
    lines += ["SIMULATED specimens: no number here is evidence of performance."] if check.synthetic else []
    return [*lines, *_wrapped(said, "  ")]


def _count(check: CohortCheck) -> str:
    whose = f"{check.subjects} subjects" if check.subjects_stated else "subjects not stated"
    words = [f"{check.specimens} specimens ({whose})"]
    if check.positive is not None:
        words.append(f"{check.positive} positive ({check.positive_label!r}), {check.negative} negative")
    return ", ".join([*words, *(f"{n} {status}" for status, n in check.status.items())])


def _findings(check: CohortCheck) -> Iterator[str]:
    yield "FINDINGS"
    for (severity, code), found in findings_by_code(check.findings).items():
        for finding in found[:MOST_OF_A_KIND]:
            yield from _wrapped(
                f"{severity} [{code}] {_short(finding.message, LONGEST_NOTE if severity == 'note' else LONGEST)}", "    "
            )
        if (more := len(found) - MOST_OF_A_KIND) > 0:
            yield f"    … and {more} more of this kind (--json has all)"
    if not check.findings:
        yield "nothing to mind was found"


def _specimens(check: CohortCheck) -> Iterator[str]:
    yield "SPECIMENS"
    yield from _wrapped(" → ".join(_step(s.step, s.n, s.positive, s.negative) for s in check.quality.flow), "  ")
    for column in dict.fromkeys(g.column for g in check.groups):
        groups = [g for g in check.groups if g.column == column]
        shown = ", ".join(_group(g) for g in groups[:MOST_GROUPS])
        yield from _wrapped(f"{column}: {shown}{_more(len(groups) - MOST_GROUPS)}", "  ")
    yield from _wrapped(f"stated: {', '.join(check.manifest.stated) or 'nothing'}", "  ")
    yield from _wrapped(f"not stated: {', '.join(check.manifest.missing_required) or 'nothing that is required'}", "  ")


def _step(step: str, n: int, positive: int | None, negative: int | None) -> str:
    return f"{n} {step}" + ("" if positive is None else f" ({positive} + / {negative} −)")


def _group(group: Group) -> str:
    return f"{group.value}: {group.n}" + ("" if group.positive is None else f" ({group.positive} + / {group.negative} −)")


def _analytes(check: CohortCheck) -> Iterator[str]:
    rows = rows_shown(check.analytes, MOST_ANALYTES)
    shown = [state for state in STATES if any(getattr(r, state) for r in check.analytes)]
    heads = ["number", *(STATES[state] for state in shown), *(["found"] if check.positive is None else ["in +", "in −"])]
    room = WIDTH - len(_line("", 0, "", "", heads, "0.00e0 (0.00e0–0.00e0)"))
    width = min(max(MIN_NAME, room), max(len("analyte"), *(len(r.label) for r in rows)))
    yield "ANALYTES" + ("" if len(rows) == len(check.analytes) else f" ({_detection(check.analytes)})")
    yield _line("analyte", width, "unit", "role", heads, "median (quartiles)")
    for r in rows:
        shares = [r.detected] if check.positive is None else [r.detected_positive, r.detected_negative]
        cells = [str(r.measured), *(str(getattr(r, state)) for state in shown), *map(percent, shares)]
        yield _line(_cut(r.label, width), width, _cut(r.unit, UNIT_WIDTH), _cut(r.role, ROLE_WIDTH), cells, middle(r))
    if more := len(check.analytes) - len(rows):
        yield f"… and {more} more (--json has all; controls and the least detected are shown)"


def _line(name: str, width: int, unit: str, role: str, cells: Sequence[str], last: str) -> str:
    numbers = "".join(f" {cell:>{CELL}}" for cell in cells)
    return f"{name:<{width}} {unit:<{UNIT_WIDTH}} {role:<{ROLE_WIDTH}}{numbers}  {last}".rstrip()


def middle(row: AnalyteRow) -> str:
    """Return median and quartiles in the unit; empty where nothing was measured."""
    if row.median is None or row.lower is None or row.upper is None:
        return ""
    return f"{_compact(row.median)} ({_compact(row.lower)}, {_compact(row.upper)})"


def _compact(value: float) -> str:
    """Return a number in six characters or so.

    >>> [_compact(v) for v in (27.134, 0.0, -0.47, 1234567.0)]
    ['27.1', '0', '−0.47', '1.23e6']
    """
    text = f"{value:.2e}".replace("e+0", "e").replace("e+", "e") if abs(value) >= LARGE else f"{value:.3g}"
    return text.replace("-", "−")


def _detection(rows: Sequence[AnalyteRow]) -> str:
    shares = np.array([r.detected or 0.0 for r in rows])
    return f"{int((shares >= 0.8).sum())} of {len(rows)} detected in 80 % or more, {int((shares < 0.2).sum())} in under 20 %"


def _references(check: CohortCheck) -> Iterator[str]:
    if not check.references:
        return
    yield "REFERENCES"
    for r in check.references:
        kinds = {"haemolysis marker": r.haemolysis_marker, "disease marker": r.disease_marker, "small nuclear RNA": r.small_nuclear}
        also = ", ".join(kind for kind, so in kinds.items() if so)
        known = [f"{name} {value:.3f}" for name, value in (("geNorm M", r.m), ("NormFinder ρ", r.rho)) if value is not None]
        steady = ", ".join(known) or "too few candidates to tell how steady"
        said = f"{_cut(r.analyte, NAME_WIDTH)}: {steady}, measured in {r.measured}"
        yield from _wrapped(said + (f"; also {also}" if also else ""), "  ")
    yield from _wrapped(check.reference_note, "  ")


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _quality(check: CohortCheck) -> Iterator[str]:
    yield "QUALITY CONTROL"
    for spread in check.spreads:
        yield from _wrapped(f"{MEANT.get(spread.name, spread.name)}: {spread_sentence(spread)}", "  ")
    told = {name for spread in check.spreads for name in (spread.name, f"spike {spread.name}")}
    for rule in sorted({f.rule for f in check.quality.findings} - told):
        who = [f.specimen for f in check.quality.findings if f.rule == rule]
        said = f"{rule}: {len(who)} specimens: {', '.join(who[:MOST_SPECIMENS])}{_more(len(who) - MOST_SPECIMENS)}"
        yield from _wrapped(said, "  ")
    for plate in check.plates[:MOST_GROUPS]:
        yield f"{plate.plate}: {plate.n} specimens, level {_signed(plate.mean)} (SD {_number(plate.sd)}) off the cohort's median"
    if (more := len(check.plates) - MOST_GROUPS) > 0:
        yield f"… and {more} more plates (--json has all)"
    for rule, why in check.quality.not_applied.items():
        yield from _wrapped(f"{rule} not looked at: {why}", "  ")


def spread_sentence(spread: Spread) -> str:
    """Say how a quantity lies over the specimens, and how many are beyond its limits."""
    values = spread.all
    if not values.size:
        return "no specimen has a value"
    low, middle, high = np.percentile(values, (25, 50, 75))
    limits = [f"{n} {word} ({'/'.join(f'{x:g}' for x in limit)})" for n, word, limit in _beyond(spread) if limit]
    return f"median {middle:.4g} (quartiles {low:.4g}–{high:.4g}) of {values.size}; {', '.join(limits) or 'no limit'}"


def _beyond(spread: Spread) -> tuple[tuple[int, str, tuple[float, ...]], ...]:
    return (spread.flagged, "beyond the limit that flags", spread.flag), (
        spread.refused,
        "beyond the one that refuses",
        spread.refuse,
    )


def _not_ok(check: CohortCheck) -> Iterator[str]:
    if not check.not_ok:
        return
    yield "SPECIMENS NOT OK"
    alike: dict[tuple[str, str], list[str]] = {}
    for specimen in check.not_ok:
        alike.setdefault((specimen.status, specimen.reasons), []).append(specimen.specimen_id)
    ordered = sorted(alike.items(), key=lambda kind: (kind[0][0] == "WARN", -len(kind[1])))
    for (status, reasons), ids in ordered[:MOST_SPECIMENS]:
        who = f"{', '.join(ids[:MOST_SPECIMENS])}{_more(len(ids) - MOST_SPECIMENS)}"
        yield from _wrapped(f"{who}: {status} ({reasons})", "    ")
    if more := sum(len(ids) for _, ids in ordered[MOST_SPECIMENS:]):
        yield f"… and {more} more (--json has all)"


def _more(n: int) -> str:
    return f" … and {n} more (--json has all)" if n > 0 else ""


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.2f}".replace("-", "−")


def percent(share: float | None) -> str:
    """Return a share in per cent, an en dash for none."""
    return "–" if share is None else f"{100 * share:.0f} %"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _short(text: str, longest: int) -> str:
    """Cut a message between two of its items, and say where the rest is."""
    return text if len(text) <= longest else f"{re.split(r'[,;. ]+$', text[:longest].rpartition(' ')[0])[0]} … (--json has all)"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
