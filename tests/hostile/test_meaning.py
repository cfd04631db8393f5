"""No value is altered in silence: what was written is what is read, in whatever form, or the file is refused."""

from __future__ import annotations

import math
from random import Random

import pytest

from exodx.panel import Scale
from tests.hostile import mutators
from tests.hostile.meaning import DATES, FORMS, NEVER, NUMBERS, REFUSED, read_values, study, with_cell

TRIES = 400


@pytest.fixture
def path(tmp_path):
    return tmp_path / "input.bin"


def equal(one, other) -> bool:
    return one == other or (isinstance(one, float) and isinstance(other, float) and math.isclose(one, other, rel_tol=0, abs_tol=0))


def test_a_number_is_read_as_it_was_written_in_every_form(path):
    rng, read = Random(1), 0
    for _ in range(TRIES):
        s = study(rng, whole=rng.random() < 0.3)
        form = rng.choice(FORMS)
        path.write_bytes(form(rng, s))
        found = read_values(path)
        if found is not None and REFUSED not in found.values():
            assert found == s.truth, form.__name__
            read += 1
    assert read > 0.8 * TRIES


@pytest.mark.parametrize("scale", [Scale.NORMALISED, Scale.CT, Scale.LINEAR, Scale.COUNTS])
def test_what_is_no_number_is_never_read_as_one(scale, path):
    rng = Random(2)
    for cell in (*NEVER, *DATES):
        for _ in range(3):
            content, at = with_cell(rng, study(rng, scale is Scale.COUNTS), cell)
            path.write_bytes(content)
            found = read_values(path, scale)
            assert found is None or found[at] == REFUSED, (cell, found[at])


@pytest.mark.parametrize("cell", NUMBERS)
def test_an_odd_number_is_read_as_it_or_refused(cell, path):
    rng, read = Random(3), []
    for _ in range(6):
        content, at = with_cell(rng, study(rng), cell)
        path.write_bytes(content)
        found = read_values(path)
        value = REFUSED if found is None else found[at]
        assert value in (REFUSED, NUMBERS[cell])
        read.append(value)
    assert len(set(read)) == 1, "the container decides what a number is"


def test_a_flipped_bit_in_what_bears_a_checksum_alters_nothing(path):
    """Of plain text and Parquet no reader can tell; gzip, ZIP and so XLSX bear a checksum of every byte."""
    rng = Random(4)
    read = 0
    for _ in range(TRIES):
        s = study(rng)
        content = rng.choice(FORMS)(rng, s)
        if not content.startswith((b"PK", b"\x1f\x8b")):
            continue
        path.write_bytes(mutators.flip(rng, content, b""))
        found = read_values(path)
        if found is not None and REFUSED not in found.values():
            assert found == s.truth
            read += 1
    assert read
