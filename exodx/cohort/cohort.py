"""A cohort: specimens measured on one panel, with what is known about them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exodx.cohort import doors
from exodx.cohort.columns import UNKNOWN
from exodx.cohort.shown import cohort_html, cohort_line
from exodx.cohort.standard import perhaps_labels
from exodx.errors import InputRefused, Problem
from exodx.frozen import Measurements
from exodx.panel import Panel
from exodx.tables.table import Remark

if TYPE_CHECKING:
    from exodx.cohort.read import Intake


@dataclass(frozen=True)
class Cohort:
    """Specimens measured on one panel. Contains tables, is none; validated where it is read.

    Parameters
    ----------
    panel : Panel
    measurements : Measurements
        Raw values and cell states, n specimens × the panel's analytes.
    specimens : DataFrame, n rows
        Index: specimen id. Columns: ``subject`` always; ``site``, ``plate``, ``date``, ``age``, ``sex`` where known, and
        the fields of the manifest (:mod:`exodx.panel.manifest`) that the file has.
    reference_standard : Series of int, n rows, or None
        1 where the target condition is present.
    positive_label : str
        The value of the label column that means present.
    negative_labels : tuple of (str, int)
        The values of it that mean absent, with their specimens in the whole file; empty where no file was read.
    source : str
        Name of the file, for messages.
    synthetic : bool
        True for simulated specimens; follows the cohort into every output.
    notes : tuple of str
        What was recognised or left out on reading, for the user.
    left_out : int
        Specimens of the file without a reference standard, which are not in the cohort.
    unused : DataFrame, n rows, or None
        Columns of the file that nothing reads, as written: for what a check can tell from them, never for a model.
    remarks : tuple of Remark
        What the file shows and the cohort no longer does.
    classes : tuple of str
        The classes of a multi-class cohort, in the order of their names; empty where there is one target condition.
    labels : Series of str, n rows, or None
        The class of each specimen of a multi-class cohort, which has no single reference standard: see :meth:`one_vs_rest`.
    written : DataFrame, n rows, or None
        How each specimen's measurements were written (:func:`exodx.cohort.written.written_cells`).
    """

    panel: Panel
    measurements: Measurements
    specimens: pd.DataFrame
    reference_standard: pd.Series[int] | None = None
    positive_label: str = ""
    source: str = ""
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    left_out: int = 0
    unused: pd.DataFrame | None = None
    remarks: tuple[Remark, ...] = ()
    classes: tuple[str, ...] = ()
    labels: pd.Series[str] | None = None
    written: pd.DataFrame | None = None
    negative_labels: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.measurements.names != self.panel.names or len(self.measurements) != len(self.specimens):
            raise ValueError("measurements must have the panel's analytes in order, and a row a specimen")
        object.__setattr__(self, "specimens", self.specimens.copy())

    def __repr__(self) -> str:
        return cohort_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return cohort_html(self)

    def __len__(self) -> int:
        return len(self.specimens)

    def __getitem__(self, rows: NDArray[Any]) -> Cohort:
        """Return these specimens (an index array or mask)."""
        label = None if self.reference_standard is None else self.reference_standard.iloc[_positions(rows)]
        return replace(
            self,
            measurements=self.measurements[rows],
            specimens=self.specimens.iloc[_positions(rows)],
            reference_standard=label,
            unused=None if self.unused is None else self.unused.iloc[_positions(rows)],
            labels=None if self.labels is None else self.labels.iloc[_positions(rows)],
            written=None if self.written is None else self.written.iloc[_positions(rows)],
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Specimen ids, in order."""
        return tuple(self.specimens.index)

    @property
    def y(self) -> NDArray[np.int8]:
        """The reference standard as 0/1, shape (n,).

        Raises
        ------
        InputRefused
            When the cohort has none, or several classes.
        """
        if self.classes:
            found = f"there are several classes ({', '.join(self.classes)}) and no one target condition"
            fix = "Name one of them, against all others: --positive VALUE."
            raise InputRefused(Problem("CLASSES_SEVERAL", self.source or "cohort", found, fix))
        if self.reference_standard is None:
            fix = f"Name the column and its positive value: --label COLUMN --positive VALUE. {perhaps_labels(self.unused)}".strip()
            raise InputRefused(Problem("LABEL_MISSING", self.source or "cohort", "no reference standard", fix))
        return np.asarray(self.reference_standard, np.int8)

    @property
    def class_codes(self) -> NDArray[np.intp]:
        """The place of each specimen's class among :attr:`classes`, shape (n,)."""
        if self.labels is None:
            raise ValueError("the cohort has no classes")
        place = {name: code for code, name in enumerate(self.classes)}
        return np.array([place[label] for label in self.labels], np.intp)

    def one_vs_rest(self, name: str) -> Cohort:
        """Return the ordinary cohort in which one class is the target condition and all others are not."""
        if self.labels is None or name not in self.classes:
            raise KeyError(f"{name!r} is not among the classes {self.classes}")
        standard = (self.labels == name).astype(np.int8).rename("reference_standard")
        return replace(self, reference_standard=standard, positive_label=name, classes=(), labels=None)

    @property
    def subjects(self) -> NDArray[np.intp]:
        """Subject of each specimen as a code, shape (n,)."""
        return self.codes("subject")

    @property
    def subjects_stated(self) -> bool:
        """Say whether a column told whose specimens these are."""
        return bool((self.specimens["subject"] != self.specimens.index).any())

    @property
    def sites(self) -> list[str]:
        """Site of each specimen; all not stated where no column says."""
        return [str(site) for site in self.specimens["site"]] if "site" in self.specimens else [UNKNOWN] * len(self)

    def codes(self, column: str) -> NDArray[np.intp]:
        """Return a specimen column as codes from 0 in order of the sorted values, shape (n,)."""
        return np.unique(self.specimens[column].astype(str), return_inverse=True)[1]

    @property
    def table(self) -> pd.DataFrame:
        """Measured values, specimens × analytes (a copy)."""
        return pd.DataFrame(self.measurements.values.copy(), index=self.specimens.index, columns=list(self.panel.names))

    def to_anndata(self) -> Any:
        """Return the cohort as an AnnData (extra ``anndata``); see :func:`exodx.cohort.annotated.to_anndata`."""
        return doors.to_anndata(self)

    @staticmethod
    def from_anndata(data: Any, intake: Intake | None = None) -> Cohort:
        """Return the cohort of an AnnData: one of :meth:`to_anndata`, or any other read by an intake as a file is.

        See :func:`exodx.cohort.annotated.from_anndata`.
        """
        return doors.from_anndata(data, intake)

    def sorted(self) -> Cohort:
        """Return the cohort in the order of its ids: what is learned must not depend on the order of rows."""
        return self[np.argsort(np.array(self.ids, dtype=str), kind="stable")]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of values, states and reference standard (or classes); ids take no part."""
        digest = hashlib.sha256(self.panel.fingerprint.encode())
        for array in (self.measurements.values, self.measurements.states):
            digest.update(np.ascontiguousarray(array).tobytes())
        if self.reference_standard is not None:
            digest.update(self.y.tobytes())
        if self.labels is not None:
            digest.update("\n".join(self.labels).encode())
        return digest.hexdigest()


def _positions(rows: NDArray[Any]) -> NDArray[Any]:
    return np.flatnonzero(rows) if rows.dtype == bool else rows
