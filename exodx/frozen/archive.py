"""The compiled forest as bytes: an ``.npz`` without pickles, the same on every machine; checked before anything looks up in it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from exodx.errors import ModelRefused, Problem
from exodx.frozen.compiled import CompiledForest, digest
from exodx.frozen.parts import LAYOUT, MAX_JOINED_BITS, Array, Columns, Conditions, Leaves, Linear, Parts, Splits, Units, Whole

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
KINDS: dict[str, type[Any]] = dict(
    zip(Parts._fields, (Splits, Conditions, Units, Columns, Leaves, Linear, Whole), strict=True),
)
MAX_FEATURES_OF_A_LEAF = 1000


def write_compiled(forest: CompiledForest) -> bytes:
    """Return an ``.npz`` file: stored, undated, in a fixed order, little-endian."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for (kind, group), part in zip(KINDS.items(), forest.parts, strict=True):
            for name, array, dtype in zip(group._fields, part, LAYOUT[group], strict=True):
                entry = zipfile.ZipInfo(f"{kind}.{name}.npy", ZIP_DATE)
                entry.create_system = 3
                content = io.BytesIO()
                np.lib.format.write_array(content, array.astype(dtype), version=(1, 0), allow_pickle=False)
                file.writestr(entry, content.getvalue())
    return buffer.getvalue()


def read_compiled(data: bytes, boosters: Sequence[bytes], n_features: int, linear: Linear | None = None) -> CompiledForest:
    """Read what :func:`write_compiled` wrote.

    Raises
    ------
    ModelRefused
        When it is damaged, or was made from other boosters.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            _check_entries(packed.infolist(), len(data))
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            parts = _parts({name: file[name] for name in file.files})
        _check(parts, n_features)
    except (ValueError, LookupError, TypeError, OSError, EOFError, MemoryError, zipfile.BadZipFile, NotImplementedError) as error:
        raise _refused("FOREST_DAMAGED", f"it cannot be read ({error})") from None
    if not np.array_equal(parts.whole.source, digest(boosters, linear)):
        raise _refused("FOREST_MISMATCH", "it was not made from this forest")
    return CompiledForest(parts, n_features)


def _check_entries(entries: Sequence[zipfile.ZipInfo], n_bytes: int) -> None:
    """Refuse what would unpack to more than there is: everything is stored as it stands, and once."""
    _demand(all(e.compress_type == zipfile.ZIP_STORED and e.file_size == e.compress_size for e in entries), "packed arrays")
    _demand(len({e.filename for e in entries}) == len(entries), "an array twice")
    _demand(sum(e.file_size for e in entries) <= n_bytes, "arrays that lie over each other")


def _parts(arrays: dict[str, Array]) -> Parts:
    """Sort the arrays into their groups, in the machine's byte order; anything else than they is refused."""
    groups = []
    for kind, group in KINDS.items():
        fields = []
        for name, dtype in zip(group._fields, LAYOUT[group], strict=True):
            array = arrays.pop(f"{kind}.{name}")
            if array.dtype != np.dtype(dtype) or array.ndim != 1:
                raise ValueError(f"{kind}.{name} is {array.dtype.str} of shape {array.shape}")
            fields.append(array.astype(array.dtype.newbyteorder("=")))
        groups.append(group(*fields))
    if arrays:
        raise ValueError(f"{min(arrays)} does not belong there")
    return Parts(*groups)


def _check(p: Parts, n_features: int) -> None:
    """Refuse arrays that would look up beyond their ends: the loops do not check."""
    for starts, *items in (
        (p.conditions.start, p.conditions.split, p.conditions.below),
        (p.units.start, p.units.bit),
        (p.columns.start, p.columns.feature),
        (p.leaves.start, p.leaves.bit, p.leaves.wanted, p.leaves.feature, p.leaves.ratio),
    ):
        _demand(
            starts.size > 0 and starts[0] == 0 and (np.diff(starts) >= 0).all(), "rows that do not start where the last one ends"
        )
        _demand(all(len(item) == starts[-1] for item in items), "rows of other lengths")
    rows = len(p.splits.feature) + len(p.conditions.start) - 1
    for index, limit in (
        (p.splits.feature, n_features),
        (p.columns.feature, n_features),
        (p.leaves.feature, n_features),
        (p.conditions.split, len(p.splits.feature)),
        (p.units.bit, rows),
        (p.leaves.bit, rows),
    ):
        _demand(((index >= 0) & (index < limit)).all(), "an index of something that is not there")
    _check_sizes(p, n_features)
    for numbers in (p.units.value, p.columns.table, p.leaves.ratio, p.leaves.value, *p.linear, p.whole.constants):
        _demand(np.isfinite(numbers).all(), "numbers that are none")
    for yes_or_no in (p.splits.default, p.conditions.below, p.leaves.wanted):
        _demand((yes_or_no <= 1).all(), "answers other than yes and no")


def _check_sizes(p: Parts, n_features: int) -> None:
    _demand(len(p.splits.feature) == len(p.splits.threshold) == len(p.splits.default), "splits without thresholds")
    _demand(len(p.columns.start) == len(p.units.start) and len(p.leaves.value) == len(p.leaves.start) - 1, "units without tables")
    bits, features = np.diff(p.units.start), np.diff(p.leaves.start)
    _demand(((bits >= 1) & (bits <= MAX_JOINED_BITS)).all() and (np.diff(bits) >= 0).all(), "units of other sizes")
    _demand(((features >= 1) & (features <= MAX_FEATURES_OF_A_LEAF)).all(), "leaves without features")
    sizes = 1 << bits.astype(np.int64)
    _demand(len(p.units.value) == sizes.sum() and len(p.columns.table) == (sizes * np.diff(p.columns.start)).sum(), "other tables")
    _demand({len(column) for column in p.linear[:4]} in ({0}, {n_features}), "another linear member")
    _demand((p.linear.lower <= p.linear.upper).all(), "limits that exclude each other")
    _demand((len(p.linear.intercept), len(p.whole.constants), len(p.whole.source)) == (1, 2, 32), "other constants")


def _demand(holds: bool | np.bool_, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _refused(code: str, found: str) -> ModelRefused:
    return ModelRefused(Problem(code, "compiled.npz", found, "Save the model again."))
