"""FILES: any table file becomes text columns that know their line; cohorts and the scorer read through this room.

Import from its modules (``reader``, ``layout``, ``table`` …): whoever needs a table's type alone does not load the readers.
"""
