"""The registered model: ``exodx predict`` on its URI, ``mlflow.pyfunc`` and ``mlflow models predict`` give the same numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import mlflow
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from exodx.tracking import open_store
from tests.cli.calls import DATA

NEW = DATA / "new.csv"


@pytest.fixture(scope="module")
def scores(trained):
    from exodx.frozen import load_bundle
    from exodx.scoring import Explain, prediction_columns, score_file

    model, model_hash = load_bundle(trained.bundle)
    return pd.DataFrame(prediction_columns(score_file(NEW, model, model_hash, Explain.ALL), Explain.ALL))


def test_predict_takes_registry_and_run_uris(trained, cli):
    folder = cli("predict", NEW, "--model", trained.bundle)
    for uri in ("models:/athero-3@challenger", trained.answer["model_uri"], f"runs:/{trained.answer['run_id']}"):
        done = cli("predict", NEW, "--model", uri)
        assert done.code == 0, done.err
        assert done.out == folder.out
    unknown = cli("predict", NEW, "--model", "models:/nonesuch@champion")
    assert unknown.code == 4
    assert "MODEL_UNKNOWN" in unknown.err


def test_pyfunc_gives_the_same_bits_as_predict(trained, scores):
    open_store()
    model = mlflow.pyfunc.load_model(trained.answer["model_uri"])
    frame = pd.read_csv(NEW)
    columns = ["specimen_id", *(name for name in model.metadata.get_input_schema().input_names() if name != "specimen_id")]
    pd.testing.assert_frame_equal(model.predict(frame[columns]), scores, check_exact=True, check_dtype=False)
    words = frame[columns].astype(object)
    words.loc[0, "miR-126-3p"] = "Undetermined"
    again = model.predict(words)["status"].tolist()
    assert (again[0], again[1:]) == ("WARN", scores["status"].tolist()[1:])


def test_mlflow_models_predict_gives_the_same_probabilities(trained, scores, tmp_path):
    command = ["models", "predict", "-m", trained.answer["model_uri"], "-i", str(NEW), "-t", "csv", "--env-manager", "local"]
    command = [sys.executable, "-m", "mlflow", *command, "-o", str(tmp_path / "p.json")]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": open_store().uri}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads((tmp_path / "p.json").read_text())["predictions"]
    assert [row["probability"] for row in rows] == scores["probability"].tolist()
    assert [row["call"] for row in rows] == scores["call"].tolist()


def test_the_run_holds_what_a_reviewer_needs(trained):
    client = MlflowClient(open_store().uri)
    run = client.get_run(trained.answer["run_id"])
    estimates = trained.answer["estimates"]
    assert run.data.metrics["auc"] == estimates["auc"]["value"]
    assert run.data.metrics["auc/lower"] == estimates["auc"]["lower"]
    assert run.data.params["plan.seed"] == "3"
    assert run.data.tags["exodx.synthetic"] == "true"
    assert run.data.tags["exodx.model_hash"] == trained.answer["model_hash"]
    chosen = datetime.fromisoformat(run.data.tags["exodx.threshold_chosen_at"])
    assert (chosen.tzinfo, chosen <= datetime.now(UTC)) == (UTC, True)
    assert run.data.metrics["threshold/lower"] <= run.data.metrics["threshold"] <= run.data.metrics["threshold/upper"]
    assert "For Research Use Only" in run.data.tags["mlflow.note.content"]
    assert run.data.metrics["flow/scored"] == run.data.metrics["qc/ok"] + run.data.metrics["qc/warn"]
    assert run.data.metrics["shap_stability/rank_correlation"] == trained.answer["explanation_stability"]["rank_correlation"]
    assert {"figures/decision_curve.png", "figures/shap_stability.png"} <= {
        f.path for f in client.list_artifacts(run.info.run_id, "figures")
    }
    names = {f.path for f in client.list_artifacts(run.info.run_id)} | {
        f.path for f in client.list_artifacts(run.info.run_id, "figures")
    }
    assert {
        "report.html",
        "evaluation.json",
        "plan.json",
        "panel.toml",
        "figures/roc.png",
        "figures/roc.svg",
        "figures/flow.svg",
    } <= names
    children = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    assert len(children) == 3 + 3  # outer folds and sites
    version = client.get_model_version_by_alias("athero-3", "challenger")
    assert version.tags["exodx.model_hash"] == trained.answer["model_hash"]


def test_no_specimen_id_or_row_is_logged_and_nothing_is_pickled(trained, tmp_path):
    """Every file of the run, its model and its bundle is searched for ids and measured values of training specimens."""
    open_store()
    run = MlflowClient().get_run(trained.answer["run_id"])
    mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "run"))
    mlflow.artifacts.download_artifacts(trained.answer["model_uri"], dst_path=str(tmp_path / "model"))
    frame = pd.read_csv(DATA / "train.csv", dtype=str)
    secrets = [*frame["specimen_id"], *frame["subject_id"]]
    measured = [cell for name in ("miR-126-3p", "miR-145-5p") for cell in frame[name].dropna() if cell[0].isdigit()]
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) > 15
    for file in files:
        text = file.read_bytes()
        assert not any(secret.encode() in text for secret in secrets), file
        assert file.suffix not in (".pkl", ".pickle", ".joblib")
        assert not text.startswith(b"\x80"), file
        if file.suffix in (".json", ".html", ".toml", ".yaml", ".txt"):
            assert sum(f'"{cell}"'.encode() in text or f" {cell},".encode() in text for cell in measured) == 0, file
    tags = json.dumps(run.data.tags) + json.dumps(run.data.params)
    assert not any(secret in tags for secret in secrets)
    assert str(DATA) not in tags
