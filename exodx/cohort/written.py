"""How the cells of a specimen were written: decimals, digits and words for no value, before anything was read."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from exodx.frozen import WELLS
from exodx.tables.table import TextTable

_NUMBER = re.compile(r"[-+]?(\d+)(?:[.,](\d+))?")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")


def written_cells(table: TextTable, headers: Collection[str], index: pd.Index) -> pd.DataFrame:
    """Return how each specimen's measurements were written.

    Parameters
    ----------
    table : TextTable
    headers : collection of str
        Columns of measurements.
    index : Index, n rows
        Specimen ids.

    Returns
    -------
    DataFrame, n rows
        ``decimals``: mean number of decimals as written, trailing zeros too; ``digits``: most significant digits of a number that
        is not whole (both NaN where there is none); ``words``: what stands where no number does, sorted, a line each.
    """
    columns = [table.columns[header] for header in headers]
    rows = [_written(cells) for cells in zip(*columns, strict=True)] if columns else [(np.nan, np.nan, "")] * len(index)
    return pd.DataFrame(rows, index=index, columns=["decimals", "digits", "words"])


def _written(cells: Sequence[str]) -> tuple[float, float, str]:
    decimals, digits, words, numbers = 0, 0, set(), 0
    for cell in cells:
        text = cell.partition(WELLS)[0].strip()
        match = _NUMBER.fullmatch(text)
        if match is None:
            words.add(_DIGITS.sub("#", text) or "(blank)")
            continue
        numbers += 1
        whole, fraction = match.groups()
        if fraction is not None:
            decimals += len(fraction)
            digits = max(digits, len((whole + fraction).lstrip("0")))
    return (decimals / numbers if numbers else np.nan), (digits or np.nan), "\n".join(sorted(words))
