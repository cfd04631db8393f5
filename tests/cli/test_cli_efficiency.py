"""``exodx efficiency``: standards of an export become efficiencies that a panel may take."""

import json
import math

import pytest

HEADER = "Well\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tQuencher\tCT\tQuantity"


@pytest.fixture
def export(tmp_path):
    def make(*wells):
        lines = ["* Experiment Name = standards", "", "[Results]", HEADER]
        for i, (specimen, target, task, ct, quantity) in enumerate(wells, start=1):
            lines.append(f"{i}\tA{i}\tfalse\t{specimen}\t{target}\t{task}\tFAM\tNFQ-MGB\t{ct}\t{quantity}")
        path = tmp_path / "standards.txt"
        path.write_text("\n".join(lines) + "\n")
        return path

    return make


def series(target, efficiency, quantities=(1, 10, 100, 1000)):
    slope = -1 / math.log10(efficiency)
    return [("std", target, "STANDARD", f"{36 + slope * math.log10(q):.6f}", str(q)) for q in quantities]


def test_efficiencies_of_a_dilution_series(cli, export):
    path = export(
        *series("miR-21", 1.95), *series("miR-16", 1.7), *series("miR-1", 2.0, (1, 10)), ("S1", "miR-21", "UNKNOWN", "25", "")
    )
    done = cli("efficiency", path, "--json")
    assert done.code == 0, done.err
    curves = json.loads(done.out)["curves"]
    assert curves["miR-21"]["efficiency"] == pytest.approx(1.95, abs=1e-5)
    assert (curves["miR-21"]["acceptable"], curves["miR-16"]["acceptable"], curves["miR-21"]["n"]) == (True, False, 4)
    assert curves["miR-1"] == {"reason": "2 different quantities"}
    text = cli("efficiency", path).out
    assert "miR-21: efficiency 1.950 (95 %)" in text
    assert "miR-16: efficiency 1.700 (70 %)" in text
    assert "outside 90 to 110 %" in text
    assert "miR-1: no curve: 2 different quantities" in text
    assert "For Research Use Only" in text


def test_an_export_without_standards_is_refused(cli, export):
    done = cli("efficiency", export(("S1", "a", "UNKNOWN", "25", "")))
    assert (done.code, "NO_STANDARD" in done.err) == (3, True)


@pytest.mark.parametrize(
    ("file", "wells"),
    [("LightCycler_sample.txt", {"SYBR Green (483-533)": 35}), ("CFX_sample.txt", {"GLP1": 14, "PYY": 14, "TFF1": 13})],
)
def test_real_standards(cli, cohorts_folder, file, wells):
    done = cli("efficiency", cohorts_folder / "instrument-exports" / "htqpcr_exData" / file, "--json")
    assert done.code == 0, done.err
    curves = json.loads(done.out)["curves"]
    assert {target: curve["n"] for target, curve in curves.items()} == wells
    assert all(1.8 < curve["efficiency"] < 2.3 for curve in curves.values())
