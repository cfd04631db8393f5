"""``exodx review`` through the real command line: two minimal models, a store of its own, a reviewer who reads what is missing."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.tracking import MlflowClient

from exodx.cohort import SimulatedStudy, simulate
from exodx.errors import RUO
from exodx.panel import load_panel
from exodx.report.sheets import SHEETS, read_answers
from exodx.tracking import open_store
from exodx.tracking.review.chain import Entry, read_chain
from exodx.tracking.review.decisions import settle
from exodx.tracking.review.log import HEAD_TAG, LOG_TAG, append, key_of, read_log
from tests.cli.calls import files_of

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")  # mlflow 3.17 with pandas 3

CANARY = "CANARY-7F3A9-SPECIMEN"
LABEL = ("--label", "group", "--positive", "case")
ONE, TWO = "models:/athero-3/1", "models:/athero-3/2"
WHO = ("--by", "E. Nagy", "--reason", "it holds elsewhere")
LENIENT = """
[calibration_slope]
at_least = 0.3
at_most = 3
[observed_expected]
at_least = 0.3
at_most = 3
[headline_width]
at_most = 0.3
"""
PLAN = 'budget = "minimal"\nouter_folds = 3\nrepeats = 1\ninner_folds = 2\npanel = "athero-3"\n'
AUTHOR = "A. Kiss"


def cohort(path, seed, n):
    frame = simulate(load_panel("athero-3"), SimulatedStudy(n=n, site_case_shares=(0.5,), seed=seed))
    frame["specimen_id"] = [f"{CANARY}-{i:04d}" for i in range(len(frame))]
    frame["subject_id"] = [f"{CANARY}-P-{i:04d}" for i in range(len(frame))]
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with a store of two trained models, version 1 evaluated on another cohort; the author answered both sheets.

    ``asked.txt`` is what the gate said of version 2 before that, ``form.toml`` its form, ``answers.toml`` the same filled in.
    """
    folder = tmp_path_factory.mktemp("review")
    (folder / "plan.toml").write_text(PLAN)
    (folder / "lenient.toml").write_text(LENIENT)
    trains = [cohort(folder / f"train{i}.csv", i, 200) for i in (1, 2)]
    other = cohort(folder / "other.csv", 3, 260)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXODX_HOME", str(folder / "home"))
        patch.setenv("LOGNAME", "trainer")
        for seed, train in enumerate(trains):
            assert called("train", train, *LABEL, "--plan", folder / "plan.toml", "--seed", seed) == 0
        assert called("evaluate", other, "--model", ONE, *LABEL, "--track") == 0
        (folder / "asked.txt").write_text(printed("review", "check", TWO))
        form = printed("review", "answers", TWO)
        (folder / "form.toml").write_text(form)
        (folder / "answers.toml").write_text(re.sub(r'^# ("[^"]+"|\w+) = ""$', r'\1 = "Said by the author."', form, flags=re.M))
        for version in (ONE, TWO):
            assert called("review", "answers", version, "--from", folder / "answers.toml", "--by", AUTHOR) == 0
        yield folder
    open_store()


def called(*arguments):
    from exodx.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["exodx", *map(str, arguments)])
        try:
            main()
        except SystemExit as exit_:
            return exit_.code
    return 0


def printed(*arguments):
    with redirect_stdout(StringIO()) as said:
        called(*arguments)
    return said.getvalue()


def answer(cli, *arguments, code=0):
    done = cli("review", *arguments, "--json")
    assert done.code == code, done.err
    return json.loads(done.out)


def aliases():
    found = MlflowClient().get_registered_model("athero-3").aliases
    return {alias: str(version) for alias, version in found.items()}


def test_list_shows_every_version_with_its_number_to_quote(place, cli):
    listed = answer(cli, "list")["versions"]
    assert [v["model_uri"] for v in listed] == [ONE, TWO]
    assert [v["aliases"] for v in listed] == [[], ["challenger"]]
    assert listed[0]["headline"]["lower"] < listed[0]["headline"]["value"] < listed[0]["headline"]["upper"]
    text = cli("review", "list", "athero-3").out
    assert ONE in text
    assert f"{listed[0]['headline']['value']:.3f}" in text
    assert RUO in text
    assert cli("review", "list", "nonesuch").code == 4


def test_the_gate_names_the_answers_it_wants_and_where_a_form_is(place):
    asked = " ".join((place / "asked.txt").read_text().split())
    sheets = asked[asked.index(" sheets ") : asked.index(" bundle ")]
    assert re.search(r"not met 0\.\d\d of 34 items in stard; open in tripod_ai: author needed 3a, .*18a.*; draft 1, ", sheets)
    assert re.search(r"open in stard: author needed .*28, 30; draft 1, 2, .*12a", sheets)
    assert "exodx review answers VERSION" in sheets


def test_a_form_left_as_it_is_answers_nothing_and_a_filled_one_passes_the_gates_rule(place, cli, tmp_path):
    form = (place / "form.toml").read_text()
    assert read_answers(tomllib.loads(form), "form").texts == {name: {} for name in (*SHEETS, "model_card")}
    assert "# Answers to the reporting sheets of models:/athero-3/2" in form
    assert "#   18a (author needed): Funding" in form
    assert answer(cli, "check", TWO, code=4)["gate"]["rules"]["sheets"]["verdict"] == "met"
    run = MlflowClient().get_run(MlflowClient().get_model_version("athero-3", "2").run_id)
    counts = json.loads(load_text(run, "sheets/stard.json"))["counts"]
    assert counts == {"filled": 34, "draft": 0, "author needed": 0, "not applicable": 0}
    assert run.data.tags["exodx.sheets.stard"] == "34 filled, 0 draft, 0 author needed, 0 not applicable"
    assert run.data.metrics["sheets/stard/filled"] == 34
    assert run.data.metrics["sheets/stard/author_needed"] == 0
    assert "Said by the author." in load_text(run, "sheets/tripod_ai.html")
    assert "licence: Said by the author." in load_text(run, "model_card.md")
    first = read_log("athero-3").entries[2]  # after the gate was asked, and version 1
    assert (first.action, first.version, first.by) == ("answered", "2", AUTHOR)
    assert hashlib.sha256((place / "answers.toml").read_bytes()).hexdigest() in first.reason
    again = cli("review", "answers", TWO).out
    assert '""' not in again
    (tmp_path / "more.toml").write_text('[stard]\n30 = "A grant."\n[tripod_ai]\n4 = "Ours."\n')
    done = cli("review", "answers", TWO, "--from", tmp_path / "more.toml", "--by", AUTHOR)
    assert done.code == 0, done.err
    assert "stard: 34 filled" in done.err
    stard, tripod = (
        {item["item"]: item for item in json.loads(load_text(run, f"sheets/{name}.json"))["items"]}
        for name in ("stard", "tripod_ai")
    )
    assert (stard["30"]["value"], stard["28"]["value"]) == ("A grant.", "Said by the author.")
    assert tripod["4"]["author"] == "Ours."
    assert tripod["4"]["value"].startswith("To develop")
    assert answer(cli, "check", TWO, code=4)["gate"]["rules"]["bundle"]["verdict"] == "met"  # it is what it was


def load_text(run, path):
    return mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/{path}")


def test_answers_without_a_name_or_to_nothing_are_refused_and_write_nothing(place, cli, tmp_path):
    before = len(read_log("athero-3").entries)
    (tmp_path / "odd.toml").write_text('[stard]\n99 = "x"\n')
    for words, code, said in (
        ((ONE, "--from", place / "answers.toml"), 2, "--by"),
        ((ONE, "--from", tmp_path / "odd.toml", "--by", AUTHOR), 3, "KEY_UNKNOWN"),
        (("models:/athero-3/99",), 4, "MODEL_UNKNOWN"),
        ((ONE, "--from", tmp_path / "none.toml", "--by", AUTHOR), 3, "none.toml"),
    ):
        done = cli("review", "answers", *words)
        assert (done.code, said in done.err) == (code, True), done.err
    assert len(read_log("athero-3").entries) == before


def test_a_run_without_sheets_and_one_with_sheets_of_others_are_refused(place, cli):
    client = MlflowClient()
    experiment = client.get_run(client.get_model_version("athero-3", "1").run_id).info.experiment_id
    client.create_registered_model("bare")
    for version, content, code in (("1", None, "SHEETS_MISSING"), ("2", "{}", "SHEETS_UNREADABLE")):
        run_id = client.create_run(experiment).info.run_id
        if content is not None:
            client.log_text(run_id, content, "sheets/stard.json")
        client.create_model_version("bare", f"runs:/{run_id}/model", run_id=run_id)
        done = cli("review", "answers", f"models:/bare/{version}")
        assert (done.code, code in done.err) == (4, True), done.err
    client.delete_registered_model("bare")


def test_the_gate_tells_of_every_rule(place, cli):
    """Version 2 was never evaluated elsewhere; no approver is named."""
    asked = answer(cli, "check", TWO, code=4)
    gate = asked["gate"]
    assert not gate["passed"]
    assert gate["rules"]["external_validation"]["verdict"] == "not met"
    assert gate["rules"]["events"]["verdict"] == gate["rules"]["approver"]["verdict"] == "cannot be told"
    assert gate["rules"]["bundle"]["verdict"] == gate["rules"]["sheets"]["verdict"] == "met"
    assert set(gate["missing"]) == {name for name, rule in gate["rules"].items() if rule["verdict"] != "met"}
    tags = MlflowClient().get_model_version("athero-3", "2").tags
    assert tags["exodx.review.verdict"] == "not passed"
    assert tags["exodx.review.rule.external_validation"] == "not met: 0 (at least 1)"
    assert tags["exodx.review.entry"] == f"{asked['entry']['n']} {asked['entry']['sha256']}"
    done = cli("review", "check", TWO)
    assert done.code == 4
    assert "--track" in done.out
    assert RUO in done.out
    assert "champion" not in aliases()


def test_promotion_refuses_with_everything_that_is_missing(place, cli):
    before = aliases()
    done = cli("review", "promote", TWO, *WHO)
    assert done.code == 4
    for code in ("EXTERNAL_VALIDATION", "EVENTS", "CALIBRATION_SLOPE", "OBSERVED_EXPECTED"):
        assert f"[{code}]" in done.err
    assert "[BUNDLE]" not in done.err
    assert aliases() == before
    last = read_log("athero-3").entries[-1]
    assert (last.action, last.version, last.by) == ("refused", "2", "E. Nagy")


def test_who_trained_it_may_not_promote_it(place, cli):
    done = cli("review", "promote", ONE, "--by", "Trainer", "--reason", "mine", "--rules", place / "lenient.toml")
    assert done.code == 4
    assert "[APPROVER]" in done.err
    assert "[EVENTS]" not in done.err


def test_promote_demote_and_roll_back(place, cli, tmp_path):
    lenient = tmp_path / "rules.toml"
    lenient.write_text(LENIENT + "[external_validation]\noff = true\n[events]\noff = true\n")
    strict = (
        lenient.read_text()
        .replace("[calibration_slope]", "[calibration_slope]\noff = true")
        .replace("[observed_expected]", "[observed_expected]\noff = true")
    )
    (tmp_path / "off.toml").write_text(strict)
    first = answer(cli, "promote", ONE, *WHO, "--rules", place / "lenient.toml")
    assert (first["holder"], first["gate"]["passed"], aliases()["champion"]) == ("1", True, "1")
    second = answer(cli, "promote", TWO, *WHO, "--rules", tmp_path / "off.toml")
    assert (second["holder"], aliases()["champion"]) == ("2", "2")
    assert second["gate"]["rules"]["events"]["verdict"] == "off"
    assert "off" in read_log("athero-3").entries[-1].gate["events"]
    assert cli("review", "demote", ONE, *WHO).code == 4  # it is not the champion
    back = answer(cli, "rollback", "athero-3", *WHO)
    assert (back["holder"], back["action"], aliases()["champion"]) == ("1", "rolled back", "1")
    assert cli("review", "rollback", "athero-3", *WHO).code == 4  # none before it
    gone = answer(cli, "demote", "models:/athero-3@champion", *WHO)
    assert (gone["holder"], "champion" in aliases()) == (None, False)
    assert aliases()["challenger"] == "2"
    printed = cli("review", "log", "athero-3")
    assert printed.code == 0, printed.err
    entries, problems = read_chain(dict(enumerate(printed.out.splitlines(), start=1)))
    assert (problems, [e.action for e in entries][-4:]) == ([], ["promoted", "promoted", "rolled back", "demoted"])
    assert cli("predict", place / "other.csv", "--model", "models:/athero-3@champion").code == 4


def test_an_alias_that_was_moved_by_hand_is_told(place, cli):
    MlflowClient().set_registered_model_alias("athero-3", "champion", "2")
    told = cli("review", "log", "athero-3")
    assert told.code == 4
    assert "[ALIAS_MOVED]" in told.err
    assert answer(cli, "demote", TWO, *WHO)["holder"] is None
    assert cli("review", "log", "athero-3").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("promote", ONE, "--by", "x", "--reason", " "), 2, "VALUE_INVALID"),
        (("promote", ONE, *WHO, "--as", "challenger"), 2, "ALIAS_TAKEN"),
        (("promote", ONE, *WHO, "--as", "latest"), 2, "VALUE_INVALID"),
        (("promote", ONE, *WHO, "--as", "v3"), 2, "VALUE_INVALID"),
        (("promote", ONE, *WHO, "--as", "Latest"), 2, "VALUE_INVALID"),  # MLflow would refuse it after the log has its entry
        (("demote", ONE, *WHO, "--as", "V3"), 2, "VALUE_INVALID"),
        (("promote", ONE, *WHO, "--as", "a" * 300), 2, "VALUE_INVALID"),
        (("promote", ONE, *WHO, "--as", "Challenger"), 2, "ALIAS_TAKEN"),
        (("promote", ONE), 2, "--by"),
        (("promote", ONE, "--by", "x", "--reason", "y" * 7000), 3, "REASON_TOO_LONG"),
        (("check", "models:/athero-3/99"), 4, "MODEL_UNKNOWN"),
        (("check", "athero-3"), 4, "MODEL_UNKNOWN"),
        (("check", "models:/nonesuch@champion"), 4, "MODEL_UNKNOWN"),
        (("rollback", "nonesuch", *WHO), 4, "MODEL_UNKNOWN"),
        (("log", "nonesuch"), 4, "MODEL_UNKNOWN"),
        (("compare", ONE, TWO, "--label", "group"), 2, "--cohort"),
        (("compare", "/nowhere", TWO), 4, "MODEL_UNKNOWN"),
    ],
)
def test_refusals_say_what_to_do(place, cli, words, code, said):
    done = cli("review", *words)
    assert done.code == code, done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_two_reviewers_at_once_lose_nothing(place):
    """Eight threads write five entries each: forty entries, one chain, and the alias is where the last one says."""
    store = open_store()
    before = len(read_log("athero-3").entries)

    def write(who):
        return [
            append(Entry(0, "", f"t{who}-{i}", "promoted", "athero-3", str(1 + (who + i) % 2), "race", f"r{who}", "", f"{i}"))
            for i in range(5)
        ] and settle("athero-3", "race")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    log = read_log("athero-3")
    assert log.problems == ()
    assert len(log.entries) == before + 40
    assert {(e.by, e.reason) for e in log.entries[before:]} == {(f"r{w}", f"{i}") for w in range(8) for i in range(5)}
    assert aliases()["race"] == log.entries[-1].version
    MlflowClient().delete_registered_model_alias("athero-3", "race")
    append(Entry(0, "", "t", "demoted", "athero-3", log.entries[-1].version, "race", "r", "", "done"))
    assert store.uri.startswith("sqlite")


def test_the_first_two_reviewers_of_a_model_make_one_log(place):
    client = MlflowClient()
    client.create_registered_model("fresh")
    run_id = client.get_model_version("athero-3", "1").run_id
    source = client.create_run(client.get_run(run_id).info.experiment_id).info.run_id
    client.create_model_version("fresh", f"runs:/{source}/model", run_id=source)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda i: append(Entry(0, "", f"{i}", "checked", "fresh", "1", "", f"r{i}")), range(6)))
    assert sorted(e.by for e in read_log("fresh").entries) == [f"r{i}" for i in range(6)]
    client.delete_registered_model_tag("fresh", LOG_TAG)  # it is found without its tag too
    assert len(read_log("fresh").entries) == 6
    client.delete_registered_model("fresh")


def test_a_tag_that_another_reviewer_makes_in_the_same_moment_costs_no_entry(place, monkeypatch):
    """MLflow looks whether a tag is there and else makes it; of two who make it at once its database refuses one."""
    usual, refused = MlflowClient.set_registered_model_tag, []

    def taken(client, name, key, value):
        if key not in refused:
            refused.append(key)
            raise MlflowException("UNIQUE constraint failed: registered_model_tags", error_code=BAD_REQUEST)
        usual(client, name, key, value)

    monkeypatch.setattr(MlflowClient, "set_registered_model_tag", taken)
    before = len(read_log("athero-3").entries)
    placed = append(Entry(0, "", "t", "checked", "athero-3", "1", "", "r"))
    assert refused == [LOG_TAG, HEAD_TAG]
    assert tuple(read_log("athero-3").entries[before:]) == (placed,)
    assert MlflowClient().get_registered_model("athero-3").tags[HEAD_TAG] == placed.sha256


def test_a_log_of_ones_own_making_is_not_taken_for_the_log(place, cli):
    """Whoever may register a version can write the tags of the model: to another run, with another history, hashes and all."""
    client, log = MlflowClient(), read_log("athero-3")
    head = client.get_registered_model("athero-3").tags[HEAD_TAG]
    forged = Entry(0, "", "t", "promoted", "athero-3", "2", "champion", "E. Nagy", "", "so I say").after(None)
    other = client.create_run(client.get_run(log.run_id).info.experiment_id).info.run_id
    client.log_param(other, key_of(1), forged.text)
    client.set_registered_model_tag("athero-3", LOG_TAG, other)
    client.set_registered_model_tag("athero-3", HEAD_TAG, forged.sha256)
    client.set_registered_model_alias("athero-3", "champion", "2")
    told = cli("review", "log", "athero-3")
    assert told.code == 4
    assert "[LOG_MOVED]" in told.err
    assert "so I say" not in told.out
    assert "[LOG_MOVED]" in cli("review", "promote", ONE, *WHO).err
    client.set_registered_model_tag("athero-3", LOG_TAG, log.run_id)
    client.set_registered_model_tag("athero-3", HEAD_TAG, head)
    client.delete_registered_model_alias("athero-3", "champion")
    client.delete_run(other)
    assert cli("review", "log", "athero-3").code == 0


def test_a_deleted_log_is_told_with_the_way_back_and_nothing_is_promoted(place, cli):
    client, log = MlflowClient(), read_log("athero-3")
    client.delete_run(log.run_id)
    for words in (("log", "athero-3"), ("check", ONE), ("promote", ONE, *WHO)):
        done = cli("review", *words)
        assert done.code == 4
        assert "[LOG_MISSING]" in done.err
        assert f"mlflow runs restore --run-id {log.run_id}" in done.err
    client.restore_run(log.run_id)
    assert read_log("athero-3") == log


def test_mlflow_itself_refuses_to_change_an_entry(place):
    log = read_log("athero-3")
    with pytest.raises(Exception, match="not allowed"):
        MlflowClient().log_param(log.run_id, "entry.000001", "{}")


def test_compare_on_a_cohort_is_paired(place, cli, tmp_path):
    page = tmp_path / "c.html"
    words = ("compare", ONE, TWO, "--cohort", place / "other.csv", *LABEL)
    found = answer(cli, *words, "--html", page)
    paired = found["paired"]
    auc = next(e for e in paired["estimates"] if e["a"]["name"] == "auc")
    assert auc["difference"]["value"] == pytest.approx(auc["a"]["value"] - auc["b"]["value"], abs=1e-12)
    assert auc["difference"]["lower"] < auc["difference"]["upper"]
    evaluated = json.loads(cli("evaluate", place / "other.csv", "--model", ONE, *LABEL, "--json").out)["estimates"]
    for name in ("auc", "sensitivity", "calibration_slope", "observed_expected"):  # both models score the same specimens here
        own = next(e["a"]["value"] for e in paired["estimates"] if e["a"]["name"] == name)
        assert own == pytest.approx(evaluated[name]["value"], abs=1e-12)
    only = sum(paired[side][key] for side in ("sensitivity", "specificity") for key in ("only_a", "only_b"))
    assert only == sum(paired["calls"].values())  # without a grey zone every changed call is right in one of the two
    assert found["stored"]["choices"]["plan.seed"] == ["0", "1"]
    text = cli("review", *words)
    assert "McNemar" in text.out
    assert "calibration slope" in text.out.lower()
    for content in (page.read_text("utf-8"), text.out, json.dumps(found)):
        assert CANARY not in content
        assert RUO in content
    assert "<script" not in page.read_text("utf-8")


def test_compare_without_a_cohort_says_that_it_is_not_paired(place, cli, tmp_path):
    done = cli("review", "compare", ONE, TWO, "--html", tmp_path / "c.html")
    assert done.code == 0, done.err
    assert "Not paired" in done.out
    assert "plan.seed: 0 → 1" in done.out
    assert "different cohorts" in done.out
    assert "A − B" not in done.out
    assert "Not paired" in (tmp_path / "c.html").read_text("utf-8")
    assert answer(cli, "compare", ONE, TWO)["paired"] is None


def test_an_evaluation_on_the_training_cohort_does_not_count(place, cli):
    assert cli("evaluate", place / "train2.csv", "--model", TWO, *LABEL, "--track").code == 0
    rule = answer(cli, "check", TWO, code=4)["gate"]["rules"]["external_validation"]
    assert (rule["verdict"], rule["values"]) == ("not met", [0])
    assert "made from" in rule["found"]


def test_no_specimen_is_in_the_store_or_the_log(place, cli, tmp_path):
    """Every byte of the store is searched: the cohorts' ids all hold one canary."""
    assert CANARY in (place / "train1.csv").read_text()
    assert pd.read_csv(place / "other.csv")["specimen_id"].str.startswith(CANARY).all()
    files = files_of(place / "home", to=tmp_path / "copied")
    assert len(files) > 40
    assert any(path.name == "mlflow.db" for path in files)
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path
    assert CANARY not in cli("review", "log", "athero-3").out


def test_a_changed_entry_is_found_and_stops_everything(place, cli):
    """Last of all, because the store is spoilt: somebody with the database writes another reviewer's name."""
    log = read_log("athero-3")
    with sqlite3.connect(place / "home" / "mlflow.db") as base:
        changed = log.entries[1].text.replace('"reason":"', '"reason":"not what was said ')
        base.execute("UPDATE params SET value = ? WHERE run_uuid = ? AND key = 'entry.000002'", (changed, log.run_id))
    base.close()
    printed = cli("review", "log", "athero-3")
    assert printed.code == 4
    assert "[LOG_BROKEN] entry 3" in printed.err
    assert len(printed.out.splitlines()) == 2
    for words in (("promote", ONE, *WHO), ("check", ONE), ("rollback", "athero-3", *WHO)):
        done = cli("review", *words)
        assert done.code == 4
        assert "LOG_BROKEN" in done.err
    assert HEAD_TAG in MlflowClient().get_registered_model("athero-3").tags


def test_help_shows_an_example_of_each_and_is_quick(cli):
    for name in ("list", "log", "check", "answers", "promote", "demote", "rollback", "compare"):
        assert f"exodx review {name}" in " ".join(cli("review", name, "--help").out.split())
    code = "import sys, exodx.cli.review; assert not {'mlflow', 'pandas', 'matplotlib'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
