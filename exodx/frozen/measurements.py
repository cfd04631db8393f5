"""Arrays with names: what goes into a model, and what the assay transform makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntFlag, StrEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.cells import State
from exodx.tables.coded import Coded, Words


class Reason(IntFlag):
    """Why a specimen is not simply OK."""

    REFERENCES_UNDETECTED = 1
    NO_READS = 2
    NOTHING_MEASURED = 4
    REFERENCE_PARTLY_MISSING = 8
    INVALID_CELL = 16
    REPLICATES_DISAGREE = 32
    HAEMOLYSED = 64
    HAEMOLYSIS_SUSPECTED = 128
    SPIKE_DEVIATES = 256
    DEPTH_TOO_LOW = 512
    LOW_DEPTH = 1024
    LOW_DETECTION = 2048
    ABOVE_LOQ = 4096
    SPECIMEN_RULE = 8192
    SPECIMEN_REFUSED = 16384
    ANALYTE_NOT_GIVEN = 32768
    CONTRACT_ALLOWED = 65536
    LIBRARY_NOT_COMPARABLE = 131072
    INTERPLATE_MISSING = 262144
    NO_VALUE = 524288
    RARELY_UNDETECTED = 1048576
    OUT_OF_RANGE = 2097152
    OUT_OF_DOMAIN = 4194304
    UNSEEN_MISSINGNESS = 8388608
    FAR_OUT_OF_DOMAIN = 16777216

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.REFERENCES_UNDETECTED: "no reference analyte was detected",
    Reason.NO_READS: "no reads in the panel's analytes",
    Reason.NOTHING_MEASURED: "no target analyte was measured",
    Reason.REFERENCE_PARTLY_MISSING: "a reference analyte is missing; the others tell where it would lie",
    Reason.INVALID_CELL: "a cell could not be read",
    Reason.REPLICATES_DISAGREE: "replicate wells differ (SD above 0.5 Ct, range above 1 Ct, or detected in some only)",
    Reason.HAEMOLYSED: "haemolysed beyond the panel's limit",
    Reason.HAEMOLYSIS_SUSPECTED: "haemolysis suspected",
    Reason.SPIKE_DEVIATES: "a spike-in lies off the training specimens' (extraction, inhibition or heparin)",
    Reason.DEPTH_TOO_LOW: "too few reads",
    Reason.LOW_DEPTH: "few reads",
    Reason.LOW_DETECTION: "few of the panel's analytes were detected",
    Reason.ABOVE_LOQ: "a value above the upper limit of quantification; the limit stands in",
    Reason.SPECIMEN_RULE: "a quality rule flags the specimen",
    Reason.SPECIMEN_REFUSED: "a quality rule refuses the specimen",
    Reason.ANALYTE_NOT_GIVEN: "an analyte of the panel was not given",
    Reason.CONTRACT_ALLOWED: "the specimens differ from what the model is valid for, and this was allowed",
    Reason.LIBRARY_NOT_COMPARABLE: "too few analytes in common with the training libraries to scale the reads",
    Reason.NO_VALUE: "an analyte has no value, which was rare in training; its training median stands in",
    Reason.RARELY_UNDETECTED: "an analyte was not detected, which was rare in training; its limit stands in",
    Reason.OUT_OF_RANGE: "a value lies far outside the training specimens' (10-fold, 10 Ct or 10 interquartile ranges)",
    Reason.OUT_OF_DOMAIN: "its values taken together lie further off than all but 1 or 2 in 100 training specimens'",
    Reason.UNSEEN_MISSINGNESS: "values are missing that hardly ever were in training, or more at once",
    Reason.FAR_OUT_OF_DOMAIN: "most of its values lie more than ten training standard deviations off: another assay or unit",
    Reason.INTERPLATE_MISSING: "no inter-plate calibrator: the plate is not corrected for",
}
BLOCKING = (
    Reason.REFERENCES_UNDETECTED
    | Reason.NO_READS
    | Reason.NOTHING_MEASURED
    | Reason.HAEMOLYSED
    | Reason.DEPTH_TOO_LOW
    | Reason.SPECIMEN_REFUSED
    | Reason.LIBRARY_NOT_COMPARABLE
)
"""Reasons that keep a specimen from being scored, and from being learned from."""
NOT_SCORED = BLOCKING | Reason.FAR_OUT_OF_DOMAIN
"""Reasons that keep a specimen from being scored; the last is known of a model's specimens alone."""


class Status(StrEnum):
    """What became of a specimen."""

    OK = "OK"
    WARN = "WARN"
    QC_FAIL = "QC_FAIL"
    INVALID = "INVALID"
    OUT_OF_DOMAIN = "OUT_OF_DOMAIN"


@cache
def status_of(flags: int) -> Status:
    """Return the status that a specimen's reasons lead to."""
    if flags & Reason.INVALID_CELL:
        return Status.INVALID
    if flags & BLOCKING:
        return Status.QC_FAIL
    if flags & Reason.FAR_OUT_OF_DOMAIN:
        return Status.OUT_OF_DOMAIN
    return Status.WARN if flags else Status.OK


def is_scored(flags: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Say which specimens are scored: those of status OK or WARN."""
    scored: NDArray[np.bool_] = np.equal(flags & np.uint32(NOT_SCORED | Reason.INVALID_CELL), 0)
    return scored


def statuses_and_reasons(flags: NDArray[np.uint32]) -> tuple[Coded, Coded]:
    """Return the status of each specimen and its reasons; of equal flags they are said once.

    NumPy's own ``unique`` loads its masked arrays, which takes as long as scoring a small cohort.
    """
    ordered = np.sort(flags)
    distinct = np.concatenate([ordered[:1], ordered[1:][ordered[1:] != ordered[:-1]]])
    codes = np.searchsorted(distinct, flags).astype(np.int32)
    said = [(str(status_of(flag)), reasons_of(flag)) for flag in distinct.tolist()]
    return Coded(Words([status for status, _ in said]), codes), Coded(Words([reasons for _, reasons in said]), codes)


@cache
def reasons_of(flags: int) -> str:
    """Return a specimen's reasons as ``CODE: sentence`` joined by semicolons; empty when there is none."""
    if flags & Reason.INVALID_CELL:  # nothing stood in for a cell that could not be read: the specimen was not scored
        flags &= ~(Reason.NO_VALUE | Reason.RARELY_UNDETECTED)
    return "; ".join(f"{reason.name}: {reason.sentence}" for reason in Reason if flags & reason)


@dataclass(frozen=True, slots=True)
class Measurements:
    """Analyte values of n specimens, with the state of each cell.

    Parameters
    ----------
    names : tuple of str, length p
        Analytes, one a column.
    values : ndarray of float64, shape (n, p)
        In each analyte's unit; NaN where there is no number.
    states : ndarray of uint8, shape (n, p)
        :class:`~exodx.frozen.cells.State` of each cell.
    flags : ndarray of uint32, shape (n,)
        :class:`Reason` bits gathered on the way.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    states: NDArray[np.uint8]
    flags: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))

    def __post_init__(self) -> None:
        if self.values.shape != self.states.shape or self.values.shape[1:] != (len(self.names),):
            raise ValueError(f"values {self.values.shape} and states {self.states.shape} for {len(self.names)} analytes")
        if len(self.flags) != len(self.values):
            object.__setattr__(self, "flags", np.zeros(len(self.values), np.uint32))

    @property
    def shape(self) -> tuple[int, ...]:
        """(specimens, analytes)."""
        return self.values.shape

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> Measurements:
        """Return these specimens (an index array, mask or slice)."""
        return replace(self, values=self.values[rows], states=self.states[rows], flags=self.flags[rows])

    def column(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Return one analyte's values and states, each contiguous, shape (n,)."""
        j = self.names.index(name)
        return np.ascontiguousarray(self.values[:, j]), np.ascontiguousarray(self.states[:, j])

    def flagged(self, reason: Reason, rows: NDArray[np.bool_]) -> Measurements:
        """Return the same measurements with a reason set on some specimens."""
        return replace(self, flags=self.flags | np.where(rows, np.uint32(reason), np.uint32(0)))


def from_columns(names: Sequence[str], columns: Iterable[tuple[Any, Any]], like: Measurements) -> Measurements:
    """Assemble measurements from (values, states) columns, keeping the flags of ``like``."""
    pairs = list(columns)
    n = len(like)
    values = np.stack([v for v, _ in pairs]).T if pairs else np.zeros((n, 0))
    states = np.stack([s for _, s in pairs]).T if pairs else np.zeros((n, 0), np.uint8)
    return Measurements(tuple(names), values, states, like.flags)


@dataclass(frozen=True, slots=True)
class Features:
    """The model's input: after the transform, higher always means more.

    Parameters
    ----------
    names : tuple of str, length k
        Features: an analyte's name, or ``<analyte>__nd`` for its not-detected indicator.
    values : ndarray of float64, shape (n, k)
        NaN where the analyte gives no number.
    flags : ndarray of uint32, shape (n,)
        :class:`Reason` bits.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    flags: NDArray[np.uint32]


def is_censored(states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Say which cells were looked for and not found (undetermined or below LOD)."""
    undetermined, below = np.equal(states, np.uint8(State.UNDETERMINED)), np.equal(states, np.uint8(State.BELOW_LOD))
    censored: NDArray[np.bool_] = np.logical_or(undetermined, below)
    return censored


def is_measured(states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Say which cells hold a number that was measured."""
    measured: NDArray[np.bool_] = np.equal(states, np.uint8(State.MEASURED))
    return measured
