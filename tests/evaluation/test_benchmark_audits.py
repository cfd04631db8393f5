"""What is said of benchmarks: plainly where a simple one does as well, of XGBoost's defaults only where they do better."""

import pytest

from exodx.evaluation.audits import audit_model
from exodx.report.words import label
from exodx.stats import Estimate
from exodx.training import BENCHMARKS


def told(name, value, lower, upper):
    reason = "no variance" if lower is None and value is not None else ""
    estimate = Estimate(f"auc_minus_{name}", value, lower, upper, n=100, reason=reason)
    return [(f.code, f.severity, f.message) for f in audit_model([estimate], ())]


@pytest.mark.parametrize("name", ["logistic", "single_analyte"])
def test_a_simple_benchmark_that_is_as_good_is_said_to_be(name):
    ((code, severity, message),) = told(name, -0.01, -0.04, 0.02)
    assert (code, severity) == (f"{name}_not_beaten", "note")
    assert f"does not beat the {name.replace('_', ' ')} benchmark (AUC difference -0.010" in message
    ((_, _, message),) = told(name, 0.0, None, None)
    assert "does not beat" in message


@pytest.mark.parametrize("name", ["logistic", "single_analyte"])
def test_a_simple_benchmark_that_may_be_as_good_is_said_to_be(name):
    ((code, _, message),) = told(name, 0.01, -0.02, 0.04)
    assert code == f"{name}_not_beaten"
    assert "not clearly better" in message
    assert told(name, 0.03, 0.01, 0.05) == []


def test_default_xgboost_is_told_of_only_where_it_is_better():
    assert told("default_xgboost", 0.01, -0.02, 0.04) == []
    assert told("default_xgboost", 0.0, None, None) == []
    ((code, severity, message),) = told("default_xgboost", -0.01, -0.04, 0.02)
    assert (code, severity) == ("default_xgboost_not_beaten", "note")
    assert "is better than the model (AUC difference -0.010" in message


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_was_not_estimated_is_not_told_of(name):
    assert audit_model([], ()) == []
    none = Estimate(f"auc_minus_{name}", None, None, None, reason="no pair")
    assert audit_model([none], ()) == []


@pytest.mark.parametrize("name", BENCHMARKS)
@pytest.mark.parametrize("of", ["auc", "macro_auc"])
def test_every_benchmark_has_its_words(of, name):
    assert all("auc" not in label(f"{of}_{what}{name}") and "_" not in label(f"{of}_{what}{name}") for what in ("", "minus_"))
