"""Several classes through the real commands, from ``train`` to one specimen's page; and what refuses them."""

from __future__ import annotations

import csv
import io
import json
from importlib.resources import files as files_of_panels
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import exodx.panel
from exodx.errors import RUO
from exodx.tracking import open_store
from tests.classes import NAMES, class_frame
from tests.cli.calls import DATA, run
from tests.cli.conftest import Trained

PLAN = 'panel = "athero-3"\nlabel = "group"\nouter_folds = 3\ninner_folds = 2\nrepeats = 1\nbudget = "minimal"\nseed = 3\n'
TEXTS = ("specimen_id", "status", "call", "probability", "margin", "threshold_id", "reasons")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    class_frame().to_csv(folder / "train.csv", index=False)
    class_frame(seed=9, n=60).to_csv(folder / "new.csv", index=False)
    panel = (files_of_panels(exodx.panel) / "catalog" / "athero-3.toml").read_text()
    (folder / "panel.toml").write_text(panel.replace('name = "athero-3"', 'name = "athero-3-classes"', 1))
    (folder / "plan.toml").write_text(PLAN.replace('"athero-3"', f'"{folder / "panel.toml"}"'))
    return folder


@pytest.fixture(scope="module")
def several(files) -> Trained:
    """``exodx train`` on a label of three values, as a process of its own, in MLflow and in a folder."""
    done = run("train", files / "train.csv", "--plan", files / "plan.toml", "-o", files / "model", "--json")
    assert done.code == 0, done.err
    return Trained(files / "model", json.loads(done.out), done.err, files / "plan.toml")


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_train_says_the_classes_and_answers_like_any_training(several, trained):
    assert "3 classes, 'athero' (44)" in several.stderr
    assert "one against the rest. For one of them against all others: --positive VALUE" in several.stderr
    answer = several.answer
    assert set(answer) == set(trained.answer) | {"classes", "confusion"}
    assert (answer["classes"], answer["headline"]["name"]) == (list(NAMES), "macro AUC")
    assert answer["headline"]["design"] == "leave-one-site-out"
    assert {f"auc:{name}" for name in NAMES} <= set(answer["estimates"])
    assert sum(answer["confusion"]["other"]["shares"].values()) == pytest.approx(1)
    assert "synthetic" in [f["code"] for f in answer["findings"]]
    page = (several.bundle / "report.html").read_text()
    assert RUO in page
    assert all(f"SHAP values on the score of {name}" in page for name in NAMES)
    assert "None are written of several classes" in " ".join(page.split())
    assert page.count("The number to quote") == page.count("<h2>Estimates</h2>") == 1
    assert "diagnosed" not in several.stderr + page


def test_predict_has_a_probability_and_shap_values_for_every_class(several, files, cli):
    done = cli("predict", files / "new.csv", "--model", several.bundle)
    assert done.code == 5  # some references are undetected
    found = rows(done.out)
    columns = list(found[0])
    assert tuple(columns[:7]) == TEXTS
    assert columns[7:10] == [f"probability:{name}" for name in NAMES]
    assert columns[10].startswith("shap:athero:")
    assert columns[-4:-1] == ["shap:other:base", "model_id", "model_hash"]
    assert [row["specimen_id"] for row in found] == pd.read_csv(files / "new.csv")["specimen_id"].tolist()
    for row in found:
        if row["status"] not in ("OK", "WARN"):
            assert (row["call"], row["probability"], row["shap:other:base"]) == ("not_reported", "", "")
            continue
        p = [float(row[f"probability:{name}"]) for name in NAMES]
        scores = [sum(float(row[c]) for c in columns if c.startswith(f"shap:{name}:")) for name in NAMES]
        np.testing.assert_allclose(np.exp(scores) / np.exp(scores).sum(), p, atol=1e-4)
        assert (row["call"], float(row["probability"])) == (NAMES[int(np.argmax(p))], max(p))
        assert (row["threshold_id"], row["model_hash"]) == ("largest", several.answer["model_hash"])
    assert "called " in done.err


def test_registry_parquet_top3_and_none_tell_the_same(several, files, cli):
    plain = rows(cli("predict", files / "new.csv", "--model", several.bundle).out)
    none = rows(cli("predict", files / "new.csv", "--model", several.answer["model_uri"], "--explain", "none").out)
    assert [row["probability:other"] for row in none] == [row["probability:other"] for row in plain]
    assert not any(name.startswith("shap:") for name in none[0])
    cli("predict", files / "new.csv", "--model", several.bundle, "--explain", "top3", "-o", files / "s.parquet")
    table = pq.read_table(files / "s.parquet").to_pandas()
    assert table["top1:other:feature"].dropna().isin(["miR-126-3p", "miR-145-5p", "PD-L1"]).all()
    assert table["probability:athero"].dtype == np.float64


def test_pyfunc_gives_the_same_bits(several, files, cli):
    open_store()
    model = mlflow.pyfunc.load_model(several.answer["model_uri"])
    frame = pd.read_csv(files / "new.csv", dtype=str)
    columns = [name for name in model.metadata.get_input_schema().input_names() if name in frame]
    found = model.predict(frame[columns])
    plain = rows(cli("predict", files / "new.csv", "--model", several.bundle).out)
    assert list(found.columns) == list(plain[0])[:-1]
    assert ["" if pd.isna(p) else repr(float(p)) for p in found["probability:healthy"]] == [r["probability:healthy"] for r in plain]
    client = mlflow.tracking.MlflowClient()
    logged = client.get_run(several.answer["run_id"])
    assert logged.data.metrics["auc:other"] == pytest.approx(several.answer["estimates"]["auc:other"]["value"])
    assert logged.data.tags["exodx.classes"] == "athero, healthy, other"


def test_evaluate_matches_classes_by_name_and_refuses_others(several, files, cli):
    done = cli("evaluate", files / "new.csv", "--model", several.bundle, "--label", "group", "--json", "--html", files / "e.html")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert (answer["headline"]["design"], answer["classes"]) == ("external cohort", list(NAMES))
    assert answer["headline"]["value"] > 0.7
    assert RUO in (files / "e.html").read_text()
    assert "Reporting sheets" not in (files / "e.html").read_text()
    frame = class_frame(seed=9, n=60)
    frame.loc[:3, "group"] = "lung cancer"
    frame.to_csv(files / "strange.csv", index=False)
    done = cli("evaluate", files / "strange.csv", "--model", several.bundle, "--label", "group")
    assert (done.code, "CLASS_UNKNOWN" in done.err, "'lung cancer'" in done.err) == (3, True, True)
    done = cli("evaluate", files / "strange.csv", "--model", several.bundle, "--label", "group", "--classes", ",".join(NAMES))
    assert done.code == 0, done.err
    assert "left out: 'lung cancer' (4)" in done.err
    done = cli("evaluate", files / "new.csv", "--model", several.bundle)
    assert (done.code, "LABEL_MISSING" in done.err) == (3, True)


def test_explain_writes_a_page_with_every_class(several, files, cli):
    found = rows(cli("predict", files / "new.csv", "--model", several.bundle).out)
    for status in ("OK", "QC_FAIL"):
        name = next(row["specimen_id"] for row in found if row["status"] == status)
        done = cli("explain", files / "new.csv", "--model", several.bundle, "--specimen", name, "-o", files / "x.html")
        assert done.code == 0, done.err
        page = (files / "x.html").read_text()
        assert RUO in page
        assert ("base value" in page) == (status == "OK")
        assert all(f"<td>{label}</td>" in page for label in NAMES)


@pytest.mark.parametrize("command", ["monitor", "evaluate --recalibrate"])
def test_what_is_for_one_class_alone_refuses_the_model(command, several, files, cli, tmp_path):
    name, *more = command.split()
    options = [*more, tmp_path / "new"] if more else []
    done = cli(name, files / "new.csv", "--model", several.bundle, "--label", "group", *options)
    assert (done.code, "MODEL_MULTICLASS" in done.err) == (4, True), done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "new").exists()


def test_check_holds_new_specimens_against_a_model_of_several_classes(several, files, cli, tmp_path):
    """In order it says nothing of columns; two that were exchanged are named, with the classes stated or not."""
    frame = pd.read_csv(files / "new.csv", dtype=str)
    a, b = "miR-126-3p", "miR-145-5p"
    frame.rename(columns={a: b, b: a}).to_csv(tmp_path / "exchanged.csv", index=False)
    codes = {}
    for path in (files / "new.csv", tmp_path / "exchanged.csv"):
        for label in ((), ("--label", "group")):
            done = cli("check", path, "--model", several.bundle, "--json", *label)
            assert done.code == 0, done.err
            found = json.loads(done.out)
            assert found["model"] == "athero-3-classes"
            codes[path.name, label != ()] = {f["code"]: f["message"] for f in found["findings"]}
    for labelled in (True, False):
        assert "analytes_exchanged" not in codes["new.csv", labelled]
        told = codes["exchanged.csv", labelled]["analytes_exchanged"]
        assert a in told
        assert b in told
        assert ("label_not_named" in codes["new.csv", labelled]) != labelled


def test_options_that_do_not_fit_are_refused(several, trained, files, cli, tmp_path):
    train = ("train", files / "train.csv", "--plan", files / "plan.toml", "--no-track", "-o", tmp_path / "m")
    assert "not both" in cli(*train, "--positive", "other", "--classes", "athero,other,healthy").err
    assert "CLASSES_COUNT" in cli(*train, "--classes", "athero,other").err
    assert "Did you mean 'other'?" in cli(*train, "--classes", "athero,othr,healthy").err
    done = cli(*train, "--panel-curve")
    assert (done.code, "PLAN_OF_TWO_CLASSES" in done.err) == (3, True)
    assert not (tmp_path / "m").exists()
    done = cli("evaluate", DATA / "new.csv", "--model", trained.bundle, "--label", "group", "--classes", "a,b,c")
    assert done.code == 2
    assert cli("check", DATA / "new.csv", "--model", trained.bundle, "--label", "group", "--classes", "a,b,c").code == 2
    for command in ("evaluate", "check"):
        done = cli(command, files / "new.csv", "--model", several.bundle, "--label", "group", "--positive", "other")
        assert (done.code, "MODEL_MULTICLASS" in done.err) == (2, True)


def test_misspelt_classes_and_small_ones_are_refused(files, cli, tmp_path):
    frame = class_frame()
    frame.loc[0, "group"] = "Healthy "
    frame.to_csv(tmp_path / "x.csv", index=False)
    train = ("train", tmp_path / "x.csv", "--plan", files / "plan.toml", "--no-track", "-o", tmp_path / "m")
    done = cli(*train)
    assert (done.code, "SPELLING" in done.err) == (3, True)
    frame = class_frame()
    frame.loc[:2, "group"] = "rare"
    frame.loc[3:4, "group"] = "rarer"
    frame.to_csv(tmp_path / "x.csv", index=False)
    done = cli(*train)
    assert done.code == 3
    assert "class 'rare'" in done.err
    assert "class 'rarer'" in done.err


def test_a_positive_value_stays_the_ordinary_study_and_check_reads_classes(files, cli, tmp_path):
    done = cli(
        "train",
        files / "train.csv",
        "--plan",
        files / "plan.toml",
        "--positive",
        "other",
        "--no-track",
        "-o",
        tmp_path / "m",
        "--json",
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["headline"]["name"] == "AUC"
    done = cli("check", files / "train.csv", "--panel", "athero-3", "--label", "group")
    assert done.code == 0, done.err
    assert "To train, name the reference standard" not in done.out
    assert "label_not_named" not in done.out


@pytest.mark.cohorts
def test_four_lung_tumours_from_train_file_to_test_file(cli, cohorts_folder, files, tmp_path):
    """AD, AT, SQC and TC by one miRNA and U6: NE against non-NE is easy (SOURCE.md), within them it can tell little."""
    folder = cohorts_folder / "lung-ffpe-mirna-ct-triplicates"
    (tmp_path / "p.toml").write_text(PLAN.replace('panel = "athero-3"\nlabel = "group"\n', 'label = "class"\n'))
    train, test = (folder / f"real_dataset_2_{part}.dat" for part in ("training", "testing"))
    done = cli("train", train, "--plan", tmp_path / "p.toml", "--no-track", "-o", tmp_path / "m", "--json")
    assert done.code == 0, done.err
    inside = json.loads(done.out)
    assert inside["classes"] == ["AD", "AT", "SQC", "TC"]
    assert 0.7 < inside["headline"]["value"] < 0.9
    done = cli("evaluate", test, "--model", tmp_path / "m", "--label", "class", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["flow"]["of class TC"] == 8
