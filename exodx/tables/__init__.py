"""FILES: any table file becomes text columns that know their line; cohorts and the scorer read through this room."""

from exodx.tables.layout import UNNAMED, specimen_ids, to_wide
from exodx.tables.names import find_column
from exodx.tables.reader import read_plates, read_table, read_wells
from exodx.tables.table import TextTable, cell_text

__all__ = ["UNNAMED", "TextTable", "cell_text", "find_column", "read_plates", "read_table", "read_wells", "specimen_ids", "to_wide"]
