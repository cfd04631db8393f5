"""The studies of confounded sites and of permuted labels, run small; ``-m slow`` runs them as large as their claims."""

import numpy as np
import pytest

from tests.studies.permuted_labels import PANELS, null_auc
from tests.studies.site_confounding import one_cohort


def test_confounded_sites_small():
    """Three cohorts: random folds promise too much in each, the headline is another design, and the site is named."""
    found = [one_cohort(seed, new_n=1500) for seed in range(3)]
    assert all(f.random > f.truth + 0.01 for f in found)
    assert all(f.design == "leave-one-site-out" for f in found)
    assert all("site_confounded" in f.findings for f in found)
    assert np.mean([f.headline - f.truth for f in found]) < np.mean([f.random - f.truth for f in found]) - 0.03


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_headline_is_what_a_fourth_site_sees():
    """24 cohorts: the SD of a difference is about .05, so their mean is known to ±.01; the bound is the claim, .03."""
    found = [one_cohort(seed) for seed in range(24)]
    truth, random = np.mean([f.truth for f in found]), np.mean([f.random for f in found])
    assert 0.68 < truth < 0.72
    assert 0.73 < random < 0.82
    assert abs(np.mean([f.headline for f in found]) - truth) < 0.03


@pytest.mark.parametrize("name", PANELS)
def test_permuted_labels_small(name):
    """One AUC of 90 specimens has a standard error of about .07 under the null; the mean of four, .035."""
    found = [null_auc(PANELS[name](), seed, "minimal") for seed in range(4)]
    assert abs(np.mean(found) - 0.5) < 3 * 0.035


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PANELS)
def test_permuted_labels_in_full(name):
    found = np.array([null_auc(PANELS[name](), seed, "minimal") for seed in range(50)])
    assert abs(found.mean() - 0.5) < 3 * found.std(ddof=1) / np.sqrt(len(found))
