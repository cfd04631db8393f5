"""Names of human miRNAs and proteins, resolved to accessions by table: no rule turns a bare name into an arm."""

from exodx.panel.names.families import builtin_families, families_of, family_of
from exodx.panel.names.mirbase import import_mirbase, read_tables
from exodx.panel.names.resolver import Refusal, Resolution, is_listed, look_up, resolve
from exodx.panel.names.table import LATEST, Mature, NameTables, Protein, Release, Span, builtin_tables, parse_release, release_text

__all__ = [
    "LATEST",
    "Mature",
    "NameTables",
    "Protein",
    "Refusal",
    "Release",
    "Resolution",
    "Span",
    "builtin_families",
    "builtin_tables",
    "families_of",
    "family_of",
    "import_mirbase",
    "is_listed",
    "look_up",
    "parse_release",
    "read_tables",
    "release_text",
    "resolve",
]
