"""The doors to what a stored forest scored at once does not need: the compiler of forests, and threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exodx.frozen.compiled import CompiledForest
    from exodx.frozen.parts import Linear


def compile_boosters(members: Sequence[tuple[bytes, float]], linear: Linear | None) -> CompiledForest:
    """Compile boosters; see :func:`exodx.frozen.boosters.compile_boosters`."""
    from exodx.frozen import boosters

    return boosters.compile_boosters(members, linear)


def in_threads(work: Callable[[slice], None], pieces: Iterable[slice], threads: int) -> None:
    """Share work out among threads; see :func:`exodx.frozen.threads.in_threads`."""
    from exodx.frozen import threads as pool

    return pool.in_threads(work, pieces, threads)
