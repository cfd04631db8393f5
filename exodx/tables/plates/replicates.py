"""From replicate wells to one cell: concentrations are averaged, never signals, and multiplied by the dilution afterwards."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exodx.stats.dose_curve import Curve
from exodx.stats.dose_response import CurveFit
from exodx.tables.plates.wells import Well

MAX_CV = 20.0
"""Percent by which replicates may differ before a note says so."""

_ROUNDING = 1e-6  # cells have six digits
_NUMBER = re.compile(r"^(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$", re.IGNORECASE)
_LOW, _HIGH, _FAILED = "<LLOQ", ">ULOQ", "failed QC"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a specimen's wells come to.

    Parameters
    ----------
    text : str
        A number, ``<limit``, ``>limit``, blank, or ``failed QC``.
    cv : float
        Of the replicates, in percent: of the dilution where it is largest; NaN where there is none.
    dilution_cv : float
        Of the results of several dilutions, in percent; NaN where there is one.
    disagreement : float or None
        Largest difference from the vendor's concentrations, as a share of them.
    contradicts : bool
        Wells lie beyond both ends of the curve.
    """

    text: str
    cv: float = math.nan
    dilution_cv: float = math.nan
    disagreement: float | None = None
    contradicts: bool = False

    @property
    def is_scattered(self) -> bool:
        """The replicates differ by more than they may."""
        return self.cv > MAX_CV

    @property
    def is_not_parallel(self) -> bool:
        """The dilutions differ by more than they may."""
        return self.dilution_cv > MAX_CV


@dataclass(frozen=True, slots=True)
class _Read:
    """The wells of one dilution: their mean (0 below the curve, infinite above, NaN in contradiction), CV, and factor."""

    mean: float
    cv: float
    factor: float


def shown(value: float) -> str:
    """Write a concentration with six digits.

    >>> [shown(v) for v in (12.5, 1234.5678, 2e7)]
    ['12.5', '1234.57', '2e+07']
    """
    return f"{value:.6g}"


def from_curve(wells: Sequence[Well], fit: CurveFit, vendor_diluted: bool) -> Cell:
    """Read a specimen's wells off a curve that has a range.

    A number comes from the dilutions whose mean lies within the range. Where none does, the cell is ``<`` the lowest limit or ``>``
    the highest, multiplied by the dilution.
    """
    if fit.curve is None or fit.lloq is None or fit.uloq is None:
        return Cell(_FAILED)
    read = [(well, _concentration(fit.curve, well.signal)) for well in wells if well.signal is not None]
    if not read:
        return Cell("")
    reads = [_mean([x for well, x in read if well.dilution == factor], factor) for factor in sorted({w.dilution for w, _ in read})]
    low, high = fit.lloq * (1 - _ROUNDING), fit.uloq * (1 + _ROUNDING)
    inside = [r for r in reads if low <= r.mean <= high]
    if inside:
        values = [r.mean * r.factor for r in inside]
        cvs = [r.cv for r in inside if not math.isnan(r.cv)]
        vendor = _disagreement(read, fit, vendor_diluted)
        return Cell(shown(float(np.mean(values))), max(cvs, default=math.nan), _cv(values), vendor)
    below, above = [r for r in reads if r.mean < low], [r for r in reads if r.mean > high]
    if len(below) == len(reads):
        return Cell(f"<{shown(fit.lloq * min(r.factor for r in below))}")
    if len(above) == len(reads):
        return Cell(f">{shown(fit.uloq * max(r.factor for r in above))}")
    return Cell(_FAILED, contradicts=True)


def _concentration(curve: Curve, signal: float) -> float:
    """Read a signal; beyond the end without analyte it is 0, beyond the other infinite."""
    x = float(curve.concentration(signal))
    if not math.isnan(x):
        return x
    return 0.0 if (signal <= curve.a) == (curve.a < curve.d) else math.inf


def _mean(values: Sequence[float], factor: float) -> _Read:
    if 0.0 in values and math.inf in values:
        return _Read(math.nan, math.nan, factor)
    return _Read(float(np.mean(values)), _cv(values), factor)


def _cv(values: Sequence[float]) -> float:
    """Return the coefficient of variation in percent; NaN of one value, or where one is infinite or all are 0."""
    if len(values) < 2 or not np.isfinite(values).all() or np.mean(values) == 0:
        return math.nan
    return float(100 * np.std(values, ddof=1) / np.mean(values))


def _disagreement(read: Sequence[tuple[Well, float]], fit: CurveFit, diluted: bool) -> float | None:
    """Return the largest difference from the vendor, of wells within the range of the curve."""
    shares = []
    for well, x in read:
        vendor = _number(well.vendor_concentration)
        inside = fit.lloq is not None and fit.uloq is not None and fit.lloq <= x <= fit.uloq
        if vendor and inside:
            shares.append(abs(x * (well.dilution if diluted else 1.0) / vendor - 1))
    return max(shares, default=None)


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.match(text) else None


def from_vendor(wells: Sequence[Well], diluted: bool) -> Cell:
    """Average a specimen's wells as the vendor read them.

    ``OOR <`` and ``OOR >`` stay below and above the limits, which the file does not say. A value marked as extrapolated (``*12``),
    or one that the vendor could not compute (``***``), fails.
    """
    texts = [well.vendor_concentration.strip() for well in wells]
    kept = [(well, text) for well, text in zip(wells, texts, strict=True) if text.casefold() not in ("", "nan")]
    if not kept:
        return Cell("")
    values = [(_number(text), 1.0 if diluted else well.dilution) for well, text in kept]
    numbers = [value * factor for value, factor in values if value is not None]
    if len(numbers) == len(kept):
        return Cell(shown(float(np.mean(numbers))), _cv(numbers))
    sides = {
        "<" if "<" in text else ">" if ">" in text else "" for (_, text), (n, _) in zip(kept, values, strict=True) if n is None
    }
    if not numbers and sides in ({"<"}, {">"}):
        return Cell(_LOW if sides == {"<"} else _HIGH)
    return Cell(_FAILED, contradicts=len(sides) > 1 or bool(numbers))
