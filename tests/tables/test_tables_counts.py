"""Counts with analytes in rows, as counting programs write them; and the same matrix in either orientation."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.cohort import Intake, build_cohort
from exodx.cohort.infer import is_mirna_name
from exodx.errors import InputRefused
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table

FEATURE_COUNTS = """# Program:featureCounts v2.0.1; Command:"featureCounts" "-a" "mirna.gtf"
Geneid\tChr\tStart\tEnd\tStrand\tLength\t/data/P1.bam\t/data/P2.bam
hsa-miR-21-5p\t17\t59841266\t59841337\t+\t72\t70\t900
hsa-miR-126-3p\t9\t136670602\t136670686\t+\t85\t5\t0
"""
MIRDEEP2 = """#miRNA\tread_count\tprecursor\ttotal\tP1\tP2\tP1(norm)\tP2(norm)
hsa-miR-21-5p\t970.00\thsa-mir-21\t970.00\t70.00\t900.00\t12.1\t13.5
hsa-miR-103a-3p\t30.00\thsa-mir-103a-1\t30.00\t10.00\t20.00\t1.1\t1.5
hsa-miR-103a-3p\t30.00\thsa-mir-103a-2\t30.00\t10.00\t20.00\t1.1\t1.5
"""
HTSEQ = """\tP1\tP2
hsa-miR-21-5p\t70\t900
hsa-miR-126-3p\t5\t0
hsa-miR-16-5p\t6\t1
hsa-miR-93-5p\t7\t1
hsa-miR-92a-3p\t8\t1
__no_feature\t5000\t6000
__ambiguous\t1\t2
N_unmapped\t10\t20
Total\t5086\t6922
"""
PLAIN = "miRNA,P1,P2\nhsa-miR-21-5p,70,900\nhsa-miR-126-3p,5,0\n"


@pytest.fixture
def wide(tmp_path):
    def written(text):
        path = tmp_path / "counts.txt"
        path.write_text(text)
        return to_wide(read_table(path), is_mirna_name)

    return written


def test_annotation_columns_of_feature_counts_are_no_specimens(wide):
    table = wide(FEATURE_COUNTS)
    assert table.columns == {"specimen_id": ["P1", "P2"], "hsa-miR-21-5p": ["70", "900"], "hsa-miR-126-3p": ["5", "0"]}
    assert (table.platform, table.unit) == ("featureCounts", "count")
    assert {
        "columns that describe the analytes are not read: Chr, Start, End, Strand, Length",
        "specimens are named by their file, without folder and ending",
    } <= set(table.notes)
    cohort = build_cohort(table, Intake())
    assert {a.unit for a in cohort.panel.analytes} == {"count"}


def test_mirdeep2_reads_the_counts_once_though_several_precursors_give_them(wide):
    table = wide(MIRDEEP2)
    assert table.columns == {
        "specimen_id": ["P1", "P2"],
        "hsa-miR-21-5p": ["70.00", "900.00"],
        "hsa-miR-103a-3p": ["10.00", "20.00"],
    }
    assert (table.platform, table.unit) == ("miRDeep2", "count")
    assert {
        "columns that describe the analytes are not read: read_count, precursor, total",
        "normalised columns are not read beside the counts they come from: P1(norm), P2(norm)",
        "1 analytes stand in several rows with the same values: each is read once",
    } <= set(table.notes)


def test_unequal_precursors_are_refused_all_together_with_their_lines(wide):
    text = MIRDEEP2.replace("hsa-mir-103a-2\t30.00\t10.00", "hsa-mir-103a-2\t30.00\t11.00")
    text += "hsa-let-7a-5p\t3\thsa-let-7a-1\t3\t1\t2\t1\t1\nhsa-let-7a-5p\t4\thsa-let-7a-2\t4\t2\t2\t1\t1\n"
    with pytest.raises(InputRefused) as caught:
        wide(text)
    assert [(p.code, p.where.partition(", ")[2]) for p in caught.value.problems] == [
        ("ANALYTE_TWICE", "lines 3, 4"),
        ("ANALYTE_TWICE", "lines 5, 6"),
    ]
    assert "Sum them or choose one" in caught.value.problems[0].fix


def test_rows_that_sum_up_are_left_out_and_said(wide):
    table = wide(HTSEQ)
    assert table.header == ["specimen_id", *[f"hsa-miR-{n}p" for n in ("21-5", "126-3", "16-5", "93-5", "92a-3")]]
    assert "rows that sum up are left out: N_unmapped, Total, __ambiguous, __no_feature" in table.notes


@pytest.mark.parametrize("name", ["mir-sum", "Totalin", "SUMO1"])
def test_an_analyte_that_only_sounds_like_a_sum_stays(name, wide):
    assert name in wide(PLAIN + f"{name},1,2\n").header


def test_columns_of_free_text_are_no_specimens_but_columns_of_states_are(wide):
    names = [f"hsa-miR-{i}-3p" for i in range(10)]
    rows = [f"{n},UGAGG{i:04b},{i},Undetermined,{['', 'NA', '<5', '>40', 'ND'][i % 5]}" for i, n in enumerate(names)]
    table = wide("miRNA,mature,P1,P2,P3\n" + "\n".join(rows) + "\n")
    assert table.columns["specimen_id"] == ["P1", "P2", "P3"]
    assert "columns that describe the analytes are not read: mature" in table.notes


def test_a_table_of_remarks_alone_is_refused(wide):
    with pytest.raises(InputRefused, match="NO_SPECIMEN"):
        wide("miRNA,Length,Strand\nhsa-miR-21-5p,72,+\n")


@given(st.lists(st.lists(st.integers(0, 5000), min_size=3, max_size=3), min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_both_orientations_give_the_same_cells(tmp_path_factory, matrix, shuffle):
    folder = tmp_path_factory.mktemp("both")
    names = [f"hsa-miR-{i}-3p" for i in range(len(matrix))]
    turned = "miRNA,S1,S2,S3\n" + "".join(f"{n},{','.join(map(str, row))}\n" for n, row in zip(names, matrix, strict=True))
    rows = [",".join(["id", *names]), *[",".join([f"S{j + 1}", *[str(row[j]) for row in matrix]]) for j in range(3)]]
    (folder / "a").write_text(turned)
    (folder / "b").write_text("\n".join(rows) + "\n")
    a, b = (to_wide(read_table(folder / name), is_mirna_name) for name in "ab")
    assert {n: a.columns[n] for n in names} == {n: b.columns[n] for n in names}


def big(rows, columns, cell):
    """Make a matrix that is large enough for the quick way, as lists of cells."""
    rng = random.Random(5)
    return [
        ["id", *[f"hsa-miR-{j}-3p" for j in range(columns)]],
        *[[f"S{i}", *[cell(rng) for _ in range(columns)]] for i in range(rows)],
    ]


CELLS = {
    "counts": lambda rng: str(rng.randrange(50)),
    "blanks and words": lambda rng: rng.choice(["", "NA", "Undetermined", " 7 ", "31.5", "0"]),
    "all distinct": lambda rng: repr(rng.random()),
}


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "dos"])
def test_a_large_table_is_read_like_a_small_one(kind, sign, end, tmp_path):
    matrix = big(150, 160, CELLS[kind])
    path = tmp_path / "big"
    text = end.join(sign.join(row) for row in matrix) + end
    path.write_bytes(text.encode())
    quick = read_table(path)
    path.write_bytes(
        ("# a remark" + end + text.replace("S7" + sign, '"S7"' + sign, 1)).encode()
    )  # a quoted cell takes the careful way
    careful = read_table(path)
    assert quick.columns == careful.columns == {n: [row[j].strip() for row in matrix[1:]] for j, n in enumerate(matrix[0])}
    assert (quick.lines, careful.lines) == (list(range(2, 152)), list(range(3, 153)))
    assert (quick.decimal, quick.notes) == (careful.decimal, careful.notes)


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_decimal_comma_is_found_in_a_large_table_too(sign, tmp_path):
    path = tmp_path / "big"
    matrix = big(150, 160, lambda rng: f"{rng.randrange(20, 30)},{rng.randrange(10)}")
    path.write_text("\n".join(sign.join(row) for row in matrix))
    assert read_table(path).decimal == ","


ODD = {
    "a short row": (lambda t: t + "S900,1,2\n", "ROW_RAGGED"),
    "a long row": (lambda t: t + "S900," + "1," * 160 + "1\n", "ROW_RAGGED"),
    "a name twice": (lambda t: t.replace("hsa-miR-7-3p", "hsa-miR-8-3p", 1), "HEADER_TWICE"),
    "columns without a name": (lambda t: t.replace("hsa-miR-7-3p", "", 1).replace("hsa-miR-8-3p", "", 1), "HEADER_MISSING"),
    "a zero byte": (lambda t: t.replace("S8,", "S8\x00,", 1), "NOT_A_TABLE"),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_in_a_large_table_is_refused_with_its_reason(what, tmp_path):
    mar, code = ODD[what]
    path = tmp_path / "big"
    path.write_text(mar("\n".join(",".join(row) for row in big(150, 160, CELLS["counts"])) + "\n"))
    with pytest.raises(InputRefused, match=code):
        read_table(path)


def test_lines_of_nothing_are_skipped_in_a_large_table_too(tmp_path):
    matrix = big(150, 160, CELLS["counts"])
    path = tmp_path / "big"
    lines = [",".join(row) for row in matrix]
    for blank in ("", ",".join([""] * 161), "  "):
        path.write_text("\n".join([*lines[:5], blank, *lines[5:]]) + "\n")
        table = read_table(path)
        assert len(table) == 150
        assert table.lines[3:5] == [5, 7]


@pytest.mark.cohorts
@pytest.mark.parametrize(
    "name",
    [
        "ev-mirna-counts/PRJNA904396_expression_count.csv",
        "ev-mirna-counts/PRJNA1036697_expression_count.csv",
        "pancancer-plasma-exosome-mirna-gse71008/PRJNA290097_expression.csv",
    ],
)
def test_real_counts_in_both_orientations(name, cohorts_folder, tmp_path):
    path = cohorts_folder / name
    if not path.is_file():
        pytest.skip(f"the counts are not here: {path}")
    raw = [line.split(",") for line in path.read_text().splitlines()]
    table = to_wide(read_table(path), is_mirna_name)
    assert table.columns["specimen_id"] == raw[0][1:]
    for row in raw[1::97]:
        assert table.columns[row[0]] == row[1:]
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join(",".join(row) for row in zip(*raw, strict=True)) + "\n")
    other = to_wide(read_table(turned), is_mirna_name)
    assert all(other.columns[row[0]] == table.columns[row[0]] for row in raw[1:])
    assert Counter(map(len, raw)) == {len(raw[0]): len(raw)}


def test_reads_divided_among_places_are_no_counts_and_the_inferred_panel_is_not_refused(wide):
    divided = wide(MIRDEEP2.replace("70.00\t900.00", "70.50\t900.00"))
    assert (divided.platform, divided.unit) == ("miRDeep2", "")
    assert {a.unit for a in build_cohort(divided, Intake()).panel.analytes} == {"CPM"}
