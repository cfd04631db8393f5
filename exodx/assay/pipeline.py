"""The assay transform as a scikit-learn Pipeline over :class:`~exodx.frozen.Measurements`."""

from __future__ import annotations

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from exodx.assay.normalisation import LearnInterplate, normalisers
from exodx.assay.quality import LearnQuality
from exodx.assay.steps import Labels, LearnEncoding, Learner, LearnLog2Scale
from exodx.errors import InputRefused, Problem
from exodx.frozen import FrozenTransform, Measurements, ReferenceNormalisation
from exodx.panel import Panel


def assay_pipeline(panel: Panel) -> Pipeline:
    """Return the unfitted pipeline of a panel: quality rules → plates → log2 scale → what the panel normalises by → encoding.

    Its input is a :class:`~exodx.frozen.Measurements` (sliced by rows like an array), its output a float64 matrix.
    """
    first: list[tuple[str, Learner]] = [("quality", LearnQuality(panel))]
    first += [("interplate", LearnInterplate(panel))] if panel.with_role("interplate") else []
    return Pipeline([*first, ("scale", LearnLog2Scale(panel)), *normalisers(panel), ("encoding", LearnEncoding(panel))])


def freeze(pipeline: Pipeline) -> FrozenTransform:
    """Return the fitted pipeline's state, without anything that can learn."""
    check_is_fitted(pipeline[-1], "state_")
    return FrozenTransform(tuple(step.state_ for step in pipeline[:-1]), pipeline[-1].state_)


def learn_transform(panel: Panel, measurements: Measurements, y: Labels = None) -> FrozenTransform:
    """Learn the transform from training specimens and freeze it.

    Parameters
    ----------
    panel : Panel
    measurements : Measurements, n specimens
    y : ndarray of 0/1, shape (n,), optional
        The reference standard: NormFinder compares the classes, and the smaller class says how often counts must be expressed.

    Raises
    ------
    InputRefused
        When no target was measured, or no reference where the panel normalises to references.
    """
    transform = freeze(assay_pipeline(panel).fit(measurements, y))
    problems = []
    if not transform.encoding.names:
        fix = "Check columns and units, and the panel's min_detection and min_cpm."
        problems.append(Problem("NOTHING_MEASURED", "training specimens", "no target analyte has numbers enough", fix))
    if any(isinstance(step, ReferenceNormalisation) and step.targets and not step.reference_means for step in transform.steps):
        fix = "Check the columns of what is subtracted, or say in the panel that nothing is (normalisation, amount_normalisation)."
        found = "no analyte that the targets are normalised by has a number"
        problems.append(Problem("REFERENCES_UNDETECTED", "training specimens", found, fix))
    if problems:
        raise InputRefused(problems)
    return transform
