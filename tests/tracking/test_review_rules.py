"""The gate's rules as data, and what each looks at: met, not met, or cannot be told; without a server."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources

import pytest

from exodx.errors import InputRefused
from exodx.evaluation import evaluate_external
from exodx.evaluation.audits import Finding
from exodx.stats import Estimate
from exodx.tracking.review.decisions import Reviewer, entry_of
from exodx.tracking.review.dossier import Dossier, ExternalRun, Version
from exodx.tracking.review.gate import LOOKS, ask_gate
from exodx.tracking.review.rules import read_rules, rules_hash


@pytest.fixture(scope="module")
def evaluation(model, make_cohort):
    return evaluate_external(model, make_cohort(n=260, seed=11), 0.2)


@pytest.fixture(scope="module")
def good(evaluation):
    """Return a dossier that passes the default gate."""
    kept = [e for e in evaluation.estimates if e.name not in ("calibration_slope", "observed_expected")]
    calibrated = [Estimate(name, 1.1, 0.9, 1.3) for name in ("calibration_slope", "observed_expected")]
    told = replace(
        evaluation,
        headline=replace(evaluation.headline, value=0.8, lower=0.75, upper=0.85),
        estimates=(*kept, *calibrated),
        findings=(),
    )
    sheets = {"tripod_ai": {"filled": 30, "not applicable": 2, "author needed": 20}, "stard": {"filled": 20, "draft": 10}}
    version = Version("m", "1", "r", {"exodx.model_hash": "abcdef0123"})
    return Dossier(version, told, "trainer", (ExternalRun("run", told),), sheets, "")


def verdicts(dossier, by="reviewer", rules=None):
    return {a.rule.name: a.verdict for a in ask_gate(rules or read_rules(), dossier, by).answers}


def of_external(dossier, *runs):
    return replace(dossier, external=runs)


def with_estimate(dossier, estimate):
    kept = [e for e in dossier.evaluation.estimates if e.name != estimate.name]
    return of_external(dossier, ExternalRun("run", replace(dossier.evaluation, estimates=(*kept, estimate))))


def test_every_rule_has_a_table_and_a_look():
    tables = tomllib.loads((resources.files("exodx.tracking.review") / "rules.toml").read_text("utf-8"))
    assert list(tables) == list(LOOKS)
    for rule in read_rules():
        assert rule.asks
        assert rule.fix
        assert rule.source
        assert rule.limit
        assert not rule.off


def test_a_good_version_passes_every_rule(good):
    assert set(verdicts(good).values()) == {"met"}
    gate = ask_gate(read_rules(), good, "reviewer")
    assert gate.is_passed
    assert gate.missing == ()


def headline(dossier, lower, upper):
    return replace(
        dossier, evaluation=replace(dossier.evaluation, headline=replace(dossier.evaluation.headline, lower=lower, upper=upper))
    )


BAD = {
    "headline_width": (lambda d: headline(d, 0.65, 0.9), "not met"),
    "blocking_findings": (
        lambda d: replace(d, evaluation=replace(d.evaluation, findings=(Finding("site_confounded", "blocking", "x"),))),
        "not met",
    ),
    "calibration_slope": (lambda d: with_estimate(d, Estimate("calibration_slope", 0.79, 0.5, 1.0)), "not met"),
    "observed_expected": (lambda d: with_estimate(d, Estimate("observed_expected", 1.26, 1.0, 1.5)), "not met"),
    "events": (
        lambda d: with_estimate(d, Estimate("sensitivity", 0.9, 0.8, 0.95, n=99)),
        "not met",
    ),
    "sheets": (lambda d: replace(d, sheets={**d.sheets, "stard": {"filled": 14, "draft": 16}}), "not met"),
    "bundle": (lambda d: replace(d, bundle="HASH_DIFFERS: other"), "not met"),
    "approver": (lambda d: replace(d, trainer="  Reviewer "), "not met"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_fault_is_one_rule(good, name):
    spoil, verdict = BAD[name]
    found = verdicts(spoil(good))
    assert found.pop(name) == verdict
    assert set(found.values()) == {"met"}


def test_what_is_not_known_cannot_be_told_and_does_not_pass(good):
    assert verdicts(good, by="")["approver"] == "cannot be told"
    assert verdicts(replace(good, trainer=""))["approver"] == "cannot be told"
    assert verdicts(headline(good, None, None))["headline_width"] == "cannot be told"
    nothing = verdicts(replace(good, evaluation=None))
    assert (nothing["headline_width"], nothing["blocking_findings"]) == ("cannot be told", "cannot be told")
    failed = with_estimate(good, Estimate("calibration_slope", None, None, None, reason="the fit did not converge"))
    answer = next(a for a in ask_gate(read_rules(), failed, "r").answers if a.rule.name == "calibration_slope")
    assert (answer.verdict, "did not converge" in answer.found) == ("cannot be told", True)
    assert not ask_gate(read_rules(), failed, "r").is_passed


def test_without_an_external_evaluation_that_counts(good):
    for external in ((), (replace(good.external[0], refused="its cohort is the one that the model was made from"),)):
        found = verdicts(of_external(good, *external))
        assert found["external_validation"] == "not met"
        assert {found[name] for name in ("events", "calibration_slope", "observed_expected")} == {"cannot be told"}
    said = next(
        a for a in ask_gate(read_rules(), of_external(good, *external), "r").answers if a.rule.name == "external_validation"
    )
    assert "1 left out: its cohort is the one that the model was made from" in said.found


def test_the_same_cohort_again_is_no_further_validation(good):
    twice = of_external(good, *(replace(good.external[0], run_id=run, cohort="c") for run in "ab"))
    answer = next(a for a in ask_gate(read_rules(), twice, "r").answers if a.rule.name == "external_validation")
    assert answer.values == (1,)
    assert answer.found == "1, by fingerprint; specimens in common are not seen"
    other = of_external(twice, *twice.external, replace(good.external[0], run_id="c", cohort="d"))
    assert next(a for a in ask_gate(read_rules(), other, "r").answers if a.rule.name == "external_validation").values == (2,)


def test_a_sheet_that_lacks_answers_says_which_and_one_that_does_not_keeps_quiet(good):
    asked = {"tripod_ai": {"author needed": ["3a", "18a"], "draft": ["2"]}, "stard": {}}
    for filled, said in ((20, "; open in tripod_ai: author needed 3a, 18a; draft 2"), (30, "")):
        sheets = {"tripod_ai": {"filled": filled, "draft": 52 - filled}, "stard": {"filled": 34}}
        told = replace(good, sheets=sheets, unanswered=asked)
        answer = next(a for a in ask_gate(read_rules(), told, "r").answers if a.rule.name == "sheets")
        assert answer.found == f"{filled / 52:.2f} of 52 items in tripod_ai{said}"


def test_absent_sheets_are_not_met_and_tell_which(good):
    for sheets, said in ((None, "no sheet tripod and no sheet stard"), ({"tripod_ai": {"filled": 52}}, "no sheet stard")):
        answer = next(a for a in ask_gate(read_rules(), replace(good, sheets=sheets), "r").answers if a.rule.name == "sheets")
        assert (answer.verdict, said in answer.found) == ("not met", True)


def test_the_largest_external_evaluation_counts_not_the_best(good):
    fine = good.external[0]
    estimates = [e for e in fine.evaluation.estimates if e.name not in ("calibration_slope", "sensitivity", "specificity")]
    larger = [Estimate(name, 0.9, 0.8, 0.95, n=500) for name in ("sensitivity", "specificity")]
    bad = Estimate("calibration_slope", 0.4, 0.3, 0.5)
    worse = ExternalRun("larger", replace(fine.evaluation, estimates=(*estimates, *larger, bad)))
    assert verdicts(of_external(good, fine, worse))["calibration_slope"] == "not met"
    assert verdicts(of_external(good, fine, replace(worse, refused="simulated")))["calibration_slope"] == "met"


def test_of_several_classes_every_one_must_hold(good):
    run = good.external[0]
    kept = [e for e in run.evaluation.estimates if e.name != "calibration_slope"]
    two = [Estimate("calibration_slope:a", 1.0, 0.9, 1.1), Estimate("calibration_slope:b", 2.0, 1.9, 2.1)]
    several = of_external(good, replace(run, evaluation=replace(run.evaluation, estimates=(*kept, *two))))
    assert verdicts(several)["calibration_slope"] == "not met"


def test_a_file_lays_single_keys_over_the_rules(tmp_path, good):
    path = tmp_path / "rules.toml"
    path.write_text("[headline_width]\nat_most = 0.05\n[sheets]\noff = true\n[events]\nat_least = 10\n")
    rules = {rule.name: rule for rule in read_rules(path)}
    assert rules["headline_width"].at_most == 0.05
    assert rules["headline_width"].asks
    assert rules["events"].at_least == 10.0
    found = verdicts(replace(good, sheets=None), rules=tuple(rules.values()))
    assert (found["headline_width"], found["sheets"]) == ("not met", "off")
    assert rules_hash(tuple(rules.values())) != rules_hash(read_rules())
    assert rules_hash(read_rules()) == rules_hash(read_rules())


def test_the_log_keeps_the_limit_that_was_in_force_however_much_was_found(tmp_path, good):
    rules = tmp_path / "rules.toml"
    rules.write_text("[blocking_findings]\nat_most = 50\n")
    codes = [Finding(f"a_finding_of_some_length_{i}", "blocking", "x") for i in range(12)]
    gate = ask_gate(read_rules(rules), replace(good, evaluation=replace(good.evaluation, findings=tuple(codes))), "reviewer")
    kept = entry_of("promoted", good.version, Reviewer("reviewer", "why"), gate, read_rules(rules)).gate
    assert kept["blocking_findings"].startswith("met: a_finding_of_some_length_0, ")
    assert kept["blocking_findings"].endswith("… (at most 50)")
    assert max(map(len, kept.values())) <= 120


def test_all_that_is_wrong_with_a_rules_file_is_told_at_once(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(
        "[headline_widht]\nat_most = 1\n[events]\nat_lest = 5\n[sheets]\nat_least = 'many'\n"
        "[calibration_slope]\nat_least = 2.0\n[bundle]\nat_least = nan\n[approver]\nfix = 'x'\n"
    )
    with pytest.raises(InputRefused) as refused:
        read_rules(path)
    codes = [p.code for p in refused.value.problems]
    assert sorted(codes) == ["KEY_UNKNOWN", "KEY_UNKNOWN", "RULE_UNKNOWN", "VALUE_INVALID", "VALUE_INVALID", "VALUE_INVALID"]
    assert "headline_width" in str(refused.value)
    assert "at_least" in str(refused.value)


def test_a_rule_that_is_no_table_is_told(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text("sheets = false\n")
    with pytest.raises(InputRefused, match="VALUE_INVALID"):
        read_rules(path)
