"""The rules of the gate as data: limits, what each asks, what to do, where it comes from."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from exodx.errors import InputRefused, Problem, nearest
from exodx.panel import read_toml
from exodx.panel.declaration import check_table

OVERRIDABLE = ("at_least", "at_most", "off")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Parameters
    ----------
    name : str
    asks : str
        What is looked at.
    at_least, at_most : float, optional
        Limits, inclusive.
    fix : str
        What to do where it is not met.
    source : str
        Where it comes from.
    off : bool
        It is not asked.
    """

    name: str
    asks: str
    fix: str
    source: str
    at_least: float | None = None
    at_most: float | None = None
    off: bool = False

    @property
    def limit(self) -> str:
        """The limits in words."""
        parts = [("at least", self.at_least), ("at most", self.at_most)]
        return ", ".join(f"{word} {value:g}" for word, value in parts if value is not None)

    def holds(self, value: float) -> bool:
        """Say whether a value is within the limits."""
        low, high = -math.inf if self.at_least is None else self.at_least, math.inf if self.at_most is None else self.at_most
        return low <= value <= high


def read_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """Return the rules that come with exodx, with those of a file laid over them.

    Parameters
    ----------
    path : Path, optional
        TOML: a table by the name of each rule to change, with ``at_least``, ``at_most`` or ``off``.

    Raises
    ------
    InputRefused
        With all that is wrong with the file.
    """
    defaults: dict[str, Any] = tomllib.loads((resources.files("exodx.tracking.review") / "rules.toml").read_text("utf-8"))
    own = {} if path is None else read_toml(path)
    problems = list(_override_problems(own, defaults, str(path)))
    rules = []
    for name, table in defaults.items():
        laid = {"name": name, **table, **(own[name] if isinstance(own.get(name), dict) else {})}
        values, found = check_table(Rule, laid, f"{path or 'rules.toml'}: {name}")
        problems += [p for p in found if p.code != "KEY_UNKNOWN"]  # unknown keys are told above, with those that may be given
        if not found:
            rules.append(Rule(**values))
            problems += _limit_problems(rules[-1], str(path))
    if problems:
        raise InputRefused(problems)
    return tuple(rules)


def rules_hash(rules: tuple[Rule, ...]) -> str:
    """Return the SHA-256 of the rules in force."""
    return hashlib.sha256(json.dumps([asdict(rule) for rule in rules], sort_keys=True).encode()).hexdigest()


def _override_problems(own: Mapping[str, Any], defaults: Mapping[str, Any], where: str) -> Iterator[Problem]:
    for name, table in own.items():
        if name not in defaults:
            yield Problem("RULE_UNKNOWN", f"{where}: {name}", "there is no such rule", nearest(name, list(defaults)))
        elif not isinstance(table, dict):
            yield Problem("VALUE_INVALID", f"{where}: {name}", repr(table), f"Write a table: [{name}].")
        else:
            for key in table:
                if key not in OVERRIDABLE:
                    yield Problem("KEY_UNKNOWN", f"{where}: {name}.{key}", "this key cannot be changed", nearest(key, OVERRIDABLE))


def _limit_problems(rule: Rule, where: str) -> Iterator[Problem]:
    limits = [limit for limit in (rule.at_least, rule.at_most) if limit is not None]
    if not all(math.isfinite(limit) for limit in limits):
        yield Problem("VALUE_INVALID", f"{where}: {rule.name}", "a limit that is no number", "Write a finite number.")
    elif sorted(limits) != limits:
        yield Problem("VALUE_INVALID", f"{where}: {rule.name}", f"{rule.limit}: no value can be", "Swap them.")
