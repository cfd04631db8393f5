"""Guided by coverage: ``python -m tests.hostile.fuzz READER [FOLDER] [options of libFuzzer]``, with atheris.

atheris, a developer's package, changes an input, keeps what reaches code that none reached before, and goes on from there. It
writes an input that breaks the reader to ``crash-…`` in the working folder and stops. ``-runs=N`` and ``-max_total_time=S`` end it;
FOLDER keeps what it found.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=[
        "exodx.tables",
        "exodx.panel",
        "exodx.frozen",
        "exodx.scoring",
        "exodx.cohort",
        "exodx.tracking.review.rules",
        "tomllib",
    ]
):
    from tests.hostile.readers import READERS, outcome

from tests.hostile.run import folder
from tests.hostile.seeds import seeds

LONGEST = 1 << 14
"""Bytes of an input."""


def main(arguments: list[str]) -> None:
    """Fuzz one reader; the valid files are what it begins with."""
    reader, *others = arguments[1:]
    place = folder()
    try:
        begin = Path(others.pop(0)) if others and not others[0].startswith("-") else place / "corpus"
        begin.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(seeds()[reader]):
            (begin / f"seed-{number}").write_bytes(content)
        path = place / "input.bin"

        def one(data: bytes) -> None:
            path.write_bytes(data)
            outcome(READERS[reader], path)

        atheris.Setup([arguments[0], str(begin), f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=3000", *others], one)
        atheris.Fuzz()
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv)
