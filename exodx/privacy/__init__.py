"""PRIVACY: cells that a spreadsheet does not take for formulas, keyed pseudonyms, and what identifies a person directly."""
