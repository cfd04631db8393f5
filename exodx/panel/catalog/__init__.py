"""Panels that come with exodx, one TOML file each; and panels from a user's file."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from exodx.errors import InputRefused, Problem, nearest
from exodx.panel.declaration import read_toml
from exodx.panel.identity import resolve_names
from exodx.panel.panel import Panel, parse_panel


def builtin_names() -> list[str]:
    """Return the names of the built-in panels."""
    files = resources.files(__name__).iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def load_panel(name_or_file: str) -> Panel:
    """Load a built-in panel by name, or a panel from a TOML file; accessions that its names say are filled in.

    Raises
    ------
    InputRefused
        When there is no such panel, with the nearest name; or with every problem of the file.

    Examples
    --------
    >>> [a.name for a in load_panel("athero-3").with_role("target")]
    ['miR-126-3p', 'miR-145-5p', 'PD-L1']
    """
    if name_or_file in builtin_names():
        text = (resources.files(__name__) / f"{name_or_file}.toml").read_text(encoding="utf-8")
        return resolve_names(parse_panel(tomllib.loads(text), name_or_file))
    if name_or_file.endswith(".toml") or Path(name_or_file).exists():
        return resolve_names(parse_panel(read_toml(Path(name_or_file)), name_or_file))
    fix = f"{nearest(name_or_file, [*builtin_names(), 'auto'])} Or give a TOML file."
    raise InputRefused(Problem("PANEL_UNKNOWN", "--panel", f"no panel {name_or_file!r}", fix))
