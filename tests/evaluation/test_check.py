"""A check gathers everything about a cohort as plain data, and says it in text that a terminal can show."""

import json
import re
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from exodx.assay.stability import genorm, normfinder
from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.errors import RUO
from exodx.evaluation import Finding
from exodx.evaluation.check import check_cohort, findings_by_code
from exodx.evaluation.check_tables import AnalyteRow, Spread
from exodx.evaluation.check_text import WIDTH, check_text, middle, rows_shown, spread_sentence
from exodx.frozen import State
from exodx.panel import Analyte, Panel

BANNED = re.compile(r"\bsamples?\b|\bpatients?\b|diagnosed|\bcutoff\b", re.IGNORECASE)
KEYS = {
    "verdict", "ready", "cohort", "model", "synthetic", "notes", "panel", "specimens", "subjects", "subjects_stated", "positive",
    "negative", "positive_label", "left_out", "groups", "manifest", "status", "not_ok", "findings", "analytes", "references",
    "reference_note", "spreads", "plates", "quality", "notice",
    "replicates",
}  # fmt: skip
STATES = ("measured", "below_lod", "undetermined", "not_run", "failed_qc", "above_loq")


def wide_cohort(p, n=120, seed=0):
    """Give a labelled cohort of counts with many analytes."""
    rng = np.random.default_rng(seed)
    panel = Panel("wide", "1", "t", tuple(Analyte(f"miR-{i + 1}", "mirna", "count") for i in range(p)), normalisation="none")
    rates = rng.lognormal(2, 2.5, p)
    table = pd.DataFrame(rng.poisson(rates * rng.lognormal(0, 0.5, (n, 1))).astype(float), columns=list(panel.names))
    return frame_cohort(table.assign(group=["case", "control"] * (n // 2)), Intake(panel, "group", "case"))


def with_state(cohort, name, rows, state, value=np.nan):
    m, column = cohort.measurements, cohort.measurements.names.index(name)
    values, states = m.values.copy(), m.states.copy()
    values[rows, column], states[rows, column] = value, state
    return replace(cohort, measurements=replace(m, values=values, states=states))


@pytest.fixture(scope="module")
def check(cohort):
    return check_cohort(cohort)


def codes(check, severity=None):
    return {f.code for f in check.findings if severity in (None, f.severity)}


def test_the_dict_is_plain_json_with_stable_keys(check):
    answer = json.loads(json.dumps(check.to_dict(), allow_nan=False))
    assert set(answer) == KEYS
    assert answer["notice"] == RUO
    assert all(set(f) == {"code", "severity", "message"} for f in answer["findings"])
    assert answer["panel"]["name"] == "athero-3"


def test_specimens_are_counted_once_and_by_class(check, cohort):
    assert check.specimens == sum(check.status.values()) == check.positive + check.negative == 120
    assert check.subjects == len(set(cohort.specimens["subject"]))
    for column in ("site", "plate", "sex"):
        groups = [g for g in check.groups if g.column == column]
        assert sum(g.n for g in groups) == 120
        assert sum(g.positive for g in groups) == check.positive
    assert {s.specimen_id for s in check.not_ok} <= set(cohort.ids)
    assert len(check.not_ok) == 120 - check.status["OK"]
    assert all(s.reasons for s in check.not_ok)


def test_every_cell_is_counted_in_one_state(check, cohort):
    for row in check.analytes:
        assert sum(getattr(row, state) for state in STATES) == 120
        values, states = cohort.measurements.column(row.analyte)
        measured = values[states == State.MEASURED]
        assert (row.median, row.lower, row.upper) == pytest.approx(np.quantile(measured, (0.5, 0.25, 0.75)))
    assert [row.analyte for row in check.analytes] == list(cohort.panel.names)


def test_detection_counts_only_where_it_was_looked_for(cohort):
    name, first = "miR-126-3p", np.arange(120) < 30
    changed = with_state(with_state(cohort, name, first, State.NOT_RUN), name, np.arange(120) >= 90, State.UNDETERMINED)
    changed = with_state(changed, name, np.arange(120) == 40, State.MEASURED, value=39.0)
    row = next(r for r in check_cohort(changed).analytes if r.analyte == name)
    looked = row.measured + row.undetermined
    assert row.detected == pytest.approx((row.measured - 1) / looked)
    assert row.seen == pytest.approx((row.measured - 1) / 120)


def test_a_value_above_the_limit_is_counted_and_detected(cohort):
    row = next(
        r
        for r in check_cohort(with_state(cohort, "PD-L1", np.arange(120) < 7, State.ABOVE_LOQ, 500.0)).analytes
        if r.analyte == "PD-L1"
    )
    assert row.above_loq == 7
    assert row.detected == pytest.approx((row.measured + 7) / (120 - row.not_run - row.failed_qc))


def test_findings_come_blocking_first_and_each_says_what_to_mind(check):
    order = [("blocking", "warning", "note").index(f.severity) for f in check.findings]
    assert order == sorted(order)
    assert "synthetic" in codes(check, "warning")
    assert all(f.message.endswith(".") for f in check.findings)


def test_the_verdict_counts_kinds_of_warnings_and_names_what_blocks(check, cohort):
    kinds = Counter(severity for severity, _ in findings_by_code(check.findings))
    assert check.ready
    assert check.verdict == f"Ready to train, {kinds['warning']} warnings."
    blocked = check_cohort(with_state(cohort, "miR-145-5p", cohort.y == 1, State.NOT_RUN))
    assert not blocked.ready
    assert blocked.verdict.startswith("Do not train yet: missingness_confounded must be resolved")
    assert blocked.findings[0].severity == "blocking"


def test_without_a_label_the_classes_are_not_compared(athero):
    cohort = frame_cohort(simulate(athero, SimulatedStudy(n=40, seed=2)), Intake(athero))
    check = check_cohort(cohort)
    assert check.verdict.startswith("Readable")
    assert check.positive is check.negative is None
    assert "label_not_named" in codes(check)
    assert not {c for c in codes(check) if c.endswith("_confounded")}
    assert all(set(s.values) == {"all"} for s in check.spreads)
    assert "positive" not in check_text(check).split("FINDINGS")[0]


def test_a_label_that_was_not_named_is_looked_for(athero):
    table = simulate(athero, SimulatedStudy(n=40, seed=2)).rename(columns={"group": "Dx"})
    (said,) = [f.message for f in check_cohort(frame_cohort(table, Intake(athero))).findings if f.code == "label_not_named"]
    assert re.search(r"Columns that may be meant: 'Dx' \(case \d+, control \d+\)\.$", said)


def test_specimens_with_the_same_reason_share_a_line(cohort):
    check = check_cohort(cohort)
    kinds = Counter((s.status, s.reasons) for s in check.not_ok if s.status == "WARN")
    (_, reasons), n = kinds.most_common(1)[0]
    ids = [s.specimen_id for s in check.not_ok if s.reasons == reasons]
    assert 1 < n < 12
    assert f"{', '.join(ids)}: WARN ({reasons})" in re.sub(r"\s+", " ", check_text(check))


def test_a_long_note_is_cut_between_its_items_and_says_where_the_rest_is(cohort):
    (note,) = re.findall(r"note \[manifest_optional\] (.*?)\n(?=note|\n)", check_text(check_cohort(cohort)), re.DOTALL)
    items, cut, rest = " ".join(note.split()).partition(" … (--json has all)")
    assert (bool(cut), rest) == (True, "")
    (whole,) = [f.message for f in check_cohort(cohort).findings if f.code == "manifest_optional"]
    assert whole.startswith(f"{items}, ")


def test_too_few_subjects_or_nothing_to_learn_from_blocks_but_is_readable(cohort):
    few = check_cohort(cohort[np.r_[np.flatnonzero(cohort.y == 1)[:1], np.flatnonzero(cohort.y == 0)[:20]]])
    assert "too_few_subjects" in codes(few, "blocking")
    nothing = cohort
    for analyte in cohort.panel.names:
        nothing = with_state(nothing, analyte, np.ones(120, bool), State.UNDETERMINED)
    check = check_cohort(nothing)
    assert "nothing_measured" in codes(check, "blocking")
    assert check.analytes[0].median is None
    json.dumps(check.to_dict(), allow_nan=False)
    assert "Do not train yet" in check_text(check)


def test_one_specimen_and_one_class_are_checked_without_a_failure(cohort):
    for rows in (np.array([0]), np.flatnonzero(cohort.y == 1)):
        check = check_cohort(cohort[rows])
        assert not check.ready
        assert check.specimens == len(rows)
        check_text(check)


def test_stability_of_references_is_for_information_and_equals_the_methods(make_cohort):
    names = ("miR-103a-3p", "miR-423-5p", "miR-191-5p")
    roles = {"miR-126-3p": "target", "miR-145-5p": "target"} | dict.fromkeys(names, "reference")
    panel = Panel("refs", "1", "t", tuple(Analyte(n, "mirna", "Ct", r) for n, r in roles.items()))
    cohort = make_cohort(panel, n=60, not_run_share=0.05, seed=4)
    check = check_cohort(cohort)
    columns = [panel.names.index(n) for n in names]
    values = np.where(cohort.measurements.states == State.MEASURED, cohort.measurements.values, np.nan)[:, columns]
    complete = np.isfinite(values).all(axis=1)
    assert 30 < complete.sum() < 60
    m, rho = genorm(-values[complete]).m_of_all, normfinder(-values[complete], cohort.y[complete]).stability
    assert [r.m for r in check.references] == pytest.approx(m)
    assert [r.rho for r in check.references] == pytest.approx(rho)
    assert [r.haemolysis_marker for r in check.references] == [False, False, True]
    assert "inside every training fold" in check.reference_note


def test_one_reference_has_no_stability(make_cohort):
    panel = Panel("one", "1", "t", (Analyte("miR-126-3p", "mirna", "Ct"), Analyte("U6", "other", "Ct", "reference")))
    check = check_cohort(make_cohort(panel, n=40, seed=1))
    assert [(r.m, r.rho, r.small_nuclear) for r in check.references] == [(None, None, True)]
    assert {"reference_single", "reference_small_nuclear"} <= codes(check)


def test_haemolysis_is_counted_beyond_its_limits(check, cohort):
    spread = next(s for s in check.spreads if s.kind == "haemolysis_ct")
    assert (spread.flag, spread.refuse) == ((5.0,), (7.0,))
    assert spread.flagged == int(((spread.all > 5) & (spread.all <= 7)).sum()) > 0
    assert spread.refused == int((spread.all > 7).sum())
    index = np.subtract(*(cohort.measurements.column(n)[0] for n in ("miR-23a-3p", "miR-451a")))
    assert sorted(spread.values["positive"]) == pytest.approx(sorted(x for x in index[cohort.y == 1] if np.isfinite(x)))


def test_a_spike_in_is_shown_by_its_own_ct_with_limits_on_both_sides(make_cohort):
    roles = {"miR-126-3p": "target", "miR-103a-3p": "reference", "miR-423-5p": "reference", "cel-miR-39-3p": "spike_in"}
    panel = Panel("spiked", "1", "t", tuple(Analyte(n, "mirna", "Ct", r) for n, r in roles.items()))
    cohort = make_cohort(panel, n=60, heparin_case_share=0.5, seed=4)
    check = check_cohort(cohort)
    spread = next(s for s in check.spreads if s.kind == "spike")
    assert spread.name == "cel-miR-39-3p"
    assert spread.flag[0] < np.median(spread.all) < spread.flag[1]
    assert "spike_confounded" in codes(check)


def test_plates_lie_where_their_specimens_lie(make_cohort):
    flat, shifted = (check_cohort(make_cohort(n=120, plate_sd=sd, site_sd=0, seed=5)) for sd in (0.0, 3.0))
    means = [np.ptp([p.mean for p in c.plates]) for c in (flat, shifted)]
    assert means[1] > 3 * means[0]
    assert sum(p.n for p in shifted.plates) == 120
    assert "plate_effect" in codes(shifted)
    assert "plate_effect" not in codes(flat)


def test_a_model_brings_its_own_gate_and_knows_its_training_cohort(model, cohort, make_cohort):
    own = check_cohort(cohort, model)
    assert "training_cohort" in codes(own, "blocking")
    assert own.verdict.startswith("Do not score yet: training_cohort")
    other = check_cohort(make_cohort(n=40, seed=99), model)
    assert other.model == model.name
    assert "synthetic_model" in codes(other)
    assert other.verdict.startswith("Ready to score")
    scored = model.predict(make_cohort(n=40, seed=99).measurements, [str(i) for i in range(40)])
    assert other.status == dict(sorted(Counter(scored.status).items()))


@pytest.mark.parametrize("trap", ["spike_confounded", "haemolysis_confounded", "site_confounded"])
def test_traps_between_the_classes_are_named(make_cohort, trap):
    roles = {"miR-126-3p": "target", "miR-145-5p": "target", "miR-23a-3p": "haemolysis", "miR-451a": "haemolysis"}
    roles |= {"cel-miR-39-3p": "spike_in", "miR-103a-3p": "reference", "miR-423-5p": "reference"}
    panel = Panel("trap", "1", "t", tuple(Analyte(n, "mirna", "Ct", r) for n, r in roles.items()))
    quiet = {"n": 400, "effect": 0.0, "site_sd": 0, "plate_sd": 0}
    study = {
        "spike_confounded": {"heparin_case_share": 0.6},
        "haemolysis_confounded": {"haemolysed_case_odds": 8.0},
        "site_confounded": {"site_case_shares": (0.2, 0.8, 0.3, 0.7)},
    }
    check = check_cohort(make_cohort(panel, seed=5, **quiet, **study[trap]))
    assert codes(check) & set(study) == {trap}
    assert not codes(check_cohort(make_cohort(panel, seed=6, **quiet))) & set(study)


def test_the_text_has_the_verdict_first_and_fits_a_terminal(check):
    text = check_text(check)
    lines = text.splitlines()
    assert lines[0] == check.verdict
    assert max(map(len, lines)) <= WIDTH
    heads = ["FINDINGS", "SPECIMENS", "ANALYTES", "REFERENCES", "QUALITY CONTROL", "SPECIMENS NOT OK"]
    assert [line for line in lines if line in heads] == heads
    assert lines[-1] == RUO
    assert "SIMULATED specimens" in text
    assert not BANNED.search(text)
    for finding in check.findings:
        assert f"{finding.severity} [{finding.code}]" in text
    for row in check.analytes:
        assert row.label[:20] in text


def test_long_lists_are_cut_and_the_rest_is_counted(check):
    many = tuple(Finding("missingness_confounded", "warning", f"a{i} was not run for all.") for i in range(40))
    text = check_text(replace(check, findings=many))
    assert "… and 37 more of this kind (--json has all)" in text
    wide = check_text(check_cohort(wide_cohort(300, n=20)))
    assert "… and 260 more (--json has all" in wide
    assert len(wide.splitlines()) < 130


def test_of_many_analytes_controls_and_the_worst_are_shown():
    rows = [
        AnalyteRow(f"a{i}", f"a{i}", None, "Ct", role, 100 - i, 0, i, 0, 0, 0, (100 - i) / 100, None, None, None, None, None)
        for i, role in enumerate(["target"] * 90 + ["reference"])
    ]
    shown = rows_shown(rows, 10)
    assert [r.analyte for r in shown] == ["a90", *(f"a{i}" for i in range(89, 80, -1))]
    assert rows_shown(rows[:10], 10) == rows[:10]


def test_long_names_and_large_numbers_do_not_break_the_lines():
    rng = np.random.default_rng(0)
    names = [";".join(f"A0A{i:05d}" for i in range(k * 9, k * 9 + 9)) for k in range(4)]
    table = pd.DataFrame(rng.lognormal(13, 2, (40, 4)), columns=names).assign(group=["ill", "well"] * 20)
    table.iloc[:15, 0] = np.nan
    text = check_text(check_cohort(frame_cohort(table, Intake("auto", "group", "ill"))))
    assert max(map(len, text.splitlines())) <= 100
    assert re.search(r"\d\.\d\de5 \(", text)


def test_an_empty_spread_and_an_empty_row_say_so():
    assert spread_sentence(Spread("depth", "depth", {"all": []}, (1e6,), (), 0, 0, "s")) == "no specimen has a value"
    assert middle(AnalyteRow("a", "a", None, "Ct", "target", 0, 0, 1, 0, 0, 0, 0.0, None, None, None, None, None)) == ""


def test_two_thousand_analytes_are_checked_in_seconds():
    cohort = wide_cohort(2000)
    began = time.process_time()
    check = check_cohort(cohort)
    text = check_text(check)
    assert time.process_time() - began < 10
    assert len(check.analytes) == 2000
    assert max(map(len, text.splitlines())) <= 100


def test_the_order_of_specimens_changes_nothing_but_their_order(cohort):
    mixed = cohort[np.random.default_rng(0).permutation(len(cohort))]
    once, again = check_cohort(cohort), check_cohort(mixed)
    assert once.analytes == again.analytes
    assert once.status == again.status
    assert set(once.not_ok) == set(again.not_ok)
    assert [(s.flagged, s.refused) for s in once.spreads] == [(s.flagged, s.refused) for s in again.spreads]
