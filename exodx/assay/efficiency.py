"""Amplification efficiency from a dilution series, and the ratio that takes it into account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from exodx.errors import InputRefused, Problem
from exodx.stats import Estimate
from exodx.tables.table import TextTable
from exodx.tables.tasks import STANDARD

ACCEPTABLE = (1.9, 2.1)
"""Efficiencies of 90 % and 110 %: what the quantity is multiplied by in one cycle."""

FLAT = -0.1
"""A slope above it is no amplification: it would multiply the quantity by 10¹⁰ in a cycle."""


@dataclass(frozen=True, slots=True)
class StandardCurve:
    """A line through Ct against log10 quantity.

    Parameters
    ----------
    slope, intercept : float
        Ct = intercept + slope · log10 quantity; a slope of −3.32 is a doubling per cycle.
    efficiency : float
        E = 10^(−1/slope), what the quantity is multiplied by in one cycle; 2 is 100 %.
    interval : Estimate
        ``efficiency`` with its interval, or why there is none.
    r2 : float
        Share of the variance of Ct that the line explains.
    n : int
        Number of wells behind it.
    """

    slope: float
    intercept: float
    efficiency: float
    interval: Estimate
    r2: float
    n: int

    @property
    def acceptable(self) -> bool:
        """Whether the efficiency lies between 90 and 110 %."""
        return ACCEPTABLE[0] <= self.efficiency <= ACCEPTABLE[1]


def standard_curve(log10_quantity: ArrayLike, ct: ArrayLike, level: float = 0.95) -> StandardCurve:
    """Fit the standard curve of a dilution series by least squares.

    Parameters
    ----------
    log10_quantity : array_like, shape (n,)
        log10 of the quantity, or minus log10 of the dilution; its unit does not matter.
    ct : array_like, shape (n,)
        Ct of each well.
    level : float
        Confidence level of the interval.

    Raises
    ------
    InputRefused
        For a missing value, arrays of different lengths, fewer than three quantities, or a Ct that does not fall.

    Notes
    -----
    As MIQE asks, Bustin 2009, 10.1373/clinchem.2008.112797. The interval of E is that of
    the slope (Student's t, n − 2 degrees of freedom), carried through E = 10^(−1/slope).

    Examples
    --------
    >>> curve = standard_curve([0, 1, 2, 3, 4], [33.4, 30.0, 26.8, 23.4, 20.1])
    >>> round(curve.slope, 2), round(curve.efficiency, 3), curve.acceptable
    (-3.32, 2.001, True)
    """
    x, y = np.asarray(log10_quantity, dtype=float), np.asarray(ct, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        found = f"quantities of shape {x.shape} and Ct of shape {y.shape}, or missing values"
        raise _refused("CURVE_UNREADABLE", found, "Give one number of each for every well; leave out wells without a Ct.")
    if np.unique(x).size < 3:
        raise _refused("CURVE_TOO_SHORT", f"{np.unique(x).size} different quantities", "Give at least three, better five.")
    dx, dy = x - x.mean(), y - y.mean()
    spread = float(np.sum(dx**2))
    slope = float(np.sum(dx * dy)) / spread
    if slope >= FLAT:
        fix = "Give log10 quantities, not dilutions, and Ct as the instrument writes it."
        raise _refused("CURVE_NOT_FALLING", f"Ct changes by {slope:.3g} per tenfold quantity, and should fall", fix)
    rest = float(np.sum((dy - slope * dx) ** 2))
    error = float(np.sqrt(rest / (x.size - 2) / spread))
    return StandardCurve(
        slope=slope,
        intercept=float(y.mean() - slope * x.mean()),
        efficiency=_efficiency(slope),
        interval=_interval(slope, error, x.size, level),
        r2=1 - rest / float(np.sum(dy**2)),
        n=x.size,
    )


def pfaffl_ratio(
    target_calibrator_ct: ArrayLike,
    target_ct: ArrayLike,
    reference_calibrator_ct: ArrayLike,
    reference_ct: ArrayLike,
    target_efficiency: float = 2.0,
    reference_efficiency: float = 2.0,
) -> NDArray[np.float64]:
    """Return how much more target a specimen has than the calibrator, relative to the reference.

    Parameters
    ----------
    target_calibrator_ct, target_ct : array_like
        Ct of the target in the calibrator and in the specimen.
    reference_calibrator_ct, reference_ct : array_like
        Ct of the reference in the calibrator and in the specimen.
    target_efficiency, reference_efficiency : float
        What a cycle multiplies the quantity by, above 1 and at most 2.5; 2 is 100 %.

    Returns
    -------
    ndarray
        Shaped as the arguments broadcast; NaN where a Ct is missing.

    Raises
    ------
    InputRefused
        For an efficiency outside its range.

    Notes
    -----
    E_t^(Ct_t,calibrator − Ct_t,specimen) / E_r^(Ct_r,calibrator − Ct_r,specimen), Pfaffl 2001, 10.1093/nar/29.9.e45.

    Examples
    --------
    The target comes three cycles earlier than in the calibrator and the reference one: with doublings, 2³ / 2¹.

    >>> float(pfaffl_ratio(28.0, 25.0, 21.0, 20.0))
    4.0
    >>> round(float(pfaffl_ratio(28.0, 25.0, 21.0, 20.0, target_efficiency=1.9, reference_efficiency=2.05)), 4)
    3.3459
    """
    efficiencies = {"target": target_efficiency, "reference": reference_efficiency}
    fix = "Give what a cycle multiplies the quantity by: 1.95, not 95 % or 0.95."
    outside = {name: e for name, e in efficiencies.items() if not 1 < e <= 2.5}
    if outside:
        raise InputRefused(
            Problem("EFFICIENCY_IMPOSSIBLE", f"efficiency of the {name}", f"{e}", fix) for name, e in outside.items()
        )
    target = np.asarray(target_calibrator_ct, dtype=float) - np.asarray(target_ct, dtype=float)
    reference = np.asarray(reference_calibrator_ct, dtype=float) - np.asarray(reference_ct, dtype=float)
    ratio: NDArray[np.float64] = np.asarray(target_efficiency**target / reference_efficiency**reference)
    return ratio


def _efficiency(slope: float) -> float:
    return float(10 ** (-1 / slope))


def _interval(slope: float, error: float, n: int, level: float) -> Estimate:
    reach = float(stdtrit(n - 2, 0.5 + level / 2)) * error
    name, method = "efficiency", "slope ± t, carried through 10^(−1/slope)"
    if slope + reach >= FLAT:
        reason = "the wells scatter so much that a flat line is possible"
        return Estimate(name, _efficiency(slope), None, None, level=level, method=method, n=n, reason=reason)
    return Estimate(name, _efficiency(slope), _efficiency(slope - reach), _efficiency(slope + reach), level, method, n)


def _refused(code: str, found: str, fix: str) -> InputRefused:
    return InputRefused(Problem(code, "standard curve", found, fix))


def curves_of_wells(wells: TextTable) -> dict[str, StandardCurve | str]:
    """Fit a standard curve to the standards of every target of a qPCR export.

    Parameters
    ----------
    wells : TextTable
        Every well, as :func:`~exodx.tables.read_wells` gives them.

    Returns
    -------
    dict of target to StandardCurve, or to the reason why there is none

    Raises
    ------
    InputRefused
        ``NO_STANDARD`` when no well is a standard with a quantity.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    quantities = wells.columns.get("quantity", [""] * len(wells))
    columns = (wells.columns["analyte"], wells.columns["task"], quantities, wells.columns["value"])
    for analyte, task, quantity, ct in zip(*columns, strict=True):
        if task == STANDARD and (amount := _number(quantity)) is not None and amount > 0:
            found = points.setdefault(analyte, [])
            if (cycles := _number(ct)) is not None:
                found.append((float(np.log10(amount)), cycles))
    if not points:
        fix = "Mark the wells of the dilution series as standards, with their quantities, and export again."
        raise InputRefused(Problem("NO_STANDARD", wells.source, "no well is a standard with a quantity", fix))
    return {analyte: _curve(found) for analyte, found in sorted(points.items())}


def _curve(points: list[tuple[float, float]]) -> StandardCurve | str:
    try:
        return standard_curve([x for x, _ in points], [y for _, y in points])
    except InputRefused as refused:
        return "; ".join(problem.found for problem in refused.problems)


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
