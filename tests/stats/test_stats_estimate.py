"""An interval, or the reason why not."""

import json
import math

import pytest

from exodx.stats import Estimate


def test_prints_value_and_interval():
    assert str(Estimate("auc", 0.8421, 0.7709, 0.8941)) == "0.842 (95 % CI 0.771 to 0.894)"


def test_prints_the_level_it_was_made_at():
    assert str(Estimate("auc", 0.5, 0.4, 0.6, level=0.9)) == "0.500 (90 % CI 0.400 to 0.600)"
    assert "97.5 % CI" in str(Estimate("auc", 0.5, 0.4, 0.6, level=0.975))


def test_prints_the_reason():
    assert str(Estimate("auc", None, None, None, reason="no controls")) == "not estimated: no controls"


def test_value_without_interval_prints_both():
    assert str(Estimate("auc", 0.5, None, None, reason="all tied")) == "0.500 (no interval: all tied)"


def test_rounding_is_tolerated():
    Estimate("sensitivity", 1.0, 0.8, 1.0 - 1e-15)


@pytest.mark.parametrize(
    ("value", "lower", "upper", "reason"),
    [
        (0.5, 0.6, 0.7, ""),  # below its interval
        (0.8, 0.6, 0.7, ""),  # above its interval
        (0.5, None, None, ""),
        (None, None, None, ""),
        (None, 0.1, 0.2, "why"),
        (0.5, 0.4, None, "why"),
        (0.5, None, 0.6, "why"),
        (0.5, 0.4, None, ""),
        (math.nan, 0.4, 0.6, ""),
        (math.nan, None, None, "why"),
        (0.5, 0.4, math.inf, ""),
        (0.5, math.nan, 0.6, ""),
    ],
)
def test_refuses_what_is_neither_interval_nor_reason(value, lower, upper, reason):
    with pytest.raises(ValueError, match="auc"):
        Estimate("auc", value, lower, upper, reason=reason)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1])
def test_refuses_impossible_levels(level):
    with pytest.raises(ValueError, match="level"):
        Estimate("auc", 0.5, 0.4, 0.6, level=level)


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate("auc", 0.5, 0.4, 0.6, level=0.9, method="DeLong", n=12),
        Estimate("auc", None, None, None, reason="no controls"),
    ],
)
def test_survives_json(estimate):
    assert Estimate.from_dict(json.loads(json.dumps(estimate.to_dict()))) == estimate


def test_from_dict_checks_again():
    with pytest.raises(ValueError, match="auc"):
        Estimate.from_dict({"name": "auc", "value": 0.9, "lower": 0.1, "upper": 0.2})
