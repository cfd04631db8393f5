"""``exodx monitor``: table, CSV and JSON of changes, no call, and refusals."""

from __future__ import annotations

import csv
import json

import pytest

from exodx.errors import RUO
from tests.cli.calls import DATA
from tests.evaluation.test_monitoring import table

TOML = """\
[panel]
name = "m"
version = "1"
title = "Two proteins"
[[analyte]]
name = "PD-L1"
kind = "protein"
unit = "pg/mL"
fraction = "ev"
[[analyte]]
name = "VEGF"
kind = "protein"
unit = "pg/mL"
fraction = "ev"
"""


@pytest.fixture
def files(tmp_path):
    frame = table(seed=3)
    frame.loc[frame["specimen_id"] == "s7-2-0", "VEGF"] = 3 * frame.loc[frame["specimen_id"] == "s7-0-0", "VEGF"].to_numpy()
    frame.to_csv(tmp_path / "c.csv", index=False)
    (tmp_path / "m.toml").write_text(TOML)
    return tmp_path / "c.csv", tmp_path / "m.toml"


def test_tells_limits_and_changes_and_makes_no_call(cli, files):
    cohort, panel = files
    done = cli("monitor", cohort, "--panel", panel, "--cv-analytical", 0.1, "--cv-within", 0.2)
    assert done.code == 0, done.err
    assert "p7: VEGF rise +200 %, s7-0-0 (2024-01-10) to s7-2-0 (2024-03-10)" in done.out
    assert "−46 %" in done.out
    assert "85 %" in done.out
    assert done.out.rstrip().endswith(RUO)
    assert not any(word in done.out for word in ("positive", "negative", "probability"))


def test_json_and_csv_hold_every_change(cli, files, tmp_path):
    cohort, panel = files
    done = cli("monitor", cohort, "--panel", panel, "--cv-analytical", 0.1, "--json", "-o", tmp_path / "out.csv")
    answer = json.loads(done.out)
    assert answer["notice"] == RUO
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(answer["changes"]) == 240
    assert RUO in rows[0]
    for row, change in zip(rows, answer["changes"], strict=True):
        assert (row["subject"], row["specimen"], row["analyte"]) == (change["subject"], change["specimen"], change["analyte"])
        assert float(row["difference"]) == pytest.approx(change["difference"], rel=1e-5)


def test_a_model_gives_panel_and_transform(cli, trained):
    """The example has a second specimen of 14 subjects."""
    done = cli("monitor", DATA / "train.csv", "--model", trained.bundle, "--cv-analytical", 0.1, "--cv-within", 0.3)
    assert done.code == 0, done.err
    assert "14 later specimens of 14 subjects" in done.out
    assert "miR-126-3p" in done.out


def test_one_of_model_and_panel_must_be_given(cli, files, trained):
    assert cli("monitor", files[0]).code == 2
    assert cli("monitor", files[0], "--panel", files[1], "--model", trained.bundle).code == 2


def test_what_is_wrong_is_refused_without_a_number(cli, files, tmp_path):
    cohort, panel = files
    bad = cli("monitor", cohort, "--panel", panel, "--cv-analytical", -1, "--level", 2)
    assert (bad.code, bad.out) == (3, "")
    assert "--cv-analytical" in bad.err
    assert "--level" in bad.err
    table().drop(columns="collection_date").to_csv(tmp_path / "n.csv", index=False)
    none = cli("monitor", tmp_path / "n.csv", "--panel", panel)
    assert (none.code, none.out) == (3, "")
    assert "DATE_MISSING" in none.err


def test_the_input_is_not_overwritten(cli, files):
    cohort, panel = files
    before = cohort.read_bytes()
    assert cli("monitor", cohort, "--panel", panel, "-o", cohort).code != 0
    assert cohort.read_bytes() == before


def test_help_bears_the_notice(cli):
    assert RUO in " ".join(cli("monitor", "--help").out.split())
