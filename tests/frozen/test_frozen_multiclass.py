"""The model of several classes as it stands: exact sums, batches, and a bundle that nobody changes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import ModelRefused
from exodx.frozen import ClassLimit, Measurements, MulticlassModel, SoftmaxCalibrator, State, load_bundle, save_bundle, softmax
from exodx.frozen.bundle import FILES
from exodx.frozen.folder import MANIFEST, canonical
from tests.classes import NAMES, class_cohort


@pytest.fixture(scope="module")
def specimens():
    return class_cohort(n=60, seed=4, not_run_share=0.05)


@pytest.fixture(scope="module")
def saved(class_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes") / "model"
    return folder, save_bundle(class_model, folder)


@pytest.fixture
def bundle(saved, tmp_path):
    return Path(shutil.copytree(saved[0], tmp_path / "bundle"))


def refused(folder):
    with pytest.raises(ModelRefused) as caught:
        load_bundle(folder)
    return [p.code for p in caught.value.problems]


def test_every_specimen_has_a_row_and_probabilities_that_add_up(class_model, specimens):
    found = class_model.predict(specimens.measurements, specimens.ids)
    scored = found.is_scored
    assert found.specimen_ids == specimens.ids
    assert 0 < (~scored).sum() < len(specimens)
    np.testing.assert_allclose(found.probabilities[scored].sum(axis=1), 1, atol=1e-12)
    np.testing.assert_array_equal(found.probability[scored], found.probabilities[scored].max(axis=1))
    np.testing.assert_allclose(1 / (1 + np.exp(-found.margin[scored])), found.probability[scored], atol=1e-12)
    assert [found.call[i] for i in np.flatnonzero(scored)] == [NAMES[k] for k in found.probabilities[scored].argmax(axis=1)]
    assert np.isnan(found.probabilities[~scored]).all()
    assert {found.call[i] for i in np.flatnonzero(~scored)} == {"not_reported"}
    assert found.threshold_id == "largest"


def test_shap_values_and_base_sum_to_the_score_of_their_class(class_model, specimens):
    found = class_model.predict(specimens.measurements, specimens.ids)
    for k, explanation in enumerate(class_model.explain(specimens.measurements)):
        total = explanation.values.sum(axis=1) + explanation.base
        np.testing.assert_allclose(total[found.is_scored], found.scores[found.is_scored, k], atol=1e-4)
        assert np.isnan(explanation.values[~found.is_scored]).all()


@given(st.integers(0, 59), st.randoms(use_true_random=False))
def test_a_batch_of_one_is_its_row_and_order_does_not_matter(class_model, specimens, row, random):
    whole, shap = class_model.predict(specimens.measurements, specimens.ids), class_model.explain(specimens.measurements)
    alone = class_model.predict(specimens.measurements[[row]], [specimens.ids[row]])
    np.testing.assert_array_equal(alone.probabilities[0], whole.probabilities[row])
    np.testing.assert_array_equal(alone.margin[0], whole.margin[row])
    assert alone.call[0] == whole.call[row]
    for one, every in zip(class_model.explain(specimens.measurements[[row]]), shap, strict=True):
        np.testing.assert_array_equal(one.values[0], every.values[row])
    order = list(range(len(specimens)))
    random.shuffle(order)
    moved = class_model.predict(specimens.measurements[order], [specimens.ids[i] for i in order])
    np.testing.assert_array_equal(moved.probabilities, whole.probabilities[order])


@given(st.permutations(range(3)))
def test_the_order_of_classes_permutes_columns_bit_for_bit(class_model, specimens, order):
    m = class_model
    softmax_ = SoftmaxCalibrator(m.softmax.slope, tuple(m.softmax.intercepts[k] for k in order))
    moved = replace(m, classes=tuple(m.classes[k] for k in order), parts=tuple(m.parts[k] for k in order), softmax=softmax_)
    one, other = (x.predict(specimens.measurements, specimens.ids) for x in (m, moved))
    np.testing.assert_array_equal(other.probabilities, one.probabilities[:, list(order)])
    np.testing.assert_array_equal(other.margin, one.margin)
    assert other.call == one.call


def test_one_pass_gives_what_predict_and_explain_give_to_the_bit(class_model, specimens):
    m, ids = specimens.measurements, specimens.ids
    alone, explained = class_model.predict(m, ids), class_model.explain(m)
    prediction, explanations = class_model.prepared(10**9).predict_explained(m, ids)
    assert prediction.call == alone.call
    assert prediction.probabilities.tobytes() == alone.probabilities.tobytes()
    for mine, theirs in zip(explanations, explained, strict=True):
        np.testing.assert_array_equal(mine.values, theirs.values)
        assert mine.base == theirs.base


def test_a_limit_keeps_calls_back_and_changes_no_number(class_model, specimens):
    limited = replace(class_model, limit=ClassLimit(0.8, 0.9))
    one, other = (m.predict(specimens.measurements, specimens.ids) for m in (class_model, limited))
    assert other.threshold_id == "largest>=0.8000"
    for before, after, p in zip(one.call, other.call, one.probability, strict=True):
        assert after == (before if np.isnan(p) or p >= 0.8 else "indeterminate")
    np.testing.assert_array_equal(one.probabilities, other.probabilities)


def test_nothing_to_score_is_no_error(class_model):
    names = class_model.panel.names
    empty = Measurements(names, np.full((2, len(names)), np.nan), np.full((2, len(names)), State.NOT_RUN, np.uint8))
    found = class_model.predict(empty, ["a", "b"])
    assert found.call == ("not_reported", "not_reported")
    assert all(np.isnan(e.values).all() for e in class_model.explain(empty))
    with pytest.raises(ValueError, match="specimen ids"):
        class_model.predict(empty, ["a"])


def test_parts_that_do_not_belong_together_are_no_model(class_model):
    m = class_model
    for change in ({"classes": ("a", "b")}, {"classes": ("a", "a", "b")}, {"parts": m.parts[:2]}):
        with pytest.raises(ValueError, match="classes"):
            replace(m, **change)
    with pytest.raises(ValueError, match="one panel"):
        replace(m, parts=(*m.parts[:2], replace(m.parts[2], panel=replace(m.panel, version="9"))))


def test_the_reference_of_the_whole_says_nothing_of_one_class(class_model):
    assert "measured" in class_model.reference
    assert not {"missing_cost", "calls", "auc"} & set(class_model.reference)


def test_a_bundle_gives_the_same_model_and_the_same_bytes(saved, class_model, specimens, tmp_path):
    folder, model_hash = saved
    again, loaded_hash = load_bundle(folder)
    assert isinstance(again, MulticlassModel)
    assert loaded_hash == model_hash == save_bundle(again, tmp_path / "again")
    one, other = (m.predict(specimens.measurements, specimens.ids) for m in (class_model, again))
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert (again.classes, again.provenance, again.limit) == (class_model.classes, class_model.provenance, None)
    limited = replace(class_model, limit=ClassLimit(0.7, 0.9))
    assert save_bundle(limited, tmp_path / "limited") != model_hash
    assert load_bundle(tmp_path / "limited")[0].limit == limited.limit


OWN = ("classes.json", "provenance.json", "selftest.json")


@pytest.mark.parametrize("name", [*OWN, f"class-02/{MANIFEST}", *(f"class-03/{name}" for name in FILES)])
def test_a_changed_or_missing_file_is_refused_however_deep_it_lies(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    assert refused(bundle) == ["FILE_CHANGED"]
    (bundle / name).unlink()
    assert refused(bundle) == ["FILE_MISSING"]


def test_what_does_not_belong_there_is_refused(bundle):
    (bundle / "report.html").write_text("the report may lie beside the model")
    load_bundle(bundle)
    (bundle / "class-02" / "x.pkl").write_bytes(b"")
    assert refused(bundle) == ["FILE_FOREIGN"]
    (bundle / "class-02" / "x.pkl").unlink()
    shutil.copytree(bundle / "class-01", bundle / "class-04")
    assert refused(bundle) == ["FILE_FOREIGN"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format_version": 99}, "FORMAT_UNKNOWN"),
        ({"format_version": "1"}, "MANIFEST_DAMAGED"),
        ({"classes": 400}, "MANIFEST_DAMAGED"),
        ({"classes": True}, "MANIFEST_DAMAGED"),
        ({"files": []}, "MANIFEST_DAMAGED"),
        ({"kind": "something"}, "MANIFEST_DAMAGED"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(bundle, change, code):
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    (bundle / MANIFEST).write_bytes(canonical(manifest | change))
    assert code in refused(bundle)


def test_a_part_is_a_binary_bundle_of_its_own_and_a_binary_one_is_no_model_of_classes(bundle, model, tmp_path):
    assert load_bundle(bundle / "class-01")[0].provenance.positive_label == NAMES[0]
    save_bundle(model, tmp_path / "binary")
    assert not isinstance(load_bundle(tmp_path / "binary")[0], MulticlassModel)


def test_either_kind_replaces_the_other_and_nothing_else_is_ever_replaced(bundle, model, class_model):
    save_bundle(model, bundle)
    assert sorted(p.name for p in bundle.iterdir()) == sorted([*FILES, MANIFEST])
    save_bundle(class_model, bundle)
    (bundle / "class-01" / "thesis.tex").write_text("years of work")
    for saving in (model, class_model):
        with pytest.raises(ModelRefused, match="FOLDER_IN_USE"):
            save_bundle(saving, bundle)
    assert (bundle / "class-01" / "thesis.tex").read_text() == "years of work"


def test_scores_that_are_not_those_of_the_self_test_refuse_the_model(bundle):
    from hashlib import sha256

    state = json.loads((bundle / "classes.json").read_bytes())
    (bundle / "classes.json").write_text(json.dumps(state | {"slope": 1.5 * state["slope"]}))
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    manifest["files"]["classes.json"] = sha256((bundle / "classes.json").read_bytes()).hexdigest()
    (bundle / MANIFEST).write_bytes(canonical(manifest))
    assert refused(bundle) == ["SELFTEST_FAILED"]


def test_softmax_of_the_scores_are_the_probabilities(class_model, specimens):
    found = class_model.predict(specimens.measurements, specimens.ids)
    np.testing.assert_array_equal(softmax(found.scores[found.is_scored]), found.probabilities[found.is_scored])
