"""What lies in a bundle's folder: names, kinds and bytes. Nothing is trusted, no link is followed, no device is opened."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from exodx.errors import ModelRefused, Problem

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.minisig"
"""Of the manifest, which holds the hash of every other file: see :mod:`exodx.signing`."""
COMPANIONS = ("report.html", "sheets", "model_card.md", "model_card.json", SIGNATURE)
"""May lie in the folder; not part of the model, never read with it."""
FILE_MANAGERS = (".DS_Store", ".directory", ".localized")
"""What file managers leave behind; never read."""
MOST_BYTES = 1 << 30
"""Of one file of a bundle."""
FILE, FOLDER, LINK, OTHER = "file", "folder", "a symbolic link", "a device or pipe"
COPY = "Copy the bundle again from where it was made."

_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A pipe that nobody writes to must not make us wait, and a link that was put there meanwhile is not followed."""


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """Return JSON as every file of a bundle is written."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def strict_json(data: bytes) -> Any:
    """Read JSON whose objects have each key once, and whose numbers are numbers.

    Raises
    ------
    ValueError
        When it is anything else, or nested too deep.

    >>> strict_json(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: key 'a' twice
    """
    try:
        return json.loads(data, object_pairs_hook=_each_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deep") from None


def is_listing(files: object) -> bool:
    """Say whether something is a manifest's list of files: names and hashes, all of them texts.

    >>> is_listing({"transform.json": "ab"}), is_listing({"transform.json": float("inf")})
    (True, False)
    """
    return isinstance(files, dict) and all(isinstance(value, str) for value in files.values())


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        raise ValueError(f"key {next(key for key, _ in pairs if key in seen or seen.add(key))!r} twice")  # type: ignore[func-returns-value]
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def kinds_in(folder: Path) -> dict[str, str]:
    """Return what lies in a folder: name → kind. The names are the directory's own, to the letter."""
    with os.scandir(folder) as entries:
        return {entry.name: _kind(entry) for entry in entries}


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return LINK
    if entry.is_dir(follow_symlinks=False):
        return FOLDER
    return FILE if entry.is_file(follow_symlinks=False) else OTHER


def foreign(kinds: Mapping[str, str], files: Collection[str], folders: Collection[str] = ()) -> list[str]:
    """Return the names that no bundle of these files and folders has."""
    left_behind = {name for name in FILE_MANAGERS if kinds.get(name) == FILE}
    return sorted(set(kinds) - {MANIFEST, *files, *folders, *COMPANIONS} - left_behind)


def beside(folder: Path, kinds: Mapping[str, str], files: Collection[str], folders: Collection[str] = ()) -> list[Problem]:
    """Return a problem for all that must not lie in a bundle's folder: foreign names, links, pipes, also among the companions."""
    problems = [
        Problem("FILE_FOREIGN", str(folder), f"{name!r} is not part of a bundle", COPY) for name in foreign(kinds, files, folders)
    ]
    for name in COMPANIONS:
        if kinds.get(name, FILE) in (LINK, OTHER):
            problems.append(irregular(folder / name, kinds[name]))
        elif kinds.get(name) == FOLDER:
            problems += [irregular(path, kind) for path, kind in _inside(folder / name) if kind in (LINK, OTHER)]
    return problems


def _inside(folder: Path) -> Iterator[tuple[Path, str]]:
    for name, kind in sorted(kinds_in(folder).items()):
        yield folder / name, kind
        if kind == FOLDER:
            yield from _inside(folder / name)


def irregular(path: Path, kind: str, wanted: str = FILE) -> Problem:
    """Return the problem of something that is not what should lie there."""
    found = f"it is {kind if kind in (LINK, OTHER) else f'a {kind}'}, not a {wanted}"
    fix = f"Put a copy of the {wanted} in its place: a bundle is whole in its folder."
    return Problem("FILE_IRREGULAR", str(path), found, fix)


def read_regular(path: Path) -> bytes:
    """Read a file that is a regular one at the moment it is opened.

    Raises
    ------
    ModelRefused
        ``FILE_IRREGULAR``, ``FILE_TOO_LARGE``, ``FILE_UNREADABLE``.
    """
    try:
        with os.fdopen(os.open(path, _OPEN), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise ModelRefused(irregular(path, FOLDER if stat.S_ISDIR(about.st_mode) else OTHER))
            if about.st_size > MOST_BYTES:
                found = f"it has {about.st_size} bytes; no file of a bundle has more than {MOST_BYTES}"
                raise ModelRefused(Problem("FILE_TOO_LARGE", str(path), found, COPY))
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ModelRefused(Problem("FILE_UNREADABLE", str(path), error.strerror or "it cannot be read", COPY)) from None


def read_manifest(folder: Path) -> bytes | None:
    """Return the bytes of a folder's manifest; None where there is none.

    Raises
    ------
    ModelRefused
        When it is no regular file.
    """
    try:
        kind = kinds_in(folder).get(MANIFEST)
    except OSError:
        return None
    if kind is None:
        return None
    if kind != FILE:
        raise ModelRefused(irregular(folder / MANIFEST, kind))
    return read_regular(folder / MANIFEST)


def read_vouched(folder: Path, names: Collection[str], vouched: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, bytes]:
    """Read files, each once, that have the hash that a manifest says.

    Raises
    ------
    ModelRefused
        With every file that is missing, changed, not regular, or foreign to the names.
    """
    problems = [
        Problem("FILE_FOREIGN", str(folder), f"the manifest names a foreign file {name!r}", COPY)
        for name in sorted(set(vouched) - set(names))
    ]
    content: dict[str, bytes] = {}
    for name in sorted(names):
        kind = kinds.get(name)
        if name not in vouched or kind is None:
            problems.append(Problem("FILE_MISSING", str(folder), f"{name} is missing", COPY))
        elif kind != FILE:
            problems.append(irregular(folder / name, kind))
        else:
            try:
                content[name] = read_regular(folder / name)
            except ModelRefused as refusal:
                problems += refusal.problems
                continue
            if digest(content[name]) != vouched[name]:
                found = "its content does not match the manifest's SHA-256"
                problems.append(Problem("FILE_CHANGED", str(folder / name), found, COPY))
    if problems:
        raise ModelRefused(problems)
    return content
