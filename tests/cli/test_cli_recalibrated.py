"""``exodx evaluate --recalibrate`` of a registered model: a folder and the next version, what is in use stays in use."""

from __future__ import annotations

import json

import pytest
from mlflow.tracking import MlflowClient

from exodx.frozen import load_bundle
from exodx.tracking import open_store

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")  # mlflow 3.17 with pandas 3

LABEL = ("--label", "group", "--positive", "case")


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    from exodx.cohort import SimulatedStudy, simulate
    from exodx.panel import load_panel

    path = tmp_path_factory.mktemp("rare") / "rare.csv"
    simulate(load_panel("athero-3"), SimulatedStudy(n=250, site_case_shares=(0.2, 0.2), seed=52)).to_csv(path)
    return path


def test_a_registered_model_gets_its_next_version(trained, cli, rare, tmp_path):
    open_store()
    client = MlflowClient()
    before = dict(client.get_registered_model("athero-3").aliases)
    done = cli("evaluate", rare, "--model", trained.answer["model_uri"], *LABEL, "--recalibrate", tmp_path / "2", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)["recalibrated"]
    assert "aliases stay where they were" in done.err
    version = client.get_model_version("athero-3", answer["model_uri"].rsplit("/", 1)[1])
    assert version.run_id == answer["run_id"]
    assert version.tags["exodx.parent_hash"] == trained.answer["model_hash"] == answer["parent"]
    assert version.tags["exodx.parent_version"] == trained.answer["model_uri"].rsplit("/", 1)[1]
    assert client.get_registered_model("athero-3").aliases == before
    _, folder_hash = load_bundle(tmp_path / "2")
    assert folder_hash == version.tags["exodx.model_hash"]
    predicted = [cli("predict", rare, "--model", model).out for model in (tmp_path / "2", answer["model_uri"])]
    assert predicted[0] == predicted[1] != ""
    uris = trained.answer["model_uri"], answer["model_uri"]
    asked = [json.loads(cli("review", "check", uri, "--json").out)["gate"]["rules"]["sheets"] for uri in uris]
    assert asked[0]["found"] == asked[1]["found"]  # the sheets are those of the training
    assert "of 34 items in stard; open in tripod_ai: author needed 3a" in asked[1]["found"]
    refused = cli("review", "answers", answer["model_uri"])
    assert (refused.code, f"Answer those of {trained.answer['model_uri']}" in refused.err) == (4, True)


def test_it_is_not_registered_unless_asked_for(trained, cli, rare, tmp_path):
    open_store()
    count = len(MlflowClient().search_model_versions("name = 'athero-3'"))
    for model, how in ((trained.answer["model_uri"], "--no-track"), (trained.bundle, None)):
        folder = tmp_path / str(how)
        done = cli("evaluate", rare, "--model", model, *LABEL, "--recalibrate", folder, *([how] if how else []), "--json")
        assert (done.code, "model_uri" in json.loads(done.out)["recalibrated"]) == (0, False)
        assert (folder / "manifest.json").exists()
    assert len(MlflowClient().search_model_versions("name = 'athero-3'")) == count
    tracked = cli("evaluate", rare, "--model", trained.bundle, *LABEL, "--recalibrate", tmp_path / "t", "--track", "--json")
    assert tracked.code == 0, tracked.err
    assert json.loads(tracked.out)["recalibrated"]["model_uri"] == f"models:/athero-3/{count + 1}"


def test_an_evaluation_alone_is_tracked_as_a_run_and_registers_nothing(trained, cli, rare):
    open_store()
    client = MlflowClient()
    count, aliases = len(client.search_model_versions("name = 'athero-3'")), dict(client.get_registered_model("athero-3").aliases)
    done = cli("evaluate", rare, "--model", trained.bundle, *LABEL, "--track", "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    run = client.get_run(answer["run_id"])
    assert run.data.tags["exodx.kind"] == "external evaluation"
    assert run.data.tags["exodx.model_hash"] == trained.answer["model_hash"]
    assert run.data.tags["exodx.cohort_fingerprint"] != run.data.tags["exodx.training_fingerprint"]
    assert run.data.metrics["auc"] == answer["estimates"]["auc"]["value"]
    assert {"evaluation.json", "report.html"} <= {f.path for f in client.list_artifacts(run.info.run_id)}
    assert len(client.search_model_versions("name = 'athero-3'")) == count
    assert dict(client.get_registered_model("athero-3").aliases) == aliases
    assert json.loads(cli("evaluate", rare, "--model", trained.bundle, *LABEL, "--json").out)["run_id"] is None
