"""Where one specimen lies beside the training ones: the distance against NumPy's own, bits, gaps, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from exodx.frozen import Features, Measurements, Reason, State, Status, domain, loops
from exodx.frozen.domain import BOUND, FEW_GAPS, RANGE, ROWS, Scatter, Scores, flag_domain, normal_scores, squared_limit, surprise
from exodx.frozen.kernels import native_kernel
from exodx.frozen.measurements import reasons_of, status_of
from tests.frozen.boosters import flat


def scatter(p, q, seed=0, noise=0.2):
    rng = np.random.default_rng(seed)
    start = np.tile([-1.5, -1.5, 0.2, 1.8], (p, 1)) + rng.normal(0, 0.1, (p, 1))
    score = np.tile([-1.645, -1.645, 0.0, 1.645], (p, 1))
    slope = np.column_stack([np.ones(p), np.diff(score[:, 1:]) / np.diff(start[:, 1:]), np.ones(p)])
    return Scatter(Scores(start, score, slope), rng.normal(0, 0.1, p), rng.normal(0, 0.6, (p, q)), noise)


def values(n, p, missing=0.0, seed=1):
    rng = np.random.default_rng(seed)
    found = rng.standard_t(3, (n, p))
    found[rng.random((n, p)) < missing] = np.nan
    return found


def by_numpy(s, row):
    """Return the squared distance by the marginal covariance matrix of what the row has."""
    has = ~np.isnan(row)
    z = np.array([np.interp(v, a[1:], b[1:]) for v, a, b in zip(row, s.scores.start, s.scores.score, strict=True)])
    low, high = s.scores.start[:, 0], s.scores.start[:, -1]
    z = np.where(row < low, s.scores.score[:, 0] + (row - low) * s.scores.slope[:, 0], z)
    z = np.where(row > high, s.scores.score[:, -1] + (row - high) * s.scores.slope[:, -1], z)
    z = (np.clip(z, -BOUND, BOUND) - s.shift)[has]
    covariance = (s.factors @ s.factors.T + s.noise * np.eye(len(row)))[np.ix_(has, has)]
    return z @ np.linalg.solve(covariance, z)


@pytest.mark.parametrize("missing", [0.03, 0.2, 0.6])
def test_gaps_are_taken_out_of_the_distance_as_by_the_marginal_scatter(missing):
    s, rows = scatter(12, 4), values(700, 12, missing)
    squared, slack, known = s._without(rows, s._weights(np.arange(12)))
    placed, few = s.place(rows), np.isnan(rows).sum(axis=1) <= FEW_GAPS
    np.testing.assert_array_equal(known, placed.known)
    np.testing.assert_allclose(squared[few], placed.squared[few], rtol=1e-9, atol=1e-9)
    assert np.isinf(slack[~few]).all()
    assert (np.abs(squared[few] - placed.squared[few]) <= slack[few] + 1e-12).all()


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.9]))
def test_the_distance_is_mahalanobis_on_what_a_specimen_has(p, q, seed, missing):
    s, rows = scatter(p, q, seed), values(12, p, missing, seed + 1)
    placed = s.place(rows)
    np.testing.assert_allclose(placed.squared, [by_numpy(s, row) for row in rows], rtol=1e-9, atol=1e-9)
    assert placed.known.tolist() == (~np.isnan(rows)).sum(axis=1).tolist()


def test_lines_go_through_the_quantiles_and_on_beyond():
    scores = Scores(np.array([[1.0, 1.0, 2.0, 4.0]]), np.array([[-1.0, -1.0, 0.0, 1.0]]), np.array([[2.0, 1.0, 0.5, 3.0]]))
    found = scores.of(np.array([[0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, np.nan]]))
    np.testing.assert_allclose(found, [[-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 4.0, np.nan]])


@pytest.mark.parametrize("missing", [0.0, 0.02, 0.4])
@pytest.mark.parametrize("p", [3, 30, 90])
def test_alone_or_in_a_batch_the_bits_are_the_same(p, missing):
    s, rows = scatter(p, min(p, 20), p), values(2 * ROWS + 7, p, missing, 5)
    whole = s.place(rows)
    order = np.random.default_rng(2).permutation(len(rows))
    for name, found in zip(whole._fields, s.place(rows[order]), strict=True):
        assert found.tobytes() == getattr(whole, name)[order].tobytes()
    for row in (0, 1, ROWS, len(rows) - 1):
        alone = s.place(rows[row : row + 1])
        assert [part.tobytes() for part in alone] == [part[row : row + 1].tobytes() for part in whole]
    together = s.flag(rows, 2.0, p / 4)
    assert all(s.flag(rows[r : r + 1], 2.0, p / 4) == (together[0][r], together[1][r]) for r in range(0, len(rows), 11))


@given(st.integers(1, 9), st.integers(0, 10**6), st.sampled_from([0.0, 0.2, 0.7]), st.floats(-2, 6), st.integers(0, 5))
def test_the_quick_look_misses_nothing(p, seed, missing, limit, beyond):
    s, rows = scatter(p, p, seed), values(60, p, missing, seed + 1)
    placed = s.place(rows)
    wanted = np.array([squared_limit(limit, k) for k in range(p + 1)])[placed.known] < placed.squared
    out, absurd = s.flag(rows, limit, beyond)
    np.testing.assert_array_equal(out, wanted | (placed.beyond > beyond))
    np.testing.assert_array_equal(absurd, 2 * placed.wild > placed.known)


@given(
    *(st.integers(1, 9), st.integers(0, 9), st.integers(0, 10**6)),
    *(st.sampled_from([0.0, 0.2, 1.0]), st.floats(-2, 6), st.integers(0, 5), st.sampled_from([7, 10, 128])),
)
def test_the_loop_flags_what_numpy_flags_and_places_as_it_does(p, q, seed, missing, limit, beyond, tile):
    """In tiles that do or do not divide the rows, or hold them all."""
    s, rows = scatter(p, q, seed), values(30, p, missing, seed + 1)
    with mock.patch.object(domain, "LOOPED_ROWS", tile):
        assert_the_loop_does_as_numpy(s, rows, limit, beyond)


def assert_the_loop_does_as_numpy(s, rows, limit, beyond):
    p = rows.shape[1]
    compiled = native_kernel()
    for place in (flat(loops.place), *([compiled.place] if compiled else [])):
        for mine, theirs in zip(s.flag(rows, limit, beyond, place), s.flag(rows, limit, beyond), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        found, exact = s._looped(place, rows, s._weights(np.arange(p)))
        expected = s.place(rows)
        np.testing.assert_array_equal(exact, expected.known == p)
        assert found.squared[exact].tobytes() == expected.squared[exact].tobytes()
        np.testing.assert_array_equal(found.known, expected.known)
        np.testing.assert_array_equal(found.beyond, expected.beyond)


@pytest.mark.parametrize("known", [2, 3, 10, 30, 1000])
def test_the_limit_is_chi_squared_but_for_an_approximation(known):
    """Wilson and Hilferty: within 1 % of the upper 1 % from two degrees of freedom on."""
    assert squared_limit(2.3263478740408408, known) == pytest.approx(chi2.ppf(0.99, known), rel=0.01)
    assert normal_scores(np.array([squared_limit(1.7, known)]), np.array([known]))[0] == pytest.approx(1.7)
    assert normal_scores(np.zeros(1), np.zeros(1, np.intp))[0] == -np.inf


def test_gaps_add_up_to_a_surprise_by_hand():
    missing = np.array([[0, 0], [1, 0], [1, 1]], bool)
    assert surprise(missing, np.array([0.5, 3.0])).tolist() == [0.0, 0.5, 3.5]


def state(p=2, **changes):
    lines = {"start": [[-1.6, -1.6, 0.0, 1.6]] * p, "score": [[-1.6, -1.6, 0.0, 1.6]] * p, "slope": [[1.0] * 4] * p}
    rest = {"shift": [0.0] * p, "factors": [[0.0]] * p, "noise": 1.0, "limit": 2.33, "beyond_limit": 0.0}
    names = [f"f{j}" for j in range(p)]
    return {
        "domain": {"features": names, "analytes": names, "gap_weights": [4.0] * p, "gap_limit": 0.0, **lines, **rest, **changes}
    }


def given_rows(rows):
    table = np.array(rows, float)
    names = tuple(f"f{j}" for j in range(table.shape[1]))
    states = np.where(np.isnan(table), np.uint8(State.NOT_RUN), np.uint8(State.MEASURED))
    return Features(names, table, np.zeros(len(table), np.uint32)), Measurements(names, table, states)


def test_each_reason_by_hand():
    """Two independent standard normals: the upper 1 % of their squared length is 9.21."""
    features, m = given_rows([[0, 0], [2.1, 2.1], [2.2, 2.2], [3.1, 0], [0, np.nan], [11, -11], [11, 0]])
    flags = flag_domain(state(), features, m).flags.tolist()
    out, gap, far = Reason.OUT_OF_DOMAIN, Reason.UNSEEN_MISSINGNESS, Reason.FAR_OUT_OF_DOMAIN
    assert flags == [0, 0, out, out, gap, out | far, out]
    assert [status_of(f) for f in flags[1:6:2]] == [Status.OK, Status.WARN, Status.OUT_OF_DOMAIN]
    assert reasons_of(flags[5]).startswith("OUT_OF_DOMAIN: ")
    assert flag_domain(state(gap_limit=4.0), features, m).flags[4] == 0
    assert flag_domain(state(beyond_limit=1.0, limit=9.0), features, m).flags[3] == 0
    assert RANGE == 3.0


def test_a_model_that_kept_nothing_flags_nothing():
    features, m = given_rows([[900, -900]])
    assert flag_domain({}, features, m) is features


def test_what_is_absurd_gets_no_number_and_what_is_odd_gets_one(model, cohort):
    m = cohort.measurements[:6]
    absurd = replace(m, values=m.values.copy())
    targets = [m.names.index(name) for name in model.features if name in m.names]
    absurd.values[0, targets] = absurd.values[0, targets] * 1e6
    found, plain = model.predict(absurd, cohort.ids[:6]), model.predict(m, cohort.ids[:6])
    if found.status[0] == "OUT_OF_DOMAIN":
        assert (found.call[0], "FAR_OUT_OF_DOMAIN" in found.reasons[0]) == ("not_reported", True)
        assert np.isnan(model.explain(absurd).values[0]).all()
    assert found.status[0] in ("OUT_OF_DOMAIN", "WARN")
    assert found.margin[1:].tobytes() == plain.margin[1:].tobytes()
    without = replace(model, reference={key: part for key, part in model.reference.items() if key != "domain"})
    assert without.predict(m, cohort.ids[:6]).margin.tobytes() == plain.margin.tobytes()
