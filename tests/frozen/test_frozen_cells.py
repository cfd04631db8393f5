"""T16: what a cell means. States stay apart, limits keep their number, and what has no meaning is refused with its reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import InputContract, State, read_cells
from exodx.frozen.measurements import is_censored, is_measured
from exodx.panel import Scale

M, L, U, N, F, A = State.MEASURED, State.BELOW_LOD, State.UNDETERMINED, State.NOT_RUN, State.FAILED_QC, State.ABOVE_LOQ
NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "scale", "state", "value"),
    [
        ("27.1", Scale.CT, M, 27.1),
        ("Undetermined", Scale.CT, U, NAN),
        ("", Scale.CT, N, NAN),
        (">40", Scale.CT, U, 40.0),
        ("> 40.0", Scale.CT, U, 40.0),
        ("NOT_RUN", Scale.CT, N, NAN),
        ("not run", Scale.CT, N, NAN),
        ("FAILED", Scale.CT, F, NAN),
        ("inf", Scale.CT, U, NAN),
        ("-", Scale.CT, U, NAN),
        ("-", Scale.LINEAR, N, NAN),
        ("No Ct", Scale.CT, U, NAN),
        ("<LOD", Scale.LINEAR, L, NAN),
        ("<12.5", Scale.LINEAR, L, 12.5),
        ("<=12.5", Scale.LINEAR, L, 12.5),
        ("<LLOQ 12.5", Scale.LINEAR, L, 12.5),
        ("OOR <", Scale.LINEAR, L, NAN),
        (">2000", Scale.LINEAR, A, 2000.0),
        ("> 2e3", Scale.LINEAR, A, 2000.0),
        (">ULOQ", Scale.LINEAR, A, NAN),
        (">uloq 2000", Scale.LINEAR, A, 2000.0),
        ("OOR >", Scale.LINEAR, A, NAN),
        ("1e5", Scale.LINEAR, M, 1e5),
        ("0", Scale.LINEAR, L, 0.0),
        ("0", Scale.COUNTS, M, 0.0),
        ("0", Scale.CPM, M, 0.0),
        ("-1.5", Scale.NORMALISED, M, -1.5),
        ("#N/A", Scale.NORMALISED, N, NAN),
        ("None", Scale.COUNTS, N, NAN),
    ],
)
def test_t16_every_word_keeps_its_own_state(text, scale, state, value):
    cells = read_cells([text], scale)
    assert not cells.unreadable
    assert State(cells.states[0]) is state
    np.testing.assert_equal(cells.values[0], value)


@pytest.mark.parametrize(
    ("text", "scale", "why"),
    [
        ("55", Scale.CT, "a Ct outside 0 to 50"),
        (">55", Scale.CT, "a Ct outside 0 to 50"),
        ("0", Scale.CT, "a Ct outside 0 to 50"),
        ("-3", Scale.CT, "a Ct outside 0 to 50"),
        ("3.5", Scale.COUNTS, "a count that is negative or not whole"),
        ("-3", Scale.COUNTS, "a count that is negative or not whole"),
        ("-0.1", Scale.LINEAR, "a negative amount"),
        ("<-5", Scale.LINEAR, "a negative amount"),
        ("-1", Scale.CPM, "a negative amount"),
        ("inf", Scale.LINEAR, "text where a number belongs"),
        ("1e999", Scale.LINEAR, "text where a number belongs"),
        ("<30", Scale.CT, "text where a number belongs"),
        (">ULOQ", Scale.NORMALISED, "a value above the upper limit"),
        (">500", Scale.COUNTS, "a value above the upper limit"),
        (">-500", Scale.LINEAR, "a negative amount"),
        (">much", Scale.LINEAR, "a value above the upper limit"),
        ("27,1", Scale.CT, "a decimal comma in a table of decimal points"),
        ("0,0", Scale.LINEAR, "a decimal comma in a table of decimal points"),
        ("#DIV/0!", Scale.LINEAR, "text where a number belongs"),
        ("1,234.5", Scale.LINEAR, "digits grouped in threes"),
        ("-1,234.5", Scale.NORMALISED, "digits grouped in threes"),
        ("12,345", Scale.LINEAR, "a decimal comma, or digits grouped in threes"),
        ("12 345", Scale.LINEAR, "digits grouped in threes"),
        ("1'234'567", Scale.COUNTS, "digits grouped in threes"),
        ("1,23.4", Scale.LINEAR, "text where a number belongs"),
        ("1,234 567", Scale.LINEAR, "text where a number belongs"),
        ("1_0", Scale.LINEAR, "text where a number belongs"),
        ("0x1A", Scale.COUNTS, "text where a number belongs"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_reason(text, scale, why):
    assert read_cells(["1", text], scale).unreadable == {1: why}


def test_decimal_commas_are_read_where_the_table_has_them():
    cells = read_cells(["27,25", "<1,5", "1,234,5"], Scale.LINEAR, decimal=",")
    assert cells.values[:2].tolist() == [27.25, 1.5]
    assert set(cells.unreadable) == {2}


def test_points_group_digits_where_the_decimal_sign_is_a_comma():
    assert read_cells(["1.234,5", "1,234.5"], Scale.LINEAR, decimal=",").unreadable == {
        0: "digits grouped in threes",
        1: "text where a number belongs",
    }


def test_an_amount_below_its_limit_keeps_its_number_and_changes_its_state():
    cells = read_cells(["9.9", "10", "<LOD"], Scale.LINEAR, lod=10.0)
    assert cells.states.tolist() == [L, M, L]
    assert cells.values[:2].tolist() == [9.9, 10.0]


@given(st.lists(st.text(max_size=12), max_size=4), st.sampled_from(Scale), st.sampled_from(".,"))
def test_every_text_is_a_number_a_state_or_unreadable(texts, scale, decimal):
    cells = read_cells([t.strip() for t in texts], scale, 1.0, decimal)
    for row in range(len(texts)):
        assert row in cells.unreadable or cells.states[row] != M or np.isfinite(cells.values[row])


def test_the_contract_names_missing_and_doubled_analytes_and_reads_by_name(athero):
    contract = InputContract(athero)
    headers = [n for n in athero.names if n != "miR-145-5p"] + ["CD274"]
    assert sorted((p.code, p.found) for p in contract.missing(headers, "f")) == [
        ("ANALYTE_MISSING", "no column for analyte 'miR-145-5p'"),
        ("ANALYTE_TWICE", "'PD-L1' and 'CD274' both mean 'PD-L1'"),
    ]
    columns = {f"hsa-{n}" if n.startswith("miR") else n: ["25", "x"] for n in reversed(athero.names)}
    measurements, unreadable = contract.read(columns, ".")
    assert measurements.names == athero.names
    assert set(unreadable) == {(1, header) for header in columns}


def test_above_the_upper_limit_is_neither_measured_nor_not_found():
    cells = read_cells([">2000", "<12", "5"], Scale.LINEAR, lod=1.0)
    assert is_censored(cells.states).tolist() == [False, True, False]
    assert is_measured(cells.states).tolist() == [False, False, True]
    decimal = read_cells([">2000,5"], Scale.LINEAR, decimal=",")
    assert (decimal.values.tolist(), decimal.states.tolist()) == ([2000.5], [State.ABOVE_LOQ])
