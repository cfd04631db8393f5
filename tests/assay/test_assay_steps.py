"""The learning side of the transform keeps scikit-learn's contract and gives, to the last bit, what the frozen side gives."""

import json
from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from exodx.assay import LearnEncoding, LearnLog2Scale, LearnReferences, assay_pipeline, freeze, learn_transform
from exodx.errors import InputRefused
from exodx.frozen import FrozenTransform, InputContract, Measurements, Reason, ReferenceNormalisation, State
from exodx.panel import Analyte, Panel

STEPS = (LearnLog2Scale, LearnReferences, LearnEncoding)


def measure(panel, **cells):
    n = max(map(len, cells.values()))
    return InputContract(panel).read({a: cells.get(a, [""] * n) for a in panel.names}, ".")[0]


def panel(unit="Ct", references=("r1", "r2"), **head):
    analytes = [Analyte(n, "mirna", unit) for n in "ab"] + [Analyte(n, "mirna", unit, "reference") for n in references]
    return Panel("p", "1", "t", tuple(analytes), **head)


@pytest.mark.parametrize("step", STEPS)
def test_steps_keep_the_contract_of_scikit_learn(step, athero, cohort):
    m = cohort.measurements
    before = deepcopy((m.values, m.states, m.flags))
    learner = step(athero)
    with pytest.raises(NotFittedError):
        learner.transform(m)
    assert learner.fit(m, cohort.y) is learner
    learner.transform(m)
    np.testing.assert_equal((m.values, m.states, m.flags), before)
    copy = clone(learner)
    assert copy.get_params() == {"panel": athero}
    assert not hasattr(copy, "state_")
    assert copy.fit(m).state_ == learner.state_


def test_the_pipeline_equals_its_frozen_form_bit_for_bit_also_through_json(athero, cohort):
    m = cohort.measurements
    pipeline = assay_pipeline(athero).fit(m[np.arange(60)])
    frozen = freeze(pipeline)
    again = FrozenTransform.from_dict(json.loads(json.dumps(frozen.to_dict())))
    for transform in (frozen, again):
        assert pipeline.transform(m).tobytes() == transform.apply(m).values.tobytes()
    assert tuple(pipeline[-1].get_feature_names_out()) == frozen.names
    with pytest.raises(NotFittedError):
        freeze(assay_pipeline(athero))
    with pytest.raises(NotFittedError):
        LearnEncoding(athero).get_feature_names_out()


@pytest.mark.parametrize("folds", [StratifiedKFold(3), GroupKFold(3)])
def test_cross_validation_slices_measurements_by_rows(athero, cohort, folds):
    pipeline = make_pipeline(assay_pipeline(athero), SimpleImputer(keep_empty_features=True), LogisticRegression(max_iter=1000))
    splits = list(folds.split(np.zeros(len(cohort)), cohort.y, cohort.subjects if isinstance(folds, GroupKFold) else None))
    scores = cross_val_score(clone(pipeline), cohort.measurements, cohort.y, cv=splits, scoring="roc_auc")
    assert scores.mean() > 0.7


def test_labels_take_no_part(athero, cohort):
    m, y = cohort.measurements, cohort.y
    assert freeze(assay_pipeline(athero).fit(m, y)) == freeze(assay_pipeline(athero).fit(m, 1 - y)) == learn_transform(athero, m)


def test_reference_means_are_of_the_measured_training_specimens():
    p = panel()
    learned = learn_transform(p, measure(p, a=["30"] * 3, b=["30"] * 3, r1=["24", "26", ""], r2=["27", "Undetermined", "36"]))
    assert learned.steps[-1] == ReferenceNormalisation(("a", "b"), {"r1": -25.0, "r2": -27.0})
    assert learned.references == ("r1", "r2")


def test_without_normalisation_references_are_not_subtracted():
    p = panel(normalisation="none")
    out = learn_transform(p, measure(p, a=["30"], b=["28"], r1=["24"], r2=["25"])).apply(measure(p, a=["31"], b=["27"]))
    assert out.values.tolist() == [[-31.0, -27.0]]
    assert out.flags.tolist() == [0]


def test_the_prior_of_counts_is_two_reads_in_the_mean_training_library():
    p = panel("count", references=())
    learned = learn_transform(p, measure(p, a=["100", "300", "0"], b=["900", "2700", "8000"]))
    assert learned.scale.prior_cpm == pytest.approx(1e6 * 2 / 4000)
    alone, batch = (learned.apply(measure(p, a=a, b=b)).values for a, b in ((["5"], ["95"]), (["5", "9000"], ["95", "1000"])))
    np.testing.assert_array_equal(alone[0], batch[0])
    np.testing.assert_allclose(alone[0, 0], np.log2(5e4 + 500))


def test_an_indicator_is_made_where_detection_varies_and_a_feature_where_anything_was_measured():
    p = panel()
    ct = ["30"] * 18
    refs = {"r1": ["25"] * 20, "r2": ["25"] * 20}
    often = learn_transform(p, measure(p, a=[*ct, "30", "Undetermined"], b=[""] * 20, **refs))
    assert often.names == ("a", "a__nd")
    rare = learn_transform(p, measure(p, a=[*ct, *["30"] * 2], b=["Undetermined"] * 20, **refs))
    assert rare.names == ("a",)


@pytest.mark.parametrize(
    ("cells", "code"),
    [({"a": ["", "Undetermined"], "r1": ["25", "25"]}, "NOTHING_MEASURED"), ({"a": ["30"]}, "REFERENCES_UNDETECTED")],
)
def test_what_cannot_be_learned_from_is_refused(cells, code):
    with pytest.raises(InputRefused, match=code):
        learn_transform(panel(), measure(panel(), **cells))


def test_an_empty_slice_passes_through(athero, cohort):
    learned = learn_transform(athero, cohort.measurements)
    none = Measurements(athero.names, np.zeros((0, 7)), np.zeros((0, 7), np.uint8))
    assert learned.apply(none).values.shape == (0, len(learned.names))
    blank = Measurements(athero.names, np.full((1, 7), np.nan), np.full((1, 7), State.NOT_RUN, np.uint8))
    assert learned.apply(blank).flags[0] & Reason.NOTHING_MEASURED
