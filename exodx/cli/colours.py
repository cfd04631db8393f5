"""Colours for terminals: what stops, what warns. Elsewhere, with NO_COLOR or on a dumb terminal, the words alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import click

COLOURS = {"blocking": "red", "warning": "yellow", "note": "cyan"}
_GRAVITY = re.compile(r"^(\s*)(blocking|warning|note)(?= +\[)", re.MULTILINE)
_CODE = re.compile(r"^\[([A-Z_]+)\]", re.MULTILINE)


def painted(text: str) -> str:
    r"""Return text with gravities and codes at the start of lines in colour; click takes it off where no terminal reads it.

    >>> painted("  note [cells] …")
    '  \x1b[36mnote\x1b[0m [cells] …'
    """
    text = _GRAVITY.sub(lambda match: match[1] + click.style(match[2], fg=COLOURS[match[2]]), text)
    return _CODE.sub(lambda match: click.style(match[0], bold=True), text)


def wanted(environment: Mapping[str, str] = os.environ) -> bool | None:
    """Return False where colours are not wanted (https://no-color.org); None where the stream decides."""
    return False if environment.get("NO_COLOR") or environment.get("TERM") == "dumb" else None
