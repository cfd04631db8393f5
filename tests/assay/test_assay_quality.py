"""The learning side of the quality gate: medians, background and reasons why not; labels and held-out specimens take no part."""

import json
from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from exodx.assay import LearnQuality
from exodx.frozen import Measurements, QualityGate, State
from exodx.panel import Analyte, Panel, QualityRule
from exodx.panel.quality import haemolysis_markers

SIGNATURE = haemolysis_markers().signature
OTHERS = [f"miR-9{i:03d}-5p" for i in range(60)]


def panel(*analytes, **head):
    return Panel("p", "1", "t", analytes, normalisation="none", **head)


def measured(p, values):
    values = np.asarray(values, float)
    states = np.where(np.isnan(values), np.uint8(State.NOT_RUN), np.uint8(State.MEASURED))
    return Measurements(p.names, values, states)


def count_panel(signature=SIGNATURE, others=OTHERS, **first):
    names = [name for name, _ in signature]
    analytes = [Analyte(name, "mirna", "count", **(first if name == names[0] else {})) for name in names]
    return panel(*analytes, *(Analyte(name, "mirna", "count") for name in others))


def test_it_keeps_the_contract_of_scikit_learn(athero, cohort):
    m = cohort.measurements
    before = deepcopy((m.values, m.states, m.flags))
    step = LearnQuality(athero)
    with pytest.raises(NotFittedError):
        step.transform(m)
    assert step.fit(m, cohort.y) is step
    assert clone(step).fit(m, 1 - cohort.y).state_ == step.state_
    out = step.transform(m)
    np.testing.assert_equal((m.values, m.states, m.flags), before)
    assert out.flags.tobytes() == step.state_.apply(m).flags.tobytes()
    assert QualityGate.from_dict(json.loads(json.dumps(step.state_.to_dict(), sort_keys=True))) == step.state_


def test_the_built_in_panel_has_the_ct_rule_and_says_what_it_cannot_look_at(athero, cohort):
    state = LearnQuality(athero).fit(cohort.measurements).state_
    assert state.ct_pair == ("miR-23a-3p", "miR-451a")
    assert set(state.not_applied) == {"haemolysis_counts", "depth", "spike"}
    assert "10 of its 20" in state.not_applied["haemolysis_counts"]


@pytest.mark.parametrize(
    ("first", "second", "pair"),
    [
        (Analyte("hsa-miR-23a-3p", "mirna", "Ct"), Analyte("MIR-451A", "mirna", "Ct"), True),
        (
            Analyte("x", "mirna", "Ct", accession="MIMAT0000078"),
            Analyte("y", "mirna", "Ct", "reference", accession="MIMAT0001631"),
            True,
        ),
        (Analyte("miR-23a-3p", "mirna", "Ct", accession="MIMAT0000445"), Analyte("miR-451a", "mirna", "Ct"), False),
        (Analyte("miR-23a-3p", "mirna", "count"), Analyte("miR-451a", "mirna", "Ct"), False),
        (Analyte("miR-23a-5p", "mirna", "Ct"), Analyte("miR-451a", "mirna", "Ct"), False),
    ],
)
def test_the_ct_pair_is_found_by_accession_or_name_in_ct_alone(first, second, pair):
    p = panel(first, second)
    state = LearnQuality(p).fit(measured(p, [[26.0, 22.0]])).state_
    assert state.ct_pair == ((first.name, second.name) if pair else ())
    assert ("haemolysis_ct" in state.not_applied) is not pair


def test_spikes_are_learned_from_detected_training_cells():
    p = panel(
        Analyte("a", "mirna", "Ct"),
        Analyte("cel-miR-39-3p", "mirna", "Ct", "spike_in"),
        Analyte("seq", "mirna", "count", "spike_in"),
    )
    values = [[30.0, ct, 10.0] for ct in (20.0, 21.0, 22.0, 23.0, 27.0, 38.0, np.nan)]
    state = LearnQuality(p).fit(measured(p, values)).state_
    assert state.spikes == {"cel-miR-39-3p": (22.0, 1.0)}  # 38 is beyond the cut-off of 35; MAD of 2, 1, 0, 1, 5
    few = LearnQuality(p).fit(measured(p, values[:4])).state_
    assert few.spikes == {}
    assert "5 training specimens" in few.not_applied["spike"]


def test_the_background_is_what_half_of_the_training_specimens_express():
    p = count_panel()
    values = np.full((4, len(p.names)), 1000.0)
    values[:3, p.names.index(OTHERS[0])] = 1.0  # 1 read of 79 000 is 13 CPM
    values[:2, p.names.index(OTHERS[1])] = 1.0
    values[:3, p.names.index("miR-451a")] = 0.0
    state = LearnQuality(p).fit(measured(p, values)).state_
    assert set(state.background) == set(OTHERS[1:])
    assert set(state.signature) == {name for name, _ in SIGNATURE} - {"miR-451a"}
    assert state.prior_cpm == pytest.approx(1e6 * 2 / values.sum(axis=1).mean())
    assert "haemolysis_counts" not in state.not_applied


def test_a_member_declared_to_differ_between_classes_is_left_out_of_the_signature():
    free, declared = count_panel(), count_panel(direction="up")
    values = np.full((3, len(free.names)), 1000.0)
    assert SIGNATURE[0][0] in LearnQuality(free).fit(measured(free, values)).state_.signature
    state = LearnQuality(declared).fit(measured(declared, values)).state_
    assert SIGNATURE[0][0] not in (*state.signature, *state.background)


@pytest.mark.parametrize(("members", "others", "applies"), [(10, 50, True), (9, 50, False), (10, 49, False)])
def test_the_count_rule_needs_ten_members_and_fifty_others(members, others, applies):
    p = count_panel(SIGNATURE[:members], OTHERS[:others])
    state = LearnQuality(p).fit(measured(p, np.full((3, len(p.names)), 1000.0))).state_
    assert ("haemolysis_counts" not in state.not_applied) is applies
    if not applies:
        assert f"{members} of the signature and {others} others" in state.not_applied["haemolysis_counts"]


def test_what_is_held_out_changes_no_learned_number():
    p, rng = count_panel(), np.random.default_rng(1)
    m = measured(p, rng.poisson(500.0, (20, len(p.names))))
    garbage = m.values.copy()
    garbage[10:] = rng.poisson(5.0, garbage[10:].shape)
    rows = np.arange(10)
    assert LearnQuality(p).fit(m[rows]).state_ == LearnQuality(p).fit(measured(p, garbage)[rows]).state_
    assert LearnQuality(p).fit(m).state_ != LearnQuality(p).fit(measured(p, garbage)).state_


def test_a_panels_own_rules_are_those_in_force():
    p = panel(
        Analyte("a", "mirna", "count"),
        qc=(QualityRule("depth", "depth", refuse=1e4, above=False), QualityRule("spike", "spike", off=True)),
    )
    state = LearnQuality(p).fit(measured(p, [[5e3], [5e4]])).state_
    assert {rule.name: rule.refuse for rule in state.rules}["depth"] == 1e4
    assert "spike" not in {rule.name for rule in state.rules}
    assert (state.apply(measured(p, [[5e3], [5e4]])).flags > 0).tolist() == [True, False]


def test_no_specimens_and_no_reads_are_no_accident():
    p = count_panel()
    for values in (np.zeros((0, len(p.names))), np.zeros((3, len(p.names)))):
        state = LearnQuality(p).fit(measured(p, values)).state_
        assert "haemolysis_counts" in state.not_applied
