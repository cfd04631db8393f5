"""How steady reference candidates are: geNorm and NormFinder, and a choice that takes no two candidates of one family.

Both look at log2 quantities, specimens in rows and candidates in columns, and belong inside the training fold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exodx.errors import InputRefused, Problem

Floats = NDArray[np.float64]

ENOUGH_VARIATION = 0.15
"""No further reference is added once V(n/n+1) is below it."""

M_LIMITS = {"homogeneous": 0.5, "heterogeneous": 1.0, "original": 1.5}
"""Below which mean M references were called steady: in homogeneous and heterogeneous specimens, and in the original paper."""

MIN_SPECIMENS, MIN_CANDIDATES = 8, 3
MIN_REFERENCES, MAX_REFERENCES = 2, 5

_TIED = 1e-9


@dataclass(frozen=True, slots=True)
class GeNorm:
    """What geNorm found; candidates are numbered by column.

    Parameters
    ----------
    ranking : tuple of int, length k
        Steadiest first. geNorm cannot rank the first two: they stand in the order of their columns.
    stability : tuple of float, length k
        M of each candidate of ``ranking`` among those that were left when it went; lower is steadier.
    m_of_all : tuple of float, length k
        M of each candidate among all, in the order of the columns.
    mean_m : tuple of float, length k − 1
        Mean M of the best 2, 3, …, k candidates.
    variation : tuple of float, length k − 2
        V(2/3), V(3/4), …: the SD of what one more reference changes.
    n_best : int
        References to take: the fewest with V below 0.15, all candidates when there is no such number.
    """

    ranking: tuple[int, ...]
    stability: tuple[float, ...]
    m_of_all: tuple[float, ...]
    mean_m: tuple[float, ...]
    variation: tuple[float, ...]
    n_best: int

    @property
    def met(self) -> str | None:
        """The strictest of :data:`M_LIMITS` that the best ``n_best`` meet, for a report; None when they meet none."""
        reached = self.mean_m[self.n_best - 2]
        return next((name for name, limit in M_LIMITS.items() if reached < limit), None)


@dataclass(frozen=True, slots=True)
class NormFinder:
    """What NormFinder found; candidates are numbered by column.

    Parameters
    ----------
    stability : tuple of float, length k
        ρ of each candidate; the SD within the group where there is one group. Lower is steadier.
    ranking : tuple of int, length k
        Steadiest first.
    variance : tuple of tuple of float, shape (m, k)
        Variance within each group; an estimate that may be below 0, and counts as 0 then.
    tau2 : float or None
        Variance of the differences between groups; None where there is one group.
    groups : tuple, length m
        The groups, in the order of ``variance``.
    """

    stability: tuple[float, ...]
    ranking: tuple[int, ...]
    variance: tuple[tuple[float, ...], ...]
    tau2: float | None
    groups: tuple[Any, ...]


def genorm(log_quantity: ArrayLike) -> GeNorm:
    """Rank candidates by how steady their ratios to the others are.

    Parameters
    ----------
    log_quantity : array_like, shape (n, k)
        log2 quantities (−Ct where the efficiency is 2), none missing.

    Raises
    ------
    InputRefused
        For a missing value, fewer than two candidates or fewer than two specimens.

    Notes
    -----
    Vandesompele 2002, 10.1186/gb-2002-3-7-research0034. M of a candidate is the mean, over the others, of the SD of their log
    ratio. The candidate with the largest M goes (of equals the last column) until two are left. V(n/n+1) is the SD of the
    difference between the mean log quantities of the best n and n + 1. Candidates that rise and fall together look steady to
    geNorm: see :func:`choose_references`.

    Examples
    --------
    >>> found = genorm([[5.0, 3.0, 1.0], [6.0, 4.1, 3.0], [4.0, 2.0, 1.2], [5.5, 3.4, 0.3]])
    >>> found.ranking, round(found.stability[0], 3), found.n_best
    ((0, 1, 2), 0.082, 3)
    """
    y = _complete(log_quantity, candidates=2)
    distance, left, out = _pairwise_sd(y), list(range(y.shape[1])), []
    leaving, means = [], []
    while len(left) > 2:
        m = _m(distance, left)
        means.append(float(m.mean()))
        worst = int(np.flatnonzero(m >= m.max() - _TIED)[-1])
        leaving.append(float(m[worst]))
        out.append(left.pop(worst))
    last = float(distance[left[0], left[1]])
    ranking = (*left, *reversed(out))
    variation = _variation(y, ranking)
    enough = (n for n, v in enumerate(variation, start=2) if v < ENOUGH_VARIATION)
    stability = (last, last, *reversed(leaving))
    m_of_all = _plain(_m(distance, range(y.shape[1])))
    return GeNorm(ranking, stability, m_of_all, (last, *reversed(means)), variation, next(enough, y.shape[1]))


def normfinder(log_quantity: ArrayLike, groups: Sequence[Any] | NDArray[Any] | None = None) -> NormFinder:
    """Rank candidates by their variance within groups and their differences between groups.

    Parameters
    ----------
    log_quantity : array_like, shape (n, k)
        log2 quantities (−Ct where the efficiency is 2), none missing.
    groups : sequence, length n, optional
        Group of each specimen, e.g. the reference standard. With one group, or none given, only the variance counts.

    Raises
    ------
    InputRefused
        For a missing value, fewer than three candidates, fewer than two specimens in a group, or groups of another length.

    Notes
    -----
    Andersen 2004, 10.1158/0008-5472.CAN-04-0496. Where both tau² and a candidate's variance are 0 its difference between groups
    is shrunk to 0 (the formula says 0/0). The paper's search for the best *pair* is not made.

    Examples
    --------
    >>> y = [[5.0, 3.0, 1.0], [6.0, 4.1, 3.0], [4.0, 2.0, 1.2], [5.5, 3.4, 0.3]]
    >>> normfinder(y).ranking, normfinder(y, ["a", "a", "b", "b"]).ranking
    ((1, 0, 2), (1, 0, 2))
    """
    y = _complete(log_quantity, candidates=3)
    codes, names = _groups(groups, len(y))
    k, m = y.shape[1], len(names)
    members = [y[codes == g] for g in range(m)]
    raw = np.array([_variance_within(part) for part in members])
    within = np.maximum(raw, 0.0)
    if m == 1:
        rho, tau2 = np.sqrt(within[0]), None
    else:
        level = np.array([part.mean(axis=0) for part in members])
        difference = level - level.mean(axis=1, keepdims=True) - level.mean(axis=0) + level.mean()
        v = within / np.array([[len(part)] for part in members])
        tau2 = max(0.0, float((difference**2).sum() / ((m - 1) * (k - 1)) - v.mean()))
        shrink = tau2 / np.where(tau2 + v > 0, tau2 + v, 1.0)
        rho = (np.abs(difference) * shrink + np.sqrt(v + v * shrink)).mean(axis=0)
    return NormFinder(_plain(rho), _steadiest(rho), tuple(_plain(row) for row in raw), tau2, names)


def choose_references(
    log_quantity: ArrayLike,
    names: Sequence[str],
    method: str,
    families: Mapping[str, str],
    groups: Sequence[Any] | NDArray[Any] | None = None,
    n: int | None = None,
) -> tuple[str, ...]:
    """Choose reference analytes from candidates, no two of one family, steadiest first.

    Parameters
    ----------
    log_quantity : array_like, shape (n, k)
        log2 quantities of the candidates; NaN where a specimen has none.
    names : sequence of str, length k
        Names of the candidates.
    method : str
        ``genorm`` or ``normfinder``.
    families : mapping of str to str
        Family of each candidate; one that is not named is its own. See :func:`exodx.panel.names.families.families_of`.
    groups : sequence, length n, optional
        Group of each specimen; NormFinder alone looks at it.
    n : int, optional
        How many, 2 to 5. Unless given, what geNorm's variation asks for within these bounds, and two with NormFinder.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputRefused
        With a Problem for everything that keeps the candidates from being compared.

    Notes
    -----
    1. A candidate must be measured in at least 95 % of the specimens.
    2. Specimens that lack any candidate left are not used: SDs and means over different specimens could not be compared.
    3. Co-regulated candidates make each other look steady. So one candidate of each family is compared: the one whose log
       ratios to the candidates of *other* families have the lowest mean SD.
    4. At least eight specimens (in each group) and three families must be left.

    Equals are ordered by name, so the order of columns does not matter. Limits on M are for a report and refuse nothing.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> level, noise = rng.normal(0, 1, (20, 1)), rng.normal(0, [0.2, 0.3, 0.1, 0.8], (20, 4))
    >>> names = ("miR-103a-3p", "miR-423-5p", "miR-191-5p", "miR-21-5p")
    >>> choose_references(level + noise, names, "genorm", {})
    ('miR-103a-3p', 'miR-191-5p')
    """
    from_names = sorted(range(len(names)), key=lambda at: names[at])
    values, labels = _candidates(log_quantity, names, method, groups, n)
    values, ordered = values[:, from_names], [names[at] for at in from_names]
    measured = np.isfinite(values).mean(axis=0) >= 0.95 if len(values) else np.zeros(len(ordered), bool)
    kept, ordered = values[:, measured], [name for name, known in zip(ordered, measured, strict=True) if known]
    rows = np.isfinite(kept).all(axis=1)
    kept, labels = kept[rows], labels[rows]
    own = [families.get(name, name) for name in ordered]
    _enough(ordered, own, labels, n)
    chosen = _one_a_family(kept, own)
    y, ordered = kept[:, chosen], [ordered[at] for at in chosen]
    if method == "genorm":
        found = genorm(y)
        ranking, wanted = found.ranking, found.n_best
    else:
        ranking, wanted = normfinder(y, labels).ranking, MIN_REFERENCES
    take = n or min(max(wanted, MIN_REFERENCES), MAX_REFERENCES)
    return tuple(ordered[at] for at in ranking[:take])


def _pairwise_sd(y: Floats) -> Floats:
    """Return the SD of the log ratio of every two candidates, shape (k, k)."""
    sd: Floats = np.array([np.std(column[:, None] - y, axis=0, ddof=1) for column in y.T])
    return sd


def _m(distance: Floats, left: Sequence[int]) -> Floats:
    m: Floats = distance[np.ix_(left, left)].sum(axis=1) / (len(left) - 1)
    return m


def _variation(y: Floats, ranking: Sequence[int]) -> tuple[float, ...]:
    means = np.cumsum(y[:, list(ranking)], axis=1) / np.arange(1, y.shape[1] + 1)
    steps = means[:, 1:-1] - means[:, 2:]
    return _plain(np.std(steps, axis=0, ddof=1))


def _variance_within(y: Floats) -> Floats:
    """Return the variance of each candidate within one group, which may come out below 0; shape (k,)."""
    n, k = y.shape
    residual = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
    a = (residual**2).sum(axis=0) / (n - 1)
    variance: Floats = (a - a.sum() / (k * (k - 1))) / (1 - 2 / k)
    return variance


def _steadiest(stability: Floats) -> tuple[int, ...]:
    return tuple(int(at) for at in np.argsort(np.round(stability, 9), kind="stable"))


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _groups(groups: Sequence[Any] | NDArray[Any] | None, n: int) -> tuple[NDArray[np.int_], tuple[Any, ...]]:
    labels = np.zeros(n, int) if groups is None else np.asarray(groups)
    if labels.shape != (n,):
        found = f"groups of shape {labels.shape} for {n} specimens"
        raise InputRefused(Problem("GROUPS_MISFIT", "groups", found, "Give one group per specimen."))
    names, codes = np.unique(labels, return_inverse=True)
    sizes = np.bincount(codes, minlength=1)
    if sizes.min() < 2:
        found = f"{int(sizes.min())} specimen(s) in a group"
        raise InputRefused(Problem("SPECIMENS_TOO_FEW", "groups", found, "Give at least two specimens of each group."))
    return codes, tuple(names.tolist())


def _complete(log_quantity: ArrayLike, candidates: int) -> Floats:
    """Return the values when they can be compared at all."""
    y = np.asarray(log_quantity, dtype=float)
    where = "reference candidates"
    if y.ndim != 2 or y.shape[0] < 2 or y.shape[1] < candidates:
        fix = f"Give at least two specimens in rows and {candidates} candidates in columns."
        raise InputRefused(Problem("CANDIDATES_TOO_FEW", where, f"an array of shape {y.shape}", fix))
    missing = int((~np.isfinite(y)).sum())
    if missing:
        fix = "Leave out the specimens or the candidates that have them."
        raise InputRefused(Problem("CANDIDATES_MISSING", where, f"{missing} missing or infinite value(s)", fix))
    return y


def _candidates(
    log_quantity: ArrayLike, names: Sequence[str], method: str, groups: Sequence[Any] | NDArray[Any] | None, n: int | None
) -> tuple[Floats, NDArray[Any]]:
    """Return the values and the group of each specimen, after checking what the caller asks for."""
    values = np.asarray(log_quantity, dtype=float)
    labels = np.zeros(values.shape[:1], int) if groups is None else np.asarray(groups)
    problems = []
    if values.ndim != 2 or values.shape[1] != len(names) or len(set(names)) < len(names):
        found = f"values of shape {values.shape} for {len(set(names))} different name(s) out of {len(names)}"
        problems.append(Problem("CANDIDATES_MISFIT", "reference candidates", found, "Give one column for each name, each once."))
    if labels.shape != values.shape[:1]:
        found = f"groups of shape {labels.shape} for values of shape {values.shape}"
        problems.append(Problem("GROUPS_MISFIT", "groups", found, "Give one group per specimen."))
    if method not in ("genorm", "normfinder"):
        problems.append(Problem("METHOD_UNKNOWN", "reference method", repr(method), "Valid are: genorm, normfinder."))
    if n is not None and not MIN_REFERENCES <= n <= MAX_REFERENCES:
        fix = f"Ask for {MIN_REFERENCES} to {MAX_REFERENCES}: one alone cannot be checked."
        problems.append(Problem("REFERENCES_NUMBER", "references", f"{n} reference(s) asked for", fix))
    if problems:
        raise InputRefused(problems)
    return values, labels


def _enough(names: Sequence[str], families: Sequence[str], labels: NDArray[Any], n: int | None) -> None:
    """Refuse too few families or specimens."""
    problems = []
    if n is not None and n > len(set(families)):
        found = f"{n} references asked for from {len(set(families))} families: {', '.join(names)}"
        problems.append(Problem("REFERENCES_NUMBER", "references", found, "Ask for fewer, or name candidates of more families."))
    if len(set(families)) < MIN_CANDIDATES:
        found = f"{len(names)} candidate(s) of {len(set(families))} families, measured in 95 % of the specimens: {', '.join(names)}"
        fix = f"Name candidates of at least {MIN_CANDIDATES} families: members of one rise and fall together."
        problems.append(Problem("CANDIDATES_TOO_FEW", "reference candidates", found, fix))
    groups, sizes = np.unique(labels, return_counts=True)
    for group, size in zip(groups.tolist(), sizes.tolist(), strict=True):
        if size < MIN_SPECIMENS:
            where = f"group {group!r}" if len(groups) > 1 else "training specimens"
            fix = f"At least {MIN_SPECIMENS} are needed; give more, leave out candidates that are missing, or name the references."
            problems.append(Problem("SPECIMENS_TOO_FEW", where, f"{size} specimen(s) with every candidate measured", fix))
    if not len(groups):
        fix = f"Give at least {MIN_SPECIMENS} specimens."
        problems.append(Problem("SPECIMENS_TOO_FEW", "training specimens", "none has every candidate measured", fix))
    if problems:
        raise InputRefused(problems)


def _one_a_family(y: Floats, families: Sequence[str]) -> list[int]:
    """Return the columns that stand for their families, in order."""
    distance, of = _pairwise_sd(y), np.array(families)
    best: dict[str, tuple[float, int]] = {}
    for at, family in enumerate(families):
        apart = round(float(distance[at, of != family].mean()), 9)
        best[family] = min(best.get(family, (apart, at)), (apart, at))
    return sorted(at for _, at in best.values())
