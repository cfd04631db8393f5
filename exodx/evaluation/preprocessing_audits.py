"""Findings about what was done to one class and not to the other before the cohort came here, told from the cells themselves.

Numbers written or rounded otherwise, another word for no value, another floor, another offset, another software: each says that the
classes came by two ways, and a model can read the way instead of the disease.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from exodx.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.evaluation.audits import BY_CHANCE, SEPARATES, Finding, apart, severity_of
from exodx.evaluation.handling_audits import association_p
from exodx.frozen import is_blank
from exodx.frozen.measurements import is_measured
from exodx.panel import Scale
from exodx.panel.manifest import fold
from exodx.stats import auc

Floats = NDArray[np.float64]

HALF_A_DECIMAL, TWO_DIGITS = 0.5, 2
"""A tenfold level adds a digit or takes a decimal: what disease may do to a few analytes, rounding does to all."""

FEW, SHARE = 5, 0.05
"""A value is a constant put in where at least so many specimens, and this share of a class, hold it to the last digit."""

OFTEN = 3
"""… and so many times as often as any other value."""

MANY_ANALYTES, ALIKE, APART_SD = 6, 3.0, 1.5
NAMED, MOST_VALUES, ROWS_A_VALUE = 6, 10, 3

SOFTWARE_WORDS = (
    *("software", "version", "pipeline", "firmware", "export", "exported", "algorithm", "analysis", "scanner", "array", "protocol"),
    *("platform", "instrument", "machine", "cycler", "run", "batch", "method", "normalisation", "normalization", "format", "file"),
)
"""Words in a column's name by which it says how a specimen's values came about."""


def audit_preprocessing(cohort: Cohort) -> list[Finding]:
    """Return how what was done before differs between the classes.

    Parameters
    ----------
    cohort : Cohort
        With a reference standard of both classes.
    """
    return [
        *_rounding(cohort),
        *_words(cohort),
        *_constants(cohort),
        *_constant_in_class(cohort),
        *_offset(cohort),
        *_totals(cohort),
        *_software(cohort),
        *_unused_numbers(cohort),
    ]


def _rounding(cohort: Cohort) -> Iterator[Finding]:
    """Decimals or significant digits as written."""
    if cohort.written is None:
        return
    for column, least, what in (("decimals", HALF_A_DECIMAL, "decimals"), ("digits", TWO_DIGITS, "significant digits")):
        score = cohort.written[column].to_numpy(np.float64)
        value = apart(cohort.y, score)
        severity = severity_of(value)
        if severity is None:
            continue
        middle = [float(np.nanmedian(score[cohort.y == label])) for label in (1, 0)]
        if abs(middle[0] - middle[1]) >= least:
            message = (
                f"Numbers are written with {middle[0]:.1f} {what} in the positive class and {middle[1]:.1f} in the negative one "
                f"(median specimen; AUC {value:.2f}): the classes were exported or rounded by two ways. Export both anew, alike."
            )
            yield Finding("rounding_confounded", severity, message)
            return


def _words(cohort: Cohort) -> Iterator[Finding]:
    """Words for no value that one class has and the other has not, on both sides."""
    if cohort.written is None:
        return
    sets = [set(filter(None, text.split("\n"))) for text in cohort.written["words"]]
    classes = [[s for s, label in zip(sets, cohort.y, strict=True) if label == k] for k in (1, 0)]
    own: list[list[str]] = []
    for one, other in (classes, classes[::-1]):
        counts = Counter(word for s in one for word in s)
        elsewhere = {word for s in other for word in s}
        own.append(sorted(w for w, n in counts.items() if w not in elsewhere and _beyond_chance(n, len(one), 0, len(other))))
    if own[0] and own[1]:
        said = [", ".join(map(repr, words[:NAMED])) for words in own]
        message = (
            f"Where there is no number, {said[0]} stands in positive specimens alone and {said[1]} in negative ones alone: the "
            "classes were exported by two ways, and what is missing may not mean the same. Export both anew, alike."
        )
        yield Finding("missing_code_confounded", "warning", message)


def _beyond_chance(a: int, n: int, b: int, m: int) -> bool:
    return bool(a >= max(FEW, SHARE * n) and fisher_exact([[a, n - a], [b, m - b]]).pvalue < BY_CHANCE)


def _constants(cohort: Cohort) -> Iterator[Finding]:
    """One number in many cells of one class, and in none of the other, which goes beyond it or has a number of its own."""
    found: list[tuple[str, float, str]] = []
    y = cohort.y
    for name, values in _columns(cohort):
        sides = [values[(y == label) & np.isfinite(values)] for label in (1, 0)]
        if min(map(len, sides)) < FEW or not (np.concatenate(sides) % 1).any():
            continue  # whole numbers repeat by themselves
        own = [_spike(side) for side in sides]
        for here, there, which in ((0, 1, "positive"), (1, 0, "negative")):
            value = own[here]
            if value is None or (sides[there] == value).any():
                continue
            n = int((sides[here] == value).sum())
            limit = (sides[here].min() == value and (sides[there] < value).any()) or (
                sides[here].max() == value and (sides[there] > value).any()
            )
            if (limit or own[there] is not None) and _beyond_chance(n, len(sides[here]), 0, len(sides[there])):
                found.append((name, value, which))
    if found:
        names = list(dict.fromkeys(name for name, _, _ in found))
        shown = "; ".join(f"{name}: {value:g} in {which} specimens alone" for name, value, which in found[:NAMED])
        message = (
            f"A number put in for many cells of one class and none of the other in {len(names)} analytes ({shown}"
            f"{' …' if len(found) > NAMED else ''}): another floor or another way of filling gaps. Start from values not filled in."
        )
        yield Finding("constant_confounded", "blocking" if len(names) > 1 else "warning", message)


def _spike(values: Floats) -> float | None:
    """Return the value that is repeated far more often than any other; None where there is none."""
    distinct, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    second = counts[order[1]] if len(order) > 1 else 0
    most = int(counts[order[0]])
    return float(distinct[order[0]]) if most >= max(FEW, SHARE * len(values), OFTEN * second) else None


def _constant_in_class(cohort: Cohort) -> Iterator[Finding]:
    names = []
    for name, values in _columns(cohort):
        sides = [values[(cohort.y == label) & np.isfinite(values)] for label in (1, 0)]
        kinds = sorted(len(np.unique(side)) for side in sides)
        if min(map(len, sides)) >= FEW and kinds[0] == 1 < kinds[1] and not _common(sides):
            names.append(name)
    if names:
        message = (
            f"{_some(names)}: one and the same number in every specimen of one class, others in the other class. It tells the "
            "classes apart without any disease. Take it out, or find out where the number comes from."
        )
        yield Finding("analyte_constant_in_class", "warning", message)


def _common(sides: Sequence[Floats]) -> bool:
    """Say whether the constant of one class is the commonest value of the other too, as zeros are of a rare analyte."""
    constant, other = sorted(sides, key=lambda side: len(np.unique(side)))
    return bool((other == constant[0]).mean() > 1 / 3)


def _offset(cohort: Cohort) -> Iterator[Finding]:
    """All analytes moved by the same amount, and by more than people differ: no disease does that."""
    moved = []
    for _, values in _columns(cohort, (Scale.CT, Scale.NORMALISED)):
        cases, controls = (values[(cohort.y == label) & np.isfinite(values)] for label in (1, 0))
        if min(len(cases), len(controls)) >= FEW:
            spread = float(np.sqrt((cases.var(ddof=1) + controls.var(ddof=1)) / 2))
            moved.append((float(np.median(cases) - np.median(controls)), spread))
    if len(moved) < MANY_ANALYTES:
        return
    shifts, spreads = np.array(moved).T
    middle = float(np.median(shifts))
    if abs(middle) > APART_SD * float(np.median(spreads)) and abs(middle) > ALIKE * float(shifts.std(ddof=1)):
        message = (
            f"All {len(shifts)} analytes lie {middle:+.2f} (SD {shifts.std(ddof=1):.2f}) in the positive class: an offset common "
            "to all is another normalisation, input or instrument, not a disease. Normalise both classes together, from raw values."
        )
        yield Finding("offset_confounded", "blocking", message)


def _totals(cohort: Cohort) -> Iterator[Finding]:
    """Specimens brought to one total or one middle within a class, and to another in the other class."""
    columns = [values for _, values in _columns(cohort)]
    if len(columns) < MANY_ANALYTES:
        return
    table = np.column_stack(columns)
    table = table[:, np.isfinite(table).all(axis=0)]
    if table.shape[1] < MANY_ANALYTES:
        return
    for what, numbers in (("sum", table.sum(axis=1)), ("median", np.median(table, axis=1))):
        middles = [float(np.median(numbers[cohort.y == label])) for label in (1, 0)]
        spreads = [float(np.ptp(numbers[cohort.y == label])) for label in (1, 0)]
        gap, inside = abs(middles[0] - middles[1]), float(np.median(np.ptp(table, axis=1)))
        if min(spreads) < 1e-3 * inside and (gap > 1e-2 * inside or max(spreads) > 1e-1 * inside):
            message = (
                f"The {what} over the analytes is the same in every specimen of one class ({middles[0]:.4g} in the positive, "
                f"{middles[1]:.4g} in the negative class) and not in the other: the classes were normalised by two ways. Start "
                "from raw values."
            )
            yield Finding("normalisation_confounded", "blocking", message)
            return


def _software(cohort: Cohort) -> Iterator[Finding]:
    """Columns nothing reads that name a software, a run or an instrument and go with the class."""
    if cohort.unused is None:
        return
    for name in cohort.unused.columns:
        cells = [str(cell) for cell in cohort.unused[name]]
        known = np.array([not (is_blank(c) or c == UNKNOWN) for c in cells])
        kinds, codes = np.unique(np.array(cells, object)[known].astype(str), return_inverse=True)
        if not _is_of_software(str(name)) or not 1 < len(kinds) <= min(MOST_VALUES, len(cells) / ROWS_A_VALUE):
            continue
        y = cohort.y[known]
        v, p = association_p(y, codes)
        shares = np.bincount(codes, weights=y) / np.bincount(codes)
        severity = severity_of(auc(y, shares[codes])) if 0 < y.sum() < len(y) else None
        if p < BY_CHANCE and severity is not None:
            shown = ", ".join(f"{kind}: {100 * share:.0f} % positive" for kind, share in zip(kinds[:NAMED], shares, strict=False))
            message = (
                f"Column {str(name)!r} goes with the class ({shown}; Cramér's V {v:.2f}, permutation p = {p:.2g}): values made in "
                "different ways tell the classes apart. Process both classes alike."
            )
            yield Finding("processing_confounded", severity, message)


def _is_of_software(name: str) -> bool:
    words = {fold(word) for word in name.replace("_", " ").replace("-", " ").replace(".", " ").split()}
    return bool(words & set(SOFTWARE_WORDS))


def _unused_numbers(cohort: Cohort) -> Iterator[Finding]:
    """Numbers that nothing reads and that part the classes: a score made from the reference standard, or its source."""
    if cohort.unused is None:
        return
    names = []
    for name in cohort.unused.columns:
        numbers = pd.to_numeric(cohort.unused[name], errors="coerce").to_numpy(np.float64)
        known = np.isfinite(numbers)
        if known.sum() >= 20 and len(np.unique(numbers[known])) > MOST_VALUES and apart(cohort.y, numbers) > SEPARATES:
            names.append(str(name) or "(no name)")
    if names:
        message = (
            f"{_some(names)}: a number that nothing reads parts the classes almost perfectly. It is not learned from; keep it "
            "so, and find out whether it defines the reference standard or follows from how the classes were collected."
        )
        yield Finding("number_separates", "warning", message)


def _columns(cohort: Cohort, scales: Sequence[Scale] = tuple(Scale)) -> Iterator[tuple[str, Floats]]:
    """Give the measured values of each target, NaN where there is none."""
    for analyte in cohort.panel.with_role("target"):
        if analyte.scale in scales:
            values, states = cohort.measurements.column(analyte.name)
            yield analyte.name, np.where(is_measured(states), values, np.nan)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" … ({len(names)} in all)" if len(names) > NAMED else "")
