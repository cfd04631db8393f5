"""Evaluation of a frozen model of several classes on a cohort it never saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exodx.cohort import Cohort
from exodx.errors import InputRefused, Problem
from exodx.evaluation.audits import Finding, audit_cohort, audit_origin
from exodx.evaluation.beside_training import audit_beside, features_of
from exodx.evaluation.class_estimates import (
    NO_CURVE,
    ScoredClasses,
    audit_classes_discrimination,
    class_estimates,
    class_flow,
    class_rocs,
    confusion_table,
    merge_findings,
)
from exodx.evaluation.class_evaluation import ClassEvaluation
from exodx.evaluation.evaluation import Evaluation, Headline
from exodx.evaluation.explanations import summarise_explanation
from exodx.evaluation.external import SEED
from exodx.evaluation.replicate_audits import audit_replicates, technical_replicates
from exodx.evaluation.value_audits import audit_values
from exodx.frozen import MulticlassModel
from exodx.frozen.threshold import INDETERMINATE
from exodx.stats import Estimate

AUDIT_FOLDS = 5


def evaluate_classes_external(model: MulticlassModel, cohort: Cohort) -> ClassEvaluation:
    """Evaluate a frozen model of several classes; nothing is learned from the cohort.

    Parameters
    ----------
    model : MulticlassModel
    cohort : Cohort
        Read with the model's classes; it need not have specimens of all of them.

    Raises
    ------
    InputRefused
        When fewer than two classes have two specimens that can be scored.
    """
    cohort = cohort.sorted()
    prediction = model.predict(cohort.measurements, cohort.ids)
    usable = prediction.is_scored
    counts = np.bincount(cohort.class_codes[usable], minlength=len(cohort.classes))
    if (counts >= 2).sum() < 2:
        found = ", ".join(f"{n} of {name!r}" for name, n in zip(cohort.classes, counts, strict=True))
        fix = "An evaluation needs two specimens of two classes at least."
        raise InputRefused(Problem("TOO_FEW_SPECIMENS", cohort.source, f"specimens that could be scored: {found}", fix))
    sure = np.array(prediction.call)[usable] != INDETERMINATE
    subjects = cohort.subjects[usable]
    scored = ScoredClasses(
        cohort.classes,
        cohort.class_codes[usable],
        subjects,
        np.zeros((1, len(subjects)), np.intp),
        prediction.scores[usable][None],
        sure[None],
        model.limit is not None,
    )
    estimates = class_estimates(scored)
    features = model.features(cohort.measurements)
    explanations = model.explain(cohort.measurements)
    macro = estimates[0]
    summary = Evaluation(
        title=f"The frozen model on {cohort.source}",
        headline=Headline("macro AUC", macro.value, macro.lower, macro.upper, "external cohort"),
        estimates=tuple(estimates),
        findings=tuple(_findings(model, cohort, scored, estimates)),
        flow=class_flow(cohort, usable),
        roc=NO_CURVE,
        calibration=(),
    )
    return ClassEvaluation(
        summary,
        cohort.classes,
        confusion_table(scored),
        class_rocs(scored, SEED),
        tuple(summarise_explanation(p, e, f) for p, e, f in zip(model.parts, explanations, features, strict=True)),
        tuple(() for _ in cohort.classes),
    )


def _findings(model: MulticlassModel, cohort: Cohort, scored: ScoredClasses, estimates: Sequence[Estimate]) -> list[Finding]:
    """Return what is wrong with the cohort, and each class against the rest beside training."""
    by_class = []
    for k in scored.present:
        one, features = cohort.one_vs_rest(cohort.classes[k]), model.parts[k].featurise(cohort.measurements)
        by_class.append((cohort.classes[k], audit_cohort(one, features, cohort.subjects % AUDIT_FOLDS)))
    pairs = technical_replicates(cohort, features_of(model, cohort), np.zeros(len(cohort), np.intp))
    return [
        *audit_origin(cohort, model),
        *merge_findings(by_class),
        *audit_values(cohort),
        *audit_replicates(cohort, pairs),
        *audit_classes_discrimination(model.classes, estimates),
        *audit_beside(model, cohort),
    ]
