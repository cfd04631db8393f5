"""Replicate wells become one Ct by the rule of domain.md §2.2; order, padding and the other specimens do not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import WELLS, InputContract, Reason, State, read_cells
from exodx.frozen.measurements import Status, status_of
from exodx.frozen.replicates import read_replicates
from exodx.panel import Analyte, Panel, Scale

WELL = st.one_of(
    st.floats(15, 38).map(lambda x: f"{x:.3f}"), st.sampled_from(["Undetermined", ">40", "ND", "", "failed", "No Ct", "NA"])
)
CELLS = st.lists(st.lists(WELL, min_size=1, max_size=6), min_size=1, max_size=6)


def one(*wells):
    cells, disagree = read_replicates([WELLS.join(wells)], Scale.CT)
    assert not cells.unreadable
    return float(cells.values[0]), State(cells.states[0]).name, bool(disagree[0])


@pytest.mark.parametrize(
    ("wells", "value", "state", "disagree"),
    [
        (("27.1",), 27.1, "MEASURED", False),
        (("27.0", "27.4"), 27.2, "MEASURED", False),
        (("27.0", "27.4", "28.0"), 27.4, "MEASURED", True),  # SD 0.503
        (("27.0", "27.5", "28.0"), 27.5, "MEASURED", False),  # SD 0.5, range 1: at the limit
        (("27.0", "27.8"), 27.4, "MEASURED", True),  # SD 0.57
        (("27", "27.3", "27.3", "27.3", "28.05"), 27.3, "MEASURED", True),  # range 1.05
        (("27.0", "27.2", "35.0"), 27.2, "MEASURED", True),
        (("27.0", "Undetermined"), np.nan, "UNDETERMINED", True),
        (("27.0", "27.2", "ND"), 27.1, "MEASURED", True),
        (("27.0", ">40", ">40"), 40.0, "UNDETERMINED", True),
        (("Undetermined", "No Ct", ">40"), 40.0, "UNDETERMINED", False),
        (("27.0", "", "27.2"), 27.1, "MEASURED", False),  # a well that was not run takes no part
        (("27.0", "failed"), 27.0, "MEASURED", False),
        (("", "failed"), np.nan, "FAILED_QC", False),
        (("", "NA"), np.nan, "NOT_RUN", False),
        (("ND", "", ""), np.nan, "UNDETERMINED", False),
        (("27", "27", "ND", "ND"), np.nan, "UNDETERMINED", True),
    ],
)
def test_wells_become_one_value(wells, value, state, disagree):
    assert one(*wells) == (pytest.approx(value, nan_ok=True), state, disagree)


@given(CELLS, st.randoms())
def test_order_of_wells_and_other_specimens_change_nothing(specimens, rng):
    texts = [WELLS.join(wells) for wells in specimens]
    batch, flags = read_replicates(texts, Scale.CT)
    for row, wells in enumerate(specimens):
        rng.shuffle(wells)
        alone, flag = read_replicates([WELLS.join(wells)], Scale.CT)
        assert alone.values.tobytes() == batch.values[row : row + 1].tobytes()
        assert (alone.states[0], flag[0]) == (batch.states[row], flags[row])


@given(st.lists(WELL, min_size=1, max_size=20))
def test_single_wells_are_read_as_ever(texts):
    plain = read_cells(texts, Scale.CT)
    for cells, disagree in (read_replicates(texts, Scale.CT), read_replicates([*texts, f"27{WELLS}28"], Scale.CT)):
        np.testing.assert_array_equal(cells.values[: len(texts)], plain.values)
        np.testing.assert_array_equal(cells.states[: len(texts)], plain.states)
        assert not disagree[: len(texts)].any()


@given(st.lists(st.floats(15, 38).map(lambda x: round(x, 2)), min_size=2, max_size=9))
def test_median_and_spread_equal_numpys(wells):
    value, _, disagree = one(*map(str, wells))
    assert value == pytest.approx(np.median(wells), abs=1e-12)
    sd, spread = np.std(wells, ddof=1), np.ptp(wells)
    if abs(sd - 0.5) > 1e-6 and abs(spread - 1) > 1e-6:
        assert disagree == (sd > 0.5 or spread > 1)


def test_what_cannot_be_read_names_its_row():
    cells, _ = read_replicates(["27", f"27{WELLS}abc", f"27{WELLS}99"], Scale.CT)
    assert set(cells.unreadable) == {1, 2}


def test_only_ct_wells_are_summarised():
    for scale in set(Scale) - {Scale.CT}:
        cells, _ = read_replicates(["5", f"5{WELLS}6"], scale)
        assert cells.unreadable == {1: "several values, and only Ct wells are summarised"}


def test_a_contract_flags_the_specimen_whose_wells_disagree():
    panel = Panel("p", "1", "t", (Analyte("miR-1-3p", "mirna", "Ct"), Analyte("miR-2-3p", "mirna", "Ct")), normalisation="none")
    columns = {"miR-1-3p": [f"27{WELLS}27.2", f"27{WELLS}30"], "miR-2-3p": ["30", "31"]}
    measurements, unreadable = InputContract(panel).read(columns, ".")
    assert not unreadable
    assert [Reason(int(f)) for f in measurements.flags] == [Reason(0), Reason.REPLICATES_DISAGREE]
    assert [status_of(int(f)) for f in measurements.flags] == [Status.OK, Status.WARN]
    assert measurements.values[0, 0] == pytest.approx(27.1)
