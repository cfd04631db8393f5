"""qPCR exports, recognised by their content: a module a family, each says only which columns hold what and what its words mean."""

from exodx.tables.instruments.registry import wells_of_sheets, wells_of_text
from exodx.tables.instruments.wells import specimen_wells

__all__ = ["specimen_wells", "wells_of_sheets", "wells_of_text"]
