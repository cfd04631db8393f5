"""Text in any encoding: Unicode is read as it is; the old one-byte encodings only where no name depends on them."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.tables.decoding import decode
from exodx.tables.reader import read_table

TABLE = "id\tmiR-1-3p\tremark\nS1\t24.5\tnone\nS2\tUndetermined\tµ and é\n"


@pytest.fixture
def read(tmp_path):
    def written(content):
        path = tmp_path / "table.xls"
        path.write_bytes(content)
        return read_table(path)

    return written


@pytest.mark.parametrize("mark", [True, False], ids=["marked", "bare"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "dos", "mac"])
def test_utf_16_with_and_without_its_mark(mark, encoding, end, read):
    content = TABLE.replace("\n", end).encode(encoding)
    bom = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}[encoding] if mark else b""
    table = read(bom + content)
    assert table.columns == {"id": ["S1", "S2"], "miR-1-3p": ["24.5", "Undetermined"], "remark": ["none", "µ and é"]}
    assert "UTF-16" in table.notes


def test_utf_16_that_is_cut_off_is_refused(read):
    with pytest.raises(InputRefused, match="damaged UTF-16"):
        read(TABLE.encode("utf-16")[:-1])


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_doubtful_letter_in_a_remark_is_read_and_said(encoding, read):
    table = read(TABLE.encode(encoding))
    assert table.columns["remark"] == ["none", "µ and é"]
    assert "not UTF-8: decoded as Windows-1252" in table.notes


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("S2", "Sé", "line 3, column 'id'"),
        ("remark", "rémark", "line 1"),
        ("miR-1-3p", "miR-1-3p é", "line 1"),
        ("id\tmiR-1-3p\tremark", "id\tmiR-1-3p\tsubject", "line 3, column 'subject'"),
        ("id\tmiR-1-3p\tremark", "id\tmiR-1-3p\tSite", "line 3, column 'Site'"),
        ("id\tmiR-1-3p\tremark", "no\tvalue\ttarget", "line 3, column 'target'"),
    ],
)
def test_a_doubtful_letter_in_a_name_is_refused_with_its_place(old, new, where, read):
    with pytest.raises(InputRefused) as caught:
        read(TABLE.replace(old, new, 1).encode("latin-1"))
    assert [(p.code, p.where) for p in caught.value.problems] == [("ENCODING", f"table.xls, {where}")]


def test_letters_of_other_machines_are_refused_wherever_they_stand(read):
    for encoding in ("mac-roman", "cp437"):
        with pytest.raises(InputRefused, match="ENCODING"):
            read(TABLE.encode(encoding, errors="replace"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@given(st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=4, max_size=300))
def test_plain_text_comes_back_from_every_unicode(encoding, text):
    assert decode("x", text.encode(encoding)).text == text


@given(st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=100))
def test_utf_8_is_never_in_doubt(text):
    decoded = decode("x", text.encode("utf-8-sig"))
    assert (decoded.text, decoded.doubt) == (text, "")
