"""A column of numbers as it comes from a block: values and states, from memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exodx.frozen.cells import Cells

Floats = NDArray[np.float64]
Found = dict[str, "Sequence[str] | pa.StringArray"]
"""Columns of a block by name."""


class Numbers(Sequence[str]):
    """A column that Arrow read already: values and states, and no texts."""

    __slots__ = ("cells",)

    def __init__(self, values: Floats, states: NDArray[np.uint8]) -> None:
        self.cells = Cells(values, states, {})

    def __len__(self) -> int:
        return len(self.cells.values)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        raise TypeError("a column of numbers keeps no texts")


def values_of(column: pa.Array) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the numbers of an Arrow column, NaN where null, and which are not null; from memory, without pandas."""
    if column.type != pa.float64():
        column = column.cast(pa.float64(), safe=False)
    mask, data = column.buffers()
    values = np.frombuffer(data, np.float64, len(column), column.offset * 8)
    if mask is None or not column.null_count:
        return values, np.ones(len(values), bool)
    bits = np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little")[column.offset : column.offset + len(column)]
    known = bits.astype(bool)
    return np.where(known, values, np.nan), known
