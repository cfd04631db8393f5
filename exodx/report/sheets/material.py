"""What the sheets are filled from: a finished study, and one fact of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exodx.cohort import Cohort
from exodx.evaluation import Evaluation
from exodx.frozen import DiagnosticModel
from exodx.frozen.bundle import model_id
from exodx.panel import StudyPlan
from exodx.report.words import label, sentence
from exodx.stats import Estimate

UNSTATED = "unspecified"
ONE_SITE = "The table states fewer than two sites: differences between sites were not examined."


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the program knows of a study.

    Parameters
    ----------
    text : str
        A sentence or a few, with its numbers; never a specimen's id or row.
    source : str
        Where it stands, with ``; `` between places: ``plan.KEY``, ``panel.FIELD``, ``cohort.COLUMN``,
        ``evaluation.estimates.NAME``, ``evaluation.findings.CODE``, ``evaluation.FIELD``, ``model.FIELD``; ``exodx`` where the
        program itself works so in every study.
    """

    text: str
    source: str


@dataclass(frozen=True)
class StudyMaterial:
    """A finished study of one target condition.

    Parameters
    ----------
    cohort : Cohort
    model : DiagnosticModel
    model_hash : str
    plan : StudyPlan
    evaluation : Evaluation
        Inside that cohort.
    tried : tuple of str
        The settings that were tried, a kind of member each, in words; empty where that is not known.
    """

    cohort: Cohort
    model: DiagnosticModel
    model_hash: str
    plan: StudyPlan
    evaluation: Evaluation
    tried: tuple[str, ...] = ()

    @property
    def model_id(self) -> str:
        """Short identity of the model."""
        return model_id(self.model, self.model_hash)

    @property
    def panel_words(self) -> str:
        """The panel in words, its title as it stands."""
        return f"the panel {self.model.panel.title!r} ({plural(len(self.model.panel.with_role('target')), 'target analyte')})"

    @property
    def apart(self) -> str:
        """What keeps a subject's specimens on one side of a split; without a column of subjects nothing does."""
        if self.cohort.subjects_stated:
            return "no subject's specimens stand on both sides"
        return "no specimen stands on both sides (no column names subjects: two specimens of one person may)"

    def estimate(self, name: str) -> Estimate | None:
        """Return an estimate by name, where there is such a one."""
        return next((e for e in self.evaluation.estimates if e.name == name), None)

    def told(self, *names: str, design: str = "") -> Fact | None:
        """Return those of these estimates that there are, in words, after their design; None where there is none."""
        found = [e for name in names if (e := self.estimate(name)) is not None]
        if not found:
            return None
        text = ". ".join(f"{label(e.name)}: {sentence(e)}" for e in found)
        return Fact(f"{design}{text}.", sources_of(found))

    def findings(self, codes: Iterable[str]) -> Fact | None:
        """Return the findings of these codes, in words; None where there is none."""
        wanted = set(codes)
        found = [f for f in self.evaluation.findings if f.code in wanted]
        if not found:
            return None
        text = " ".join(f"[{f.severity}: {f.code}] {f.message}" for f in found)
        return Fact(text, "; ".join(dict.fromkeys(f"evaluation.findings.{f.code}" for f in found)))


Telling = Callable[[StudyMaterial], Fact | None]
"""Tells one fact of a study; None where the program does not know it."""


def sources_of(estimates: Iterable[Estimate]) -> str:
    """Return where these estimates stand."""
    return "; ".join(f"evaluation.estimates.{e.name}" for e in estimates)


def joined(parts: Iterable[Fact | None]) -> Fact | None:
    """Return several facts as one; None where there is none."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    places = [place for part in known for place in part.source.split("; ")]
    return Fact(" ".join(part.text for part in known), "; ".join(dict.fromkeys(places)))


def plural(n: int, word: str) -> str:
    """Return a number with its word.

    >>> plural(1, "site"), plural(3, "site")
    ('1 site', '3 sites')
    """
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def listed(names: Iterable[str], most: int, rest: str) -> str:
    """Return names with commas, the first few of many.

    >>> listed(["a", "b", "c"], 2, "in the panel")
    'a, b and 1 more (in the panel)'
    """
    every = list(names)
    more = len(every) - most
    return ", ".join(every) if more <= 0 else f"{', '.join(every[:most])} and {more} more ({rest})"
