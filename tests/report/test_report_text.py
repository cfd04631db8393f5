"""Text for the terminal: the number to quote first, then what speaks against it."""

from dataclasses import replace

from exodx.errors import RUO
from exodx.evaluation import Finding
from exodx.report import evaluation_text
from exodx.stats import Estimate


def test_the_cost_of_a_new_site_comes_first_then_the_headline(study):
    first, second = evaluation_text(study.evaluation).strip().splitlines()[:2]
    random, held = study.evaluation.estimate("auc").value, study.evaluation.estimate("auc_leave_one_site_out").value
    assert f"random CV {random:.3f} minus leave-one-site-out {held:.3f} = gap " in first
    assert f"{held:.3f}" in second
    assert "leave-one-site-out" in second


def test_without_sites_the_headline_comes_first(study):
    estimates = tuple(e for e in study.evaluation.estimates if e.name != "auc_leave_one_site_out")
    text = evaluation_text(replace(study.evaluation, sites=(), estimates=estimates))
    assert text.strip().startswith(f"AUC {study.evaluation.headline.value:.3f}")


def test_every_finding_is_there_the_gravest_first(study):
    findings = [Finding("small", "note", "A note."), Finding("bad", "blocking", "A block."), Finding("hm", "warning", "A warning.")]
    text = evaluation_text(study.with_findings(*findings))
    assert text.index("A block.") < text.index("A warning.") < text.index("A note.")
    assert "The headline must not be claimed." in text
    assert "must not be claimed" not in evaluation_text(study.with_findings(findings[0]))


def test_simulated_specimens_are_called_so(study):
    assert "Simulated specimens: no number here is evidence" in evaluation_text(study.evaluation)


def test_every_estimate_or_its_reason_is_there_within_ninety_columns(study):
    missing = Estimate("ppv", None, None, None, reason="no prevalence of use is stated, and " * 4 + "so on")
    estimates = (*study.evaluation.estimates, missing)
    long_sites = tuple(replace(s, site=s.site + " of the university hospital" * 4) for s in study.evaluation.sites)
    text = evaluation_text(replace(study.evaluation, estimates=estimates, sites=long_sites))
    assert max(map(len, text.splitlines())) <= 90
    for estimate in study.evaluation.estimates:
        assert f"{estimate.value:.3f}".replace("-", "−") in text
    assert "not estimated: no prevalence" in text
    assert text.count("no prevalence of use is stated (plan") <= 1
    assert "one class only" in " ".join(text.split())
    assert text.rstrip().endswith(RUO)
