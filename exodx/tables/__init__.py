"""FILES: any table file becomes text columns that know their line; cohorts and the scorer read through this room."""

from exodx.tables.excel import cell_text
from exodx.tables.layout import UNNAMED, find_column, specimen_ids, to_wide
from exodx.tables.reader import read_table, read_wells
from exodx.tables.table import TextTable

__all__ = ["UNNAMED", "TextTable", "cell_text", "find_column", "read_table", "read_wells", "specimen_ids", "to_wide"]
