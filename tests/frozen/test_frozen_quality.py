"""The quality gate: each rule flags, refuses or says nothing; one specimen gets what it gets in a batch; values stay."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.frozen import Measurements, QualityGate, State
from exodx.frozen.measurements import BLOCKING, Reason, status_of
from exodx.frozen.quality import beyond, limit_text
from exodx.panel import QualityRule, Scale

SIGNATURE = tuple(f"s{i}" for i in range(10))
BACKGROUND = tuple(f"b{i}" for i in range(50))


def measure(columns):
    """Measurements from numbers; a string names a state."""
    cells = list(zip(*columns.values(), strict=True))
    values = [[np.nan if isinstance(c, str) else c for c in row] for row in cells]
    states = [[State[c] if isinstance(c, str) else State.MEASURED for c in row] for row in cells]
    return Measurements(tuple(columns), np.array(values, float), np.array(states, np.uint8))


def gate(*rules, scales, **state):
    return QualityGate(rules, {name: str(scale) for name, scale in scales.items()}, **{"targets": (), "ct_cutoff": 35.0, **state})


def flags(gate_, m):
    return [Reason(int(f)) for f in gate_.apply(m).flags]


HAEMOLYSIS = QualityRule("haemolysis_ct", "haemolysis_ct", flag=5.0, refuse=7.0)
CT_PAIR = {"scales": {"23a": Scale.CT, "451a": Scale.CT}, "ct_pair": ("23a", "451a")}


def test_the_ct_rule_flags_above_five_and_refuses_above_seven():
    m = measure({"23a": [26.0, 27.0, 27.5, 29.0, 29.5], "451a": [22.0, 22.0, 22.0, 22.0, 22.0]})
    g = gate(HAEMOLYSIS, **CT_PAIR)
    suspected, haemolysed = Reason.HAEMOLYSIS_SUSPECTED, Reason.HAEMOLYSED
    assert flags(g, m) == [Reason(0), Reason(0), suspected, suspected, haemolysed]
    assert g.observed(m)["haemolysis_ct"].tolist() == [4.0, 5.0, 5.5, 7.0, 7.5]
    assert [str(status_of(int(f))) for f in g.apply(m).flags] == ["OK", "OK", "WARN", "WARN", "QC_FAIL"]


@pytest.mark.parametrize("cell", ["UNDETERMINED", "NOT_RUN", "FAILED_QC", 35.5])
def test_the_ct_rule_says_nothing_where_an_assay_was_not_detected(cell):
    for columns in ({"23a": [cell], "451a": [20.0]}, {"23a": [34.0], "451a": [cell]}):
        g = gate(HAEMOLYSIS, **CT_PAIR)
        assert flags(g, measure(columns)) == [Reason(0)]
        assert np.isnan(g.observed(measure(columns))["haemolysis_ct"]).all()


def counts(signature, background, n=10):
    """One specimen: the first ``n`` of the signature were run."""
    run = [signature if i < n else "NOT_RUN" for i in range(10)]
    return measure({**{s: [c] for s, c in zip(SIGNATURE, run, strict=True)}, **{b: [background] for b in BACKGROUND}})


def signature_gate(flag=1.9, refuse=None, prior=0.5):
    scales = dict.fromkeys((*SIGNATURE, *BACKGROUND), Scale.COUNTS)
    rule = QualityRule("haemolysis_counts", "haemolysis_counts", flag=flag, refuse=refuse, inclusive=True)
    return gate(rule, scales=scales, signature=SIGNATURE, background=BACKGROUND, prior_cpm=prior)


def test_the_count_metric_by_hand():
    # library 10·4000 + 50·1000 = 90 000 reads: CPM 44 444.4 and 11 111.1, prior 0.5:
    # log2(44 444.94) − log2(11 111.61) = 15.43974 − 13.43978 = 1.99995
    metric = signature_gate().observed(counts(4000.0, 1000.0))["haemolysis_counts"][0]
    assert metric == pytest.approx(1.99995, abs=1e-5)
    assert metric == pytest.approx(np.log2((4e9 / 9e4 + 0.5) / (1e9 / 9e4 + 0.5)), abs=1e-12)
    assert flags(signature_gate(), counts(4000.0, 1000.0)) == [Reason.HAEMOLYSIS_SUSPECTED]
    assert flags(signature_gate(), counts(3700.0, 1000.0)) == [Reason(0)]  # log2(3.7) = 1.888
    assert flags(signature_gate(refuse=1.95), counts(4000.0, 1000.0)) == [Reason.HAEMOLYSED]


def test_the_count_limit_itself_is_beyond():
    exact = signature_gate().observed(counts(4000.0, 1000.0))["haemolysis_counts"][0]
    assert flags(signature_gate(flag=float(exact)), counts(4000.0, 1000.0)) == [Reason.HAEMOLYSIS_SUSPECTED]


def test_fewer_than_five_reads_count_as_none_in_the_metric():
    # library 10·4 + 50·1000 = 50 040; signature at the prior: log2(0.5) − log2(1e9/50040 + 0.5)
    metric = signature_gate().observed(counts(4.0, 1000.0))["haemolysis_counts"][0]
    assert metric == pytest.approx(np.log2(0.5) - np.log2(1e9 / 50040 + 0.5))


def test_the_count_metric_needs_ten_members_that_were_run_and_reads_at_all():
    assert np.isnan(signature_gate().observed(counts(4000.0, 1000.0, n=9))["haemolysis_counts"][0])
    assert np.isnan(signature_gate().observed(counts(0.0, 0.0))["haemolysis_counts"][0])


def test_depth_flags_below_its_limit_and_refuses_where_a_panel_says_so():
    m = measure({"a": [2e6, 1e6, 4e5, 5e3], "b": ["NOT_RUN", 0.0, 1e5, "NOT_RUN"]})
    scales = {"a": Scale.COUNTS, "b": Scale.COUNTS}
    rule = QualityRule("depth", "depth", flag=1e6, above=False)
    low, too_low = Reason.LOW_DEPTH, Reason.DEPTH_TOO_LOW
    assert flags(gate(rule, scales=scales), m) == [Reason(0), Reason(0), low, low]
    assert flags(gate(replace(rule, refuse=1e4), scales=scales), m) == [Reason(0), Reason(0), low, too_low]
    assert gate(rule, scales=scales).observed(m)["depth"].tolist() == [2e6, 1e6, 5e5, 5e3]


def test_detection_is_the_share_of_targets_that_ran():
    scales = {"a": Scale.CT, "b": Scale.CT, "c": Scale.COUNTS, "d": Scale.LINEAR}
    columns = {
        "a": [30.0, 36.0, "UNDETERMINED", "NOT_RUN"],
        "b": [30.0, "UNDETERMINED", "UNDETERMINED", "NOT_RUN"],
        "c": [9.0, 0.0, "NOT_RUN", "NOT_RUN"],
        "d": [1.0, 2.0, "BELOW_LOD", "FAILED_QC"],
    }
    rule = QualityRule("detection", "detection", flag=0.5, above=False)
    g = gate(rule, scales=scales, targets=tuple(scales))
    np.testing.assert_equal(g.observed(measure(columns))["detection"], [1.0, 0.25, 0.0, np.nan])
    assert flags(g, measure(columns)) == [Reason(0), Reason.LOW_DETECTION, Reason.LOW_DETECTION, Reason(0)]
    refusing = gate(replace(rule, refuse=0.1), scales=scales, targets=tuple(scales))
    assert flags(refusing, measure(columns))[2] == Reason.LOW_DETECTION | Reason.SPECIMEN_REFUSED


SPIKE = QualityRule("spike", "spike", flag=2.0, robust_sds=3.0)


def spike_gate(rule=SPIKE, mad=0.2, **others):
    return gate(rule, scales={"cel": Scale.CT, **dict.fromkeys(others, Scale.CT)}, spikes={"cel": (21.0, mad), **others})


def test_a_spike_is_flagged_beyond_three_robust_sds_or_two_ct_whichever_is_nearer():
    # 3 · 1.4826 · 0.2 = 0.88956 Ct
    m = measure({"cel": [21.88, 21.9, 20.1, 24.0]})
    assert flags(spike_gate(), m) == [Reason(0), *[Reason.SPIKE_DEVIATES] * 3]
    wide = measure({"cel": [22.9, 23.1]})
    assert flags(spike_gate(mad=1.0), wide) == [Reason(0), Reason.SPIKE_DEVIATES]  # 4.4 Ct would be too wide
    assert flags(spike_gate(mad=0.0), wide) == [Reason(0), Reason.SPIKE_DEVIATES]  # no scatter is no ruler


def test_a_spike_that_was_not_found_deviates_and_one_that_was_not_run_says_nothing():
    m = measure({"cel": ["UNDETERMINED", 36.0, "NOT_RUN"]})
    assert flags(spike_gate(), m) == [Reason.SPIKE_DEVIATES, Reason.SPIKE_DEVIATES, Reason(0)]
    assert spike_gate().observed(m)["spike cel"].tolist()[:2] == [np.inf, np.inf]


def test_each_spike_is_measured_by_its_own_median_and_a_panel_may_refuse():
    m = measure({"cel": [21.0, 21.0], "uni": [19.0, 22.9]})
    g = spike_gate(replace(SPIKE, refuse=3.0), uni=(19.0, 0.2))
    assert flags(g, m) == [Reason(0), Reason.SPIKE_DEVIATES | Reason.SPECIMEN_REFUSED]
    assert set(g.observed(m)) == {"spike cel", "spike uni"}


def test_rules_that_do_not_apply_or_look_at_columns_set_no_flag():
    m = measure({"23a": [30.0], "451a": [20.0]})
    consent = QualityRule("consent", "words", column="consent_for_use", refuse_words=("no",))
    g = gate(HAEMOLYSIS, consent, **CT_PAIR, not_applied={"haemolysis_ct": "told why"})
    assert flags(g, m) == [Reason(0)]
    assert g.observed(m) == {}


@pytest.mark.parametrize(
    ("above", "inclusive", "expected"),
    [(True, False, [False, False, True]), (True, True, [False, True, True]), (False, False, [True, False, False])],
)
def test_beyond_has_a_side_and_may_include_the_limit(above, inclusive, expected):
    rule = QualityRule("r", "depth", above=above, inclusive=inclusive)
    assert beyond(np.array([1.0, 2.0, 3.0]), 2.0, rule).tolist() == expected
    assert not beyond(np.array([np.nan, 3.0]), None, rule).any()
    assert not beyond(np.array([np.nan]), 2.0, rule).any()
    assert limit_text(rule, 2.0) == f"{'>' if above else '<'}{'=' if inclusive else ''} 2"


FULL = gate(
    HAEMOLYSIS,
    QualityRule("haemolysis_counts", "haemolysis_counts", flag=1.9, inclusive=True),
    QualityRule("depth", "depth", flag=5e4, refuse=1e3, above=False),
    QualityRule("detection", "detection", flag=0.5, above=False),
    SPIKE,
    scales={**dict.fromkeys(("23a", "451a", "cel"), Scale.CT), **dict.fromkeys((*SIGNATURE, *BACKGROUND), Scale.COUNTS)},
    targets=("23a", *SIGNATURE),
    ct_pair=("23a", "451a"),
    signature=SIGNATURE,
    background=BACKGROUND,
    prior_cpm=3.7,
    spikes={"cel": (21.0, 0.2)},
)


@given(st.integers(1, 9), st.integers(0, 2**31 - 1))
def test_one_specimen_gets_what_it_gets_in_a_batch_and_in_any_order(n, seed):
    rng = np.random.default_rng(seed)
    names = tuple(FULL.scales)
    values = np.where(
        np.arange(len(names)) < 3,
        rng.uniform(18, 38, (n, len(names))),
        rng.poisson(rng.uniform(1, 4000, len(names)), (n, len(names))),
    )
    states = np.where(rng.random(values.shape) < 0.8, 0, rng.integers(0, 5, values.shape)).astype(np.uint8)
    m = Measurements(names, np.where(states == State.MEASURED, values, np.nan), states, rng.integers(0, 16, n).astype(np.uint32))
    batch, observed = FULL.apply(m), FULL.observed(m)
    assert batch.values.tobytes() == m.values.tobytes()
    assert batch.states.tobytes() == m.states.tobytes()
    assert ((batch.flags & m.flags) == m.flags).all()
    order, columns = rng.permutation(n), rng.permutation(len(names))
    mixed = Measurements(tuple(names[j] for j in columns), m.values[order][:, columns], m.states[order][:, columns], m.flags[order])
    assert FULL.apply(mixed).flags.tobytes() == batch.flags[order].tobytes()
    for i in range(n):
        assert FULL.apply(m[i : i + 1]).flags.tobytes() == batch.flags[i : i + 1].tobytes()
        for name, numbers in FULL.observed(m[i : i + 1]).items():
            assert numbers.tobytes() == observed[name][i : i + 1].tobytes()


def test_the_gate_is_plain_json_also_with_its_keys_sorted():
    again = QualityGate.from_dict(json.loads(json.dumps(FULL.to_dict(), sort_keys=True, allow_nan=False)))
    assert again == FULL
    m = counts(4000.0, 1000.0)
    assert QualityGate.from_dict(signature_gate().to_dict()).observed(m) == signature_gate().observed(m)


def test_what_refuses_keeps_a_specimen_from_being_scored():
    for reason in (Reason.HAEMOLYSED, Reason.DEPTH_TOO_LOW, Reason.SPECIMEN_REFUSED):
        assert reason & BLOCKING
    for reason in (
        Reason.HAEMOLYSIS_SUSPECTED,
        Reason.LOW_DEPTH,
        Reason.LOW_DETECTION,
        Reason.SPIKE_DEVIATES,
        Reason.SPECIMEN_RULE,
    ):
        assert not reason & BLOCKING
