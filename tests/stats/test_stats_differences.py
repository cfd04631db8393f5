"""The difference of two estimates: symmetric intervals give the usual one, and it covers."""

import math

import numpy as np
import pytest

from exodx.stats import Estimate, difference_of_estimates, wilson


def test_symmetric_intervals_give_the_root_of_the_sum_of_squares():
    found = difference_of_estimates(Estimate("a", 0.8, 0.74, 0.86), Estimate("b", 0.7, 0.62, 0.78), "d")
    assert (found.value, found.lower, found.upper) == pytest.approx((0.1, 0.0, 0.2))


def test_wilson_limits_give_newcombes_interval():
    """Newcombe 1998 (10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I), method 10: 56/70 − 48/80."""
    a, b = (Estimate("p", k / n, *wilson(k, n), n=n) for k, n in ((56, 70), (48, 80)))
    found = difference_of_estimates(a, b, "d")
    assert (found.lower, found.upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_without_an_interval_there_is_the_reason():
    none = Estimate("b", 0.7, None, None, reason="two sites")
    found = difference_of_estimates(Estimate("a", 0.8, 0.7, 0.9), none, "d")
    assert (found.value, found.lower, found.reason) == (pytest.approx(0.1), None, "two sites")
    absent = Estimate("b", None, None, None, reason="no controls")
    assert difference_of_estimates(absent, none, "d").value is None


def test_it_covers_and_of_estimates_that_move_together_more_than_it_says():
    rng = np.random.default_rng(1)
    z = 1.959964
    for correlation, least, most in ((0.0, 0.94, 0.96), (0.6, 0.99, 1.0)):
        own = rng.multivariate_normal([0.8, 0.7], 0.03**2 * np.array([[1, correlation], [correlation, 1]]), 8000)
        half = z * 0.03
        pairs = [(Estimate("a", x, x - half, x + half), Estimate("b", y, y - half, y + half)) for x, y in own]
        found = [difference_of_estimates(a, b, "d") for a, b in pairs]
        covered = np.mean([e.lower <= 0.1 <= e.upper for e in found])
        assert least < covered <= most
    assert math.isfinite(covered)
