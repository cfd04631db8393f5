"""No model is accepted whose tables give other numbers than XGBoost: each kind of wrong table is found."""

import numpy as np
import pytest

from exodx.errors import ModelRefused
from exodx.frozen import Forest
from exodx.frozen.archive import write_compiled
from exodx.frozen.compiled import CompiledForest
from exodx.training.boosting import Trees
from exodx.training.family import freeze
from exodx.training.verification import probe_rows, verify_forest
from tests.frozen.boosters import grown, raw

LINE = {
    "coefficient": lambda a: np.full(6, 1e-3),
    "mean": lambda a: np.zeros(6),
    "lower": lambda a: np.full(6, -9.0),
    "upper": lambda a: np.full(6, 9.0),
}
"""A linear member where there is none."""


@pytest.fixture(scope="module")
def booster():
    return grown(n=400, k=6, rounds=20, max_depth=4)


def spoiled(booster, part, **changes):
    """Return the forest with one array of its compiled form replaced."""
    forest = Forest(raw(booster), 6)
    parts = forest.compiled.parts
    changed = {name: change(getattr(getattr(parts, part), name).copy()) for name, change in changes.items()}
    parts = parts._replace(**{part: getattr(parts, part)._replace(**changed)})
    return Forest(forest.ubjson, 6, write_compiled(CompiledForest(parts, 6)))


def test_a_sound_forest_is_frozen(booster):
    verify_forest(Forest(raw(booster), 6), booster)
    frozen, rows = freeze([(Trees((booster,), (tuple(range(6)),), 20, 6), 1.0)], 6), probe_rows(Forest(raw(booster), 6))
    np.testing.assert_allclose(frozen.margin(rows), Forest(raw(booster), 6).margin(rows), atol=1e-6)


def first_raised(array):
    array[0] += 1e-3
    return array


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("whole", {"constants": first_raised}),
        ("whole", {"constants": lambda a: a + np.array([0, 1e-3])}),
        ("units", {"value": lambda a: a * np.float32(1.001)}),
        ("columns", {"table": lambda a: a * np.float32(1.001)}),
        ("columns", {"feature": lambda a: a[::-1]}),
        ("splits", {"default": lambda a: 1 - a}),
        ("splits", {"threshold": lambda a: np.nextafter(a, np.float32(np.inf))}),
        ("splits", {"threshold": lambda a: np.nextafter(a, np.float32(-np.inf))}),
        ("linear", {"intercept": lambda a: a, **LINE}),
    ],
    ids=str,
)
def test_a_wrong_table_threshold_or_default_is_refused(booster, part, changes):
    with pytest.raises(ModelRefused, match="COMPILED_DIFFERS"):
        verify_forest(spoiled(booster, part, **changes), booster)


def test_the_trees_of_another_booster_are_refused(booster):
    with pytest.raises(ModelRefused, match="COMPILED_DIFFERS"):
        verify_forest(Forest(raw(booster), 6), grown(n=400, k=6, rounds=20, max_depth=4, seed=3))


def test_a_booster_that_cannot_be_compiled_is_not_frozen():
    with pytest.raises(ModelRefused, match="dart"):
        verify_forest(Forest(raw(grown(booster="dart", rate_drop=0.5)), 5), grown(booster="dart", rate_drop=0.5))
    with pytest.raises(ModelRefused, match="FOREST_MISMATCH"):
        freeze([(Trees((grown(k=5),), (tuple(range(5)),), 10, 5), 1.0)], 4)


def test_probes_stand_on_and_just_below_thresholds_and_miss_values(booster):
    forest = Forest(raw(booster), 6)
    rows, splits = probe_rows(forest), forest.compiled.parts.splits
    thresholds = splits.threshold[splits.feature == 0].astype(float)
    below = np.nextafter(splits.threshold[splits.feature == 0], np.float32(-np.inf)).astype(float)
    assert np.isin(rows[:, 0], thresholds).sum() > 5
    assert np.isin(rows[:, 0], below).sum() > 5
    assert np.isnan(rows[:-1]).any(axis=0).all()
    assert np.isnan(rows[-1]).all()
    np.testing.assert_array_equal(rows, probe_rows(forest))
