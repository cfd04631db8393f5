"""What befalls a file: cut, flipped, spliced, re-encoded, blown up. Each mutator takes a seeded generator and gives bytes again."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from random import Random

import pyarrow as pa

from tests.hostile.containers import pack, retyped

Mutator = Callable[[Random, bytes, bytes], bytes]
"""Of a generator, the content, and another valid file to take parts from."""

HAZARDS = [
    "NaN",
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "1e308",
    "1e-320",
    "1e999",
    "-1e308",
    "0x10",
    "1_000",
    "0b11",
    "0o7",
    "+27.5",
    "-0",
    "--5",
    "27..5",
    "27.5.1",
    "2٧.5",
    "２７.５",
    "Ⅻ",
    "½",
    "²",
    "−27.5",
    "27.5%",
    "$27",
    "1'000",
    "1,000.5",
    "1.000,5",
    "27:10",
    "2024-03-01",
    "03/01/2024",
    "1-Mar",
    "MARCH1",
    "=1+1",
    "=cmd|'/c'!A1",
    "@SUM(1)",
    "TRUE",
    "#DIV/0!",
    "#REF!",
    "<12,5",
    ">40",
    "*27.5",
    "Undetermined",
    "<LOD",
    "OOR<",
    "1e",
    "1e+",
    "e5",
    ".",
    "-",
    "+",
    "00027",
    "27.",
    ".5",
    "1e5",
    "1E5",
    "1d5",
    "9007199254740993",
    "123456789012345678901234567890",
    "0x1.8p3",
    "-0.0",
    "5e-324",
    "1.7976931348623159e308",
    "1.#INF",
    "1.#QNAN",
    "∞",
    "٢٧٫٥",
    "२७.५",
    "27٫5",
    "27·5",
    "27‚5",
    "1’000",
    "1 000,5",
    "1\u00a0000.5",
    "1\u202f000",
    "2,75,000",
    "27.5\u00a0",
    "\u00a027.5",
    "– 5",
    "45352",
    "2024-03-01T00:00:00",
    "27.5 Ct",
    "2⁵",
    "1e٣",
]
"""Cells that look like numbers, and cells that programs take for numbers, dates or formulas."""

LOOK_ALIKE = str.maketrans({"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "-": "\u2011", "1": "１", "i": "і", "m": "ｍ"})
"""Cyrillic letters, a hyphen that does not break, full-width digits."""

DIGITS = ("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
"""Full-width, Arabic, Devanagari and mathematical digits; Python's ``float`` takes them all for 0 to 9."""

MARKS = (("-", "\u2212"), (".", "٫"), (".", "．"), (",", "，"), (" ", "\u00a0"), ("e", "ｅ"), (".", "·"))

INVISIBLE = ("\u200b", "\u200d", "\u00ad", "\ufeff", "\u2060", "\u202e", "\x07", "\x1c", "\x85", "\u2028", "\u00a0", "\x0b")
BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE)
TOKENS = (
    b"\x00",
    b"\x00" * 9,
    b'"',
    b'""',
    b"'",
    b",",
    b";",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"#",
    b"[",
    b"]",
    b"{",
    b"}",
    b"<",
    b"</",
    b"=",
    b"\\",
    b"\\u0000",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"-",
    b"9" * 40,
    b"9" * 5000,
    b"1e999",
    b"nan",
    b"true",
    b"<!--",
    b"&a;",
    b"[Results]",
    b"DataType:",
    b"!Sample_",
    b"<Code_Summary>",
    b"Plate:",
    b"~End",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"PAR1",
    b"\xd0\xcf\x11\xe0",
)

LARGE = 1 << 17
"""Letters of a cell too long to be one; what is made large stays small enough to be tried by the thousand."""


def cut(rng: Random, content: bytes, _: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def behead(rng: Random, content: bytes, _: bytes) -> bytes:
    return content[rng.randrange(len(content) + 1) :]


def flip(rng: Random, content: bytes, _: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def put(rng: Random, content: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(TOKENS) + content[at + rng.choice((0, 0, 1, 5)) :]


def junk(rng: Random, content: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.randbytes(rng.randrange(1, 12)) + content[at + rng.randrange(12) :]


def repeat(rng: Random, content: bytes, _: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    span = content[start : start + rng.randrange(1, 200)]
    return content[:start] + span * rng.choice((2, 3, 20)) + content[start + len(span) :]


def remove(rng: Random, content: bytes, _: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.randrange(1, 200) :]


def splice(rng: Random, content: bytes, other: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :]


def bom(rng: Random, content: bytes, _: bytes) -> bytes:
    at = rng.choice((0, 0, rng.randrange(len(content) + 1)))
    return content[:at] + rng.choice(BOMS) * rng.choice((1, 1, 2)) + content[at:]


def encode(rng: Random, content: bytes, _: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(
        rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7", "cp037", "utf-8-sig")), "replace"
    )


def line_ends(rng: Random, content: bytes, _: bytes) -> bytes:
    return b"".join(line + rng.choice((b"\n", b"\r", b"\r\n", b"\n\r", b"\n\n", b"\x85")) for line in content.splitlines())


def _lines(content: bytes) -> tuple[list[str], str]:
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    return lines, max("\t,;= ", key="".join(lines[:3]).count)


def _joined(lines: Sequence[str]) -> bytes:
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def cell(rng: Random, content: bytes, _: bytes) -> bytes:
    lines, sign = _lines(content)
    at = rng.randrange(len(lines))
    cells = lines[at].split(sign)
    cells[rng.randrange(len(cells))] = rng.choice(HAZARDS)
    return _joined([*lines[:at], sign.join(cells), *lines[at + 1 :]])


def look_alike(rng: Random, content: bytes, _: bytes) -> bytes:
    lines, sign = _lines(content)
    at = rng.choice((0, rng.randrange(len(lines))))
    cells = lines[at].split(sign)
    i = rng.randrange(len(cells))
    place = rng.randrange(len(cells[i]) + 1)
    cells[i] = rng.choice((cells[i].translate(LOOK_ALIKE), cells[i][:place] + rng.choice(INVISIBLE) + cells[i][place:]))
    return _joined([*lines[:at], sign.join(cells), *lines[at + 1 :]])


def rows(rng: Random, content: bytes, _: bytes) -> bytes:
    lines, _sign = _lines(content)
    at = rng.randrange(len(lines))
    how = rng.randrange(4)
    if how == 0:
        return _joined([*lines[:at], lines[at], *lines[at:]])
    if how == 1:
        return _joined(lines[:at] + lines[at + 1 :])
    if how == 2:
        return _joined([*lines, *lines])
    return _joined(rng.sample(lines, len(lines)))


def columns(rng: Random, content: bytes, _: bytes) -> bytes:
    lines, sign = _lines(content)
    cells = [line.split(sign) for line in lines]
    i, j = rng.randrange(max(map(len, cells))), rng.randrange(max(map(len, cells)))
    how = rng.randrange(3)
    for row in cells:
        if len(row) > max(i, j):
            row[j] = row[i] if how == 0 else row[j]
            if how == 1:
                row[i], row[j] = row[j], row[i]
            if how == 2:
                del row[i]
    return _joined([sign.join(row) for row in cells])


def decimals(rng: Random, content: bytes, _: bytes) -> bytes:
    one, other = rng.choice(((b".", b","), (b",", b"."), (b",", b";"), (b"\t", b",")))
    return content.replace(one, other) if rng.random() < 0.5 else content.replace(one, other, rng.randrange(1, 5))


def quote(rng: Random, content: bytes, _: bytes) -> bytes:
    lines, sign = _lines(content)
    at = rng.randrange(len(lines))
    cells = lines[at].split(sign)
    i = rng.randrange(len(cells))
    cells[i] = rng.choice(('"{}', '{}"', '"{}"', '"{}""', '"{}" x', '""{}""')).format(cells[i])
    return _joined([*lines[:at], sign.join(cells), *lines[at + 1 :]])


def local(rng: Random, content: bytes, _: bytes) -> bytes:
    """Write the digits or the marks of numbers as another script does: in a line, or everywhere."""
    lines, _sign = _lines(content)
    table = str.maketrans(*rng.choice((("0123456789", rng.choice(DIGITS)), rng.choice(MARKS))))
    at = rng.randrange(len(lines))
    everywhere = rng.random() < 0.5
    return _joined([line.translate(table) if everywhere or i == at else line for i, line in enumerate(lines)])


def header(rng: Random, content: bytes, _: bytes) -> bytes:
    """Leave the first lines alone, or with nothing but blank cells after them."""
    lines, sign = _lines(content)
    kept = lines[: rng.randrange(1, 4)]
    return _joined([*kept, *[sign * rng.choice((0, kept[0].count(sign)))] * rng.choice((0, 1, 50))])


def one_end(rng: Random, content: bytes, _: bytes) -> bytes:
    return rng.choice((b"\r", b"\r\n", b"\r\r\n", b"\n\r", b"\x0c", b"\x1e")).join(content.splitlines())


def nest(rng: Random, content: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    deep = rng.choice((50, 500, 5000))
    return content[:at] + rng.choice((b"[", b"{", b'{"a":', b"[[", b"<a>", b"a.", b"(")) * deep + content[at:]


def giant(rng: Random, content: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return (
        content[:at]
        + rng.choice((b"A", b"9", b" ", b'"', b"\x00", b",", b"\t", b"a,", b"\n")) * (LARGE + rng.randrange(9))
        + content[at:]
    )


PLAIN: tuple[Mutator, ...] = (
    cut,
    behead,
    flip,
    put,
    junk,
    repeat,
    remove,
    splice,
    bom,
    encode,
    line_ends,
    cell,
    look_alike,
    rows,
    columns,
    decimals,
    quote,
    local,
    header,
    one_end,
    pack,
    nest,
)
SELDOM = 200
"""One file in so many is made large."""


def of_parts(rng: Random, content: bytes, other: bytes) -> bytes:
    """Damage one file of an archive, or the text in a gzip, and pack it again as it should be; or give Parquet another type."""
    if content.startswith(b"PAR1"):
        return retyped(rng, content)
    if content.startswith(b"\x1f\x8b"):
        return gzip.compress(plain(rng, gzip.decompress(content), other), mtime=0)
    if not content.startswith(b"PK"):
        return content
    packed, out = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    names = packed.namelist()
    chosen = rng.choice([name for name in names if "sheet" in name or "shared" in name or name.endswith((".csv", ".RCC"))] or names)
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))) as repacked:
        for name in names:
            data = packed.read(name)
            change = xml if name.endswith(".xml") and rng.random() < 0.7 else plain
            repacked.writestr(name, change(rng, data, other) if name == chosen or rng.random() < 0.02 else data)
    return out.getvalue()


_XML = (
    (b'r="B2"', b'r="XFD1048576"'),
    (b'r="B2"', b'r="ZZZZZZZ9"'),
    (b'r="B2"', b'r="B99999999999"'),
    (b'r="B2"', b""),
    (b'r="B2"', b'r="A1"'),
    (b'r="2"', b'r="1048576"'),
    (b'r="2"', b'r="4294967296"'),
    (b"<v>", b"<v>&a;"),
    (b"<v>", b"<f>B1*2</f><v>"),
    (b"<v>", b"<!--x--><v>"),
    (b"</v>", b"</v><v>3</v>"),
    (b"<v>", b"<v> "),
    (b"<v>", b"<v><![CDATA[1]]>"),
    (b"<v>", b"<v>-"),
    (b't="n"', b't="s"'),
    (b't="n"', b't="e"'),
    (b't="n"', b't="b"'),
    (b't="n"', b't="d"'),
    (b't="n"', b't="str"'),
    (b't="n"', b""),
    (b't="n"', b"t='e'"),
    (b'"', b"'"),
    (b"<c ", b"<x:c "),
    (b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "27">]><worksheet'),
    (b"<sst", b'<!DOCTYPE x [<!ENTITY a "27">]><sst'),
    (b"<row", b"<row hidden='1'"),
    (b"</row>", b""),
    (b"<sheetData>", b"<sheetData><sheetData>"),
    (b"<v>", b"<v>1e400 "),
    (b"main", b"strict"),
    (b"UTF-8", b"UTF-16"),
    (b"UTF-8", b"latin-1"),
    (b"<si>", b"<si><r><t>x</t></r>"),
    (b"<t>", b"<t>_x0041_"),
)


def xml(rng: Random, content: bytes, _: bytes) -> bytes:
    """Change what a sheet's XML says, so that it stays XML."""
    found = [pair for pair in _XML if pair[0] in content]
    old, new = rng.choice(found) if found else (b"", b"")
    parts = content.split(old) if old else [content]
    if len(parts) < 2:
        return content
    at = rng.randrange(1, len(parts))
    return old.join(parts[:at]) + new + old.join(parts[at:])


def plain(rng: Random, content: bytes, other: bytes) -> bytes:
    mutator = giant if rng.randrange(SELDOM) == 0 else rng.choice(PLAIN)
    return mutator(rng, content, other)


def mutated(rng: Random, content: bytes, other: bytes) -> bytes:
    """Return a file after one to three mishaps."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        inner = content.startswith((b"\x1f\x8b", b"PK", b"PAR1")) and rng.random() < 0.6
        try:
            content = of_parts(rng, content, other) if inner else plain(rng, content, other)
        except (
            zipfile.BadZipFile,
            OSError,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
            IndexError,
            gzip.zlib.error,
            pa.ArrowException,
        ):
            content = flip(rng, content, other)
    return content
