"""Work shared out among threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor


def in_threads(work: Callable[[slice], None], pieces: Iterable[slice], threads: int) -> None:
    """Do each piece of work, as many at once as there are threads; what one raises is raised."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, pieces))
