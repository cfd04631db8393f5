"""From a TOML table to a frozen dataclass: unknown keys and wrong types are problems, all reported together."""

from __future__ import annotations

import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from exodx.errors import InputRefused, Problem, nearest

LARGEST = 1 << 22
"""Bytes of a TOML file; a panel of all human miRNAs takes a tenth of it."""

DEEPEST = 32
"""Parts of a key, and lists and tables within one another."""

_KEY = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_KEY}[ \t]*+\.[ \t]*+){{{DEEPEST}}}")
"""Names joined by so many dots are no key of exodx, and the parser takes the square of their number of steps."""


def check_table(cls: type, table: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[Problem]]:
    """Check a TOML table against the fields of a dataclass.

    Parameters
    ----------
    cls : type
        A dataclass; its annotations are the schema.
    table : mapping
        As read by :mod:`tomllib`.
    where : str
        Names the table in problems.

    Returns
    -------
    values : dict
        Keyword arguments for ``cls``: lists became tuples, whole numbers became floats where a float is meant.
    problems : list of Problem
        Unknown keys (with the nearest valid name), missing keys, wrong types.
    """
    hints = _hints(cls)
    valid = [f.name for f in fields(cls) if f.init]
    problems = [
        Problem("KEY_UNKNOWN", f"{where}.{key}", "this key is not known", nearest(key, valid)) for key in table if key not in valid
    ]
    values: dict[str, Any] = {}
    for field in fields(cls):
        if field.name in table:
            value, expected = _coerce(table[field.name], hints[field.name])
            if expected:
                found = f"{table[field.name]!r}"
                problems.append(Problem("VALUE_INVALID", f"{where}.{field.name}", found, expected))
            values[field.name] = value
        elif field.default is MISSING and field.default_factory is MISSING:
            problems.append(Problem("KEY_MISSING", where, f"{field.name!r} is missing", f"Add {field.name} = …"))
    return values, problems


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    """Return the types of a dataclass's fields, found once: a panel has a table for each of its analytes."""
    return types.MappingProxyType(get_type_hints(cls))


def _coerce(value: Any, hint: Any) -> tuple[Any, str]:
    """Return the value in the hinted type and, where it does not fit, what was expected."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _coerce(value, next(a for a in args if a is not type(None)))
    if origin is Literal:
        return value, "" if value in args else nearest(str(value), [str(a) for a in args])
    if origin is tuple:
        if isinstance(value, list) and all(isinstance(v, args[0]) for v in value):
            return tuple(value), ""
        return value, f"Write a list of {args[0].__name__} values."
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value), ""
    if isinstance(value, hint) and not (isinstance(value, bool) and hint is not bool):
        return value, ""
    return value, f"Write a value of type {hint.__name__}."


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    InputRefused
        When the file is missing, larger than :data:`LARGEST`, or is not TOML, with the parser's line and column.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
        text = content.decode("utf-8-sig")
        return parse_toml(text)
    except OSError as error:
        raise InputRefused(Problem("FILE_UNREADABLE", str(path), error.strerror or "unreadable", "Check the path.")) from None
    except (ValueError, RecursionError) as error:
        raise InputRefused(Problem("TOML_INVALID", str(path), str(error), "Mend the TOML syntax there.")) from None


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML whose keys, lists and tables are not deep; the parser needs the square of a key's parts in time and memory.

    Raises
    ------
    ValueError, RecursionError
        Where it is no TOML, or too deep.
    """
    if deep := _DEEP.search(text):
        raise ValueError(f"a key of more than {DEEPEST} parts: {deep[0][:40]}…")
    return _not_deep(tomllib.loads(text))


def _not_deep(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document whose lists and tables do not lie too deep within one another."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    if level:
        raise ValueError(f"lists or tables more than {DEEPEST} deep")
    return document
