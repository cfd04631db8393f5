"""Names of human miRNAs and proteins, resolved to accessions by table: no rule turns a bare name into an arm.

The room's modules are imported on first use: a table in a panel's own spelling is scored without them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exodx.panel.names.mirbase import import_mirbase, read_tables
    from exodx.panel.names.resolver import Refusal, Resolution, is_listed, look_up, resolve
    from exodx.panel.names.table import (
        LATEST,
        Mature,
        NameTables,
        Protein,
        Release,
        Span,
        builtin_tables,
        parse_release,
        release_text,
    )

_MODULES = {
    "LATEST": "table",
    "Mature": "table",
    "NameTables": "table",
    "Protein": "table",
    "Refusal": "resolver",
    "Release": "table",
    "Resolution": "resolver",
    "Span": "table",
    "builtin_tables": "table",
    "import_mirbase": "mirbase",
    "is_listed": "resolver",
    "look_up": "resolver",
    "parse_release": "table",
    "read_tables": "mirbase",
    "release_text": "table",
    "resolve": "resolver",
}

__all__ = [
    "LATEST",
    "Mature",
    "NameTables",
    "Protein",
    "Refusal",
    "Release",
    "Resolution",
    "Span",
    "builtin_tables",
    "import_mirbase",
    "is_listed",
    "look_up",
    "parse_release",
    "read_tables",
    "release_text",
    "resolve",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
