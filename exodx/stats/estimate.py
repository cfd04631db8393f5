"""A number with its interval, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Self

from exodx.stats.inputs import checked_level

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Estimate:
    """An interval, or the reason why not.

    Parameters
    ----------
    name : str
        What is estimated, e.g. ``sensitivity``.
    value : float or None
        Point estimate; None when it cannot be computed at all.
    lower, upper : float or None
        Ends of the interval; both or neither.
    level : float
        Confidence level of the interval.
    method : str
        How the interval was made.
    n : int
        Number of specimens behind it (of sites or studies for a pooled value, if ``method`` says so).
    reason : str
        Why value or interval is missing.

    Raises
    ------
    ValueError
        If there is neither an ordered, finite interval around the value nor a reason, or the level is not between 0 and 1.

    Examples
    --------
    >>> print(Estimate("auc", 0.8421, 0.7712, 0.894))
    0.842 (95 % CI 0.771 to 0.894)
    >>> print(Estimate("auc", None, None, None, reason="no controls"))
    not estimated: no controls
    >>> print(Estimate("auc", 0.5, None, None, reason="all scores are tied"))
    0.500 (no interval: all scores are tied)
    """

    name: str
    value: float | None
    lower: float | None
    upper: float | None
    level: float = 0.95
    method: str = ""
    n: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        checked_level(self.level)
        if self.value is not None and not isfinite(self.value):
            raise ValueError(f"{self.name} is {self.value}; give None and a reason instead.")
        if not (self._interval_holds() or self._reason_holds()):
            raise ValueError(
                f"{self.name} is {self.value} with interval {self.lower} to {self.upper} and reason {self.reason!r}; "
                "give finite lower <= value <= upper, or no interval and a reason."
            )

    def _interval_holds(self) -> bool:
        if self.value is None or self.lower is None or self.upper is None:
            return False
        slack = ROUNDING * max(1.0, abs(self.value))
        ordered = self.lower - slack <= self.value <= self.upper + slack
        return ordered and isfinite(self.lower) and isfinite(self.upper)

    def _reason_holds(self) -> bool:
        return bool(self.reason) and self.lower is None and self.upper is None

    def __str__(self) -> str:
        if self.value is None:
            return f"not estimated: {self.reason}"
        if self.lower is None:
            return f"{self.value:.3f} (no interval: {self.reason})"
        return f"{self.value:.3f} ({100 * self.level:g} % CI {self.lower:.3f} to {self.upper:.3f})"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a plain dict that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Rebuild an estimate from :meth:`to_dict`; the checks run again."""
        return cls(**fields)
