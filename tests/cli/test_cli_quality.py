"""Quality control through the commands: check tells of it, predict refuses by rule and says which, cards are written."""

from __future__ import annotations

import csv
import importlib.util
import io
import json

import pytest

from exodx.errors import RUO
from tests.cli.calls import DATA

KEY = "a laboratory's own long secret"


@pytest.fixture
def with_columns(tmp_path):
    """The example table with more columns; a blank where a specimen is not named."""

    def write(**columns):
        rows = list(csv.reader((DATA / "new.csv").read_text().splitlines()))[:9]
        for name, cells in columns.items():
            rows[0].append(name)
            for row in rows[1:]:
                row.append(cells.get(row[0], ""))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        (tmp_path / "new.csv").write_text(text.getvalue())
        return tmp_path / "new.csv"

    return write


def scores(done):
    return {row["specimen_id"]: row for row in csv.DictReader(io.StringIO(done.out))}


def test_predict_refuses_a_heparin_tube_and_names_the_rule(trained, cli, with_columns):
    table = with_columns(**{"Tube type": {"SIM6-0002": "Li-Heparin", "SIM6-0003": "EDTA"}, "freeze_thaw_n": {"SIM6-0004": "4"}})
    done = cli("predict", table, "--model", trained.bundle)
    assert done.code == 5
    rows = scores(done)
    refused = rows["SIM6-0002"]
    assert (refused["status"], refused["call"], refused["probability"]) == ("QC_FAIL", "not_reported", "")
    assert "SPECIMEN_REFUSED" in refused["reasons"]
    assert "anticoagulant 'Li-Heparin': rule 'heparin_tube'" in refused["reasons"]
    flagged = rows["SIM6-0004"]
    assert flagged["call"] in ("positive", "negative")
    assert "SPECIMEN_RULE" in flagged["reasons"]
    assert "freeze_thaw_n 4: rule 'freeze_thaw'" in flagged["reasons"]
    assert "SPECIMEN" not in rows["SIM6-0003"]["reasons"]
    plain = scores(cli("predict", DATA / "new.csv", "--model", trained.bundle))
    assert rows["SIM6-0004"]["margin"] == plain["SIM6-0004"]["margin"]


def test_predict_refuses_a_word_it_cannot_read_or_marks_the_row(trained, cli, with_columns):
    table = with_columns(anticoagulant={"SIM6-0002": "blue top"})
    done = cli("predict", table, "--model", trained.bundle)
    assert done.code == 3
    assert "column 'anticoagulant'" in done.err
    assert "is not known here" in done.err
    kept = cli("predict", table, "--model", trained.bundle, "--keep-going")
    assert kept.code == 5
    assert scores(kept)["SIM6-0002"]["status"] == "INVALID"
    assert "blue top" in scores(kept)["SIM6-0002"]["reasons"]


def test_check_tells_of_every_finding(cli, with_columns):
    table = with_columns(consent_for_use={"SIM6-0005": "no"}, control_type={"SIM6-0001": "healthy"})
    done = cli("check", table, "--panel", "athero-3", "--label", "group", "--positive", "case", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert ("SIM6-0005", "QC_FAIL") in [(row["specimen_id"], row["status"]) for row in answer["not_ok"]]
    (finding,) = [f for f in answer["quality"]["findings"] if f["rule"] == "consent"]
    assert (finding["specimen"], finding["action"]) == ("SIM6-0005", "refuse")
    assert "spectrum_bias" in [f["code"] for f in answer["quality"]["cohort_findings"]]
    assert [a["label"] for a in answer["analytes"]][-1] == "miR-451a (haemolysis)"
    text = cli("check", table, "--panel", "athero-3", "--label", "group", "--positive", "case").out
    assert "SIM6-0005: QC_FAIL (" in text
    assert "refused: consent" in text
    assert "miR-126-3p (plat" in text


def test_train_leaves_a_refused_specimen_out(cli, tmp_path):
    rows = list(csv.reader((DATA / "train.csv").read_text().splitlines()))
    rows[0].append("consent_for_use")
    for i, row in enumerate(rows[1:]):
        row.append("no" if i < 5 else "yes")
    with (tmp_path / "t.csv").open("w") as file:
        csv.writer(file).writerows(rows)
    done = cli("check", tmp_path / "t.csv", "--panel", "athero-3", "--label", "group", "--positive", "case", "--json")
    flow = {step["step"]: step["n"] for step in json.loads(done.out)["quality"]["flow"]}
    assert flow["refused: consent"] + flow.get("refused: haemolysis_ct", 0) + flow["analysed"] == 160
    assert flow["refused: consent"] >= 4


def test_panel_show_says_what_its_analytes_also_tell_of(cli):
    done = cli("panel", "show", "athero-3")
    assert "miR-126-3p (target): drug: aspirin lowers it in plasma (10.1093/eurheartj/eht007)" in done.err
    assert "aspirin lowers" not in done.out.replace("aspirin lowers plasma", "")


@pytest.fixture
def key(tmp_path):
    (tmp_path / "key").write_text(KEY + "\n")
    return tmp_path / "key"


def test_card_writes_json_without_the_id(cli, key, tmp_path):
    done = cli(
        "card", DATA / "new.csv", "--panel", "athero-3", "--specimen", "SIM6-0001", "--key-file", key, "-o", tmp_path / "c.json"
    )
    assert done.code == 0, done.err
    text = (tmp_path / "c.json").read_text()
    card = json.loads(text)
    assert "SIM6-0001" not in text
    assert card["notice"] == RUO
    assert card["qr"].split(":") == ["exodx", card["opaque_id"], card["content_hash"]]
    assert cli("card", DATA / "new.csv", "--panel", "athero-3", "--specimen", "nobody", "--key-file", key).code == 3
    missing = cli("card", DATA / "new.csv", "--panel", "athero-3", "--specimen", "SIM6-0001", "--key-file", tmp_path / "no")
    assert (missing.code, "FILE_UNREADABLE" in missing.err) == (2, True)
    short = tmp_path / "short"
    short.write_text("abc")
    assert "KEY_SHORT" in cli("card", DATA / "new.csv", "--panel", "athero-3", "--specimen", "SIM6-0001", "--key-file", short).err


def test_card_draws_the_code_or_says_what_to_install(cli, key, tmp_path):
    call = ("card", DATA / "new.csv", "--panel", "athero-3", "--specimen", "SIM6-0001", "--key-file", key, "--qr")
    done = cli(*call, tmp_path / "c.svg")
    if importlib.util.find_spec("segno") is None:
        assert done.code == 2
        assert "exodx[card]" in done.err
        return
    assert done.code == 0, done.err
    assert "<svg" in (tmp_path / "c.svg").read_text()
    again = cli(*call, tmp_path / "d.svg")
    assert (again.code, (tmp_path / "d.svg").read_text()) == (0, (tmp_path / "c.svg").read_text())
    assert cli(*call, tmp_path / "c.gif").code == 2


def test_a_model_is_evaluated_and_checked_by_the_rules_it_froze(trained, cli, with_columns, monkeypatch):
    table = with_columns(anticoagulant={"SIM6-0002": "Li-Heparin"}, freeze_thaw_n={"SIM6-0004": "4"})
    common = (table, "--model", trained.bundle, "--label", "group", "--json")
    evaluated, checked = cli("evaluate", *common), cli("check", *common)
    assert (evaluated.code, checked.code) == (0, 0), (evaluated.err, checked.err)
    flow = {step["step"]: step["n"] for step in json.loads(checked.out)["quality"]["flow"]}
    assert flow["refused: heparin_tube"] == 1
    monkeypatch.setattr("exodx.panel.quality.default_rules", lambda: ())
    assert cli("evaluate", *common).out == evaluated.out
    again = {step["step"]: step["n"] for step in json.loads(cli("check", *common).out)["quality"]["flow"]}
    assert again == flow
