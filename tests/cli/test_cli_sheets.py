"""Sheets and model card of ``exodx train``: beside the report, in the run, with the author's answers."""

from __future__ import annotations

import json

import pytest
from mlflow.tracking import MlflowClient

from exodx.errors import RUO
from exodx.report.sheets import SHEETS
from exodx.tracking import open_store
from tests.cli.calls import DATA

ANSWERS = """\
[tripod_ai]
17 = "Board A, number 12."
[model_card]
licence = "CC BY 4.0"
"""


def test_sheets_and_model_card_lie_beside_the_report_and_the_bundle_still_loads(trained, cli):
    assert {path.name for path in (trained.bundle / "sheets").iterdir()} == {f"{n}.{k}" for n in SHEETS for k in ("html", "json")}
    assert (trained.bundle / "model_card.md").read_text().startswith("# ")
    card = json.loads((trained.bundle / "model_card.json").read_text())
    assert card["model_hash"] == trained.answer["model_hash"]
    assert card["estimates"][0]["value"] == trained.answer["estimates"]["auc"]["value"]
    scored = cli("predict", DATA / "new.csv", "--model", trained.bundle)
    assert scored.code == 0, scored.err


def test_the_run_has_the_same_files_and_the_counts_as_tags_and_metrics(trained):
    open_store()
    client, run_id = MlflowClient(), trained.answer["run_id"]
    names = {entry.path for folder in (None, "sheets") for entry in client.list_artifacts(run_id, folder)}
    assert {f"sheets/{name}.json" for name in SHEETS} | {"model_card.md", "model_card.json"} <= names
    run = client.get_run(run_id).data
    for name in SHEETS:
        counts = json.loads((trained.bundle / "sheets" / f"{name}.json").read_text())["counts"]
        assert run.tags[f"exodx.sheets.{name}"] == ", ".join(
            f"{counts[s]} {s}" for s in ("filled", "draft", "author needed", "not applicable")
        )
        assert {k: run.metrics[f"sheets/{name}/{k.replace(' ', '_')}"] for k in counts} == counts


@pytest.mark.parametrize("how", ["option", "plan"])
def test_answers_come_by_option_or_lie_beside_the_plan_and_change_no_model(trained, cli, tmp_path, how):
    (tmp_path / "answers.toml").write_text(ANSWERS, encoding="utf-8")
    plan, more = trained.plan, ("--answers", tmp_path / "answers.toml")
    if how == "plan":
        plan, more = tmp_path / "plan.toml", ()
        plan.write_text(f'answers = "answers.toml"\n{trained.plan.read_text()}')
    done = cli("train", DATA / "train.csv", "--plan", plan, *more, "--no-track", "-o", tmp_path / "b", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["model_hash"] == trained.answer["model_hash"]
    tripod = json.loads((tmp_path / "b" / "sheets" / "tripod_ai.json").read_text())
    found = next(item for item in tripod["items"] if item["item"] == "17")
    assert (found["status"], found["value"], found["source"]) == ("filled", "Board A, number 12.", "author")
    card = (tmp_path / "b" / "model_card.md").read_text()
    assert "licence: CC BY 4.0" in card
    assert RUO in card
    assert str(tmp_path) not in (tmp_path / "b" / "model_card.json").read_text()


def test_answers_that_answer_nothing_are_refused_before_any_work(trained, cli, tmp_path):
    (tmp_path / "answers.toml").write_text('[tripod]\n1 = "x"\n[stard]\n99 = "x"\n', encoding="utf-8")
    more = ("--answers", tmp_path / "answers.toml", "--no-track", "-o", tmp_path / "b")
    done = cli("train", DATA / "train.csv", "--plan", trained.plan, *more)
    assert done.code == 3
    assert "'tripod_ai'" in done.err
    assert "99" in done.err
    assert not (tmp_path / "b").exists()
    gone = cli("train", DATA / "train.csv", "--plan", trained.plan, *more[2:], "--answers", tmp_path / "none.toml")
    assert gone.code == 3


def test_several_classes_have_no_sheets_yet_and_say_so(cli, tmp_path, trained):
    (tmp_path / "answers.toml").write_text(ANSWERS, encoding="utf-8")
    rows = [line.split(",") for line in (DATA / "train.csv").read_text().splitlines()]
    place = rows[0].index("group")
    for i, row in enumerate(rows[1:]):
        row[place] = "abc"[i % 3]
    (tmp_path / "three.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    arguments = ("--panel", "athero-3", "--label", "group", "--classes", "a,b,c", "--answers", tmp_path / "answers.toml")
    done = cli("train", tmp_path / "three.csv", *arguments, "--no-track", "-o", tmp_path / "b")
    assert done.code == 3
    assert "ANSWERS_CLASSES" in done.err


@pytest.mark.cohorts
def test_a_real_cohort_fills_what_its_table_tells_and_no_more(cli, cohorts_folder, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text('budget = "minimal"\nouter_folds = 3\nrepeats = 1\n')
    table = cohorts_folder / "ad-csf-protein-rbm" / "ad_data.csv"
    more = ("--panel", "auto", "--label", "Class", "--positive", "Impaired", "--no-track", "-o", tmp_path / "b")
    done = cli("train", table, "--plan", plan, *more)
    assert done.code == 0, done.err
    sheets = {name: json.loads((tmp_path / "b" / "sheets" / f"{name}.json").read_text()) for name in SHEETS}
    tripod = {item["item"]: item for item in sheets["tripod_ai"]["items"]}
    assert "91 with the target condition ('Impaired') and 242 without" in tripod["5a"]["value"]
    assert "two specimens of one person may" in tripod["12a"]["value"]
    assert tripod["7"]["status"] == "draft"  # values were on a log scale before they came
    assert {tripod[number]["status"] for number in ("5b", "6a", "6c", "17")} == {"author needed"}
    assert tripod["23b"]["status"] == "not applicable"
