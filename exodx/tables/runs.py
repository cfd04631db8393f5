"""Files that stand for specimens: programs head their columns by the path of the run."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ENDING = re.compile(r"\.(?:raw|d|wiff2?|mzml|mzxml|htrms|dia|bam|sam|cram|rcc|fastq|fq|fasta|fa|gz|tsv|txt|csv)$", re.IGNORECASE)


def run_names(paths: Sequence[str]) -> list[str]:
    r"""Return the names of runs without folders and endings, where they stay distinct; else the paths as they are.

    >>> run_names(["/data/P1.bam", "/data/P2.sorted.bam"])
    ['P1', 'P2.sorted']
    >>> run_names([r"D:\\a\\P1.raw", r"D:\\b\\P1.raw"])
    ['D:\\\\a\\\\P1.raw', 'D:\\\\b\\\\P1.raw']
    """
    names = []
    for path in paths:
        name = re.split(r"[\\/]", path)[-1]
        while (shorter := _ENDING.sub("", name)) != name:
            name = shorter
        names.append(name)
    return names if all(names) and len(set(names)) == len(names) else list(paths)
