"""Whether one specimen's values, taken together, lie where the training specimens' lay, and whether its gaps are like theirs.

Each value may be usual and their combination not: columns swapped, another fluid, a shift of many features at once. The distance
is Mahalanobis' in normal scores, bounded in each feature so that one wild value cannot fill it. Beside it the values that lie
beyond training's range are counted: features that go together in training hide a shift of them all from the distance. The limits
of both were learned on specimens held out from location and scatter. Such a specimen is scored, with a warning. Only where most
values lie more than ten standard deviations off is it refused.

Every operation acts element by element along specimens, features in a fixed order: a specimen alone gets the bits it gets in a
batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.measurements import Features, Measurements, Reason, is_censored, is_measured
from exodx.frozen.native import Loop

Floats = NDArray[np.float64]

ROWS, LOOPED_ROWS = 512, 128
"""At once: what is worked on stays in the processor's cache."""
RANGE, BOUND, ABSURD = 3.0, 6.0, 10.0
"""Normal scores: beyond the first a value lies outside training's range; up to the second it adds to the distance."""
CLEARLY = 1 - 1e-6
FEW_GAPS = 8
"""Of more, a pattern of gaps is looked at by itself."""
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Scores:
    """Normal scores of p features: straight lines that join at training's quantiles, and go on beyond the outermost.

    Parameters
    ----------
    start, score, slope : ndarray, shape (p, s)
        Of each line: where it starts (the first one holds below too), the score there, and what it rises by. Starts never fall.
    """

    start: Floats
    score: Floats
    slope: Floats

    def of(self, values: Floats) -> Floats:
        """Return the scores of values, both of shape (p, n), one feature a row; NaN stays."""
        z = values - self.start[:, :1]
        z *= self.slope[:, :1]
        z += self.score[:, :1]
        over = np.empty_like(z)
        for start, turn in zip(self.start.T[1:], np.diff(self.slope).T, strict=True):
            np.subtract(values, start[:, None], out=over)
            np.maximum(over, 0.0, out=over)
            over *= turn[:, None]
            z += over
        return z


class Placed(NamedTuple):
    """Where specimens lie, each array of shape (n,).

    Parameters
    ----------
    squared : ndarray
        Squared distance, about chi-squared with ``known`` degrees of freedom where scores are normal and their scatter is known.
    known : ndarray of int
        Features with a value.
    beyond, wild : ndarray of int
        Features whose score is beyond ``RANGE``, and beyond ``ABSURD``.
    """

    squared: Floats
    known: NDArray[np.signedinteger]
    beyond: NDArray[np.signedinteger]
    wild: NDArray[np.signedinteger]


@dataclass(frozen=True, slots=True)
class Scatter:
    """Location and scatter of p features: bounded normal scores vary as ``factors @ factors.T + noise · 1``.

    Parameters
    ----------
    scores : Scores
    shift : ndarray, shape (p,)
        Mean of the bounded scores.
    factors : ndarray, shape (p, q)
    noise : float
        Variance of each feature beside the factors, above 0.
    """

    scores: Scores
    shift: Floats
    factors: Floats
    noise: float

    def place(self, values: Floats) -> Placed:
        """Say where specimens lie, each by the features that it has (the marginal scatter).

        Parameters
        ----------
        values : ndarray, shape (n, p)
            NaN where a feature has no value.
        """
        z, placed = self._scored(values)
        for rows, has in _patterns(np.isnan(values)):
            weights = self._weights(has)
            for start in range(0, len(rows), ROWS):
                part = rows[start : start + ROWS]
                placed.squared[part] = _squared(z[np.ix_(has, part)], weights, self.noise)
        return placed

    def flag(
        self, values: Floats, limit: float, beyond: float, place: Loop | None = None
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Say which specimens lie outside, and which are absurd.

        Most are known to be inside at less cost: a gap taken for the mean can only lengthen the distance. Then a few gaps are taken
        out of it. What is not clear by far is placed, so that rounding in these looks, which depends on the batch, decides nothing.

        Parameters
        ----------
        values : ndarray, shape (n, p)
        limit : float
            Of the distance, as a normal score.
        beyond : float
            Most values that may lie beyond the range.
        place : callable, optional
            :func:`exodx.frozen.loops.place`, compiled; what it finds of a specimen without gaps is what :meth:`place` finds.
        """
        limits = np.array([squared_limit(limit, k) for k in range(values.shape[1] + 1)])
        near, outside, absurd = np.zeros((3, len(values)), bool)
        weights = self._weights(np.arange(values.shape[1]))
        look, at_once = (self._look, ROWS) if place is None else (partial(self._looped, place), max(len(values), 1))
        for start in range(0, len(values), at_once):
            part = slice(start, start + at_once)
            placed, exact = look(values[part], weights)
            far, most = placed.beyond > beyond, limits[placed.known]
            near[part] = ~exact & (placed.squared > CLEARLY * most)
            outside[part] = far | (exact & (placed.squared > most))
            absurd[part] = 2 * placed.wild > placed.known
        rows = np.flatnonzero(near & ~outside)
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            squared, slack, known = self._without(values[some], weights)
            outside[some] = squared - slack > limits[known]
            near[some] = ~outside[some] & (squared + slack >= limits[known])
        rows = np.flatnonzero(near & ~outside)
        found = self.place(values[rows])
        outside[rows] = found.squared > limits[found.known]
        return outside, absurd

    def _look(self, values: Floats, weights: Floats) -> tuple[Placed, NDArray[np.bool_]]:
        """Return where specimens lie, gaps taken for the mean, and whether that is exact."""
        z, placed = self._scored(values)
        if (placed.known < len(z)).any():
            z[np.isnan(z)] = 0.0
        squared = (np.einsum("pn,pn->n", z, z) - np.square(weights @ z).sum(axis=0)) / self.noise
        return placed._replace(squared=squared), np.zeros(len(values), bool)

    def _without(self, values: Floats, weights: Floats) -> tuple[Floats, Floats, NDArray[np.signedinteger]]:
        """Return squared distances without the gaps, what they may be wrong by (∞ for many gaps), and how many features are known.

        With M = AᵀA, gaps g taken for the mean lengthen noise · distance² by vᵀ (1 − M_gg)⁻¹ v, where v = (M z)_g.
        """
        z, placed = self._scored(values)
        missing = np.isnan(z)
        z[missing] = 0.0
        overlap = weights.T @ weights
        pulled = overlap @ z
        total = np.einsum("pn,pn->n", z, z) - np.einsum("pn,pn->n", z, pulled)
        slack = (1 - CLEARLY) * np.abs(total)
        gaps_of = missing.sum(axis=0)
        slack[gaps_of > FEW_GAPS] = np.inf
        for count in range(1, FEW_GAPS + 1):
            rows = np.flatnonzero(gaps_of == count)
            gone = np.nonzero(missing[:, rows].T)[1].reshape(-1, count)
            v = pulled[gone, rows[:, None]]
            inner = np.eye(count) - overlap[gone[:, :, None], gone[:, None, :]]
            total[rows] -= (v * np.linalg.solve(inner, v[:, :, None])[:, :, 0]).sum(axis=1)
        return total / self.noise, slack / self.noise, placed.known

    def _looped(self, place: Loop, values: Floats, weights: Floats) -> tuple[Placed, NDArray[np.bool_]]:
        """Return the same by the compiled loop, whose sums are those of :func:`_squared`."""
        n, p = values.shape
        lines, q = self.scores.start.shape[1], len(weights)
        squared, known, beyond, wild = np.empty(n), *np.empty((3, n), np.int32)
        tile = max(min(n, LOOPED_ROWS), 1)
        place(
            *(n, tile, p, lines, self.scores.start, self.scores.score, self.scores.slope, values.T),
            *(RANGE, ABSURD, BOUND, self.shift, q, weights, self.noise),
            *(np.empty((p, tile)), np.empty(tile), squared, known, beyond, wild),
        )
        return Placed(squared, known, beyond, wild), known == p

    def _scored(self, values: Floats) -> tuple[Floats, Placed]:
        """Return bounded scores, shape (p, n), and where the specimens lie but for their distance."""
        z = self.scores.of(np.ascontiguousarray(values.T))
        size = np.abs(z)
        beyond, within = np.count_nonzero(size > RANGE, axis=0), np.count_nonzero(size <= RANGE, axis=0)
        many = np.flatnonzero(beyond > within)
        wild = np.zeros(len(values), np.intp)
        wild[many] = np.count_nonzero(size[:, many] > ABSURD, axis=0)
        np.clip(z, -BOUND, BOUND, out=z)
        z -= self.shift[:, None]
        return z, Placed(np.zeros(len(values)), beyond + within, beyond, wild)

    def _weights(self, has: NDArray[np.intp]) -> Floats:
        """Return the projection A, shape (q, k), with squared distance = (|z|² − |A z|²) / noise (Woodbury's identity)."""
        factors = self.factors[has]
        inner = factors.T @ factors + self.noise * np.eye(factors.shape[1])
        return np.linalg.solve(np.linalg.cholesky(inner), factors.T)


def _patterns(missing: NDArray[np.bool_]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return, for each pattern of gaps, the rows that have it and the columns with values."""
    gappy = missing.any(axis=1)
    found = [(np.flatnonzero(~gappy), np.arange(missing.shape[1]))] if not gappy.all() else []
    rows = np.flatnonzero(gappy)
    if not rows.size:
        return found
    packed = np.packbits(missing[rows], axis=1)
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    first, which = np.unique(keys, return_index=True, return_inverse=True)[1:]
    order = np.argsort(which, kind="stable")
    groups = np.split(rows[order], np.flatnonzero(np.diff(which[order])) + 1)
    return found + [(group, np.flatnonzero(~missing[rows[at]])) for group, at in zip(groups, first, strict=True)]


def _squared(z: Floats, weights: Floats, noise: float) -> Floats:
    """Return squared distances of columns of z, shape (p, n), feature by feature."""
    projected, total = np.zeros((len(weights), z.shape[1])), np.zeros(z.shape[1])
    for feature, row in enumerate(z):
        projected += weights[:, feature, None] * row
        total += row * row
    for row in projected:
        total -= row * row
    return np.maximum(total, 0.0) / noise


def normal_scores(squared: Floats, known: NDArray[np.intp]) -> Floats:
    """Return squared distances as normal scores (Wilson and Hilferty 1931, 10.1073/pnas.17.12.684); −∞ where nothing is known."""
    spread = 2 / (9 * np.maximum(known, 1))
    scores = (np.cbrt(squared / np.maximum(known, 1)) - (1 - spread)) / np.sqrt(spread)
    return np.where(known > 0, scores, -np.inf)


def squared_limit(limit: float, known: int) -> float:
    """Return the squared distance on ``known`` features that has this normal score.

    >>> round(squared_limit(2.326347874, 30), 1)  # chi-squared, 30 degrees of freedom, upper 1 %: 50.9
    50.9
    """
    spread = 2 / (9 * max(known, 1))
    return float(known * max(1 - spread + limit * spread**0.5, 0.0) ** 3)


def gaps(m: Measurements, analytes: Sequence[str]) -> NDArray[np.bool_]:
    """Say which analytes were not looked for, or gave nothing that can be used, shape (n, analytes)."""
    states = m.states[:, [m.names.index(name) for name in analytes]]
    return ~(is_measured(states) | is_censored(states))


def surprise(missing: NDArray[np.bool_], weights: Floats) -> Floats:
    """Add up how unlikely each gap is (−log of its share in training), shape (n,)."""
    total = np.zeros(len(missing))
    for column, weight in zip(missing.T, weights, strict=True):
        total += weight * column
    return total


def flag_domain(reference: Mapping[str, Any], features: Features, m: Measurements, place: Loop | None = None) -> Features:
    """Flag the specimens that are not like those of training; a model that kept nothing of them flags none.

    Parameters
    ----------
    reference : mapping
        Of the model; ``domain`` is what :func:`exodx.training.domain.learn_domain` found.
    features : Features, n specimens
    m : Measurements
        What they come from, in the panel's order.
    place : callable, optional
        See :meth:`Scatter.flag`; changes the time only.
    """
    state = reference.get("domain")
    if state is None:
        return features
    wanted = [features.names.index(name) for name in state["features"]]
    values = features.values if wanted == list(range(len(features.names))) else features.values.T[wanted].T
    out, absurd = scatter_of(state).flag(values, state["limit"], state["beyond_limit"], place)
    unlikely = surprise(gaps(m, state["analytes"]), np.array(state["gap_weights"]))
    found = {
        Reason.OUT_OF_DOMAIN: out,
        Reason.FAR_OUT_OF_DOMAIN: absurd,
        Reason.UNSEEN_MISSINGNESS: unlikely > state["gap_limit"] + ROUNDING,
    }
    flags = features.flags
    for reason, rows in found.items():
        flags = flags | np.where(rows, np.uint32(reason), np.uint32(0))
    return replace(features, flags=flags)


def products_of(reference: Mapping[str, Any]) -> int:
    """Return how many products it takes to place a specimen; none for a model that kept nothing of its training features."""
    state = reference.get("domain")
    if state is None:
        return 0
    scatter = scatter_of(state)
    return scatter.factors.size + scatter.scores.start.size


def check_domain(reference: Mapping[str, Any]) -> None:
    """Refuse location and scatter of other shapes than their features': the compiled loop does not look where they end.

    Raises
    ------
    ValueError
    """
    state = reference.get("domain")
    if state is None:
        return
    scatter, p = scatter_of(state), len(state["features"])
    lines = {array.shape for array in (scatter.scores.start, scatter.scores.score, scatter.scores.slope)}
    width = max(scatter.scores.start.shape[-1:], default=0)
    if lines != {(p, width)} or not width or scatter.shift.shape != (p,) or scatter.factors.shape[:-1] != (p,):
        raise ValueError("location and scatter of other features")


def scatter_of(state: Mapping[str, Any]) -> Scatter:
    """Rebuild what a model keeps of its training features."""
    lines = Scores(*(np.array(state[key], np.float64) for key in ("start", "score", "slope")))
    shift, factors = (np.array(state[key], np.float64) for key in ("shift", "factors"))
    return Scatter(lines, shift, factors, state["noise"])
