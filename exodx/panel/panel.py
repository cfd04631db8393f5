"""A panel: the analytes measured together, on what specimens, for what use."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

from exodx.errors import InputRefused, Problem, nearest
from exodx.libraries.names import method_names
from exodx.panel.analyte import Analyte, Role, name_key
from exodx.panel.declaration import check_table
from exodx.panel.quality import QualityRule, parse_rules, rule_problems
from exodx.panel.shown import panel_html, panel_line
from exodx.panel.units import MAX_CT, UNITS, Scale

SpecimenType = Literal[
    "plasma", "serum", "urine", "csf", "saliva", "semen", "milk", "bile", "ascites", "amniotic fluid", "other", "unspecified"
]  # fmt: skip

CtNormalisation = Literal[
    "references", "genorm", "normfinder", "global_mean", "spike_in", "quantile", "log_ratios", "none"
]  # fmt: skip
AmountNormalisation = Literal["none", "per_particle", "per_ev_protein", "per_tetraspanin"]

LOADINGS: Mapping[str, Role] = MappingProxyType(
    {"per_particle": "particles", "per_ev_protein": "ev_protein", "per_tetraspanin": "tetraspanin"}
)
"""Amount normalisation → role of the analytes it divides by."""

MIN_PROFILE = 50
"""Fewer analytes make no global mean or distribution: on a small panel they carry the disease (10.1371/journal.pone.0136665)."""

MAX_RATIO_ANALYTES = 40
"""More analytes make too many pairs (780 of 40) for cohorts of this field."""

MIN_EFFICIENCY, MAX_EFFICIENCY = 1.9, 2.1
"""Amplification factors that are accepted: 90 to 110 % (MIQE, 10.1373/clinchem.2008.112797)."""

_TABLES = ("panel", "qc", "analyte")
USUAL = ("efficiency", 2.0)
"""Not worth saying of every analyte."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Panel:
    """The analytes measured together, on what specimens, for what use.

    Parameters
    ----------
    name, version, title : str
        Identity.
    analytes : tuple of Analyte
        In the order of the model's input.
    specimen_type, isolation, platform : str
        A model is valid for these and no other.
    intended_use, evidence : str
        Plain sentences shown to the reviewer.
    weakness : str, optional
        The weakest point of the evidence, in a sentence.
    prevalence : float, optional
        Prevalence where the test would be used; without it no PPV or NPV is reported.
    mirbase_release : str, optional
        The miRBase release that the names of miRNA columns come from; decides the names that changed their meaning.
    normalisation : str
        What is subtracted from every Ct target: the mean of the ``references``; of those among them that ``genorm`` or
        ``normfinder`` finds stable; the ``global_mean`` of the analytes that are always expressed; the ``spike_in`` analytes.
        Or ``quantile`` (to the training distribution), ``log_ratios`` (every pair of analytes; no reference), ``none``.
    count_normalisation : str
        What a library of reads is measured by: its size (``cpm``), or another of :func:`exodx.libraries.names.method_names`.
    amount_normalisation : str
        What concentrations and intensities are divided by: nothing (``none``, per volume), ``per_particle``,
        ``per_ev_protein`` or ``per_tetraspanin``: the analytes of that role.
    ct_cutoff : float
        A Ct above it counts as undetermined.
    censored : str
        What an undetermined or below-LOD cell becomes: ``missing`` (the tree's default branch), ``limit`` (the cut-off plus
        one cycle; LOD/√2) or ``conditional_mean`` (what a normal distribution fitted in training expects below the limit).
        In every case it also sets the indicator feature ``<analyte>__nd``.
    min_detection : float
        An analyte detected in a smaller share of the training specimens gives no number to the model, only its indicator.
    min_cpm : float
        Counts: an analyte gives a feature if it exceeds this in as many training specimens as the smaller class has.
    qc : tuple of QualityRule
        The panel's own quality rules, which take the place of the default rules of the same name.
    """

    name: str
    version: str
    title: str
    analytes: tuple[Analyte, ...]
    specimen_type: SpecimenType = "unspecified"
    isolation: str = "unspecified"
    platform: str = "unspecified"
    intended_use: str = "exploratory research"
    evidence: str = "exploratory"
    weakness: str | None = None
    prevalence: float | None = None
    mirbase_release: str | None = None
    normalisation: CtNormalisation = "references"
    count_normalisation: str = "cpm"
    amount_normalisation: AmountNormalisation = "none"
    ct_cutoff: float = 35.0
    censored: Literal["missing", "limit", "conditional_mean"] = "missing"
    min_detection: float = 0.5
    min_cpm: float = 1.0
    qc: tuple[QualityRule, ...] = ()

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise InputRefused(problems)

    def __repr__(self) -> str:
        return panel_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return panel_html(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all analytes, in input order."""
        return tuple(a.name for a in self.analytes)

    def with_role(self, role: str) -> tuple[Analyte, ...]:
        """Return the analytes of one role, in input order."""
        return tuple(a for a in self.analytes if a.role == role)

    def columns(self, headers: Iterable[str]) -> dict[str, list[str]]:
        """Match table headers to analytes by name or alias; several headers may claim one analyte."""
        keys = {name_key(alias): a.name for a in self.analytes for alias in (a.name, *a.aliases)}
        found: dict[str, list[str]] = {}
        for header in headers:
            if analyte := keys.get(name_key(header)):
                found.setdefault(analyte, []).append(header)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the TOML form (``panel``, ``qc`` and ``analyte`` tables), without keys left at None, empty or usual."""
        head = {k: v for k, v in asdict(self).items() if k not in ("analytes", "qc") and v is not None}
        analytes = [{k: v for k, v in asdict(a).items() if v not in (None, ()) and (k, v) != USUAL} for a in self.analytes]
        rules = {"qc": [rule.to_dict() for rule in self.qc]} if self.qc else {}
        return {"panel": head, **rules, "analyte": analytes}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the panel's content (64 hexadecimal digits)."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def _problems(panel: Panel) -> Iterable[Problem]:
    where = f"panel {panel.name}"
    if not NAME.fullmatch(panel.name):
        fix = "Use letters, digits, '.', '_' and '-': the name becomes a folder and a registry entry."
        yield Problem("NAME_INVALID", f"{where}.name", repr(panel.name), fix)
    if panel.prevalence is not None and not 0 < panel.prevalence < 1:
        yield Problem("VALUE_INVALID", f"{where}.prevalence", str(panel.prevalence), "Write a number between 0 and 1.")
    if not 0 < panel.ct_cutoff <= MAX_CT:
        yield Problem("VALUE_INVALID", f"{where}.ct_cutoff", str(panel.ct_cutoff), f"Write cycles between 0 and {MAX_CT:g}.")
    if not 0 <= panel.min_detection <= 1:
        yield Problem("VALUE_INVALID", f"{where}.min_detection", str(panel.min_detection), "Write a share between 0 and 1.")
    if not 0 <= panel.min_cpm < math.inf:
        yield Problem("VALUE_INVALID", f"{where}.min_cpm", str(panel.min_cpm), "Write counts per million, 0 or more.")
    if not panel.with_role("target"):
        yield Problem("NO_TARGET", where, "no analyte has the role 'target'", "Name at least one.")
    seen: dict[str, str] = {}
    for analyte in panel.analytes:
        at = f"{where}, analyte {analyte.name!r}"
        yield from _analyte_problems(analyte, at)
        for key in {name_key(alias) for alias in (analyte.name, *analyte.aliases)}:
            if key in seen:
                yield Problem("NAME_TWICE", at, f"the name is taken by {seen[key]!r}", "Name every analyte once.")
            seen[key] = analyte.name
    yield from _reference_problems(panel, where)
    yield from _normalisation_problems(panel, where)
    yield from _calibrator_problems(panel, where)
    yield from rule_problems(panel.qc, where)


def _analyte_problems(analyte: Analyte, at: str) -> Iterable[Problem]:
    if not analyte.name.strip() or analyte.name.endswith("__nd"):
        fix = "Give it a name that does not end in '__nd': not-detected indicators do."
        yield Problem("NAME_INVALID", at, "a feature cannot be called so", fix)
    if analyte.unit not in UNITS:
        yield Problem("UNIT_UNKNOWN", at, f"unit {analyte.unit!r}", nearest(analyte.unit, list(UNITS)))
    if analyte.lod is not None and not 0 < analyte.lod < math.inf:
        yield Problem("VALUE_INVALID", f"{at}, lod", str(analyte.lod), "Write a positive number, in the analyte's unit.")
    if not MIN_EFFICIENCY <= analyte.efficiency <= MAX_EFFICIENCY:
        fix = f"Write the amplification factor, {MIN_EFFICIENCY:g} to {MAX_EFFICIENCY:g} (90 to 110 %)."
        yield Problem("VALUE_INVALID", f"{at}, efficiency", str(analyte.efficiency), fix)
    if analyte.kind == "protein" and analyte.fraction is None:
        yield Problem("FRACTION_MISSING", at, "a protein without its fraction", "Say ev, soluble or total.")


def _reference_problems(panel: Panel, where: str) -> Iterable[Problem]:
    ct_targets = [a.name for a in panel.with_role("target") if UNITS.get(a.unit) is Scale.CT]
    references = panel.with_role("reference")
    needed = {"references": 1, "genorm": 3, "normfinder": 3}.get(panel.normalisation, 0)
    if ct_targets and len(references) < needed:
        fix = f"Name at least {needed} (role = 'reference'), or say normalisation = 'none'."
        found = f"{len(ct_targets)} Ct targets and {len(references) or 'no'} reference analyte{'s' if len(references) > 1 else ''}"
        yield Problem("NO_REFERENCE" if not references else "TOO_FEW_REFERENCES", where, found, fix)
    for analyte in references:
        if UNITS.get(analyte.unit) is not Scale.CT:
            fix = "References are subtracted from Ct targets: give their unit as Ct."
            yield Problem("REFERENCE_NOT_CT", f"{where}, analyte {analyte.name!r}", f"unit {analyte.unit!r}", fix)


def _calibrator_problems(panel: Panel, where: str) -> Iterable[Problem]:
    ct_names = {a.name for a in panel.analytes if UNITS.get(a.unit) is Scale.CT}
    for analyte in panel.analytes:
        if strangers := [name for name in analyte.corrects if name not in ct_names or analyte.role != "interplate"]:
            fix = "Name Ct analytes of the panel, in a calibrator (role = 'interplate')."
            yield Problem("CORRECTS_UNKNOWN", f"{where}, analyte {analyte.name!r}, corrects", ", ".join(strangers), fix)


def _normalisation_problems(panel: Panel, where: str) -> Iterable[Problem]:
    profile = [a for a in panel.analytes if a.role in ("target", "reference")]
    if panel.normalisation == "global_mean":
        profile = [a for a in profile if UNITS.get(a.unit) is Scale.CT]
    if panel.normalisation in ("global_mean", "quantile") and len(profile) < MIN_PROFILE:
        found = f"{panel.normalisation} of {len(profile)} analytes"
        yield Problem("PROFILE_SMALL", where, found, f"It needs {MIN_PROFILE}: name references, or use log_ratios.")
    if panel.normalisation == "quantile" and len({a.unit for a in profile}) > 1:
        yield Problem("UNITS_MIXED", where, "quantile over several units", "Give targets and references one unit.")
    if panel.normalisation == "spike_in" and not any(UNITS.get(a.unit) is Scale.CT for a in panel.with_role("spike_in")):
        yield Problem("NO_SPIKE_IN", where, "no Ct analyte has the role 'spike_in'", "Name at least one, or other references.")
    if panel.normalisation == "log_ratios" and not 2 <= len(profile) <= MAX_RATIO_ANALYTES:
        found, fix = f"pairs of {len(profile)} analytes", f"Pair 2 to {MAX_RATIO_ANALYTES} analytes."
        yield Problem("RATIOS_COUNT", where, found, fix)
    if panel.count_normalisation not in method_names():
        at, fix = f"{where}.count_normalisation", nearest(panel.count_normalisation, list(method_names()))
        yield Problem("VALUE_INVALID", at, repr(panel.count_normalisation), fix)
    role = LOADINGS.get(panel.amount_normalisation)
    loading = panel.with_role(role) if role is not None else ()
    if role is not None and not loading:
        fix = f"Name the column that says how much (role = {role!r})."
        yield Problem("NO_LOADING", where, f"{panel.amount_normalisation} and no analyte with role {role!r}", fix)
    for analyte in loading:
        if UNITS.get(analyte.unit) not in (Scale.LINEAR, Scale.NORMALISED):
            fix = "Give an amount, e.g. particles/mL."
            yield Problem("LOADING_NOT_AMOUNT", f"{where}, analyte {analyte.name!r}", f"unit {analyte.unit!r}", fix)


def parse_panel(document: Mapping[str, Any], where: str) -> Panel:
    """Build a panel from a parsed TOML document with a ``panel`` table, an ``analyte`` and perhaps a ``qc`` array.

    Raises
    ------
    InputRefused
        With every problem of the document: unknown keys (and the nearest valid one), wrong types, contradictions.
    """
    problems = [
        Problem("KEY_UNKNOWN", f"{where}: {key}", "this table is not known", nearest(key, list(_TABLES)))
        for key in document
        if key not in _TABLES
    ]
    tables, head, qc = document.get("analyte", []), document.get("panel", {}), document.get("qc", [])
    if not isinstance(head, Mapping) or not (_is_array(tables) and _is_array(qc)):
        fix = "Write one [panel] table and an [[analyte]] table for each; [[qc]] for each rule."
        raise InputRefused([*problems, Problem("TABLE_INVALID", where, "'panel', 'analyte' or 'qc' is not a table", fix)])
    rules, found = parse_rules(qc, where)
    problems += found
    analytes = []
    for i, table in enumerate(tables, start=1):
        values, found = check_table(Analyte, table, f"{where}: analyte {table.get('name', i)}")
        problems += found
        analytes += [] if found else [Analyte(**values)]
    for key, name in {"analytes": "analyte", "qc": "qc"}.items():
        if key in head:
            problems.append(Problem("KEY_UNKNOWN", f"{where}: panel.{key}", f"{key} stand here", f"Use [[{name}]] tables."))
    values, found = check_table(Panel, {**head, "analytes": [], "qc": []}, f"{where}: panel")
    problems += found
    if problems:
        raise InputRefused(problems)
    return Panel(**{**values, "analytes": tuple(analytes), "qc": rules})


def _is_array(tables: object) -> bool:
    return isinstance(tables, list) and all(isinstance(table, Mapping) for table in tables)
