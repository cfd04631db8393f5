"""Plain lines of text read by loops of machine code; what these stop at is read by :mod:`exodx.scoring.cut` in other ways.

A cell of a column of numbers that holds a word, a limit, a number of very many digits, is read by the reader of cells, as in a
small table: each distinct text once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exodx.frozen import read_cells
from exodx.frozen.native import Loop
from exodx.panel import Scale
from exodx.scoring import loops
from exodx.tables.coded import Coded, Words

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Made = Mapping[Loop, Loop]

_POWERS = np.array([float(10**k) for k in range(loops.LARGEST_POWER + 1)])


class Text(Enum):
    """Texts of a column: each once, as ids are, or the same ones again and again."""

    DISTINCT = 1
    REPEATING = 2


class Read(NamedTuple):
    """Columns of a block.

    Parameters
    ----------
    numbers : dict of str to (values, states)
    texts : dict of str to StringArray
        The specimens.
    words : dict of str to Coded
        Other texts, stripped: they repeat.
    """

    numbers: dict[str, tuple[Floats, Bytes]]
    texts: dict[str, pa.StringArray]
    words: dict[str, Coded]


class _Odd(NamedTuple):
    """Cells of numbers that hold something else: which, and from where to where."""

    cell: NDArray[np.int32]
    begins: NDArray[np.int32]
    ends: NDArray[np.int32]


def quickly(
    made: Made,
    content: bytes,
    lines: int,
    sign: str,
    header: Sequence[str],
    columns: Mapping[str, Scale | Text],
) -> Read | None:
    """Read whole lines, or return None where one is not simple.

    Parameters
    ----------
    made : mapping
        Loops of :mod:`exodx.scoring.loops` → machine code.
    content : bytes
        ASCII.
    lines : int
        In it.
    sign : str
        Between cells.
    header : sequence of str
        Columns.
    columns : mapping of str to Scale
        Those that are read: of numbers of a scale, or of texts.
    """
    content = content if content.endswith(b"\n") else content + b"\n"
    data = np.frombuffer(content, np.uint8)
    if not lines or lines * len(header) > len(content):
        return None
    scales = {name: scale for name in header if isinstance(scale := columns.get(name), Scale)}
    places = {name: i for i, name in enumerate(scales)}
    spots = {name: i for i, name in enumerate(name for name in header if name in columns and name not in scales)}
    kind = np.array([loops.NUMBER if n in places else loops.TEXT if n in spots else 0 for n in header], np.uint8)
    slot = np.array([places.get(n, spots.get(n, 0)) for n in header], np.int32)
    shape = len(places), lines
    values, states = np.empty(shape), np.empty(shape, np.uint8)
    first, last = np.empty((2, len(spots), lines), np.int32)
    odd, found = _Odd(*np.empty((3, len(places) * lines), np.int32)), np.zeros(2, np.int64)
    made[loops.cut_cells](
        *(len(data), data, ord(sign), len(header), kind, slot, lines),
        *(_POWERS, values, states, first, last, *odd, found),
    )
    if found[0] < 0:
        return None
    words = _Odd(*(column[: found[1]] for column in odd))
    if not _read_words(made, data, words, list(scales.values()), values, states):
        return None
    return Read(
        {name: (values[i], states[i]) for name, i in places.items()},
        {name: _texts(made, data, first[i], last[i]) for name, i in spots.items() if columns[name] is Text.DISTINCT},
        {name: Coded(*_coded(made, data, first[i], last[i])) for name, i in spots.items() if columns[name] is Text.REPEATING},
    )


def _read_words(made: Made, data: Bytes, odd: _Odd, scales: Sequence[Scale], values: Floats, states: Bytes) -> bool:
    """Put what words mean into their cells; False where one has no meaning."""
    if not len(odd.cell):
        return True
    words, codes = _coded(made, data, odd.begins, odd.ends)
    of = np.array([list(Scale).index(scale) for scale in scales])[odd.cell // values.shape[1]]
    for number, scale in enumerate(Scale):
        here = np.flatnonzero(of == number)
        if not len(here):
            continue
        cells = read_cells(words, scale)
        if cells.unreadable and np.isin(codes[here], list(cells.unreadable)).any():
            return False
        values.reshape(-1)[odd.cell[here]] = cells.values[codes[here]]
        states.reshape(-1)[odd.cell[here]] = cells.states[codes[here]]
    return True


def _coded(made: Made, data: Bytes, begins: NDArray[np.int32], ends: NDArray[np.int32]) -> tuple[Words, NDArray[np.int32]]:
    """Return the distinct pieces of a text, stripped, in the order in which they first stand, and the number of each piece."""
    size = 1 << len(begins).bit_length() + 1
    table, found = np.full(size, -1, np.int32), np.zeros(1, np.int64)
    codes, first = np.empty((2, len(begins)), np.int32)
    made[loops.number_words](len(begins), data, begins, ends, size, table, codes, first, found)
    letters = data.tobytes()
    pieces = zip(begins[first[: found[0]]].tolist(), ends[first[: found[0]]].tolist(), strict=True)
    return Words([letters[a:b].decode().strip() for a, b in pieces]), codes


def _texts(made: Made, data: Bytes, begins: NDArray[np.int32], ends: NDArray[np.int32]) -> pa.StringArray:
    """Return pieces of a text as an Arrow array."""
    offsets = np.zeros(len(begins) + 1, np.int32)
    np.cumsum(ends - begins, out=offsets[1:])
    letters = np.empty(offsets[-1], np.uint8)
    made[loops.gather](len(begins), data, begins, ends, letters)
    return pa.StringArray.from_buffers(len(begins), pa.py_buffer(offsets), pa.py_buffer(letters))
