"""Columns that fit a model's training specimens better under another name or on another scale: exchanged, negative, another log.

A frozen model keeps where its features lay and how they went together (:mod:`exodx.frozen.domain`), so a cohort can be asked
whether it would lie nearer if two of its columns bore each other's names. What is told is a suspicion with its evidence; nothing is
put right. Two columns that lay alike and went with the same others can be exchanged unseen, whoever looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from exodx.cohort import Cohort
from exodx.evaluation.audits import Finding
from exodx.frozen import DiagnosticModel, Features, Measurements
from exodx.frozen.domain import BOUND, Scatter, scatter_of
from exodx.frozen.measurements import is_scored
from exodx.panel import Scale

Floats = NDArray[np.float64]

ENOUGH = 10
"""Subjects with which anything can be said."""

LOOKED_AT = 60
"""Features, those that fit worst: of more, most fit."""

BY_CHANCE = 1e-3
"""Of any such finding in a cohort; what is tried is many, and each counts."""

MOST, EXPLAINED = 0.6, 0.5
"""So large a share of the specimens lie nearer then, and so much of what the columns lie off by is gone."""

MOST_NAMED = 5
TINY = 1e-9
OTHERWISE = MappingProxyType({"its negative": -1.0, "log10 for log2": float(1 / np.log10(2)), "ln for log2": float(1 / np.log(2))})
"""What a column of normalised values may be instead, and the factor that brings it back; none that shrinks, since what is drawn
towards nothing lies nearer anything."""


@dataclass(frozen=True, slots=True)
class MixUp:
    """A column, or a pair, that lies nearer to training otherwise.

    Parameters
    ----------
    features : tuple of str
        One feature, or the two that fit each other's names.
    what : str
        ``exchanged``, or what the one looks like.
    nearer : float
        Share of specimens that lie nearer then.
    score : float
        Mean gain in squared distance over its standard error.
    """

    features: tuple[str, ...]
    what: str
    nearer: float
    score: float


def audit_mix_ups(model: DiagnosticModel, cohort: Cohort, features: Features) -> list[Finding]:
    """Return which columns seem exchanged or on another scale.

    Parameters
    ----------
    model : DiagnosticModel
    cohort : Cohort, n specimens
        The first specimen of each subject that can be scored counts.
    features : Features
        The model's, of the same specimens.
    """
    found = mix_ups(model, cohort, features)
    pairs = [m for m in found if m.what == "exchanged"]
    single = [m for m in found if m.what != "exchanged"]
    findings = []
    if pairs:
        shown = "; ".join(f"{' and '.join(m.features)} ({100 * m.nearer:.0f} % of subjects lie nearer then)" for m in pairs)
        message = (
            f"Under each other's names these columns fit the training specimens better: {shown}. They may have been exchanged on "
            "the way. Look at the plate's layout and at the export; nothing was put right here."
        )
        findings.append(Finding("analytes_exchanged", "warning", message))
    if single:
        shown = "; ".join(f"{m.features[0]}: {m.what} ({100 * m.nearer:.0f} % of subjects lie nearer then)" for m in single)
        message = (
            f"These columns fit the training specimens better on another scale: {shown}. Find out how they were computed; nothing "
            "was put right here."
        )
        findings.append(Finding("analyte_rescaled", "warning", message))
    return findings


def mix_ups(model: DiagnosticModel, cohort: Cohort, features: Features) -> list[MixUp]:
    """Return the columns that lie nearer to training otherwise: the clearest, then what is left once it is put right, and so on."""
    state = model.reference.get("domain")
    scored = np.flatnonzero(is_scored(features.flags))
    rows = scored[np.unique(cohort.subjects[scored], return_index=True)[1]]
    if state is None or len(rows) < ENOUGH:
        return []
    names: list[str] = state["features"]
    values = features.values[rows][:, [features.names.index(name) for name in names]]
    placed = _Placed.of(scatter_of(state), values)
    kept: list[MixUp] = []
    taken: set[str] = set()
    for look in (_exchanged, _otherwise):
        while len(kept) < MOST_NAMED and (best := _clearest(look(model, names, placed), taken)) is not None:
            kept.append(best)
            taken |= set(best.features)
            placed = placed.put_right(best, names)
    best = _clearest(_references(model, cohort.measurements[rows], names, placed), taken)
    return kept if best is None else [*kept, best]


def _clearest(found: Iterator[MixUp], taken: set[str]) -> MixUp | None:
    """Return the clearest that touches no column that was put right already: what is left may have been its doing."""
    return max((m for m in found if not taken & set(m.features)), key=lambda m: m.score, default=None)


@dataclass(frozen=True, slots=True)
class _Placed:
    """Specimens in normal scores, shape (p, n), with the inverse of the scatter; gaps stand at the mean."""

    scatter: Scatter
    values: Floats
    z: Floats
    known: NDArray[np.bool_]
    inverse: Floats
    pull: Floats

    @classmethod
    def of(cls, scatter: Scatter, values: Floats) -> _Placed:
        z, known = _scores(scatter, np.ascontiguousarray(values.T)), ~np.isnan(values.T)
        factors = scatter.factors
        inner = factors.T @ factors + scatter.noise * np.eye(factors.shape[1])
        inverse = (np.eye(len(factors)) - factors @ np.linalg.solve(inner, factors.T)) / scatter.noise
        z = np.where(known, z, 0.0)
        return cls(scatter, values, z, known, inverse, inverse @ z)

    def put_right(self, mix_up: MixUp, names: list[str]) -> _Placed:
        """Return the specimens as they would be."""
        values, columns = self.values.copy(), [names.index(name) for name in mix_up.features]
        factor = OTHERWISE.get(mix_up.what, 1.0)
        values[:, columns] = factor * values[:, columns[::-1]]
        return _Placed.of(self.scatter, values)

    @property
    def misfit(self) -> Floats:
        """Of each feature given the others: its squared residual in units of its variance, about 1 in training, shape (p, n)."""
        return np.where(self.known, self.pull**2 / np.diag(self.inverse)[:, None], np.nan)

    def worst(self) -> NDArray[np.intp]:
        """Return the features that fit worst, in their order."""
        with np.errstate(invalid="ignore"):
            enough = self.known.sum(axis=1) >= ENOUGH
            size = np.where(enough, np.nansum(self.misfit, axis=1) / np.maximum(self.known.sum(axis=1), 1), -np.inf)
        chosen = np.argsort(-size, kind="stable")[:LOOKED_AT]
        return np.sort(chosen[enough[chosen]])

    def moved(self, features: list[int], rows: NDArray[np.bool_], steps: Floats) -> tuple[Floats, Floats, Floats]:
        """Return what is gained in squared distance when scores move, and the features' misfit before and after.

        Parameters
        ----------
        features : list of int, length k
        rows : ndarray of bool, shape (n,)
            Specimens that have them all, m in number.
        steps : ndarray, shape (k, m)

        Returns
        -------
        gain : ndarray, shape (m,)
        before, after : ndarray, shape (k,)
            Mean misfit of each feature.
        """
        at = np.array(features, np.intp)
        block, pull = self.inverse[np.ix_(at, at)], self.pull[np.ix_(at, np.flatnonzero(rows))]
        then = pull + block @ steps
        gain = -(steps * (pull + then)).sum(axis=0)
        before, after = (np.square(part).mean(axis=1) / np.diag(block) for part in (pull, then))
        return gain, before, after

    def borne_out(self, feature: int, rows: NDArray[np.bool_], then: Floats, factor: float) -> bool:
        """Say whether a factor puts right more than a level, which another assay or population moves too.

        A column of the wrong sign runs against what the others foretell of it; one on a coarser logarithm spreads too little.
        """
        z = self.z[feature, rows]
        foretold = z - self.pull[feature, rows] / self.inverse[feature, feature]
        if factor < 0:
            return bool(np.cov(z, foretold)[0, 1] < 0)
        return bool(abs(np.log(max(then.std(), TINY))) < abs(np.log(max(z.std(), TINY))))

    def score_as(self, features: NDArray[np.intp], column: Floats) -> Floats:
        """Return the scores that a column would have under the names of some features, shape (k, n)."""
        s = self.scatter.scores
        part = replace(s, start=s.start[features], score=s.score[features], slope=s.slope[features])
        z = np.clip(part.of(np.tile(column, (len(features), 1))), -BOUND, BOUND)
        return z - self.scatter.shift[features, None]


def _scores(scatter: Scatter, values: Floats) -> Floats:
    return np.clip(scatter.scores.of(values), -BOUND, BOUND) - scatter.shift[:, None]


def _exchanged(model: DiagnosticModel, names: list[str], placed: _Placed) -> Iterator[MixUp]:
    """Try every pair of the features that fit worst whose analytes are measured alike."""
    worst = [j for j in placed.worst().tolist() if _kind(model, names[j]) is not None]
    tried = len(worst) * (len(worst) - 1) / 2
    as_others = {j: dict(zip(worst, placed.score_as(np.array(worst), placed.values[:, j]), strict=True)) for j in worst}
    for i, j in combinations(worst, 2):
        both = placed.known[i] & placed.known[j]
        if both.sum() >= ENOUGH and _kind(model, names[i]) == _kind(model, names[j]):
            steps = np.stack([as_others[j][i] - placed.z[i], as_others[i][j] - placed.z[j]])[:, both]
            yield from _judged((names[i], names[j]), "exchanged", *placed.moved([i, j], both, steps), tried)


def _otherwise(model: DiagnosticModel, names: list[str], placed: _Placed) -> Iterator[MixUp]:
    """Try what a column of normalised values may be instead."""
    worst = [j for j in placed.worst().tolist() if _kind(model, names[j]) == (Scale.NORMALISED, "")]
    for j in worst:
        known = placed.known[j]
        for what, factor in OTHERWISE.items():
            then = placed.score_as(np.array([j]), factor * placed.values[:, j])[:, known]
            steps = then - placed.z[[j]][:, known]
            if not placed.borne_out(j, known, then[0], factor):
                continue
            yield from _judged((names[j],), what, *placed.moved([j], known, steps), len(worst) * len(OTHERWISE))


def _references(model: DiagnosticModel, m: Measurements, names: list[str], placed: _Placed) -> Iterator[MixUp]:
    """Try each reference under each target's name: what is subtracted from all would be another column."""
    references, scales = model.transform.references, model.transform.scale.scales
    targets = [n for n in names if n in m.names and scales.get(n) == "ct" and n not in references]
    pairs = [(r, t) for r in references for t in targets][: LOOKED_AT**2]
    before = placed.scatter.place(placed.values).squared
    for r, t in pairs:
        order = list(range(len(m.names)))
        a, b = m.names.index(r), m.names.index(t)
        order[a], order[b] = b, a
        other = model.transform.apply(Measurements(m.names, m.values[:, order], m.states[:, order], m.flags))
        after = placed.scatter.place(other.values[:, [other.names.index(n) for n in names]]).squared
        both = np.isfinite(m.values[:, a]) & np.isfinite(m.values[:, b])
        if both.sum() >= ENOUGH:
            was, then = (np.array([d[both].mean()]) for d in (before, after))
            yield from _judged((r, t), "exchanged", (before - after)[both], was, then, len(pairs))


def _judged(features: tuple[str, ...], what: str, gain: Floats, before: Floats, after: Floats, tried: float) -> Iterator[MixUp]:
    """Give a mix-up where nearly all evidence is for it: most specimens lie nearer, by far more than chance, and little is left."""
    n, spread = len(gain), float(gain.std(ddof=1))
    nearer = int((gain > 0).sum())
    if spread <= 0 or nearer < MOST * n or (after > before).any() or after.sum() > EXPLAINED * before.sum():
        return
    score = float(gain.mean()) / (spread / n**0.5)
    if max(tried * norm.sf(score), tried * binom.sf(nearer - 1, n, 0.5)) < BY_CHANCE:
        yield MixUp(features, what, nearer / n, score)


def _kind(model: DiagnosticModel, feature: str) -> tuple[Scale, str] | None:
    """Return how a feature's analyte is measured: exchanging two columns measured alike exchanges their features."""
    analyte = next((a for a in model.panel.analytes if a.name == feature), None)
    if analyte is None:
        return None
    return analyte.scale, analyte.unit if analyte.scale is Scale.LINEAR else ""
