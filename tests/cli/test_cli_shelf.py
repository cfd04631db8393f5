"""``exodx predict --model URI``: the bundle is fetched once; the alias is asked each time; damage is mended."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from mlflow.tracking import MlflowClient

from exodx.shelf import kept_bundle
from exodx.tracking import open_store, registry
from tests.cli.calls import DATA

NEW = DATA / "new.csv"
URI = "models:/athero-3@shelved"


@pytest.fixture(autouse=True)
def shelved(trained):
    """An alias of the trained version: ``challenger`` moves with whatever else is trained here."""
    open_store()
    client = MlflowClient()
    client.set_registered_model_alias("athero-3", "shelved", trained.answer["model_uri"].rsplit("/", 1)[1])
    yield
    client.delete_registered_model_alias("athero-3", "shelved")


@pytest.fixture
def downloads(monkeypatch):
    """Count the downloads."""
    done = []
    download = registry.mlflow.artifacts.download_artifacts

    def counted(*arguments, **options):
        done.append(arguments)
        return download(*arguments, **options)

    monkeypatch.setattr(registry.mlflow.artifacts, "download_artifacts", counted)
    return done


def test_a_bundle_is_downloaded_once_and_again_where_its_copy_is_damaged(trained, cli, downloads):
    folder = cli("predict", NEW, "--model", trained.bundle)
    assert cli("predict", NEW, "--model", URI).out == folder.out
    place = kept_bundle(trained.answer["model_hash"])
    before = len(downloads)
    for uri in (URI, trained.answer["model_uri"], f"runs:/{trained.answer['run_id']}"):
        assert cli("predict", NEW, "--model", uri) == folder
    assert len(downloads) == before
    (place / "forest.ubj").write_bytes(b"harm")
    assert cli("predict", NEW, "--model", URI).out == folder.out
    assert len(downloads) == before + 1
    assert kept_bundle(trained.answer["model_hash"]) == place


def test_an_alias_that_moved_means_another_bundle_at_once(trained, cli, tmp_path):
    """The other version is of a hash that no bundle has: what is on the shelf must not be taken for it."""
    open_store()
    client = MlflowClient()
    version = client.get_model_version_by_alias("athero-3", "shelved")
    other = client.create_model_version("athero-3", version.source, run_id=version.run_id).version
    client.set_model_version_tag("athero-3", other, "exodx.model_hash", "0" * 64)
    client.set_registered_model_alias("athero-3", "moving", version.version)
    assert cli("predict", NEW, "--model", "models:/athero-3@moving").code == 0
    client.set_registered_model_alias("athero-3", "moving", other)
    try:
        done = cli("predict", NEW, "--model", "models:/athero-3@moving")
        assert (done.code, "HASH_DIFFERS" in done.err) == (4, True), done.err
        assert kept_bundle("0" * 64) is None
    finally:
        client.delete_registered_model_alias("athero-3", "moving")
        client.delete_model_version("athero-3", other)


def test_from_the_shelf_mlflow_and_pandas_are_not_imported(trained, cli, tmp_path):
    assert cli("predict", NEW, "--model", URI).code == 0
    code = (
        "import sys\nfrom exodx.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'mlflow', 'pandas', 'sqlalchemy', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "predict", str(NEW), "--model", URI, "-o", str(tmp_path / "s.csv")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.stderr.splitlines()[-1] == "[]", done.stderr
    assert (tmp_path / "s.csv").read_text() == cli("predict", NEW, "--model", trained.bundle).out
