"""Performance against panel size: what is planted is found, permuted labels stay at chance, and nothing held out is seen."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from exodx.assay import learn_transform
from exodx.cohort import Intake, frame_cohort
from exodx.evaluation import Evaluation, evaluate_inside
from exodx.evaluation.panel_size import PanelSize, minimal_size, panel_curve, redundant_groups
from exodx.frozen import Features
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.report import evaluation_text, panel_size_figure, picture, study_page
from exodx.stats import Estimate
from exodx.training import Validation, analyte_units, cross_validate, panel_sizes, repeated_folds, run_panel_sizes, train_model

PLAN = StudyPlan(outer_folds=3, repeats=2, inner_folds=2, budget="minimal", seed=1, panel_curve=True)
N, P = 150, 9
TRUE = ("a0", "a1")


def cohort_of(effect=1.3, seed=0, copy=False):
    """Give a cohort of nine analytes of which two tell the classes apart; the last a near copy of the one before if asked."""
    rng = np.random.default_rng(seed)
    y = np.arange(N) % 2
    values = rng.normal(size=(N, P))
    values[:, :2] += effect * y[:, None]
    if copy:
        values[:, 8] = values[:, 7] + rng.normal(0, 0.1, N)
    names = [f"a{i}" for i in range(P)]
    panel = Panel("p", "1", "t", tuple(Analyte(name, "other", "z-score") for name in names))
    frame = pd.DataFrame(values, columns=names).assign(group=np.where(y, "case", "control"))
    return frame_cohort(frame, Intake(panel, "group", "case"))


def runs_of(cohort, plan=PLAN, jobs=2):
    return run_panel_sizes(cohort, plan, repeated_folds(cohort, plan), P, jobs, lambda: None)


def features_of(cohort):
    return learn_transform(cohort.panel, cohort.measurements, cohort.y).apply(cohort.measurements)


@pytest.fixture(scope="module")
def cohort():
    return cohort_of(copy=True)


@pytest.fixture(scope="module")
def runs(cohort):
    return runs_of(cohort)


@pytest.fixture(scope="module")
def curve(cohort, runs):
    return panel_curve(cohort, features_of(cohort), runs)


def test_two_planted_analytes_make_the_minimal_panel(curve):
    assert [entry.size for entry in curve.sizes] == [1, 2, 3, 5, 8, 9]
    by_size = {entry.size: entry for entry in curve.sizes}
    assert by_size[2].auc.value > by_size[1].auc.value + 0.03
    assert curve.minimal == 2
    assert {name for name, share in by_size[2].chosen if share == 1} == set(TRUE)
    assert by_size[2].stability.value == 1
    assert by_size[5].stability.value < 0.9
    assert by_size[9].stability.value is None
    assert "always selected" in by_size[9].stability.reason


def test_every_auc_has_an_interval(curve):
    assert all(entry.auc.lower < entry.auc.value < entry.auc.upper for entry in curve.sizes)


def test_the_whole_panel_scores_as_the_procedure_does(cohort, runs):
    """The same trees on the same columns: only the calibration, which keeps ranks, is left out."""
    folds = repeated_folds(cohort, PLAN)
    usual = cross_validate(cohort, PLAN, folds, "random", 2, lambda: None)
    for repeat in range(PLAN.repeats):
        for fold in range(3):
            held = folds[repeat] == fold
            assert spearmanr(usual.margin[repeat, held], runs.margin[-1, repeat, held]).statistic == pytest.approx(1, abs=1e-6)


def test_permuted_labels_keep_the_curve_at_chance():
    """Choosing analytes outside the folds would give about .6 and more here; the mean of five null cohorts has an SE near .02."""
    found = []
    for seed in range(5):
        null = cohort_of(effect=0.0, seed=10 + seed)
        plan = replace(PLAN, repeats=1, seed=seed)
        found.append([entry.auc.value for entry in panel_curve(null, features_of(null), runs_of(null, plan)).sizes])
    assert np.abs(np.mean(found, axis=0) - 0.5).max() < 0.07


def test_specimens_held_out_change_no_ranking_and_no_other_score(cohort, runs):
    """Corrupt one specimen: folds that hold it out rank as before, and score all others of the fold as before."""
    m = cohort.measurements
    values = m.values.copy()
    values[7] = 50.0
    again = runs_of(replace(cohort, measurements=replace(m, values=values)))
    for repeat in range(PLAN.repeats):
        fold = runs.folds[repeat, 7]
        place = repeat * 3 + fold
        assert again.rankings[place] == runs.rankings[place]
        held = (runs.folds[repeat] == fold) & (np.arange(N) != 7)
        np.testing.assert_array_equal(again.margin[:, repeat, held], runs.margin[:, repeat, held])


def test_threads_change_nothing(cohort, runs):
    np.testing.assert_array_equal(runs_of(cohort, jobs=1).margin, runs.margin)


def test_redundant_features_are_grouped(curve, cohort):
    assert curve.groups == (("a7", "a8"),)
    chain = Features(("a", "b", "c", "d", "a__nd"), np.zeros((60, 5)), np.zeros(60, np.uint32))
    rng = np.random.default_rng(0)
    a = rng.normal(size=60)
    b = a + rng.normal(0, 0.35, 60)
    c = b + rng.normal(0, 0.35, 60)
    values = np.column_stack([a, -b, c, rng.normal(size=60), a > 0])
    assert abs(spearmanr(a, c).statistic) < abs(spearmanr(a, b).statistic)
    assert redundant_groups(replace(chain, values=values)) == (("a", "b", "c"),)
    values[:55, 0] = np.nan
    assert redundant_groups(replace(chain, values=values)) == (("b", "c"),)
    assert redundant_groups(Features((), np.zeros((60, 0)), np.zeros(60, np.uint32))) == ()


@pytest.mark.parametrize(
    ("aucs", "minimal"),
    [
        ([(0.60, 0.02), (0.78, 0.02), (0.80, 0.02)], 2),
        ([(0.60, 0.02), (0.77, 0.02), (0.80, 0.02)], 3),
        ([(0.8, 0.02), (0.8, 0.01)], 1),
    ],
)
def test_the_smallest_within_one_standard_error(aucs, minimal):
    none = Estimate("selection_stability", None, None, None, reason="-")
    sizes = [
        PanelSize(k, Estimate("auc", value, value - 1.96 * se, value + 1.96 * se), none, ())
        for k, (value, se) in enumerate(aucs, 1)
    ]
    assert minimal_size(sizes) == minimal
    assert minimal_size([replace(s, auc=Estimate("auc", 0.7, None, None, reason="-")) for s in sizes]) is None


@pytest.mark.parametrize(
    ("n", "sizes"), [(1, (1,)), (3, (1, 2, 3)), (13, (1, 2, 3, 5, 8, 13)), (2000, (1, 2, 3, 5, 8, 13, 21, 34, 2000))]
)
def test_sizes_end_with_the_whole_panel(n, sizes):
    assert panel_sizes(n) == sizes


def test_a_feature_of_detection_goes_with_its_analyte(make_cohort):
    cohort = make_cohort(n=60, seed=2)
    transform = learn_transform(cohort.panel, cohort.measurements, cohort.y)
    units = analyte_units(transform)
    assert sum(map(len, units.values())) == len(transform.names)
    assert set(units) <= set(cohort.panel.names)


@pytest.fixture(scope="module")
def evaluated(cohort, runs):
    model = train_model(cohort, PLAN)
    random = cross_validate(cohort, PLAN, repeated_folds(cohort, PLAN), "random", 2, lambda: None)
    return model, evaluate_inside(cohort, model, Validation(random, sizes=runs), None, 1)


def test_an_evaluation_with_a_curve_is_rebuilt_and_an_old_one_has_none(evaluated):
    state = json.loads(json.dumps(evaluated[1].to_dict()))
    assert Evaluation.from_dict(state) == evaluated[1]
    del state["panel_curve"]
    assert Evaluation.from_dict(state).panel_curve is None


def test_text_page_and_figure_tell_of_it(evaluated):
    model, evaluation = evaluated
    text = evaluation_text(evaluation)
    assert "← smallest within 1 SE" in text
    assert "redundant (|Spearman| > .8): a7, a8" in text
    assert max(map(len, text.splitlines())) <= 100
    content = picture(panel_size_figure(evaluation.panel_curve))
    assert content == picture(panel_size_figure(evaluation.panel_curve))
    page = study_page(evaluation, model, PLAN, {"panel_size": content}, "p-1")
    assert "Panel size" in page
    assert "AUC of held-out specimens against the number of analytes" in page
    bare = replace(evaluation, panel_curve=None)
    assert "Panel size" not in study_page(bare, model, PLAN, {}, "p-1")
    assert "Panel size" not in evaluation_text(bare)


def test_a_plan_that_asks_for_no_curve_keeps_its_fingerprint():
    assert replace(PLAN, panel_curve=False).fingerprint != PLAN.fingerprint
    assert StudyPlan().fingerprint == StudyPlan(panel_curve=False).fingerprint
