"""No damaged export of any platform ends in a traceback, and none is taken for another platform's."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import Intake, build_cohort
from exodx.errors import ExodxError
from exodx.tables.reader import read_table
from exodx.tables.table import TextTable
from tests.tables.test_platforms_geo import HEAD, TABLE
from tests.tables.test_platforms_olink import manager, parquet, rows, text
from tests.tables.test_platforms_proteins import DIANN, FRAGPIPE, GROUPS, MAXQUANT, PIVOT, SKYLINE, SPECTRONAUT
from tests.tables.test_platforms_rcc import archive, rcc
from tests.tables.test_tables_counts import FEATURE_COUNTS, HTSEQ, MIRDEEP2

EXPORTS = {
    "Olink NPX": [text(rows()).encode(), text(rows(), ";").encode(), parquet(rows()), manager()],
    "NanoString nCounter": [rcc(), rcc(end="\r\n"), archive({"a.RCC": rcc(), "b.RCC": rcc("P2")})],
    "GPL18402": [(HEAD + TABLE).encode(), (HEAD + TABLE).encode("utf-16")],
    "MaxQuant": [MAXQUANT.encode()],
    "DIA-NN": [DIANN.encode()],
    "FragPipe": [FRAGPIPE.encode()],
    "Spectronaut": [PIVOT.encode(), SPECTRONAUT.encode()],
    "Skyline": [SKYLINE.encode()],
    "mass spectrometry": [GROUPS.encode()],
    "": [FEATURE_COUNTS.encode(), MIRDEEP2.encode(), HTSEQ.encode()],
}
CONTENTS = [(platform, content) for platform, contents in EXPORTS.items() for content in contents]


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("platforms") / "file.bin"

    def write(content):
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(("platform", "content"), CONTENTS)
def test_each_is_recognised_as_what_it_is(platform, content, file):
    table = read_table(file(content))
    assert table.platform == platform
    assert len(set(table.columns)) == len(table.columns)
    assert set(table.analytes) <= set(table.columns)
    assert set(table.accessions) <= set(table.analytes)
    assert len(table) == len(table.lines)


@given(st.sampled_from(CONTENTS), st.integers(0, 10**6), st.integers(0, 40), st.binary(max_size=6))
def test_damage_gives_a_table_or_a_refusal(file, export, place, length, junk):
    content = export[1]
    place %= len(content)
    with suppress(ExodxError):
        table = read_table(file(content[:place] + junk + content[place + length :]))
        assert isinstance(table, TextTable)
        assert {len(column) for column in table.columns.values()} == {len(table)}
        build_cohort(table, Intake())


@given(st.sampled_from([c for _, c in CONTENTS if not c.startswith((b"PK", b"PAR1", b"\xff\xfe"))]), st.data())
def test_missing_columns_give_a_table_or_a_refusal(file, content, data):
    lines = content.decode().split("\n")
    sign = max("\t,;", key=lines[-2].count)
    out = data.draw(st.integers(0, 12))
    cut = [sign.join(cell for i, cell in enumerate(line.split(sign)) if i != out) for line in lines]
    with suppress(ExodxError):
        table = read_table(file("\n".join(cut).encode()))
        assert {len(column) for column in table.columns.values()} == {len(table)}
        build_cohort(table, Intake())
