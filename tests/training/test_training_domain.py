"""What is learned of where training specimens lie: false alarms as stated, oddities found, no class left out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from exodx.assay import learn_transform
from exodx.cohort import Intake, frame_cohort
from exodx.errors import InputRefused
from exodx.evaluation import Evaluation, evaluate_external
from exodx.frozen import Reason, State, load_bundle, save_bundle
from exodx.frozen.domain import flag_domain, scatter_of
from exodx.panel import parse_panel
from exodx.report import evaluation_text
from exodx.training import recalibrate_model
from exodx.training.domain import CHI_SQUARED, FEWEST, learn_domain, learn_scatter

P = 8
NAMES = [f"x{j}" for j in range(P)]


def panel():
    analytes = [{"name": name, "kind": "protein", "unit": "log2", "fraction": "ev"} for name in NAMES]
    head = {"name": "eight", "version": "1", "title": "t", "normalisation": "none"}
    return parse_panel({"panel": head, "analyte": analytes}, "t")


def eight(n, seed, share=0.5, blank=0.0, tail=None):
    """Return a cohort of eight correlated log2 values, cases two standard deviations up in two of them."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < share
    y[:2] = True, False
    noise = rng.normal(size=(n, P)) if tail is None else rng.standard_t(tail, (n, P))
    table = 20 + rng.normal(size=(n, 1)) + 0.6 * noise
    table[y, :2] += 2
    table[rng.random((n, P)) < blank] = np.nan
    frame = pd.DataFrame(table, columns=NAMES)
    frame.insert(0, "group", np.where(y, "case", "control"))
    frame.insert(0, "specimen_id", [f"s{i:05d}" for i in range(n)])
    return frame_cohort(frame, Intake(panel(), "group", "case"))


def learned(cohort):
    cohort = cohort.sorted()
    transform = learn_transform(cohort.panel, cohort.measurements, cohort.y)
    return transform, learn_domain(cohort, transform)


def flags(found, m):
    transform, reference = found
    return flag_domain(reference, transform.apply(m), m).flags


def share(found, m, reason):
    return float(((flags(found, m) & np.uint32(reason)) > 0).mean())


@pytest.mark.parametrize("tail", [None, 3])
def test_specimens_like_those_of_training_are_flagged_once_or_twice_in_a_hundred(tail):
    """Mean over 12 cohorts of 150: two limits of 1 % each at most, and (nearly) 1/151 at least; heavy tails raise the limits."""
    rates = []
    for k in range(12):
        found, new = learned(eight(150, k, tail=tail)), eight(1500, 1000 + k, tail=tail)
        rates.append(share(found, new.measurements, Reason.OUT_OF_DOMAIN))
    assert 0.002 < np.mean(rates) < 0.02 + 3 * np.std(rates) / np.sqrt(12)


def test_few_specimens_raise_the_limit_above_chi_squared():
    assert learned(eight(40, 3))[1]["domain"]["limit"] >= CHI_SQUARED
    assert learned(eight(40, 3))[1]["domain"]["rate"] == pytest.approx(1 / 41)
    assert learned(eight(400, 3))[1]["domain"]["rate"] == 0.01


@pytest.mark.parametrize(
    ("what", "least"),
    [("unit", 0.8), ("columns", 0.35), ("fluid", 0.9), ("shift", 0.85)],
)
def test_a_mutated_file_is_caught(what, least):
    found, m = learned(eight(200, 4)), eight(300, 5).measurements
    values = m.values.copy()
    if what == "unit":
        values[:, 3] += np.log2(10)
    elif what == "columns":
        values[:, [0, 5]] = values[:, [5, 0]] + [0.0, 2.0]  # two columns at levels that differ by two
    elif what == "fluid":
        values += np.random.default_rng(6).normal(0, 1.5, P)
    else:
        values += 4.5
    assert share(found, replace(m, values=values), Reason.OUT_OF_DOMAIN) > least
    assert share(found, m, Reason.OUT_OF_DOMAIN) < 0.04


def test_another_scale_is_refused_and_nothing_else_is():
    found, m = learned(eight(200, 4)), eight(300, 5).measurements
    assert share(found, replace(m, values=2**m.values), Reason.FAR_OUT_OF_DOMAIN) == 1.0
    assert share(found, m, Reason.FAR_OUT_OF_DOMAIN) == 0.0
    assert share(found, replace(m, values=m.values + 4.5), Reason.FAR_OUT_OF_DOMAIN) < 0.01


def test_the_smaller_class_is_not_called_outlying():
    cohort = eight(300, 8, share=0.1)
    found, cases = learned(cohort), eight(600, 9, share=0.1)
    flagged = (flags(found, cases.measurements) & np.uint32(Reason.OUT_OF_DOMAIN)) > 0
    assert flagged[cases.y == 1].mean() < 0.15


def blanked(m, row, columns):
    values, states = m.values.copy(), m.states.copy()
    values[row, columns], states[row, columns] = np.nan, State.NOT_RUN
    return replace(m, values=values, states=states)


def test_gaps_are_odd_where_training_had_none_and_usual_where_it_had_some():
    whole, gappy = learned(eight(150, 1)), learned(eight(150, 1, blank=0.1))
    m = eight(20, 2).measurements
    one, most = blanked(m, 0, [3]), blanked(m, 0, [0, 1, 2, 3, 4, 5, 6])
    assert flags(whole, one)[0] & Reason.UNSEEN_MISSINGNESS
    assert not flags(gappy, one)[0] & Reason.UNSEEN_MISSINGNESS
    assert flags(gappy, most)[0] & Reason.UNSEEN_MISSINGNESS
    assert share(gappy, eight(1000, 3, blank=0.1).measurements, Reason.UNSEEN_MISSINGNESS) < 0.03
    assert not (flags(gappy, most)[1:] & np.uint32(Reason.UNSEEN_MISSINGNESS)).any()


def test_a_subject_counts_once_and_the_order_of_rows_does_not(make_cohort):
    cohort = make_cohort(n=60, repeated_share=0.3, seed=3).sorted()
    transform = learn_transform(cohort.panel, cohort.measurements, cohort.y)
    reference = learn_domain(cohort, transform)
    assert reference["domain"]["n"] <= len(np.unique(cohort.subjects)) < len(cohort)
    assert json.loads(json.dumps(reference)) == reference
    shuffled = cohort[np.random.default_rng(0).permutation(len(cohort))].sorted()
    assert learn_domain(shuffled, transform) == reference


def test_nothing_is_learned_from_too_few_or_from_what_does_not_vary():
    cohort = eight(40, 1).sorted()
    transform = learn_transform(cohort.panel, cohort.measurements, cohort.y)
    assert learn_domain(cohort[np.arange(FEWEST - 1)], transform) == {}
    m = cohort.measurements
    flat = replace(cohort, measurements=replace(m, values=np.full_like(m.values, 7.0)))
    assert learn_domain(flat, transform) == {}


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(np.r_[np.zeros(97), np.ones(3)], id="rarely-one"),
        pytest.param(np.r_[np.zeros(50), np.ones(50)], id="two-values"),
        pytest.param(np.r_[np.full(60, 5.0), np.linspace(5, 9, 40)], id="floor"),
        pytest.param(np.r_[np.zeros(99), 1e9], id="one-wild"),
        pytest.param(np.full(100, 3.0), id="constant"),
        pytest.param(np.full(100, np.nan), id="nothing"),
        pytest.param(np.linspace(1e9, 1e9 + 1, 100), id="far-from-zero"),
    ],
)
def test_any_feature_has_finite_scores_that_never_fall(column):
    rng = np.random.default_rng(0)
    found = learn_scatter(np.column_stack([column, rng.normal(size=(100, 2))]))
    grid = np.tile(np.linspace(np.nanmin([*column, 0]) - 1, np.nanmax([*column, 0]) + 1, 300), (3, 1))
    scores = found.scores.of(grid)
    assert np.isfinite(scores).all()
    assert (np.diff(scores, axis=1) >= -1e-6).all()
    assert np.isfinite(found.place(grid.T).squared).all()


def test_many_features_keep_few_components():
    rng = np.random.default_rng(1)
    wide = learn_scatter(rng.normal(size=(60, 1)) + rng.normal(size=(60, 200)))
    assert wide.factors.shape == (200, 12)
    assert wide.noise > 0


def test_it_travels_with_the_bundle_and_through_a_recalibration(model, make_cohort, tmp_path):
    save_bundle(model, tmp_path / "m")
    loaded, _ = load_bundle(tmp_path / "m")
    assert loaded.reference["domain"] == model.reference["domain"]
    kept, again = (scatter_of(m.reference["domain"]) for m in (model, loaded))
    assert kept.factors.tobytes() == again.factors.tobytes()
    moved = recalibrate_model(model, "0" * 64, make_cohort(n=300, site_case_shares=(0.2, 0.2), seed=41))
    assert moved.reference["domain"] == model.reference["domain"]


def test_an_evaluation_counts_them(model, make_cohort):
    new = make_cohort(n=150, seed=62)
    found = evaluate_external(model, new, None)
    assert found.shift.out_of_domain.value < 0.06
    assert not {"out_of_domain"} & {f.code for f in found.findings}
    assert "Values together off training's" in evaluation_text(found)
    assert Evaluation.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    m = new.measurements
    targets = [m.names.index(name) for name in model.features if name in m.names]
    values = m.values.copy()
    values[:, targets] *= np.where(np.arange(len(targets)) % 2, 1.3, 0.75)
    try:
        odd = evaluate_external(model, replace(new, measurements=replace(m, values=values)), None)
    except InputRefused:
        pytest.fail("scored with a warning, not refused")
    flagged = odd.shift.out_of_domain.value
    assert flagged > 0.2
    assert "out_of_domain" in {f.code for f in odd.findings}
    old = replace(model, reference={key: part for key, part in model.reference.items() if key != "domain"})
    assert evaluate_external(old, new, None).shift.out_of_domain is None
