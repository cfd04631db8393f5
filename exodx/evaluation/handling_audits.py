"""Findings about handling: columns that stand for a class, plates that hold one class, and what was not detected.

PROBAST+AI asks whether specimens were measured blind to the outcome and in the same way (10.1136/bmj-2024-082505).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from exodx.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.evaluation.audits import BY_CHANCE, NOTED, WHEN, Finding, apart, severity_of
from exodx.frozen import State, is_blank
from exodx.frozen.measurements import is_censored
from exodx.panel.manifest import fold
from exodx.stats.variance import holm

Floats = NDArray[np.float64]

PERMUTATIONS, SEED = 9_999, 0
FEW_A_CLASS = 3
NAMED = 6
PATTERN = 3
"""Where fewer targets than this are ever undetected, how many are is a marker's own story as well as one of handling."""

HANDLING_WORDS = (
    *("site", "centre", "center", "hospital", "clinic", "plate", "batch", "lot", "run", "lane", "chip", "card", "instrument"),
    *("machine", "operator", "technician", "kit", "tube", "anticoagulant", "freezer", "extraction", "isolation", "library", "date"),
    *("storage", "cycler", "flowcell", "shipment", "box", "rack", "well", "laboratory", "lab", "platform", "reagent"),
)
"""Words in a column's name by which it says how a specimen was handled; other columns that repeat the label are its copies."""


def audit_handling(cohort: Cohort) -> list[Finding]:
    """Return how the handling of specimens tells the classes apart.

    Parameters
    ----------
    cohort : Cohort
        With a reference standard of both classes.
    """
    return [*_columns(cohort), *_plates(cohort), *_undetected(cohort)]


def association_p(y: NDArray[np.int8], groups: NDArray[np.intp], seed: int = SEED) -> tuple[float, float]:
    """Return Cramér's V of class and group, and the permutation p-value of its χ².

    Cases are dealt to groups of the sizes there are, which is what permuting the labels does; p is (1 + #≥)/(1 + B).

    Parameters
    ----------
    y : ndarray of 0/1, shape (n,)
    groups : ndarray of int, shape (n,)
        Codes from 0.
    seed : int

    Returns
    -------
    v, p : float
        (0, 1) where there is one class or one group.

    Examples
    --------
    >>> import numpy as np
    >>> v, p = association_p(np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 1, 1, 1, 1]))
    >>> v, round(p, 2)
    (1.0, 0.03)
    """
    sizes = np.bincount(groups)
    sizes, cases = sizes[sizes > 0], np.bincount(groups, weights=y)[sizes > 0]
    n, positive = len(y), int(y.sum())
    if len(sizes) < 2 or positive in (0, n):
        return 0.0, 1.0
    expected, share = sizes * positive / n, positive / n

    def chi2(found: Floats) -> Floats:
        total: Floats = ((found - expected) ** 2 / (expected * (1 - share))).sum(axis=-1)
        return total

    drawn = np.random.default_rng(seed).multivariate_hypergeometric(sizes, positive, size=PERMUTATIONS, method="marginals")
    observed = float(chi2(cases.astype(np.float64)))
    p = (1 + int((chi2(drawn.astype(np.float64)) >= observed * (1 - 1e-12)).sum())) / (1 + PERMUTATIONS)
    return float(np.sqrt(observed / n)), p


def _columns(cohort: Cohort) -> Iterator[Finding]:
    """A column that is constant within each class and differs between them: nothing can part the two."""
    columns = {name: cohort.specimens[name] for name in ("site", "plate", WHEN, *NOTED) if name in cohort.specimens}
    if cohort.unused is not None:
        columns |= {str(name): cohort.unused[name] for name in cohort.unused if _is_of_handling(str(name))}
    found = [name for name, cells in columns.items() if _separates([str(c) for c in cells], cohort.y)]
    if found:
        shown = ", ".join(found[:NAMED]) + (f" … ({len(found)} in all)" if len(found) > NAMED else "")
        message = (
            f"{shown}: one value in every positive specimen, another in every negative one. Class and handling are perfectly "
            "confounded, and no analysis can part them. Measure both classes alike."
        )
        yield Finding("column_separates", "blocking", message)


def _is_of_handling(name: str) -> bool:
    words = {fold(word) for word in name.replace("_", " ").replace("-", " ").replace(".", " ").split()}
    return bool(words & set(HANDLING_WORDS))


def _separates(cells: list[str], y: NDArray[np.int8]) -> bool:
    stated = [{c for c, label in zip(cells, y, strict=True) if label == k} for k in (0, 1)]
    blank = any(is_blank(c) or c == UNKNOWN for values in stated for c in values)
    enough = min(np.bincount(y, minlength=2)) >= FEW_A_CLASS
    return bool(enough and not blank and len(stated[0]) == len(stated[1]) == 1 and stated[0] != stated[1])


def _plates(cohort: Cohort) -> Iterator[Finding]:
    """Whether specimens were dealt to plates without regard to class: a subject counts once on a plate."""
    if "plate" not in cohort.specimens:
        return
    known = np.flatnonzero(cohort.specimens["plate"].astype(str).to_numpy() != UNKNOWN)
    plates = cohort.codes("plate")
    rows = np.unique(np.column_stack([cohort.subjects, plates, cohort.y])[known], axis=0)
    if not len(rows):
        return
    v, p = association_p(rows[:, 2].astype(np.int8), rows[:, 1])
    if p < BY_CHANCE:
        message = (
            f"Class and plate go together (χ², permutation p = {p:.2g}, Cramér's V {v:.2f}): specimens were not dealt to plates at "
            "random, and a plate's own shift looks like disease. Randomise classes over plates, or hold plates out whole."
        )
        yield Finding("plate_class_association", "warning", message)


def _undetected(cohort: Cohort) -> Iterator[Finding]:
    """Whether what was looked for and not found tells the classes apart: how many targets, and which."""
    names = np.array([a.name for a in cohort.panel.with_role("target")], object)
    cells = _lost([cohort.measurements.column(name)[1] for name in names])
    varies = np.asarray((cells == 1).any(axis=0) & (cells == 0).any(axis=0))
    if not varies.any():
        return
    cells, y = cells[:, varies], cohort.y
    looked_for = np.isfinite(cells).sum(axis=1)
    share = np.where(looked_for > 0, np.nansum(cells, axis=1) / np.maximum(looked_for, 1), np.nan)
    value = apart(y, share)
    severity = severity_of(value)
    if severity == "blocking" and varies.sum() < PATTERN:
        severity = "warning"
    single = _each(cells, names[varies].tolist(), y)
    if severity is None and not single:
        return
    said = []
    if severity is not None:
        shares = [f"{100 * np.nanmean(share[y == label]):.0f} %" for label in (1, 0)]
        said.append(
            f"How many targets were looked for and not found tells the classes apart (AUC {value:.2f}; {shares[0]} of "
            f"{varies.sum()} in the positive, {shares[1]} in the negative class)."
        )
    if single:
        shown = ", ".join(f"{name} (AUC {found:.2f})" for name, found in single[:NAMED])
        more = f" … ({len(single)} in all)" if len(single) > NAMED else ""
        said.append(f"Whether it was detected tells the classes apart by itself: {shown}{more}.")
    fix = "Less input or another limit of detection in one class does this without any disease: compare input, dilution and limits."
    yield Finding("censoring_confounded", severity or "warning", " ".join([*said, fix]))


def _lost(columns: list[NDArray[np.uint8]]) -> Floats:
    """Return 1 where a target was looked for and not found, 0 where it was found, NaN where it was not looked for."""
    absent = [np.isin(states, (State.NOT_RUN, State.FAILED_QC)) for states in columns]
    found: Floats = np.column_stack([np.where(a, np.nan, is_censored(s)) for a, s in zip(absent, columns, strict=True)])
    return found


def _each(cells: Floats, names: list[str], y: NDArray[np.int8]) -> list[tuple[str, float]]:
    """Return the analytes whose detection alone tells the classes apart, the strongest first, by Holm's p over all of them."""
    tables = [[[int((c[y == label] == lost).sum()) for lost in (1, 0)] for label in (1, 0)] for c in cells.T]
    adjusted = holm([fisher_exact(table).pvalue for table in tables])
    found = [(name, apart(y, column)) for name, column in zip(names, cells.T, strict=True)]
    kept = [entry for entry, p in zip(found, adjusted, strict=True) if p < BY_CHANCE and severity_of(entry[1])]
    return sorted(kept, key=lambda entry: (-entry[1], entry[0]))
