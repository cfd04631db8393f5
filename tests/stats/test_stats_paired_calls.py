"""Paired calls against R, a published example and the clustered case."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.stats import compare_calls, tango_interval


def calls(only_a, only_b, n, both=0):
    """Cases with so many discordant pairs, then as many controls called alike."""
    a = np.zeros(n, dtype=int)
    b = np.zeros(n, dtype=int)
    a[:only_a] = 1
    b[only_a : only_a + only_b] = 1
    a[only_a + only_b : only_a + only_b + both] = b[only_a + only_b : only_a + only_b + both] = 1
    return a, b


def test_against_r(golden):
    for pair in golden("utility")["pairs"]:
        a, b = calls(pair["only_a"], pair["only_b"], pair["n"])
        found, _ = compare_calls(np.ones(pair["n"]), a, b)
        assert found.p == pytest.approx(pair["p"], abs=1e-12)
        # R maximises the constrained likelihood numerically to 1e-8 of its argument
        assert (found.difference.lower, found.difference.upper) == pytest.approx(pair["interval"], abs=1e-6)


def test_published_example():
    """Fagerland, Lydersen and Laake 2014 (10.1002/sim.6148), airway hyper-responsiveness: Tango -0.517 to -0.026."""
    assert [round(end, 3) for end in tango_interval(1, 7, 21)] == [-0.517, -0.026]


@given(st.integers(0, 15), st.integers(0, 15), st.integers(1, 30))
def test_interval_holds_the_difference_and_mirrors(only_a, only_b, rest):
    n = only_a + only_b + rest
    lower, upper = tango_interval(only_a, only_b, n)
    assert -1 <= lower <= (only_a - only_b) / n <= upper <= 1
    assert lower < upper
    assert tango_interval(only_b, only_a, n) == pytest.approx((-upper, -lower), abs=1e-8)


@pytest.mark.parametrize(("only_a", "only_b", "n"), [(5, 0, 5), (0, 5, 5), (0, 0, 1), (1, 0, 1)])
def test_corners_have_an_interval(only_a, only_b, n):
    lower, upper = tango_interval(only_a, only_b, n)
    assert -1 <= lower < upper <= 1


def test_agreement_does_not_matter_to_p_and_does_to_the_interval():
    few, _ = compare_calls(np.ones(20), *calls(6, 2, 20, both=5))
    many, _ = compare_calls(np.ones(80), *calls(6, 2, 80, both=50))
    assert few.p == many.p
    assert few.difference.upper - few.difference.lower > many.difference.upper - many.difference.lower


def test_specificity_counts_negative_calls_on_controls():
    sensitivity, specificity = compare_calls([1, 0, 0, 0], [1, 0, 0, 1], [1, 1, 1, 1])
    assert (specificity.only_a, specificity.only_b) == (2, 0)
    assert specificity.difference.value == pytest.approx(2 / 3)
    assert (sensitivity.difference.value, sensitivity.p) == (0.0, 1.0)


def test_swapping_swaps():
    rng = np.random.default_rng(1)
    y, a, b = rng.integers(0, 2, (3, 50))
    for one, other in zip(compare_calls(y, a, b), compare_calls(y, b, a), strict=True):
        assert one.p == other.p
        assert one.difference.value == -other.difference.value
        assert one.difference.lower == pytest.approx(-other.difference.upper)


def test_repeated_subjects_have_no_p_and_a_clustered_interval():
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 2, (2, 40))
    plain, _ = compare_calls(np.ones(40), a, b)
    twice, _ = compare_calls(np.ones(80), np.tile(a, 2), np.tile(b, 2), subjects=np.tile(np.arange(40), 2))
    assert twice.p is None
    assert "subjects repeat" in twice.reason
    assert twice.difference.value == plain.difference.value
    gain = a - b
    half = 1.959964 * gain.std(ddof=1) / np.sqrt(40)
    assert twice.difference.upper == pytest.approx(gain.mean() + half, rel=1e-6)


def test_what_cannot_be_told_has_a_reason():
    sensitivity, _ = compare_calls([0, 0], [1, 0], [0, 0])
    assert sensitivity.difference.reason == sensitivity.reason == "this class has no specimen"
    same, _ = compare_calls([1, 1, 1, 1], [1, 0, 1, 0], [1, 0, 1, 0], subjects=["a", "a", "b", "b"])
    assert same.difference.reason == "the calls differ on no subject"
    one, _ = compare_calls([1, 1], [1, 0], [0, 0], subjects=["a", "a"])
    assert one.difference.reason == "there is only one subject"


def test_refusals():
    with pytest.raises(ValueError, match="one call each"):
        compare_calls([1, 0], [1, 0], [1, 0, 1])
    with pytest.raises(ValueError, match="code controls"):
        compare_calls([1, 0], [1, 2], [1, 0])
    with pytest.raises(ValueError, match="fit into n"):
        tango_interval(3, 3, 5)
