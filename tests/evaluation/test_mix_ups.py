"""A frozen model's training specimens tell which columns of a new cohort bear each other's names; and inverted labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort
from exodx.evaluation import evaluate_external
from exodx.evaluation.audits import audit_discrimination
from exodx.evaluation.check import check_cohort
from exodx.evaluation.mix_ups import audit_mix_ups, mix_ups
from exodx.frozen import Measurements
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.stats import Estimate
from exodx.training import train_model

P = 12
NAMES = [f"protein {j:02d}" for j in range(P)]
PANEL = Panel("twelve", "1", "t", tuple(Analyte(n, "protein", "log2", fraction="ev") for n in NAMES))
PLAN = StudyPlan(outer_folds=3, repeats=1, inner_folds=2, budget="minimal", seed=1)
LEVELS, LOADS = (np.random.default_rng(k).normal(0, s, shape) for k, s, shape in ((1, 2.0, P), (2, 0.8, (2, P))))


def cohort(n, seed, alter=None, levels=LEVELS):
    """Return log values that go together by two common causes, some of which differ between the classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2 == 0
    table = levels + rng.normal(size=(n, 2)) @ LOADS + 0.6 * rng.normal(size=(n, P))
    table[y, :4] += 0.9
    frame = pd.DataFrame(table if alter is None else alter(table), columns=NAMES)
    return frame_cohort(frame.assign(group=np.where(y, "case", "control")), Intake(PANEL, "group", "case"))


@pytest.fixture(scope="module")
def twelve():
    return train_model(cohort(200, 3), PLAN)


def swapped(i, j):
    def alter(table):
        table = table.copy()
        table[:, [i, j]] = table[:, [j, i]]
        return table

    return alter


def found(model, data):
    return [(m.features, m.what) for m in mix_ups(model, data, model.featurise(data.measurements))]


def test_files_that_nobody_altered_are_not_named(twelve):
    assert [found(twelve, cohort(60, seed)) for seed in range(100, 140)] == [[]] * 40


@pytest.mark.parametrize("pair", [(0, 5), (3, 9), (7, 11)])
def test_two_columns_exchanged_are_named_and_no_others(twelve, pair):
    data = cohort(60, 4, swapped(*pair))
    assert found(twelve, data) == [(tuple(NAMES[k] for k in pair), "exchanged")]
    (finding,) = audit_mix_ups(twelve, data, twelve.featurise(data.measurements))
    assert (finding.code, finding.severity) == ("analytes_exchanged", "warning")
    assert all(NAMES[k] in finding.message for k in pair)


def test_two_pairs_are_found_one_after_the_other(twelve):
    data = cohort(60, 4, lambda t: swapped(3, 9)(swapped(0, 5)(t)))
    assert {frozenset(f) for f, _ in found(twelve, data)} == {frozenset((NAMES[0], NAMES[5])), frozenset((NAMES[3], NAMES[9]))}


def test_columns_at_one_level_are_told_by_what_they_go_with():
    level = np.zeros(P)
    model = train_model(cohort(200, 3, levels=level), PLAN)
    data = cohort(120, 4, swapped(0, int(np.argmin(LOADS.T @ LOADS[:, 0]))), levels=level)
    assert [what for _, what in found(model, data)] == ["exchanged"]
    assert found(model, cohort(120, 4, levels=level)) == []


def test_a_column_against_its_sign_and_on_another_logarithm(twelve):
    negative = cohort(60, 4, lambda t: np.where(np.arange(P) == 6, -t, t))
    assert found(twelve, negative) == [((NAMES[6],), "its negative")]
    assert "analyte_rescaled" in {f.code for f in audit_mix_ups(twelve, negative, twelve.featurise(negative.measurements))}


def test_a_shift_of_all_is_no_exchange(twelve):
    assert found(twelve, cohort(60, 4, lambda t: t + 2.0)) == []
    assert found(twelve, cohort(60, 4, lambda t: t + np.random.default_rng(5).normal(0, 1.0, P))) == []


def test_gaps_are_borne_and_too_few_specimens_tell_nothing(twelve):
    def gappy(table):
        table = swapped(0, 5)(table)
        table[np.random.default_rng(6).random(table.shape) < 0.1] = np.nan
        return table

    assert (("protein 00", "protein 05"), "exchanged") in found(twelve, cohort(80, 4, gappy))
    assert found(twelve, cohort(8, 4, swapped(0, 5))) == []


def test_a_model_that_kept_nothing_of_its_scatter_names_nothing(twelve):
    old = replace(twelve, reference={k: v for k, v in twelve.reference.items() if k != "domain"})
    assert found(old, cohort(60, 4, swapped(0, 5))) == []


def test_a_target_and_a_reference_exchanged(model, make_cohort):
    """The two lie at different levels: 145-5p at 31 Ct, 103a-3p at 26.5."""
    data = make_cohort(n=120, seed=31)
    m = data.measurements
    order = list(range(len(m.names)))
    a, b = m.names.index("miR-145-5p"), m.names.index("miR-103a-3p")
    order[a], order[b] = b, a
    odd = replace(data, measurements=Measurements(m.names, m.values[:, order], m.states[:, order], m.flags))
    assert any({"miR-145-5p", "miR-103a-3p"} == set(f) for f, _ in found(model, odd))
    assert found(model, data) == []


def test_check_with_a_model_and_evaluate_tell_it_with_and_without_labels(twelve):
    odd = cohort(60, 4, swapped(0, 5))
    for look in (check_cohort(odd, twelve), check_cohort(replace(odd, reference_standard=None), twelve)):
        assert "analytes_exchanged" in {f.code for f in look.findings}
    assert "analytes_exchanged" in {f.code for f in evaluate_external(twelve, odd, None).findings}
    assert "feature_shift" in {f.code for f in check_cohort(cohort(60, 4, lambda t: t + 2.0), twelve).findings}
    assert "prevalence_shift" not in {f.code for f in check_cohort(replace(odd, reference_standard=None), twelve).findings}


def relabelled(data, y):
    return replace(data, reference_standard=pd.Series(y.astype(np.int8), index=data.specimens.index))


def test_labels_inverted_block_and_labels_shuffled_warn(twelve):
    data = cohort(100, 4)
    codes = {f.code: f.severity for f in evaluate_external(twelve, relabelled(data, 1 - data.y), None).findings}
    assert codes["labels_inverted"] == "blocking"
    shuffled = relabelled(data, np.random.default_rng(1).permutation(data.y))
    assert {f.code: f.severity for f in evaluate_external(twelve, shuffled, None).findings}["no_discrimination"] == "warning"
    right = {f.code for f in evaluate_external(twelve, data, None).findings}
    assert not right & {"labels_inverted", "no_discrimination", "discrimination_lower", "near_duplicates"}


@pytest.mark.parametrize(
    ("low", "value", "high", "learned", "code"),
    [
        (0.2, 0.3, 0.4, None, "labels_inverted"),
        (0.4, 0.5, 0.6, None, "no_discrimination"),
        (0.49, 0.6, 0.7, 0.9, "no_discrimination"),
        (0.6, 0.7, 0.8, 0.85, "discrimination_lower"),
        (0.6, 0.7, 0.8, 0.75, None),
        (0.6, 0.7, 0.8, None, None),
    ],
)
def test_what_an_auc_says_of_labels(low, value, high, learned, code):
    findings = audit_discrimination(Estimate("auc", value, low, high), learned)
    assert [f.code for f in findings] == [code] * (code is not None)


def test_an_auc_that_cannot_be_told_says_nothing():
    assert audit_discrimination(Estimate("auc", None, None, None, reason="no controls"), 0.8) == []


def test_specimens_again_under_new_ids_are_told_at_evaluation(twelve):
    data = cohort(60, 4)
    names = [f"{i}" for i in data.ids]
    more = data[np.r_[np.arange(60), np.arange(6)]]
    ids = [*names, *(f"again-{k}" for k in range(6))]
    specimens = more.specimens.assign(subject=ids).set_axis(pd.Index(ids, name=more.specimens.index.name))
    doubled = replace(
        more, specimens=specimens, reference_standard=more.reference_standard.set_axis(specimens.index), unused=None, written=None
    )
    assert "near_duplicates" in {f.code for f in evaluate_external(twelve, doubled, None).findings}
