"""An external evaluation as a run record, without a server: found by the model's hash, told from training, no specimen in it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from exodx.errors import RUO
from exodx.evaluation import ClassEvaluation, Evaluation, evaluate_classes_external, evaluate_external
from exodx.tracking.external import EXTERNAL, KIND_TAG, UNSEEN, external_record
from tests.classes import class_cohort


@pytest.fixture(scope="module")
def new(make_cohort):
    return make_cohort(n=120, seed=61)


def test_it_is_found_by_the_hash_and_told_from_training(model, new):
    evaluation = evaluate_external(model, new, 0.2)
    record = external_record(model, "f" * 64, new, evaluation, "<p>page</p>")
    assert record.tags[KIND_TAG] == EXTERNAL
    assert record.tags["exodx.model_hash"] == "f" * 64
    assert record.tags["exodx.cohort_fingerprint"] == new.sorted().fingerprint
    assert record.tags["exodx.training_fingerprint"] == model.provenance.cohort_fingerprint
    assert record.tags["exodx.synthetic"] == "true"
    assert record.metrics["auc"] == evaluation.estimate("auc").value
    assert record.metrics["calibration_slope/lower"] == evaluation.estimate("calibration_slope").lower
    assert RUO in record.description
    assert Evaluation.from_dict(json.loads(record.files["evaluation.json"])) == evaluation
    told = str(record.tags) + record.description + "".join(content.decode() for content in record.files.values())
    assert not any(name in told for name in new.ids)


def test_a_part_of_the_training_cohort_has_another_fingerprint_and_the_run_says_that_it_would_not_be_seen(model, new):
    """Nothing in a bundle tells whose specimens it was made from, so no run may claim that an evaluation saw none of them."""
    part = new[np.arange(len(new) - 1)]
    own = replace(model, provenance=replace(model.provenance, cohort_fingerprint=new.sorted().fingerprint))
    said = [external_record(own, "f" * 64, each, evaluate_external(own, each, None), "").description for each in (new, part)]
    assert said[0].startswith("**Evaluation**")
    assert "very cohort" in said[0]
    assert UNSEEN not in said[0]
    assert said[1].startswith("**External evaluation**")
    assert UNSEEN in said[1]
    assert "was not made from" not in said[1]


def test_the_order_of_rows_is_the_same_cohort(model, new):
    evaluation = evaluate_external(model, new, None)
    turned = external_record(model, "f", new[np.arange(len(new))[::-1]], evaluation, "")
    assert (
        turned.tags["exodx.cohort_fingerprint"] == external_record(model, "f", new, evaluation, "").tags["exodx.cohort_fingerprint"]
    )


def test_several_classes_are_written_as_they_are(class_model):
    cohort = class_cohort(seed=9)
    evaluation = evaluate_classes_external(class_model, cohort)
    record = external_record(class_model, "f" * 64, cohort, evaluation, "")
    assert isinstance(evaluation, ClassEvaluation)
    assert ClassEvaluation.from_dict(json.loads(record.files["evaluation.json"])).summary == evaluation.summary
    assert record.metrics["macro_auc"] == evaluation.summary.estimate("macro_auc").value
