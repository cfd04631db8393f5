"""Drift against R, scikit-learn and their own laws."""

import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.covariance import ledoit_wolf

from exodx.stats import fit_reference, psi, psi_by_chance, shifted
from exodx.stats.drift import _ledoit_wolf


class TestPsi:
    def test_against_r(self, golden):
        data = golden("utility")["drift"]
        old, new = np.array(data["reference"])[:, 0], np.array(data["new"])[:, 0]
        assert psi(old, new) == pytest.approx(data["psi"], abs=1e-12)

    def test_by_hand(self):
        """Halves of 0..9; the new values are .8 below and .2 above the middle."""
        assert psi(np.arange(10.0), [1, 2, 3, 4, 0, 1, 2, 3, 8, 9], bins=2) == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))

    def test_chance_is_as_told(self):
        rng = np.random.default_rng(1)
        found = [psi(rng.normal(size=400), rng.normal(size=300)) for _ in range(600)]
        assert np.mean(found) == pytest.approx(psi_by_chance(400, 300), rel=0.1)

    def test_order_and_monotone_scale_do_not_matter(self):
        rng = np.random.default_rng(2)
        old, new = rng.normal(size=101), rng.normal(size=50) + 0.3
        assert psi(np.exp(old), np.exp(new)) == pytest.approx(psi(rng.permutation(old), new), abs=1e-12)

    def test_ties_and_constants(self):
        assert psi([1, 1, 1, 1], [1, 1]) == 0
        assert psi([1, 1, 1, 1], [2, 2]) > 1

    def test_refusals(self):
        with pytest.raises(ValueError, match="bins is 1"):
            psi([1, 2], [1, 2], bins=1)
        with pytest.raises(ValueError, match="new has shape"):
            psi([1, 2], [])
        with pytest.raises(ValueError, match="missing"):
            psi([1, np.nan], [1, 2])
        with pytest.raises(ValueError, match="at least 1"):
            psi_by_chance(0, 10)


class TestShifted:
    def test_against_r(self, golden):
        data = golden("utility")["drift"]
        found = shifted(data["reference"], data["new"])
        np.testing.assert_allclose(found.distance, data["distance"], atol=1e-12)
        np.testing.assert_allclose(found.p, data["p"], rtol=1e-6)
        np.testing.assert_allclose(found.adjusted, data["holm"], rtol=1e-6)

    def test_missing_values_take_no_part(self):
        rng = np.random.default_rng(3)
        old, new = rng.normal(size=(50, 2)), rng.normal(size=(20, 2))
        with_gaps = np.vstack([new, [[np.nan, np.nan]]])
        assert shifted(old, with_gaps).p == pytest.approx(shifted(old, new).p)
        empty = shifted(np.column_stack([old, np.full(50, np.nan)]), np.column_stack([new, np.zeros(20)]))
        assert np.isnan(empty.p[2])
        assert empty.adjusted[:2] == pytest.approx(shifted(old, new).adjusted)

    def test_refusals(self):
        with pytest.raises(ValueError, match="same features"):
            shifted(np.zeros((3, 2)), np.zeros((3, 1)))


class TestReference:
    def test_shrinkage_equals_scikit_learn(self):
        rng = np.random.default_rng(4)
        for n, k in ((30, 4), (10, 25), (200, 2)):
            z = rng.normal(size=(n, k)) @ rng.normal(size=(k, k))
            z -= z.mean(axis=0)
            covariance, shrinkage = _ledoit_wolf(z)
            expected, weight = ledoit_wolf(z, assume_centered=True)
            np.testing.assert_allclose(covariance, expected, rtol=1e-9, atol=1e-12)
            assert shrinkage == pytest.approx(weight)

    def test_distances_of_normal_specimens_are_chi_squared(self):
        rng = np.random.default_rng(5)
        mixing = np.array([[1.0, 0.5, 0.2], [0.0, 1.0, 0.4], [0.0, 0.0, 1.0]])
        reference = fit_reference(rng.normal(size=(5000, 3)) @ mixing + 7)
        distances = reference.distances(rng.normal(size=(20_000, 3)) @ mixing + 7)
        assert np.quantile(distances, [0.5, 0.95]) == pytest.approx(chi2.ppf([0.5, 0.95], 3), rel=0.05)
        assert (distances > reference.limit()).mean() == pytest.approx(0.001, abs=0.001)

    def test_outliers_move_it_little(self):
        rng = np.random.default_rng(6)
        clean = rng.normal(size=(200, 3))
        dirty = clean.copy()
        dirty[:10] = 50
        at = np.array([[4.0, 4.0, 4.0], [0.0, 0.0, 0.0]])
        reference = fit_reference(dirty)
        assert reference.distances(at)[0] > reference.limit()
        assert fit_reference(clean).distances(at)[0] > reference.limit()
        plain = np.linalg.inv(np.cov(dirty.T))
        gap = at[0] - dirty.mean(axis=0)
        assert gap @ plain @ gap < chi2.ppf(0.9, 3)  # without robustness the same point would look usual

    def test_unit_does_not_matter(self):
        rng = np.random.default_rng(7)
        x, new = rng.normal(size=(60, 3)), rng.normal(size=(5, 3))
        scale, shift = np.array([0.01, 1, 1000]), np.array([5, -3, 2])
        one, other = fit_reference(x).distances(new), fit_reference(x * scale + shift).distances(new * scale + shift)
        np.testing.assert_allclose(one, other, rtol=1e-9)

    def test_more_features_than_specimens(self):
        rng = np.random.default_rng(8)
        reference = fit_reference(rng.normal(size=(12, 40)))
        assert 0 < reference.shrinkage <= 1
        assert np.isfinite(reference.distances(rng.normal(size=(3, 40)))).all()

    def test_missing_features_have_no_distance(self):
        reference = fit_reference(np.random.default_rng(9).normal(size=(20, 2)))
        assert np.isnan(reference.distances([[np.nan, 0.0], [0.0, 0.0]])).tolist() == [True, False]

    def test_refusals(self):
        with pytest.raises(ValueError, match="at least three"):
            fit_reference([[1.0], [2.0]])
        with pytest.raises(ValueError, match=r"\[1\] have no spread"):
            fit_reference([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
        with pytest.raises(ValueError, match="missing"):
            fit_reference([[1.0], [np.nan], [3.0]])
