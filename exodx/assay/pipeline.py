"""The assay transform as a scikit-learn Pipeline over :class:`~exodx.frozen.Measurements`."""

from __future__ import annotations

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from exodx.assay.steps import LearnEncoding, LearnLog2Scale, LearnReferences
from exodx.errors import InputRefused, Problem
from exodx.frozen import FrozenTransform, Measurements
from exodx.panel import Panel


def assay_pipeline(panel: Panel) -> Pipeline:
    """Return the unfitted pipeline of a panel: log2 scale → references → encoding.

    Its input is a :class:`~exodx.frozen.Measurements` (sliced by rows like an array), its output a float64 matrix.
    """
    return Pipeline([("scale", LearnLog2Scale(panel)), ("references", LearnReferences(panel)), ("encoding", LearnEncoding(panel))])


def freeze(pipeline: Pipeline) -> FrozenTransform:
    """Return the fitted pipeline's state, without anything that can learn."""
    check_is_fitted(pipeline[-1], "state_")
    return FrozenTransform(**{name: step.state_ for name, step in pipeline.steps})


def learn_transform(panel: Panel, measurements: Measurements) -> FrozenTransform:
    """Learn the transform from training specimens and freeze it.

    Raises
    ------
    InputRefused
        When no target was measured, or no reference where the panel normalises to references.
    """
    transform = freeze(assay_pipeline(panel).fit(measurements))
    problems = []
    if not transform.encoding.analytes:
        problems.append(
            Problem("NOTHING_MEASURED", "training specimens", "no target analyte has a number", "Check columns and units.")
        )
    if panel.normalisation == "references" and panel.with_role("reference") and not transform.references.reference_means:
        fix = "Check the reference columns, or say normalisation = 'none' in the panel."
        problems.append(Problem("REFERENCES_UNDETECTED", "training specimens", "no reference analyte has a number", fix))
    if problems:
        raise InputRefused(problems)
    return transform
