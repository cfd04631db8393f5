"""Optimism and .632+ on procedures whose optimism is known."""

import numpy as np
import pytest

from exodx.stats import (
    auc,
    bootstrap_632plus,
    bootstrap_weights,
    brier,
    brier_without_information,
    fit_logistic,
    optimism_bootstrap,
    resampled_rows,
)


def cohort(seed, n=80, features=8, effect=0.0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], n // 2))
    x = rng.normal(size=(n, features))
    x[:, 0] += effect * y
    return y, x


def logistic(y, x):
    design = np.column_stack([np.ones(y.size), x])

    def fit(rows):
        coef, _ = fit_logistic(design[rows], y[rows], ridge=1e-3)
        return lambda at: 1 / (1 + np.exp(-design[at] @ coef))

    return fit


def memory(y, x):
    """A procedure that remembers its specimens and knows nothing else: the nearest neighbour."""

    def fit(rows):
        return lambda at: y[rows][np.abs(x[at][:, None] - x[rows]).sum(axis=2).argmin(axis=1)].astype(float)

    return fit


def constant(value):
    return lambda rows: lambda at: np.full(at.size, value)


def half(y, p):
    return 0.5


class TestOptimism:
    def test_is_what_its_definition_says(self):
        y, x = cohort(1, n=40, features=2)
        fit = logistic(y, x)
        found = optimism_bootstrap(y, fit, brier, resamples=15, seed=4)
        gaps = []
        for weights in np.concatenate(list(bootstrap_weights(y, resamples=15, seed=4))):
            rows = resampled_rows(weights)
            predict = fit(rows)
            gaps.append(brier(y[rows], predict(rows)) - brier(y, predict(np.arange(40))))
        assert found.optimism == pytest.approx(np.mean(gaps))
        assert found.simulation_error == pytest.approx(np.std(gaps, ddof=1) / np.sqrt(15))
        assert found.corrected == found.apparent - found.optimism
        assert found.resamples == 15

    def test_what_learns_nothing_has_no_optimism(self):
        y, _ = cohort(2)
        found = optimism_bootstrap(y, constant(0.3), brier, resamples=20)
        assert found.optimism == pytest.approx(0, abs=1e-12)

    def test_noise_is_corrected_towards_chance(self):
        found = [optimism_bootstrap(y, logistic(y, x), auc, resamples=60) for y, x in (cohort(s) for s in range(10))]
        assert np.mean([f.apparent for f in found]) > 0.65
        assert np.mean([f.corrected for f in found]) == pytest.approx(0.5, abs=0.08)

    def test_score_is_close_to_that_of_new_specimens(self):
        gaps = []
        for seed in range(10):
            y, x = cohort(seed, n=100, features=4, effect=1.0)
            new_y, new_x = cohort(1000 + seed, n=2000, features=4, effect=1.0)
            coef, _ = fit_logistic(np.column_stack([np.ones(100), x]), y)
            gaps.append(optimism_bootstrap(y, logistic(y, x), auc, resamples=60).corrected - auc(new_y, new_x @ coef[1:]))
        assert abs(np.mean(gaps)) < 3 * np.std(gaps, ddof=1) / np.sqrt(10) + 0.01

    def test_subjects_are_drawn_whole(self):
        y, _ = cohort(3, n=40)
        subjects = np.arange(40) // 2 + 100 * y
        seen = []

        def fit(rows):
            seen.append(rows)
            return lambda at: np.full(at.size, 0.5)

        optimism_bootstrap(y, fit, brier, subjects, resamples=5)
        for rows in seen:
            counts = np.bincount(rows, minlength=40)
            for subject in np.unique(subjects):
                assert np.unique(counts[subjects == subject]).size == 1

    def test_refusals(self):
        y, _ = cohort(1)
        with pytest.raises(ValueError, match="prediction has shape"):
            optimism_bootstrap(y, lambda rows: lambda at: np.zeros(3), brier)
        with pytest.raises(ValueError, match="missing"):
            optimism_bootstrap(y, constant(np.nan), brier)
        with pytest.raises(ValueError, match="resamples is 0"):
            optimism_bootstrap(y, constant(0.5), brier, resamples=0)


class TestBootstrap632:
    def test_no_information_rate_is_every_pair(self):
        rng = np.random.default_rng(1)
        y, p = rng.integers(0, 2, 30), rng.random(30)
        pairs = [(b - a) ** 2 for a in y for b in p]
        assert brier_without_information(y, p) == pytest.approx(np.mean(pairs))

    def test_the_memory_of_noise_is_worth_nothing(self):
        """Apparent 0, out of bag ½, no information ½: .632 alone would say .316."""
        y, x = cohort(4, n=60, features=3)
        found = bootstrap_632plus(y, memory(y, x), brier, brier_without_information, resamples=60)
        assert found.apparent == 0
        assert found.overfitting > 0.8
        assert found.corrected == pytest.approx(0.5, abs=0.1)
        assert found.weight == pytest.approx(0.632 / (1 - 0.368 * found.overfitting))

    def test_what_learns_nothing_keeps_the_weight(self):
        y, _ = cohort(5)
        found = bootstrap_632plus(y, constant(0.5), brier, brier_without_information, resamples=20)
        assert (found.overfitting, found.weight) == (0.0, 0.632)
        assert found.corrected == pytest.approx(0.25)

    def test_higher_may_be_better(self):
        y, x = cohort(6, effect=1.2)
        found = bootstrap_632plus(y, logistic(y, x), auc, half, resamples=60)
        assert 0.5 < found.out_of_bag < found.corrected < found.apparent
        assert 0 < found.overfitting < 1
        expected = (1 - found.weight) * found.apparent + found.weight * found.out_of_bag
        assert found.corrected == pytest.approx(expected)

    def test_worse_than_no_information_counts_as_none(self):
        y, _ = cohort(7, n=40)
        worse = bootstrap_632plus(y, lambda rows: lambda at: np.where(np.isin(at, rows), y[at], 1 - y[at]), auc, half, resamples=20)
        assert (worse.out_of_bag, worse.overfitting, worse.weight) == (0.0, 1.0, pytest.approx(1.0))
        assert worse.corrected == pytest.approx(0.5)

    def test_tiny_cohorts_are_refused(self):
        with pytest.raises(ValueError, match="both classes out of bag"):
            bootstrap_632plus([0, 1], constant(0.5), brier, brier_without_information, resamples=10)
