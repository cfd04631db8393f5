"""The compiled forest: tables instead of trees. Scoring compares, packs bits, looks up and adds; nothing of XGBoost is needed for it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.errors import ModelRefused, Problem
from exodx.frozen.kernels import Kernel, numba_kernel, numpy_kernel
from exodx.frozen.shapley import quadrature
from exodx.frozen.tables import tabulate
from exodx.frozen.trees import Trees, read_trees
from exodx.frozen.units import cut_boosters

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]

FLUSH = 16
"""Terms of a float32 sum before it goes over to float64."""
COMPILED_ROWS = 20_000
"""From here on, numba's start (0.3 s from its cache) is earned back."""
DTYPES = {
    "split_feature": "<i4",
    "split_threshold": "<f4",
    "split_default": "|u1",
    "condition_start": "<i4",
    "condition_split": "<i4",
    "condition_below": "|u1",
    "unit_start": "<i4",
    "unit_bit": "<i4",
    "column_start": "<i4",
    "column_feature": "<i4",
    "table": "<f4",
    "unit_value": "<f4",
    "leaf_start": "<i4",
    "leaf_bit": "<i4",
    "leaf_wanted": "|u1",
    "leaf_feature": "<i4",
    "leaf_ratio": "<f8",
    "leaf_value": "<f8",
    "coefficient": "<f8",
    "mean": "<f8",
    "constants": "<f8",
    "source": "|u1",
}
"""Arrays of the file, and their types on disk."""
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear member of an ensemble, on the margin: coefficient × (x − mean); a missing x stands at the mean and adds nothing.

    Parameters
    ----------
    coefficient, mean : tuple of float, one a feature
    intercept : float
        The margin at the means.
    """

    coefficient: tuple[float, ...]
    mean: tuple[float, ...]
    intercept: float = 0.0


@dataclass(frozen=True, eq=False)
class CompiledForest:
    """Boosters, and a linear member or none, as arrays.

    Parameters
    ----------
    arrays : dict of ndarray
        ``split_*``: distinct splits, sorted by feature; each answers one row of bits (below the threshold, or missing and default left).
        ``condition_*``: rows of bits after these, several splits' answers that must all hold.
        ``unit_start, unit_bit``: rows of bits of each unit, lowest bit of its pattern first.
        ``column_start, column_feature, table``: for each unit and feature, Shapley values of all patterns.
        ``unit_value``: for each unit, what the margin gains by each pattern.
        ``leaf_*``: leaves with too many features for a table: bits, answers wanted, cover ratios, values.
        ``coefficient, mean``: the linear member, or empty.
        ``constants``: margin before any unit; SHAP base value.
        ``source``: SHA-256 of the boosters' bytes.
    n_features : int
    """

    arrays: Arrays
    n_features: int

    def margin(self, values: Floats, threads: int = 1, kernel: Kernel | None = None) -> Floats:
        """Return raw margins, shape (n,), of features of shape (n, k); the kernel changes the time only."""
        out = np.full(len(values), self.arrays["constants"][0])
        for rows, result in self._blocks(values, threads, kernel, contributions=False):
            out[rows] += result
        return out

    def contributions(self, values: Floats, threads: int = 1, kernel: Kernel | None = None) -> tuple[Floats, Floats]:
        """Return exact path-dependent TreeSHAP values, shape (n, k), and the base value in every row, shape (n,)."""
        out = np.empty((len(values), self.n_features))
        for rows, result in self._blocks(values, threads, kernel, contributions=True):
            out[rows] = result.T
        return out, np.full(len(values), self.arrays["constants"][1])

    def _blocks(
        self, values: Floats, threads: int, kernel: Kernel | None, *, contributions: bool
    ) -> Iterator[tuple[slice, Floats]]:
        kernel = kernel or (len(values) >= COMPILED_ROWS and numba_kernel()) or numpy_kernel()
        blocks = [slice(a, min(a + kernel.rows, len(values))) for a in range(0, len(values), kernel.rows)]
        work = self._contribute if contributions else self._sum
        if threads == 1 or len(blocks) < 2:
            yield from ((rows, work(values[rows], kernel)) for rows in blocks)
            return
        with ThreadPoolExecutor(threads) as pool:
            yield from zip(blocks, pool.map(lambda rows: work(values[rows], kernel), blocks), strict=True)

    def _bits(self, values: Floats, kernel: Kernel) -> NDArray[np.uint8]:
        a = self.arrays
        with np.errstate(over="ignore"):
            x = np.ascontiguousarray(values.T, np.float32)  # as XGBoost: what float32 cannot hold is infinite
        bits = np.empty((len(a["split_feature"]) + len(a["condition_start"]) - 1, len(values)), np.uint8)
        splits = a["split_feature"], a["split_threshold"], a["split_default"]
        kernel.fill_bits(x, *splits, a["condition_start"], a["condition_split"], a["condition_below"], bits)
        return bits

    def _sum(self, values: Floats, kernel: Kernel) -> Floats:
        a, out = self.arrays, np.zeros(len(values))
        bits = self._bits(values, kernel)
        if len(a["unit_value"]):
            kernel.add_values(bits, a["unit_start"], a["unit_bit"], a["unit_value"], FLUSH, out)
        if len(a["leaf_value"]):
            kernel.add_leaf_values(bits, a["leaf_start"], a["leaf_bit"], a["leaf_wanted"], a["leaf_value"], out)
        for term in self._linear(values):
            out += term
        return out

    def _contribute(self, values: Floats, kernel: Kernel) -> Floats:
        a, out = self.arrays, np.zeros((self.n_features, len(values)))
        bits = self._bits(values, kernel)
        if len(a["table"]):
            columns = a["column_start"], a["column_feature"], self._is_full, a["table"]
            kernel.add_columns(bits, a["unit_start"], a["unit_bit"], *columns, out)
        if len(a["leaf_value"]):
            leaves = a["leaf_start"], a["leaf_bit"], a["leaf_wanted"], a["leaf_feature"], a["leaf_ratio"], a["leaf_value"]
            kernel.add_leaves(bits, *leaves, self._rules, out)
        for total, term in zip(out, self._linear(values), strict=False):
            total += term
        return out

    def _linear(self, values: Floats) -> Iterator[Floats]:
        """Yield the linear member's terms, feature by feature."""
        for coefficient, mean, x in zip(self.arrays["coefficient"], self.arrays["mean"], values.T, strict=False):
            yield coefficient * np.where(np.isnan(x), 0.0, x - mean)

    @cached_property
    def _is_full(self) -> NDArray[np.uint8]:
        """Say of each column whether its feature's float32 sum then holds ``FLUSH`` terms."""
        seen = [0] * self.n_features
        full = []
        for feature in self.arrays["column_feature"].tolist():
            seen[feature] += 1
            full.append(seen[feature] % FLUSH == 0)
        return np.array(full, np.uint8)

    @cached_property
    def _rules(self) -> Floats:
        """Quadrature rules by number of features, shape (d + 1, 2, nodes)."""
        deepest = int(np.diff(self.arrays["leaf_start"]).max(initial=1))
        rules = np.zeros((deepest + 1, 2, (deepest - 1) // 2 + 1))
        for d in range(1, deepest + 1):
            nodes, weights = quadrature(d - 1)
            rules[d, :, : len(nodes)] = nodes, weights
        return rules

    def to_bytes(self) -> bytes:
        """Return an ``.npz`` file, the same bytes on every machine: stored, undated, in a fixed order."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
            for name, dtype in DTYPES.items():
                entry = zipfile.ZipInfo(f"{name}.npy", ZIP_DATE)
                entry.create_system = 3
                content = io.BytesIO()
                np.lib.format.write_array(content, self.arrays[name].astype(dtype), version=(1, 0), allow_pickle=False)
                file.writestr(entry, content.getvalue())
        return buffer.getvalue()


def compile_boosters(boosters: Sequence[tuple[bytes, float]], linear: Linear | None = None) -> CompiledForest:
    """Compile the weighted sum of boosters (XGBoost UBJSON, weight) and a linear member.

    Raises
    ------
    ModelRefused
        When a booster is damaged or cannot be compiled, or they take different numbers of features.
    """
    members = [(read_trees(ubjson), weight) for ubjson, weight in boosters]
    widths = {trees.n_features for trees, _ in members} | ({len(linear.coefficient), len(linear.mean)} if linear else set())
    if len(widths) != 1:
        raise _refused("FOREST_MISMATCH", f"its members take {' and '.join(map(str, sorted(widths)))} features")
    cut = cut_boosters(members)
    offset = sum((weight * trees.offset for trees, weight in members), cut.constant)
    base = offset
    for leaf in (leaf for leaves in (*(unit.leaves for unit in cut.units), cut.deep) for leaf in leaves):
        share = leaf.value
        for ratio in leaf.ratios:
            share *= ratio
        base += share
    intercept = linear.intercept if linear else 0.0
    arrays = {
        **tabulate(cut),
        "coefficient": np.array(linear.coefficient if linear else (), np.float64),
        "mean": np.array(linear.mean if linear else (), np.float64),
        "constants": np.array([offset + intercept, base + intercept]),
        "source": _digest([ubjson for ubjson, _ in boosters]),
    }
    return CompiledForest(arrays, widths.pop())


def read_compiled(data: bytes, boosters: Sequence[bytes], n_features: int) -> CompiledForest:
    """Read what :meth:`CompiledForest.to_bytes` wrote.

    Raises
    ------
    ModelRefused
        When it is damaged, or was made from other boosters.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            if sorted(file.files) != sorted(DTYPES):
                raise ValueError("it has other arrays")
            arrays = {name: file[name] for name in DTYPES}
        _check(arrays, n_features)
    except (ValueError, LookupError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise _refused("FOREST_DAMAGED", f"it cannot be read ({error})") from None
    if not np.array_equal(arrays["source"], _digest(boosters)):
        raise _refused("FOREST_MISMATCH", "it was not made from this forest.ubj")
    return CompiledForest({name: array.astype(array.dtype.newbyteorder("=")) for name, array in arrays.items()}, n_features)


def _digest(boosters: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(sha256(b"".join(sha256(ubjson).digest() for ubjson in boosters)).digest(), np.uint8)


def _check(a: Arrays, n_features: int) -> None:
    """Refuse arrays that would look up beyond their ends: the loops do not check."""
    for name, dtype in DTYPES.items():
        if a[name].dtype.str != dtype or a[name].ndim != 1:
            raise ValueError(f"{name} is {a[name].dtype.str} of shape {a[name].shape}")
    rows = len(a["split_feature"]) + len(a["condition_start"]) - 1
    sizes = 1 << np.clip(np.diff(a["unit_start"]), 0, 9).astype(np.int64)
    sound = [
        len(a["split_threshold"]) == len(a["split_default"]) == len(a["split_feature"]),
        len(a["column_start"]) == len(a["unit_start"]),
        ((np.diff(a["unit_start"]) >= 1) & (np.diff(a["unit_start"]) <= 8)).all(),
        (np.diff(sizes) >= 0).all(),
        len(a["unit_value"]) == sizes.sum(),
        len(a["table"]) == (sizes * np.diff(a["column_start"])).sum() if len(a["column_start"]) == len(a["unit_start"]) else False,
        len(a["leaf_value"]) == len(a["leaf_start"]) - 1,
        (np.diff(a["leaf_start"]) >= 1).all() and (np.diff(a["leaf_start"]) <= 1000).all(),
        len(a["coefficient"]) == len(a["mean"]) and len(a["mean"]) in (0, n_features),
        len(a["constants"]) == 2 and len(a["source"]) == 32,
        all(np.isfinite(a[name]).all() for name in ("table", "unit_value", "leaf_ratio", "leaf_value", "constants")),
    ]
    for of, names in (
        ("condition", ("condition_split", "condition_below")),
        ("unit", ("unit_bit",)),
        ("column", ("column_feature",)),
        ("leaf", ("leaf_bit", "leaf_wanted", "leaf_feature", "leaf_ratio")),
    ):
        starts = a[f"{of}_start"]
        sound.append(len(starts) > 0 and starts[0] == 0 and bool((np.diff(starts) >= 0).all()))
        sound += [len(a[name]) == starts[-1:].sum() for name in names]
    for name, limit in (
        ("split_feature", n_features),
        ("column_feature", n_features),
        ("leaf_feature", n_features),
        ("condition_split", len(a["split_feature"])),
        ("unit_bit", rows),
        ("leaf_bit", rows),
    ):
        sound.append(bool(((a[name] >= 0) & (a[name] < limit)).all()))
    if not all(sound):
        raise ValueError("its arrays do not fit together")


def _refused(code: str, found: str) -> ModelRefused:
    return ModelRefused(Problem(code, "compiled.npz", found, "Save the model again."))
