"""Names of human miRNAs and proteins, resolved to accessions by table: no rule turns a bare name into an arm."""

from exodx.panel.names.mirbase import import_mirbase, read_tables
from exodx.panel.names.resolver import Refusal, Resolution, is_listed, look_up, resolve
from exodx.panel.names.table import LATEST, Mature, NameTables, Protein, Span, builtin_tables, parse_release

__all__ = [
    "LATEST",
    "Mature",
    "NameTables",
    "Protein",
    "Refusal",
    "Resolution",
    "Span",
    "builtin_tables",
    "import_mirbase",
    "is_listed",
    "look_up",
    "parse_release",
    "read_tables",
    "resolve",
]
