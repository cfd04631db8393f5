"""Files on any store that fsspec knows: Parquet files of a cohort are read there, and a finished output is put there."""

from __future__ import annotations

import contextlib
import glob
import posixpath
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq

from exodx.errors import InputRefused, Problem, UsageError
from exodx.scoring.blocks import PARQUET, Rows, block_rows

AT_ONCE = 16
"""Files whose beginnings and footers are fetched at the same time."""


@dataclass(frozen=True, slots=True)
class Stored(Rows):
    """A Parquet file on a store.

    Parameters
    ----------
    path : Path
        Its name alone, for messages.
    rows : int
        Of a block.
    url : str
        Its address, with the protocol (``s3://…``).
    size : int
        Bytes.
    """

    url: str
    size: int

    @property
    def n_bytes(self) -> int:
        """Its bytes as they are stored."""
        return self.size

    def opened(self) -> pq.ParquetFile:
        """Open the file, to be used in a ``with``."""
        store, path = fsspec.core.url_to_fs(self.url)
        return pq.ParquetFile(path, filesystem=store, pre_buffer=True)

    def fingerprint(self) -> list[Any]:
        """Return the file's address and what its store says of its version."""
        store, path = fsspec.core.url_to_fs(self.url)
        return [self.url, self.size, store.ukey(path)]


def stored_files(url: str) -> list[Stored]:
    """Return the Parquet files of a cohort: one, those that stand in a folder, or those whose names match a pattern, by name.

    Raises
    ------
    InputRefused
        When the store cannot be read, there is no file, or one is no Parquet file.
    UsageError
        When a package is missing that reads such a store.
    """
    try:
        store, path = fsspec.core.url_to_fs(url)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(partial(_stored, store), _cohort(store, path.rstrip("/"))))
    except ImportError as error:
        raise UsageError(Problem("STORE_PACKAGE_MISSING", url, str(error), "Install the package it names.")) from None
    except Exception as error:
        raise unreadable(url, error) from None
    if not found:
        fix = "Name a file, a folder of files, or a pattern of their names."
        raise InputRefused(Problem("FILE_MISSING", url, "there is no file", fix))
    if problems := [file for file in found if isinstance(file, Problem)]:
        raise InputRefused(problems)
    return [file for file in found if isinstance(file, Stored)]


def is_alone(url: str) -> bool:
    """Say whether an address is that of a file."""
    store, path = fsspec.core.url_to_fs(url)
    return bool(store.isfile(path))


def fetch(files: list[Stored], folder: Path) -> None:
    """Copy files from their store into a folder."""
    for file in files:
        store, path = fsspec.core.url_to_fs(file.url)
        try:
            store.get_file(path, str(folder / file.path.name))
        except Exception as error:
            raise unreadable(file.url, error) from None


def put(file: Path, url: str) -> None:
    """Put a finished file on a store: under a hidden name first, and in its place when all of it is there.

    Where a store cannot rename, its file system copies there (which object stores do as one step) and removes the hidden one.

    Raises
    ------
    UsageError
        When it cannot be written; then there is nothing under its name, or what was there before.
    """
    try:
        store, path = fsspec.core.url_to_fs(url)
    except Exception as error:
        raise _unwritable(url, error) from None
    folder, name = posixpath.split(path)
    hidden = posixpath.join(folder, f".{name}-{uuid.uuid4().hex}")
    try:
        store.makedirs(folder, exist_ok=True)
        store.put_file(str(file), hidden)
        store.invalidate_cache()
        if store.info(hidden)["size"] != file.stat().st_size:
            raise OSError("only a part of the output arrived")
        store.mv(hidden, path)
    except Exception as error:
        with contextlib.suppress(Exception):
            store.rm_file(hidden)
        raise _unwritable(url, error) from None


def unreadable(url: str, error: Exception) -> InputRefused:
    """Return the refusal of a store or file that cannot be read."""
    found = f"it cannot be read ({_first_line(error)})"
    fix = "Check the address and your access; every worker must be able to read it."
    return InputRefused(Problem("STORE_UNREADABLE", url, found, fix))


def _unwritable(url: str, error: Exception) -> UsageError:
    return UsageError(Problem("OUTPUT_UNWRITABLE", url, _first_line(error), "Check the address and your access."))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _cohort(store: Any, path: str) -> list[str]:
    """Return the paths of a cohort's files; hidden ones are left out, as in a folder of this machine."""
    if glob.has_magic(posixpath.basename(path)):
        found = [file for file in store.glob(path) if store.isfile(file)]
    elif store.isdir(path):
        found = [entry["name"] for entry in store.ls(path, detail=True) if entry["type"] == "file"]
    else:
        found = [path] if store.exists(path) else []
    return sorted(file for file in found if not posixpath.basename(file).startswith("."))


def _stored(store: Any, path: str) -> Stored | Problem:
    url = store.unstrip_protocol(path)
    if store.cat_file(path, start=0, end=len(PARQUET)) != PARQUET:
        fix = "Name the Parquet files alone: a pattern such as part-*.parquet; text is scored by the local engine."
        return Problem("ENGINE_PARQUET", url, "it is no Parquet file, and a cluster reads nothing else", fix)
    with pq.ParquetFile(path, filesystem=store) as file:
        rows = block_rows(file.metadata.num_columns)
    return Stored(Path(posixpath.basename(path)), rows, url, int(store.info(path)["size"]))
