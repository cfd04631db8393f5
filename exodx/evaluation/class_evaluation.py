"""The outcome of an evaluation of several classes: what any evaluation has, and what is told of each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from exodx.evaluation.curves import RocBand
from exodx.evaluation.evaluation import Evaluation, SiteResult
from exodx.evaluation.explanations import FeatureSummary
from exodx.evaluation.shown import class_evaluation_html, class_evaluation_line
from exodx.stats import Estimate


@dataclass(frozen=True, slots=True)
class Confusion:
    """Calls against classes.

    Parameters
    ----------
    called : tuple of str
        The classes and, where a limit keeps calls back, ``indeterminate``: the columns.
    counts : tuple of tuples of float
        A row a class, as specimens; means over repeats.
    """

    called: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]

    @property
    def shares(self) -> tuple[tuple[float, ...], ...]:
        """Counts over their row's sum; 0 in a row without specimens."""
        return tuple(tuple(n / (sum(row) or 1.0) for n in row) for row in self.counts)


@dataclass(frozen=True, slots=True)
class ClassEvaluation:
    """How good a model of several classes is.

    Parameters
    ----------
    summary : Evaluation
        Headline (macro AUC), estimates, findings and flow; its curves are empty.
    classes : tuple of str, length K
    confusion : Confusion
    rocs : tuple of RocBand, length K
        One class against the rest; empty where the cohort has none of it.
    features : tuple of tuples of FeatureSummary, length K
    sites : tuple of tuples of SiteResult, length K
        Of each class against the rest.
    """

    summary: Evaluation
    classes: tuple[str, ...]
    confusion: Confusion
    rocs: tuple[RocBand, ...]
    features: tuple[tuple[FeatureSummary, ...], ...]
    sites: tuple[tuple[SiteResult, ...], ...]

    def __repr__(self) -> str:
        return class_evaluation_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return class_evaluation_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> ClassEvaluation:
        """Rebuild from :meth:`to_dict`."""
        table = state["confusion"]
        return cls(
            summary=Evaluation.from_dict(state["summary"]),
            classes=tuple(state["classes"]),
            confusion=Confusion(tuple(table["called"]), tuple(tuple(row) for row in table["counts"])),
            rocs=tuple(RocBand(**{key: tuple(values) for key, values in roc.items()}) for roc in state["rocs"]),
            features=tuple(tuple(FeatureSummary(**f) for f in each) for each in state["features"]),
            sites=tuple(tuple(SiteResult(**{**s, "auc": Estimate(**s["auc"])}) for s in each) for each in state["sites"]),
        )
