"""What the user says about a cohort at the command: what its specimens are, and which differences from the model are allowed."""

from __future__ import annotations

from dataclasses import dataclass

from exodx.errors import Problem, UsageError, nearest

ALLOWABLE = (
    "FLUID_MISMATCH",
    "FRACTION_MISMATCH",
    "PLATFORM_MISMATCH",
    "ISOLATION_MISMATCH",
    "RELEASE_MISMATCH",
    "UNIT_SUSPECT",
    "SCALE_SUSPECT",
    "ANALYTE_MISSING",
)
"""Differences that may be allowed, with a reason. A stated unit or scale other than the model's never may."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the user says about a cohort.

    Parameters
    ----------
    specimen_type, platform, isolation : str, optional
        Of every specimen for which the table itself does not say.
    release : str, optional
        miRBase release of the column names.
    allow : tuple of str
        Codes of :data:`ALLOWABLE`.
    because : str
        Why; it is written beside every specimen it concerns.
    """

    specimen_type: str | None = None
    platform: str | None = None
    isolation: str | None = None
    release: str | None = None
    allow: tuple[str, ...] = ()
    because: str = ""

    def __post_init__(self) -> None:
        problems = [
            Problem("ALLOW_UNKNOWN", "--allow", repr(code), nearest(code, ALLOWABLE))
            for code in self.allow
            if code not in ALLOWABLE
        ]
        if self.allow and not self.because.strip():
            problems.append(Problem("REASON_MISSING", "--allow", "no reason is given", 'Say why: --because "…".'))
        if self.because.strip() and not self.allow:
            problems.append(Problem("ALLOW_MISSING", "--because", "a reason for nothing", "Say what is allowed: --allow CODE."))
        if problems:
            raise UsageError(problems)


NOTHING_SAID = Conditions()
