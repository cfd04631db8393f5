"""``python -m exodx``."""

from exodx.cli import main

main()
