"""What scikit-learn hands over, a DataFrame or an array, becomes a cohort: by the reader of files where there is a panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from exodx.cohort import Cohort, Intake, frame_cohort
from exodx.errors import InputRefused, Problem
from exodx.frozen import Measurements, State
from exodx.panel import Analyte, Panel, QualityRule, load_panel
from exodx.tables.names import SPECIMEN_NAMES

AS_GIVEN = "columns-as-given"


class FrameRefused(InputRefused, ValueError):
    """A refusal that scikit-learn, and code written for it, knows as a ValueError."""


@contextmanager
def refusals() -> Iterator[None]:
    """Let every refusal of an input be a ValueError too."""
    try:
        yield
    except FrameRefused:
        raise
    except InputRefused as refused:
        raise FrameRefused(refused.problems) from None


def plain_panel(names: list[str]) -> Panel:
    """Return the panel of columns that are taken as they are: no unit, no reference, nothing subtracted.

    Raises
    ------
    InputRefused
        When a column cannot be called so, or two are called alike.
    """
    analytes = tuple(Analyte(name, "other", "normalised") for name in names)
    return Panel(AS_GIVEN, "1", "Columns as given", analytes, normalisation="none", censored="missing", min_detection=0.0)


class FrameReader(BaseEstimator):  # type: ignore[misc]
    """An estimator that reads its X as a cohort of ``panel``: a panel, its name or file, ``auto``, or None."""

    panel: Panel | str | None

    def _read(
        self,
        X: Any,
        *,
        fitted: Panel | None = None,
        reference: Mapping[str, Any] | None = None,
        rules: tuple[QualityRule, ...] | None = None,
    ) -> Cohort:
        """Return the cohort of X: of the panel that was fitted, where there is one.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            Of an array the columns are those of fitting, or the panel's analytes in order.
        fitted : Panel, optional
        reference : mapping, optional
            What a model keeps of its training cohort, which X is then held against.
        rules : tuple of QualityRule, optional
            That a model froze.
        """
        if self.panel is None:
            values = validate_data(self, X, reset=fitted is None, dtype=np.float64, ensure_all_finite="allow-nan")
            return _plain(values, self._columns(values.shape[1]), X)
        if not isinstance(X, pd.DataFrame):
            X = self._framed(X, fitted)
        else:
            validate_data(self, X, reset=fitted is None, skip_check_array=True)
        panel = fitted if fitted is not None else self.panel
        return _read_frame(X, Intake(panel, reference=reference, rules=rules))

    def _columns(self, n: int) -> list[str]:
        """Return the names of the columns at fitting; x0, x1 … where they had none."""
        return list(getattr(self, "feature_names_in_", [f"x{place}" for place in range(n)]))

    def _framed(self, X: Any, fitted: Panel | None) -> pd.DataFrame:
        """Return an array as a table with the columns of fitting, or with the panel's."""
        values = validate_data(self, X, reset=fitted is None, dtype=np.float64, ensure_all_finite="allow-nan")
        if self.panel == "auto" and not hasattr(self, "feature_names_in_"):
            found = "a panel cannot be inferred from an array: it has no column names"
            raise FrameRefused(Problem("COLUMNS_UNNAMED", "X", found, "Give a DataFrame, or name the panel."))
        panel = fitted if fitted is not None else load_panel(self.panel) if isinstance(self.panel, str) else self.panel
        assert panel is not None
        names = list(getattr(self, "feature_names_in_", panel.names))
        if len(names) != values.shape[1]:
            found = f"{values.shape[1]} columns without names for the {len(names)} analytes of panel {panel.name}"
            fix = f"Give a DataFrame, or the columns {', '.join(names)} in this order."
            raise FrameRefused(Problem("COLUMNS_UNNAMED", "X", found, fix))
        return pd.DataFrame(values, columns=names)


def _plain(values: NDArray[np.float64], names: list[str], X: Any) -> Cohort:
    states = np.where(np.isnan(values), State.NOT_RUN, State.MEASURED).astype(np.uint8)
    panel = plain_panel(names)
    ids = _ids(X, len(values))
    return Cohort(panel, Measurements(panel.names, values, states), pd.DataFrame({"subject": ids}, index=ids), source="X")


def _read_frame(frame: pd.DataFrame, intake: Intake) -> Cohort:
    """Read a table as a file; where no column says the specimens' ids, its index does."""
    if not {str(name).casefold() for name in frame.columns} & set(SPECIMEN_NAMES):
        ids = pd.Series(_ids(frame, len(frame)), index=frame.index, name=SPECIMEN_NAMES[0])
        frame = pd.concat([ids, frame], axis=1)
    return replace(frame_cohort(frame, intake), source="X")


def _ids(X: Any, n: int) -> list[str]:
    """Return the labels of a table's index where each names one row; else the rows' places, which sort as they stand."""
    if isinstance(X, pd.DataFrame) and X.index.is_unique and X.index.nlevels == 1:
        return [str(label) for label in X.index]
    return [f"{place:0{len(str(n))}d}" for place in range(n)]
