"""Real exports of plate readers: wells counted from the raw bytes by other means, concentrations beside the vendor's own."""

import re

import openpyxl
import pytest

from exodx.errors import InputRefused
from exodx.tables.reader import read_table
from exodx.tables.wells import read_plates

pytestmark = [pytest.mark.cohorts, pytest.mark.filterwarnings("ignore:Workbook contains no default style")]
SOFTMAX, GEN5 = "MD_SMP_absorbance_endpoint_example01.txt", "endpoint_stdcurve_singleplate.txt"


@pytest.fixture
def exports(cohorts_folder):
    folder = cohorts_folder / "instrument-exports" / "elisa_plate_readers"
    if not folder.is_dir():
        pytest.skip(f"the real plates are not here: {folder}")
    return folder


def group_rows(path):
    """Yield (group, sample, well, signal as shown, plate, cells) of the export's lines that name a plate at their end."""
    group = sample = ""
    for line in path.read_bytes().decode("utf-16").splitlines():
        cells = line.split("\t")
        if line.startswith("Group:"):
            group = line.split(":")[1].strip()
        wells = [cell for cell in cells if re.fullmatch(r"[A-H]\d+", cell)]
        if len(wells) == 1 and any(cell.startswith("Plate0") for cell in cells):
            sample = cells[0].strip() or sample
            at = cells.index(wells[0])
            shown = next(cell for cell in cells[at + 1 :] if re.fullmatch(r"-?\d+\.\d{3}", cell))
            yield group, sample, wells[0], float(shown), next(c for c in cells if c.startswith("Plate0")), cells


def test_softmax_wells(exports):
    rows = list(group_rows(exports / SOFTMAX))
    assert len(rows) == 2 * 93
    plates = read_plates(exports / SOFTMAX)
    assert [p.plate for p in plates] == ["Plate01", "Plate02"]
    for plate in plates:
        mine = {r[2]: r for r in rows if r[4] == plate.plate}
        assert len(plate.wells) == 96
        kinds = {"Standards": "standard", "UnknownsNoDiln": "unknown"}
        for well in plate.wells:
            if well.well in mine:
                group, sample, _, shown, _, _ = mine[well.well]
                assert (well.kind, well.specimen_id) == (kinds[group], sample)
                assert well.signal == pytest.approx(shown, abs=0.00051)
            else:
                assert (well.kind, well.well[0]) == ("unassigned", "H")
        assert {w.concentration for w in plate.of("concentration", "standard")} == {320, 160, 80, 40, 20, 10, 5}
        assert (
            max(abs(w.signal - round(w.signal, 3)) for w in plate.of("concentration", "standard")) > 1e-4
        )  # not as shown: sharper


def test_softmax_concentrations_lie_beside_the_vendors(exports):
    """SoftMax Pro fitted both plates together; a curve a plate may differ by a few percent."""
    vendor = {}
    for group, sample, _, _, plate, cells in group_rows(exports / SOFTMAX):
        if group.startswith("Unknowns"):
            numbers = [float(c) for c in cells if re.fullmatch(r"\d+\.\d{3}", c)]
            vendor.setdefault((sample, plate), []).append(numbers[1])
    table = read_table(exports / SOFTMAX)
    assert (len(table), table.unit, table.platform) == (48, "ng/mL", "ELISA")
    for sample, plate, cell in zip(*table.columns.values(), strict=True):
        expected = vendor[sample, plate]
        assert len(expected) == 3
        assert float(cell) == pytest.approx(sum(expected) / 3, rel=0.025)


def test_gen5_wells_and_concentrations(exports):
    lines = (exports / GEN5).read_text().splitlines()
    drawn = {}
    for line in lines:
        cells = line.split("\t")
        if len(cells) >= 14 and cells[13] in ("Well ID", "Conc/Dil", "630nmAbsRead:630", "[Concentration]"):
            drawn.setdefault(cells[13], []).extend(cells[1:13])
    assert {len(cells) for cells in drawn.values()} == {96}
    (plate,) = read_plates(exports / GEN5)
    by = {w.well: w for w in plate.wells}
    places = [f"{letter}{n}" for letter in "ABCDEFGH" for n in range(1, 13)]
    truth = {}
    for at, name, amount, read, result in zip(places, *drawn.values(), strict=True):
        well = by[at]
        assert (well.specimen_id, well.signal) == (name.split(":")[0], float(read))
        if name.startswith("STD"):
            assert (well.kind, well.concentration) == ("standard", float(amount))
        elif name == "BLK":
            assert well.kind == "blank"
        else:
            assert (well.kind, well.dilution) == ("unknown", 1 / float(amount))
            truth.setdefault(well.specimen_id, {}).setdefault(amount, []).append(float(result) / float(amount))
    table = read_table(exports / GEN5)
    assert table.columns["specimen_id"] == list(truth)
    for name, cell in zip(table.columns["specimen_id"], table.columns["concentration"], strict=True):
        means = [sum(v) / len(v) for v in truth[name].values()]
        assert float(cell) == pytest.approx(sum(means) / len(means), rel=0.006)


@pytest.mark.parametrize(("name", "wells"), [("SLA01P01_ELISA.xlsx", 384), ("SLA01P01_OD.xlsx", 96)])
def test_signals_without_a_layout_are_refused(name, wells, exports):
    sheet = openpyxl.load_workbook(exports / name).active
    counted = sum(bool(re.fullmatch(r"[A-P]\d{1,2}", str(cell.value))) for row in sheet.iter_rows() for cell in row)
    assert counted == wells
    with pytest.raises(InputRefused, match="NO_LAYOUT") as refusal:
        read_table(exports / name)
    assert f"signals of {wells} wells" in str(refusal.value)
    assert "Measurement mode: Absorbance" in str(refusal.value)
