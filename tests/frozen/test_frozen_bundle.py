"""The bundle: the same model gives the same bytes, any change is refused (exit code 4), and no specimen is in it."""

import json
import os
import pickletools
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from exodx.errors import RUO, ModelRefused, UsageError
from exodx.frozen import InputContract, load_bundle, save_bundle
from exodx.frozen.archive import write_compiled
from exodx.frozen.bundle import COMPILED, FILES, FORMAT_VERSION, MANIFEST, model_id
from exodx.frozen.compiled import CompiledForest

ARCHIVE = Path(__file__).parents[1] / "data" / "bundles"


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    return folder, save_bundle(model, folder)


@pytest.fixture
def bundle(saved, tmp_path):
    return Path(shutil.copytree(saved[0], tmp_path / "bundle"))


def refused(folder):
    with pytest.raises(ModelRefused) as caught:
        load_bundle(folder)
    assert caught.value.exit_code == 4
    return [p.code for p in caught.value.problems]


def rehash(folder):
    """Make the manifest agree with the files, as whoever forges a bundle would."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"] = {name: sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_the_round_trip_gives_the_same_bytes_hash_and_predictions(model, saved, cohort, tmp_path):
    folder, model_hash = saved
    again, loaded_hash = load_bundle(folder)
    assert loaded_hash == model_hash
    assert save_bundle(again, tmp_path / "again") == model_hash
    assert sorted(p.name for p in folder.iterdir()) == sorted([MANIFEST, *FILES])
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name
    m = cohort.measurements
    np.testing.assert_array_equal(again.predict(m, cohort.ids).margin, model.predict(m, cohort.ids).margin)
    np.testing.assert_array_equal(again.explain(m).values, model.explain(m).values)
    assert again.panel == model.panel
    assert model_id(again, model_hash) == f"athero-3-{model_hash[:8]}"


def test_saving_over_a_bundle_replaces_it_and_nothing_else_is_ever_replaced(model, bundle, tmp_path):
    (bundle / "forest.ubj").write_bytes(b"old")
    (bundle / "report.html").write_text("the report of that bundle")
    save_bundle(model, bundle)
    load_bundle(bundle)
    (tmp_path / "empty").mkdir()
    save_bundle(model, tmp_path / "empty")
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    (other / MANIFEST).write_text("{}")
    for taken in (other, other / "thesis.tex"):
        with pytest.raises(ModelRefused, match="FOLDER_IN_USE"):
            save_bundle(model, taken)
    assert (other / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
def test_a_bundle_is_never_left_half_written(model, bundle, tmp_path, monkeypatch, failing):
    before = {p.name: p.read_bytes() for p in bundle.iterdir()}
    original, calls = getattr(Path, failing), []

    def fail(self, *args):
        calls.append(self)
        if len(calls) == (4 if failing == "write_bytes" else 1):
            raise OSError("the disk is full")
        return original(self, *args)

    monkeypatch.setattr(Path, failing, fail)
    for folder in (tmp_path / "new", bundle):
        calls.clear()
        with pytest.raises(UsageError, match=r"OUTPUT_UNWRITABLE.*disk"):
            save_bundle(model, folder)
    monkeypatch.undo()
    assert not (tmp_path / "new").exists()
    assert {p.name: p.read_bytes() for p in bundle.iterdir()} == before
    assert os.listdir(tmp_path) == ["bundle"]


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_changed_or_missing_file_is_refused(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    if name != MANIFEST:
        assert refused(bundle) == ["FILE_CHANGED"]
    (bundle / name).unlink()
    assert refused(bundle) == ["BUNDLE_MISSING" if name == MANIFEST else "FILE_MISSING"]


def test_an_added_file_is_refused_and_every_problem_is_named_together(bundle):
    (bundle / "report.html").write_text("the report may lie beside the model")
    load_bundle(bundle)
    (bundle / "extra.pkl").write_bytes(b"")
    (bundle / "panel.toml").unlink()
    (bundle / "forest.ubj").write_bytes(b"")
    assert sorted(refused(bundle)) == ["FILE_CHANGED", "FILE_FOREIGN", "FILE_MISSING"]


@pytest.mark.parametrize("name", ["../outside.json", "/etc/passwd", "sub/../../x", ""])
def test_a_manifest_that_names_other_files_is_refused_and_they_are_not_opened(bundle, name, monkeypatch):
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    manifest["files"][name] = "0" * 64
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    opened, original = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened.append(self) or original(self))
    assert refused(bundle) == ["FILE_FOREIGN"]
    assert {p.name for p in opened} <= {MANIFEST, *FILES}


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"format_version": "1", "files": {}, "name": "x"}']
)
def test_a_manifest_of_junk_is_refused(bundle, junk):
    (bundle / MANIFEST).write_bytes(junk)
    assert refused(bundle) == ["MANIFEST_DAMAGED"]


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, 99])
def test_an_unknown_format_version_is_refused(bundle, version):
    manifest = json.loads((bundle / MANIFEST).read_bytes()) | {"format_version": version}
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    assert refused(bundle) == ["FORMAT_UNKNOWN"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"junk"])
def test_a_forged_file_is_refused_even_when_the_manifest_agrees_with_it(bundle, name, content):
    (bundle / name).write_bytes(content)
    rehash(bundle)
    assert refused(bundle)


def test_trees_that_give_other_margins_than_when_saved_are_refused(bundle):
    tested = json.loads((bundle / "selftest.json").read_bytes())
    tested["margin"][0] += 1e-3
    (bundle / "selftest.json").write_text(json.dumps(tested))
    rehash(bundle)
    assert refused(bundle) == ["SELFTEST_FAILED"]


def test_a_missing_folder_and_a_file_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert refused(tmp_path / "none") == refused(tmp_path / "file") == refused(tmp_path) == ["BUNDLE_MISSING"]


def test_no_file_holds_a_pickle_or_a_specimen_and_the_notice_is_there(saved, cohort):
    words = {*cohort.ids, *cohort.specimens["subject"], *cohort.specimens["date"]}
    for path in saved[0].iterdir():
        content = path.read_bytes()
        assert not [word for word in words if str(word).encode() in content], path.name
        with pytest.raises(ValueError, match=r"opcode|pickle|string|newline|codec"):
            list(pickletools.genops(content))
        path.suffix in (".ubj", ".npz") or content.decode()
    with np.load(saved[0] / COMPILED, allow_pickle=False) as file:
        assert not [name for name in file.files if file[name].dtype.hasobject]
    assert json.loads((saved[0] / MANIFEST).read_text())["notice"] == RUO


@pytest.mark.parametrize("folder", sorted(ARCHIVE.glob("format-*")), ids=lambda f: f.name)
def test_bundles_of_every_format_version_keep_their_predictions(folder):
    model, model_hash = load_bundle(folder / "bundle")
    expected = json.loads((folder / "expected.json").read_text())
    columns = expected["rows"]
    measurements, unreadable = InputContract(model.panel).read(columns, ".")
    prediction = model.predict(measurements, columns["specimen_id"])
    assert not unreadable
    assert model_hash == expected["model_hash"]
    assert [list(prediction.status), list(prediction.call)] == [expected["status"], expected["call"]]
    margin = np.array([np.nan if m is None else m for m in expected["margin"]])
    # format 1 holds XGBoost's own margins, 300 trees summed in float32: they are up to 2.2e-6 from the sum in float64
    np.testing.assert_allclose(prediction.margin, margin, rtol=1e-6, atol=1e-6)
    shap = np.array(expected["shap"], float)
    np.testing.assert_allclose(model.explain(measurements).values, shap, atol=1e-6)


def test_a_bundle_of_format_1_is_compiled_on_load_and_saved_with_its_tables(tmp_path, cohort):
    old = ARCHIVE / "format-1" / "bundle"
    model, _ = load_bundle(old)
    assert not (old / COMPILED).exists()
    save_bundle(model, tmp_path / "new")
    again, _ = load_bundle(tmp_path / "new")
    np.testing.assert_array_equal(again.explain(cohort.measurements).values, model.explain(cohort.measurements).values)
    assert (tmp_path / "new" / COMPILED).is_file()
    shutil.copytree(old, tmp_path / "old")
    (tmp_path / "old" / COMPILED).write_bytes((tmp_path / "new" / COMPILED).read_bytes())
    assert refused(tmp_path / "old") == ["FILE_FOREIGN"]


def test_tables_of_another_model_or_with_other_numbers_are_refused(bundle, model):
    own = (bundle / COMPILED).read_bytes()
    parts = model.forest.compiled.parts
    for change, code in (
        ({"source": parts.whole.source[::-1]}, "FOREST_MISMATCH"),
        ({"constants": parts.whole.constants + 1e-3}, "SELFTEST_FAILED"),
    ):
        forged = CompiledForest(parts._replace(whole=parts.whole._replace(**change)), model.forest.n_features)
        (bundle / COMPILED).write_bytes(write_compiled(forged))
        rehash(bundle)
        assert refused(bundle) == [code]
    (bundle / COMPILED).write_bytes(own)
    rehash(bundle)
    load_bundle(bundle)


def test_where_the_new_bundle_cannot_take_its_place_the_old_one_stands_there_again(model, tmp_path, monkeypatch):
    folder = tmp_path / "bundle"
    kept = save_bundle(model, folder)
    rename = Path.rename

    def failing(self, target):
        if self.name == "made" and Path(target) == folder:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(UsageError, match="Input/output"):
        save_bundle(replace(model, name="other"), folder)
    monkeypatch.undo()
    assert load_bundle(folder)[1] == kept
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
