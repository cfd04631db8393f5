"""Names of human miRNAs and proteins, resolved to accessions by table: no rule turns a bare name into an arm."""

from exodx.panel.names.families import builtin_families, families_of, family_of
from exodx.panel.names.mirbase import import_mirbase, read_tables
from exodx.panel.names.resolver import Refusal, Resolution, look_up, resolve
from exodx.panel.names.table import LATEST, Mature, NameTables, Protein, Span, builtin_tables, parse_release

__all__ = [
    "LATEST",
    "Mature",
    "NameTables",
    "Protein",
    "Refusal",
    "Resolution",
    "Span",
    "builtin_families",
    "builtin_tables",
    "families_of",
    "family_of",
    "import_mirbase",
    "look_up",
    "parse_release",
    "read_tables",
    "resolve",
]
