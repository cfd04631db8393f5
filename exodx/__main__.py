"""``python -m exodx``."""

from exodx.cli import program

program()
