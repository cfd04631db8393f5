"""The runner in small: hundreds of damaged files through every reader, none of which breaks it; and the runner itself."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exodx.errors import InputRefused, Problem
from tests.hostile import run
from tests.hostile.containers import pack, retyped
from tests.hostile.readers import READERS, outcome
from tests.hostile.seeds import seeds
from tests.hostile.warm import warm

FEW = {"plates": 60, "predict": 80, "manifest": 60, "members": 60, "panel": 80, "xlsx": 100}
"""Readers that take longer."""

SEED = 8


def test_every_family_has_its_reader():
    assert set(READERS) == set(seeds())


@pytest.mark.parametrize("reader", sorted(READERS))
def test_damaged_files_are_read_or_refused(reader, tmp_path):
    tally = run.tried(reader, FEW.get(reader, 200), 120, SEED, tmp_path)
    assert tally.crashed == 0, f"{tally.why}: python -m tests.hostile.run --reader {reader} --seed {SEED} --inputs {tally.inputs}"
    assert tally.read >= len(seeds()[reader]) / 2, "the valid files themselves are read"
    assert tally.refused > 0
    assert tally.inputs == tally.read + tally.refused == FEW.get(reader, 200)


def test_an_input_is_the_same_whenever_it_is_made():
    for reader in seeds():
        assert [run.made(reader, 5, n) for n in range(30, 40)] == [run.made(reader, 5, n) for n in range(30, 40)]
    assert run.made("plan", 5, 30) != run.made("plan", 6, 30)


def crashing(path: Path) -> None:
    raise KeyError(path.read_bytes()[:3])


def hungry(path: Path) -> None:
    bytearray(path.stat().st_size and (run.MEGABYTES + 100) << 20)


def slow(path: Path) -> None:
    while path:
        pass


def empty(path: Path) -> None:
    raise InputRefused([])


def dying(path: Path) -> None:
    sys.stdout = None
    import os

    os._exit(7)


@pytest.mark.parametrize(
    ("reader", "why"),
    [
        (crashing, "KeyError"),
        (hungry, "memory grew"),
        (slow, "TooSlow"),
        (empty, "AssertionError"),
        (dying, "the process died (7)"),
    ],
)
def test_what_breaks_a_reader_is_seen_counted_and_kept(reader, why, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SECONDS_OF_ONE", 0.2 if reader is slow else 20)
    monkeypatch.setitem(READERS, "plan", lambda path: reader(path) if b"xyz" in path.read_bytes() else None)
    monkeypatch.setattr(run, "made", lambda _reader, _seed, number: b"xyz" if number == 2 else b"a = 1")
    tally = run.tried("plan", 4, 60, 1, tmp_path)
    assert (tally.inputs, tally.read, tally.crashed) == (4, 3, 1)
    assert why in next(iter(tally.why))
    assert (tmp_path / "plan-1-2.bin").read_bytes() == b"xyz"


def test_a_refusal_without_a_word_of_help_counts_as_a_crash(tmp_path, monkeypatch):
    def helpless(path):
        raise InputRefused(Problem("CODE", str(path), "found", ""))

    monkeypatch.setitem(READERS, "plan", lambda path: helpless(path) if path.read_bytes() == b"xyz" else None)
    monkeypatch.setattr(run, "made", lambda _reader, _seed, number: b"xyz" if number else b"a = 1")
    assert run.tried("plan", 2, 60, 1, None).crashed == 1


def test_the_command_prints_a_table(tmp_path):
    command = [
        sys.executable,
        "-m",
        "tests.hostile.run",
        "--inputs",
        "5",
        "--reader",
        "plan",
        "--reader",
        "ubjson",
        "--keep",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "time cap 10 s, memory cap 1024 MB an input, seed 1"
    assert [line.split()[:2] for line in lines[1:]] == [["reader", "inputs"], ["plan", "5"], ["ubjson", "5"]]


@pytest.mark.parametrize("reader", ["plates", "panel", "predict"])
def test_what_is_kept_warm_changes_no_outcome(reader, tmp_path):
    path, inputs = tmp_path / "input.bin", [run.made(reader, 5, n) for n in range(25)]

    def outcomes() -> list[str]:
        return [outcome(READERS[reader], path) for content in inputs if path.write_bytes(content) >= 0]

    cold = outcomes()
    with warm():
        assert outcomes() == cold == outcomes()
    assert set(cold) == {"read", "refused"}


def test_parquet_columns_of_odd_types_are_still_parquet():
    """Most of them; the reader must refuse what they hold, not that they are damaged."""
    types = set()
    for number in range(150):
        with suppress(pa.ArrowException):
            types |= {str(kind) for kind in pq.read_schema(io.BytesIO(retyped(Random(number), seeds()["parquet"][0]))).types}
    assert len(types) > 12
    assert any(kind.startswith("decimal") for kind in types)
    assert any(kind.startswith("timestamp") for kind in types)
    assert any(kind.startswith("list") for kind in types)


def test_packed_inputs_are_gzip_bzip2_xz_and_zip():
    starts = {pack(Random(number), b"id,x\nS1,2\n", b"")[:2] for number in range(60)}
    assert starts == {b"\x1f\x8b", b"BZ", b"\xfd7", b"PK"}
