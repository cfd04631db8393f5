"""A recalibrated version in the registry: the next version, its parent named, every alias where it was."""

from __future__ import annotations

import json

import pytest
from mlflow.tracking import MlflowClient

from exodx.evaluation import evaluate_external
from exodx.frozen import load_bundle, save_bundle
from exodx.tracking import RunRecord, fetch_bundle, log_run, open_store, register_recalibrated
from exodx.tracking.recalibrated import recalibrated_record
from exodx.tracking.registry import registered_version
from exodx.tracking.review import find_version, own_evaluation
from exodx.training import recalibrate_model

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")  # mlflow 3.17 with pandas 3


@pytest.fixture(scope="module")
def rare(make_cohort):
    return make_cohort(n=300, site_case_shares=(0.2, 0.2), seed=41)


@pytest.fixture(scope="module")
def place(model, rare, tmp_path_factory):
    """Return bundles of a parent and of its recalibrated version, the parent's hash and its evaluation."""
    folder = tmp_path_factory.mktemp("bundles")
    parent_hash = save_bundle(model, folder / "parent")
    save_bundle(recalibrate_model(model, parent_hash, rare), folder / "child")
    return folder, parent_hash, evaluate_external(model, rare, None)


@pytest.fixture
def store(tmp_path, monkeypatch, model):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))
    return open_store(model.name)


def registered(store, place, model, name="renamed"):
    folder, parent_hash, _ = place
    tags = {"exodx.model_hash": parent_hash, "exodx.model_id": "m", "exodx.synthetic": "true"}
    return log_run(RunRecord(model.name, "r", "d", tags, {}, {}, {}), folder / "parent", name, store)


def test_the_record_says_whose_its_numbers_are(model, place):
    folder, parent_hash, evaluation = place
    child, child_hash = load_bundle(folder / "child")
    record = recalibrated_record(child, child_hash, "3", evaluation)
    assert record.tags["exodx.parent_hash"] == parent_hash
    assert record.tags["exodx.parent_version"] == "3"
    assert record.tags["exodx.recalibrated"] == child.provenance.recalibrated
    assert all(name.startswith("parent/") for name in record.metrics)
    assert record.metrics["parent/auc"] == evaluation.estimate("auc").value
    assert "from version 3" in record.description
    assert "Research Use Only" in record.description
    assert "not registered" in recalibrated_record(child, child_hash, "", evaluation).description
    assert json.loads(record.files["parent_evaluation.json"])["headline"]["value"] == evaluation.headline.value


@pytest.mark.parametrize("by", ["@challenger", "@champion", "/1"])
def test_it_is_the_next_version_and_no_alias_moves(store, model, place, by, tmp_path):
    folder, parent_hash, evaluation = place
    first = registered(store, place, model)
    client = MlflowClient()
    client.set_registered_model_alias("renamed", "champion", first.model_version)
    before = dict(client.get_registered_model("renamed").aliases)
    logged = register_recalibrated(f"models:/renamed{by}", folder / "child", evaluation, store)
    assert (logged.model_name, logged.model_version) == ("renamed", "2")
    assert client.get_registered_model("renamed").aliases == before
    assert {alias: str(version) for alias, version in before.items()} == {"challenger": "1", "champion": "1"}
    tags = client.get_model_version("renamed", "2").tags
    child, child_hash = load_bundle(folder / "child")
    assert tags["exodx.model_hash"] == child_hash
    assert (tags["exodx.parent_hash"], tags["exodx.parent_version"]) == (parent_hash, "1")
    assert tags["exodx.recalibrated"] == child.provenance.recalibrated
    assert load_bundle(fetch_bundle("models:/renamed/2", tmp_path))[1] == child_hash
    assert "exodx.parent_hash" not in client.get_model_version("renamed", "1").tags


def test_a_parent_in_a_folder_is_found_by_its_hash(store, model, place):
    folder, parent_hash, evaluation = place
    assert registered_version(str(folder / "parent"), model.name, parent_hash) == (model.name, "")
    alone = register_recalibrated(str(folder / "parent"), folder / "child", evaluation, store)
    assert (alone.model_name, alone.model_version) == (model.name, "1")
    assert MlflowClient().get_model_version(model.name, "1").tags["exodx.parent_version"] == "not registered"
    assert MlflowClient().get_registered_model(model.name).aliases == {}
    registered(store, place, model, model.name)
    registered(store, place, model, model.name)
    assert registered_version(str(folder / "parent"), model.name, parent_hash) == (model.name, "3")
    assert registered_version(f"models:/{model.name}/2", model.name, parent_hash) == (model.name, "2")


def test_a_review_reads_the_evaluation_of_its_parent(store, model, place):
    folder, parent_hash, evaluation = place
    told = {"evaluation.json": json.dumps(evaluation.to_dict()).encode()}
    parent = RunRecord(model.name, "r", "d", {"exodx.model_hash": parent_hash}, {}, {}, told)
    log_run(parent, folder / "parent", "renamed", store)
    register_recalibrated("models:/renamed/1", folder / "child", evaluation, store)
    assert own_evaluation(find_version("models:/renamed/2")) == evaluation == own_evaluation(find_version("models:/renamed/1"))
    MlflowClient().set_model_version_tag("renamed", "2", "exodx.parent_version", "2")
    assert own_evaluation(find_version("models:/renamed/2")) is None  # its own run has none, and no version is its own parent
