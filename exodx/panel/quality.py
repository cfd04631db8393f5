"""Quality rules as data: what is looked at, where it flags, where it refuses, and where the limit comes from."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from exodx.errors import Problem, nearest
from exodx.panel.declaration import check_table
from exodx.panel.units import Scale

if TYPE_CHECKING:
    from exodx.panel.panel import Panel

RuleKind = Literal["haemolysis_ct", "haemolysis_counts", "depth", "detection", "spike", "number", "words"]

_STRUCTURE = ("kind", "above", "inclusive", "column", "per", "applies_to")
_OWN_LIMITS: Mapping[str, tuple[str, ...]] = MappingProxyType({"spike": ("robust_sds",), "words": ("words", "refuse_words")})


@dataclass(frozen=True, slots=True)
class QualityRule:
    """One rule on a specimen.

    Parameters
    ----------
    name : str
        A panel's rule takes the place of the default rule of the same name.
    kind : str
        ``haemolysis_ct`` (Cq(miR-23a-3p) − Cq(miR-451a)), ``haemolysis_counts`` (20-miRNA signature), ``depth`` (reads),
        ``detection`` (share of the targets that ran), ``spike`` (distance from the training median, in Ct), or of a specimen
        column: ``number``, ``words``.
    flag, refuse : float, optional
        Limits; beyond ``flag`` the specimen is kept with a warning, beyond ``refuse`` it is neither learned from nor scored.
    above : bool
        Beyond means above the limit, or else below it.
    inclusive : bool
        The limit itself is beyond.
    robust_sds : float, optional
        Of a spike: also flagged beyond this many robust standard deviations (1.4826·MAD) of the training specimens.
    column : str, optional
        Specimen column of a ``number`` or ``words`` rule; :mod:`exodx.panel.manifest` knows its other spellings.
    per : str, optional
        Column that the number is divided by.
    words, refuse_words : tuple of str
        What the column must not say, to be flagged or refused.
    applies_to : tuple of str
        Scales; only for panels that measure on one of them. Empty: for every panel.
    source : str
        Where the limit comes from.
    off : bool
        The rule is switched off.
    """

    name: str
    kind: RuleKind
    flag: float | None = None
    refuse: float | None = None
    above: bool = True
    inclusive: bool = False
    robust_sds: float | None = None
    column: str | None = None
    per: str | None = None
    words: tuple[str, ...] = ()
    refuse_words: tuple[str, ...] = ()
    applies_to: tuple[str, ...] = ()
    source: str = "the panel's own"
    off: bool = False

    @property
    def is_of_specimen(self) -> bool:
        """Say whether it looks at a specimen column, not at measurements."""
        return self.kind in ("number", "words")

    def to_dict(self) -> dict[str, Any]:
        """Return its TOML form, without keys left at None."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items() if v is not None}


@dataclass(frozen=True, slots=True)
class HaemolysisMarkers:
    """The two assays of the Ct rule and the signature of the count rule; each a pair of name and accession."""

    numerator: tuple[str, str]
    denominator: tuple[str, str]
    signature: tuple[tuple[str, str], ...]


@cache
def default_rules() -> tuple[QualityRule, ...]:
    """Return the rules that come with exodx, each with its source.

    >>> [rule.name for rule in default_rules()][:3]
    ['haemolysis_ct', 'haemolysis_counts', 'a414']
    """
    return tuple(QualityRule(**check_table(QualityRule, table, "rule")[0]) for table in _document()["rule"])


@cache
def haemolysis_markers() -> HaemolysisMarkers:
    """Return which analytes tell of haemolysis."""
    table = _document()["haemolysis"]
    pairs = tuple((name, accession) for name, accession in table["signature"])
    return HaemolysisMarkers(tuple(table["numerator"]), tuple(table["denominator"]), pairs)


def rules_of(panel: Panel) -> tuple[QualityRule, ...]:
    """Return the rules of a panel: the defaults with the panel's own laid over them, without those that are off or do not apply."""
    rules = {rule.name: rule for rule in (*default_rules(), *panel.qc)}
    scales = {str(analyte.scale) for analyte in panel.analytes}
    return tuple(r for r in rules.values() if not r.off and (not r.applies_to or scales & set(r.applies_to)))


def parse_rules(tables: Sequence[Mapping[str, Any]], where: str) -> tuple[tuple[QualityRule, ...], list[Problem]]:
    """Build a panel's own rules from its ``[[qc]]`` tables.

    A table that bears a default rule's name need not say its kind, column and direction again; limits that it does not give
    are none. With ``off = true`` nothing else need be said.
    """
    defaults = {rule.name: rule.to_dict() for rule in default_rules()} if tables else {}
    rules, problems = [], []
    for i, table in enumerate(tables, start=1):
        at, known = f"{where}: qc {table.get('name', i)}", defaults.get(str(table.get("name")))
        if known is None and table.get("off") is True and "kind" not in table:
            problems.append(
                Problem(
                    "RULE_UNKNOWN", at, "there is no such rule to switch off", nearest(str(table.get("name", "")), list(defaults))
                )
            )
            continue
        base = known or {}
        inherited = base if table.get("off") is True else {key: base[key] for key in _STRUCTURE if key in base}
        values, found = check_table(QualityRule, {**inherited, **table}, at)
        problems += found
        rules += [] if found else [QualityRule(**values)]
    return tuple(rules), problems


def rule_problems(rules: Iterable[QualityRule], where: str) -> Iterable[Problem]:
    """Yield what is contradictory in a panel's rules."""
    seen: set[str] = set()
    for rule in rules:
        at = f"{where}, qc {rule.name!r}"
        if rule.name in seen:
            yield Problem("NAME_TWICE", at, "the name is taken", "Name every rule once.")
        seen.add(rule.name)
        yield from _limit_problems(rule, at)
        yield from _column_problems(rule, at)
        unknown = [scale for scale in rule.applies_to if scale not in list(Scale)]
        if unknown:
            yield Problem("VALUE_INVALID", f"{at}, applies_to", repr(unknown[0]), nearest(unknown[0], [str(s) for s in Scale]))


def _limit_problems(rule: QualityRule, at: str) -> Iterable[Problem]:
    limits = [x for x in (rule.flag, rule.refuse, rule.robust_sds) if x is not None]
    if any(not math.isfinite(x) for x in limits):
        yield Problem("VALUE_INVALID", at, "a limit that is no number", "Write a finite number.")
    elif rule.flag is not None and rule.refuse is not None and (rule.refuse < rule.flag) is rule.above and rule.refuse != rule.flag:
        fix = f"Refuse {'above' if rule.above else 'below'} what is flagged."
        yield Problem("VALUE_INVALID", at, f"refuses at {rule.refuse:g} and flags at {rule.flag:g}", fix)
    if not limits and rule.kind != "words" and not rule.off:
        yield Problem("LIMIT_MISSING", at, "a rule without a limit", "Give flag or refuse, or say off = true.")
    foreign = [
        key
        for kind, keys in _OWN_LIMITS.items()
        for key in keys
        if rule.kind != kind and getattr(rule, key) not in (None, ())
    ]  # fmt: skip
    if foreign or (rule.kind == "words" and limits):
        found = f"a rule of kind {rule.kind!r} with {', '.join(foreign or ['a numeric limit'])}"
        yield Problem("VALUE_INVALID", at, found, "Take it out.")


def _column_problems(rule: QualityRule, at: str) -> Iterable[Problem]:
    if rule.is_of_specimen and not rule.column:
        yield Problem("COLUMN_MISSING", at, "no column", "Name the specimen column it looks at.")
    if not rule.is_of_specimen and (rule.column or rule.per):
        yield Problem("VALUE_INVALID", at, f"a rule of kind {rule.kind!r} looks at no column", "Take column and per out.")
    if rule.kind == "words" and not (rule.words or rule.refuse_words) and not rule.off:
        yield Problem("LIMIT_MISSING", at, "no words", "Give words or refuse_words, or say off = true.")


def _document() -> dict[str, Any]:
    return tomllib.loads((resources.files("exodx.panel") / "quality.toml").read_text(encoding="utf-8"))
