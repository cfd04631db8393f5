"""Exports of platforms other than qPCR instruments, recognised by their content: a module a family."""

from exodx.tables.platforms.rcc import any_rcc, rcc_table
from exodx.tables.platforms.registry import of_sheets, of_table, of_text

__all__ = ["any_rcc", "of_sheets", "of_table", "of_text", "rcc_table"]
