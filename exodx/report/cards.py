"""A card for each of the most important analytes: what it is, what it also tells of, whether it went where it was expected to."""

from __future__ import annotations

from dataclasses import dataclass

from exodx.evaluation import Evaluation
from exodx.frozen import DiagnosticModel
from exodx.panel.markers import WORDS_OF_KIND, read_markers
from exodx.report.words import number

MOST = 12
_EXPECTED = {"up": "higher in positives", "down": "lower in positives", "": "none declared"}
_LEARNED = {"up": "higher values push towards positive", "down": "higher values push towards negative", "none": "mixed"}


@dataclass(frozen=True, slots=True)
class AnalyteCard:
    """What a reviewer wants to know of one analyte.

    Parameters
    ----------
    name, accession, unit : str
    rank : int
        Among the features, by mean |SHAP|.
    shap : str
        Mean |SHAP| and its share of the whole.
    expected, learned : str
        Direction that the panel declares, and that of the final model.
    verdict : str
        ``as expected``, ``against expectation``, or empty where one of them is none.
    tags : tuple of str
        What it also tells of, with the source.
    folds : str
        How its rank and direction held over the outer folds; empty where that is not known.
    """

    name: str
    accession: str
    unit: str
    rank: int
    shap: str
    expected: str
    learned: str
    verdict: str
    tags: tuple[str, ...]
    folds: str


def analyte_cards(evaluation: Evaluation, model: DiagnosticModel) -> tuple[AnalyteCard, ...]:
    """Return the cards of the features that are analytes of the panel, the most important first; at most 12.

    Parameters
    ----------
    evaluation : Evaluation
    model : DiagnosticModel
    """
    analytes, markers = {a.name: a for a in model.panel.analytes}, read_markers()
    stability = evaluation.explanation_stability
    held = {} if stability is None else {f.feature: f for f in stability.features}
    cards: list[AnalyteCard] = []
    for rank, feature in enumerate(evaluation.features, start=1):
        analyte = analytes.get(feature.feature)
        if analyte is None or feature.mean_abs_shap == 0 or len(cards) == MOST:
            continue
        tags = tuple(f"{WORDS_OF_KIND.get(t.kind, t.kind)}: {t.what} ({t.source})" for t in markers.tags(analyte))
        over = held.get(feature.feature)
        folds = (
            ""
            if over is None
            else f"rank {over.best_rank} to {over.worst_rank} over {stability.folds if stability else 0} outer folds"
        )
        if over is not None and over.agree is not None:
            folds += f", {over.direction} in {100 * over.agree:.0f} % of those that use it"
        cards.append(
            AnalyteCard(
                name=analyte.name,
                accession=analyte.accession or "",
                unit=analyte.unit,
                rank=rank,
                shap=f"{number(feature.mean_abs_shap)} log-odds, {100 * feature.share:.0f} % of all",
                expected=_EXPECTED[feature.declared],
                learned=_LEARNED[feature.direction],
                verdict=_verdict(feature.declared, feature.direction),
                tags=tags,
                folds=folds,
            )
        )
    return tuple(cards)


def _verdict(declared: str, learned: str) -> str:
    if not declared or learned == "none":
        return ""
    return "as expected" if declared == learned else "against expectation"
