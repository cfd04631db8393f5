"""The coverage study, run small; ``-m slow`` runs it in full."""

import pytest

from tests.studies.interval_coverage import SIZES, TRUTHS, auc_coverage, proportion_coverage


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("n", SIZES)
def test_delong_small(truth, n):
    """400 cohorts tell a coverage to ±.02; the interval is allowed to be a little short or long."""
    found = auc_coverage("DeLong, logit", truth, n, cohorts=400)
    assert 0.91 < found.covered < 0.99
    assert found.without == 0
    assert found.covered + found.missed_low + found.missed_high == pytest.approx(1)


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("n", SIZES)
def test_proportions_exactly(truth, n):
    """Clopper–Pearson never falls below its level; Wilson is near it, below it in places, and narrower."""
    exact, score = (proportion_coverage(method, truth, n) for method in ("Clopper–Pearson", "Wilson"))
    assert exact.covered >= 0.95
    assert 0.92 < score.covered < 0.99
    assert score.width < exact.width


@pytest.mark.slow
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("n", SIZES)
def test_delong_in_full(truth, n):
    found = auc_coverage("DeLong, logit", truth, n, cohorts=2000)
    assert 0.935 < found.covered < 0.985


def test_near_one_bca_covers_where_percentiles_do_not():
    found = {m: auc_coverage(m, 0.95, 40, cohorts=300).covered for m in ("bootstrap BCa", "bootstrap percentiles")}
    assert found["bootstrap BCa"] > 0.91
    assert found["bootstrap percentiles"] < found["bootstrap BCa"] - 0.02
