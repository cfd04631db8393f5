"""``exodx quantify``: curves, limits and concentrations through the real command line."""

import csv
import io
import json

import pytest

from exodx.errors import RUO
from tests.tables import plate_texts as texts


@pytest.fixture
def plate(tmp_path):
    path = tmp_path / "plate.csv"
    path.write_text(texts.long("\t", curves=texts.ANALYTES))
    return path


def test_concentrations_go_to_stdout_and_curves_to_stderr(plate, cli):
    done = cli("quantify", plate)
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["specimen_id"] for row in rows] == list(texts.SPECIMENS)
    assert float(rows[0]["PD-L1"]) == pytest.approx(100.0, rel=1e-3)
    assert [row["PD-L1"] for row in rows[1:3]] == ["<4", ">10000"]
    assert "recovery %" in done.err
    assert "LLOQ 1, ULOQ 1000 pg/mL" in done.err
    assert RUO in done.err


def test_json_holds_curves_standards_and_concentrations(plate, cli, tmp_path):
    done = cli("quantify", plate, "--json", "-o", tmp_path / "out" / "c.csv")
    answer = json.loads(done.out)
    assert answer["notice"] == RUO
    assert (answer["unit"], answer["platform"]) == ("pg/mL", "ELISA")
    assert [curve["analyte"] for curve in answer["curves"]] == list(texts.ANALYTES)
    first = answer["curves"][0]
    true = texts.ANALYTES["PD-L1"]
    assert first["curve"]["c"] == pytest.approx(true.c, rel=0.01)
    assert (first["lloq"], first["uloq"], first["wells"]) == (1, 1000, 14)
    assert [level["concentration"] for level in first["standards"]] == sorted(texts.LEVELS)
    assert all(abs(level["recovery"] - 100) < 1 for level in first["standards"])
    assert first["limit_of_blank_signal"] > true.a
    written = list(csv.DictReader(io.StringIO((tmp_path / "out" / "c.csv").read_text())))
    assert written == answer["concentrations"]


def test_the_curve_is_chosen(plate, cli):
    assert json.loads(cli("quantify", plate, "--curve", "5PL", "--json").out)["curves"][0]["curve"]["model"] == "5PL"
    assert ", g " in cli("quantify", plate, "--curve", "5PL").err
    assert cli("quantify", plate, "--curve", "3PL").code == 2


def test_vendor_results_and_failed_curves_are_said(cli, tmp_path):
    rows = [row.split(",") for row in texts.long().splitlines()]
    path = tmp_path / "p.csv"
    lines = [",".join([*row[:4], "" if i else row[4], *row[5:], "result" if not i else "7.5"]) for i, row in enumerate(rows)]
    path.write_text("\n".join(lines))
    done = cli("quantify", path)
    assert "the vendor's concentrations" in done.err
    assert done.out.splitlines()[1:] == ["P-01,1,15", "P-02,1,30", "P-03,1,75", "P-04,1,7.5"]
    assert json.loads(cli("quantify", path, "--json").out)["curves"][0]["reason"] == "the vendor's concentrations are used"
    mixed = texts.long("\t", curves=texts.ANALYTES).splitlines()
    flat = [line if "CD9" not in line else "\t".join([*line.split("\t")[:5], "100", line.split("\t")[6]]) for line in mixed]
    path.write_text("\n".join(flat))
    answer = json.loads(cli("quantify", path, "--json").out)
    assert answer["curves"][1]["curve"] is None
    assert "same signal" in answer["curves"][1]["reason"]
    assert {row["CD9"] for row in answer["concentrations"]} == {"failed QC"}
    assert "same signal" in cli("quantify", path).err


def test_refusals(plate, cli, tmp_path):
    other = tmp_path / "cohort.csv"
    other.write_text("specimen_id,x\nA,1\nB,2\n")
    done = cli("quantify", other)
    assert (done.code, done.out) == (3, "")
    assert "NOT_A_PLATE" in done.err
    assert cli("quantify", tmp_path / "none.csv").code == 3
    same = cli("quantify", plate, "-o", plate)
    assert same.code == 2
    assert "OUTPUT_IS_INPUT" in same.err
    assert plate.read_text().startswith("well")


def test_what_is_written_is_a_cohort_that_is_checked(plate, cli, tmp_path):
    """Read directly or through quantify's file: the same states of the same cells."""
    panel = tmp_path / "panel.toml"
    panel.write_text(
        '[panel]\nname = "ev"\nversion = "1"\ntitle = "EV proteins"\nnormalisation = "none"\n'
        + "".join(f'[[analyte]]\nname = "{name}"\nkind = "protein"\nfraction = "ev"\nunit = "pg/mL"\n' for name in texts.ANALYTES)
    )
    assert cli("quantify", plate, "-o", tmp_path / "c.csv").code == 0
    answers = [json.loads(cli("check", path, "--panel", panel, "--json").out) for path in (plate, tmp_path / "c.csv")]
    assert answers[0]["analytes"] == answers[1]["analytes"]
    states = answers[0]["analytes"][0]
    assert (states["measured"], states["below_lod"], states["above_loq"]) == (2, 1, 1)
