"""``exodx train``, ``evaluate`` and ``check``: the contract of design.md §5."""

from __future__ import annotations

import json

from exodx.errors import RUO
from tests.cli.calls import DATA

BANNED = ("diagnosed", "patient has")


def test_train_answers_with_headline_estimates_findings_bundle_and_run(trained):
    answer = trained.answer
    assert set(answer["headline"]) == {"name", "value", "lower", "upper", "design"}
    assert answer["headline"]["design"] == "leave-one-site-out"  # the example has three sites
    assert 0 <= answer["headline"]["lower"] <= answer["headline"]["value"] <= answer["headline"]["upper"] <= 1
    assert {"auc", "sensitivity", "specificity", "ppv", "npv", "auc_logistic", "auc_single_analyte"} <= set(answer["estimates"])
    assert all(set(f) == {"code", "severity", "message"} for f in answer["findings"])
    assert "synthetic" in [f["code"] for f in answer["findings"]]
    assert answer["bundle"] == str(trained.bundle)
    assert answer["run_id"]
    assert (trained.bundle / "manifest.json").is_file()
    assert RUO in (trained.bundle / "report.html").read_text()


def test_train_says_where_everything_is_and_the_research_use_sentence(trained):
    assert str(trained.bundle) in trained.stderr
    assert "registered models:/athero-3/" in trained.stderr
    assert RUO in trained.stderr
    assert not any(word in trained.stderr.casefold() for word in BANNED)


def test_train_gives_the_same_bundle_bytes_again_without_tracking_whatever_the_jobs(trained, cli, tmp_path):
    again = cli("train", DATA / "train.csv", "--plan", trained.plan, "-o", tmp_path / "b", "--no-track", "--json", "--jobs", 1)
    assert again.code == 0, again.err
    answer = json.loads(again.out)
    assert answer["run_id"] is None
    assert answer["model_hash"] == trained.answer["model_hash"]
    for file in sorted(path for path in trained.bundle.rglob("*") if path.is_file()):
        assert (tmp_path / "b" / file.relative_to(trained.bundle)).read_bytes() == file.read_bytes(), file.name


def test_train_refuses_an_unknown_plan_key_with_the_nearest_name(cli, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text('lable = "group"\n')
    done = cli("train", DATA / "train.csv", "--plan", plan, "--no-track", "-o", tmp_path / "b")
    assert done.code == 3
    assert "'label'" in done.err
    assert not (tmp_path / "b").exists()


def test_train_without_a_label_says_how_to_name_it(cli, tmp_path):
    done = cli("train", DATA / "train.csv", "--panel", "athero-3", "--no-track", "-o", tmp_path / "b")
    assert done.code == 3
    assert "--label COLUMN --positive VALUE" in done.err


def test_train_never_overwrites_a_folder_that_is_not_a_bundle(trained, cli, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    done = cli("train", DATA / "train.csv", "--plan", trained.plan, "--no-track", "-o", tmp_path)
    assert done.code == 4
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_command_line_wins_over_the_plan(trained, cli, tmp_path):
    done = cli("train", DATA / "train.csv", "--plan", trained.plan, "--label", "nonesuch", "--no-track", "-o", tmp_path / "b")
    assert done.code == 3
    assert "nonesuch" in done.err


def test_evaluate_a_frozen_model_on_new_specimens(trained, cli):
    done = cli("evaluate", DATA / "new.csv", "--model", trained.bundle, "--label", "group", "--positive", "case", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert answer["headline"]["design"] == "external cohort"
    assert answer["estimates"]["auc"]["value"] > 0.7
    assert answer["flow"]["specimens"] == 60


def test_check_counts_every_cell_and_prints_the_inference(cli):
    done = cli("check", DATA / "train.csv", "--panel", "athero-3", "--label", "group", "--positive", "case", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert sum(answer["status"].values()) == answer["specimens"] == 160
    states = ("measured", "below_lod", "undetermined", "not_run", "failed_qc")
    assert all(sum(row[s] for s in states) == 160 for row in answer["analytes"])
    inferred = cli("check", DATA / "train.csv", "--panel", "auto")
    assert inferred.code == 0
    assert "panel inferred: 4 target analytes in unit 'Ct'" in inferred.err
    assert "references miR-103a-3p, miR-423-5p" in inferred.err


def test_check_reports_all_problems_at_once(cli, tmp_path):
    lines = (DATA / "new.csv").read_text().splitlines()
    cells = lines[1].split(",")
    cells[9] = "oops"
    lines[1] = ",".join(cells)
    lines.append(lines[2])
    (tmp_path / "bad.csv").write_text("\n".join(lines) + "\n")
    done = cli("check", tmp_path / "bad.csv", "--panel", "athero-3", "--label", "nonesuch")
    assert done.code == 3
    for part in ("line 2, column 'miR-126-3p'", "'oops'", "lines 3, 62", "no column 'nonesuch'"):
        assert part in done.err


def test_what_cannot_be_written_is_refused_before_any_training(trained, cli, tmp_path, monkeypatch):
    arguments = ("train", DATA / "train.csv", "--plan", trained.plan)
    monkeypatch.setattr("exodx.study.binary._validate", None)  # training would fail loudly
    assert cli(*arguments, "--no-track", "-o", "/proc/none/model").code == 2
    monkeypatch.chdir(tmp_path)
    assert cli(*arguments, "--no-track", "-o", ".").code == 4
    monkeypatch.setenv("EXODX_HOME", "/proc/none")
    done = cli(*arguments)
    assert (done.code, "STORE_UNUSABLE" in done.err) == (2, True)
    assert "Traceback" not in done.err


def test_without_tracking_and_without_a_folder_nothing_is_trained(trained, cli):
    done = cli("train", DATA / "train.csv", "--plan", trained.plan, "--no-track")
    assert (done.code, "-o FOLDER" in done.err) == (2, True)


def test_the_path_of_the_panel_file_is_no_part_of_the_model(trained, cli, tmp_path):
    shown = cli("panel", "show", "athero-3").out
    hashes = set()
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "panel.toml").write_text(shown)
        panel = tmp_path / place / "panel.toml"
        done = cli(
            "train",
            DATA / "train.csv",
            "--plan",
            trained.plan,
            "--panel",
            panel,
            "--no-track",
            "--json",
            "-o",
            tmp_path / place / "m",
        )
        hashes.add(json.loads(done.out)["model_hash"])
    assert hashes == {trained.answer["model_hash"]}


def test_evaluating_the_training_file_is_not_external(trained, cli):
    done = cli("evaluate", DATA / "train.csv", "--model", trained.bundle, "--label", "group", "--json")
    findings = {f["code"]: f["severity"] for f in json.loads(done.out)["findings"]}
    assert findings["training_cohort"] == "blocking"


def test_evaluate_has_no_panel_option_to_ignore(trained, cli):
    assert cli("evaluate", DATA / "new.csv", "--model", trained.bundle, "--label", "group", "--panel", "x").code == 2
