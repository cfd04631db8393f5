"""Evaluation of the procedure of several classes inside its cohort: nested cross-validation, and held-out sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort, quality_report
from exodx.errors import InputRefused, Problem
from exodx.evaluation.assay_audits import audit_assay, audit_censoring, audit_references
from exodx.evaluation.audits import Finding, audit_cohort, audit_model, audit_sites
from exodx.evaluation.class_estimates import (
    NO_CURVE,
    ScoredClasses,
    audit_classes_learned,
    class_estimates,
    class_flow,
    class_rocs,
    confusion_table,
    merge_findings,
)
from exodx.evaluation.class_evaluation import ClassEvaluation
from exodx.evaluation.cohort_audits import audit_file
from exodx.evaluation.designs import site_results
from exodx.evaluation.evaluation import Evaluation, Headline, SiteResult
from exodx.evaluation.explanations import summarise_explanation
from exodx.evaluation.handling_audits import audit_handling
from exodx.evaluation.preprocessing_audits import audit_preprocessing
from exodx.evaluation.replicate_audits import audit_replicates, technical_replicates
from exodx.evaluation.value_audits import audit_values
from exodx.frozen import Features, MulticlassModel, log_odds
from exodx.stats import Estimate, macro_auc, macro_auc_difference
from exodx.training import BENCHMARKS, ClassValidation, CrossValidation

LOSO = "auc_leave_one_site_out"
FEW_SCORED = 2


@dataclass(frozen=True, slots=True)
class ClassValidations:
    """Everything a procedure of several classes was validated by; see :class:`exodx.training.Validation`."""

    random: ClassValidation
    by_site: ClassValidation | None = None
    otherwise: ClassValidation | None = None


def evaluate_classes_inside(cohort: Cohort, model: MulticlassModel, validation: ClassValidations, seed: int) -> ClassEvaluation:
    """Evaluate the procedure that made a model of several classes, from predictions of specimens that took no part in it.

    Parameters
    ----------
    cohort : Cohort, n specimens
        With classes.
    model : MulticlassModel
        The final model, for its explanations; none of the estimates comes from it.
    validation : ClassValidations
    seed : int
        Of the ROC bands' bootstrap.

    Raises
    ------
    InputRefused
        When fewer than two specimens of a class could be scored out of fold.
    """
    random = validation.random
    usable = np.asarray(np.isfinite(random.scores).all(axis=(0, 2)))
    scored = scored_classes(cohort, random, usable, limited=model.limit is not None)
    _check(cohort, scored)
    sites, pooled = _sites(cohort, validation.by_site)
    macro, *others = class_estimates(scored)
    estimates = [macro, *_macro_of_sites(cohort.classes, pooled), *others, *pooled, *_benchmarks(random, usable, scored)]
    features = model.features(cohort.measurements)
    explanations = model.explain(cohort.measurements)
    summaries = tuple(summarise_explanation(p, e, f) for p, e, f in zip(model.parts, explanations, features, strict=True))
    by_name = {e.name: e for e in estimates}
    held = by_name.get(f"macro_{LOSO}")
    chosen, design = (held, "leave-one-site-out") if held is not None else (macro, random.design)
    summary = Evaluation(
        title="Inside the training cohort, on specimens held out from every step of learning",
        headline=Headline("macro AUC", chosen.value, chosen.lower, chosen.upper, design),
        estimates=tuple(estimates),
        findings=tuple(_findings(cohort, model, features, validation, estimates)),
        flow=class_flow(cohort, usable),
        roc=NO_CURVE,
        calibration=(),
    )
    return ClassEvaluation(summary, cohort.classes, confusion_table(scored), class_rocs(scored, seed), summaries, sites)


def scored_classes(cohort: Cohort, validation: ClassValidation, usable: NDArray[np.bool_], *, limited: bool) -> ScoredClasses:
    """Return the specimens that every repeat scored."""
    return ScoredClasses(
        cohort.classes,
        cohort.class_codes[usable],
        cohort.subjects[usable],
        validation.folds[:, usable],
        validation.scores[:, usable],
        validation.sure[:, usable],
        limited,
    )


def one_against_rest(validation: ClassValidation, k: int) -> CrossValidation:
    """Return the validation of one class as that of an ordinary model, whose margin is the class' log-odds."""
    odds = np.stack([log_odds(scores)[:, k] for scores in validation.scores])
    benchmarks = {name: scores[:, :, k] for name, scores in validation.benchmarks.items()}
    return CrossValidation(validation.design, validation.folds, odds, odds >= 0, benchmarks, ())


def _check(cohort: Cohort, scored: ScoredClasses) -> None:
    counts = np.bincount(scored.codes, minlength=len(cohort.classes))
    problems = [
        Problem(
            "TOO_FEW_SPECIMENS",
            f"class {name!r}",
            f"{n} specimens could be scored out of fold",
            "Collect more subjects of the class.",
        )
        for name, n in zip(cohort.classes, counts, strict=True)
        if n < FEW_SCORED
    ]
    if problems:
        raise InputRefused(problems)


def _sites(cohort: Cohort, by_site: ClassValidation | None) -> tuple[tuple[tuple[SiteResult, ...], ...], list[Estimate]]:
    """Return each site's AUC of each class, and the classes' random-effects means where two sites can be evaluated."""
    if by_site is None:
        return tuple(() for _ in cohort.classes), []
    results, pooled = [], []
    for k, name in enumerate(cohort.classes):
        sites, found = site_results(cohort.one_vs_rest(name), one_against_rest(by_site, k))
        results.append(sites)
        pooled += [] if found is None else [replace(found.estimate, name=f"{LOSO}:{name}")]
    return tuple(results), pooled


def _macro_of_sites(classes: Sequence[str], pooled: Sequence[Estimate]) -> list[Estimate]:
    """Return the mean of the classes' means over sites; none where a class has none.

    Its ends are the means of theirs: the classes share specimens and sites, and erring together is the worst they can do.
    """
    limits = [(e.value, e.lower, e.upper) for e in pooled if e.value is not None and e.lower is not None and e.upper is not None]
    if len(limits) < len(classes):
        return []
    value, lower, upper = np.array(limits, float).mean(axis=0).tolist()
    method = "mean over classes of their random-effects means over sites; ends: means of theirs, conservative"
    return [Estimate(f"macro_{LOSO}", value, lower, upper, method=method, n=pooled[0].n)]


def _benchmarks(random: ClassValidation, usable: NDArray[np.bool_], s: ScoredClasses) -> list[Estimate]:
    estimates = []
    for name in BENCHMARKS:
        scores = random.benchmarks[name][:, usable]
        estimates.append(macro_auc(s.codes, scores, s.folds, s.subjects, name=f"macro_auc_{name}"))
        estimates.append(macro_auc_difference(s.codes, s.odds, scores, s.folds, s.subjects, name=f"macro_auc_minus_{name}"))
    return estimates


def _findings(
    cohort: Cohort,
    model: MulticlassModel,
    features: Sequence[Features],
    validation: ClassValidations,
    estimates: Sequence[Estimate],
) -> list[Finding]:
    """Return the audits of each class against the rest, and those of the cohort as a whole."""
    random, gate = validation.random, model.transform.gate
    reads = gate.reads(cohort.measurements)
    report = quality_report(cohort, gate, features[0].flags)
    by_class = []
    for k, name in enumerate(cohort.classes):
        one = cohort.one_vs_rest(name)
        otherwise = None if validation.otherwise is None else one_against_rest(validation.otherwise, k)
        found = [
            *audit_cohort(one, features[k], random.folds[0]),
            *audit_file(one, reads),
            *audit_assay(one),
            *audit_handling(one),
            *audit_preprocessing(one),
            *audit_references(cohort.panel, [choice.references[k] for choice in random.choices]),
            *audit_censoring(one, one_against_rest(random, k), otherwise),
        ]
        by_class.append((name, found))
    pooled = [e for e in estimates if e.name == f"macro_{LOSO}"]
    against = [replace(e, name=e.name.removeprefix("macro_")) for e in estimates if e.name.startswith("macro_auc_minus_")]
    return [
        *(Finding(f.code, f.severity, f.message) for f in report.cohort_findings),
        *merge_findings(by_class),
        *audit_values(cohort),
        *audit_replicates(cohort, technical_replicates(cohort, features[0], random.folds)),
        *audit_sites(cohort, pooled),
        *audit_classes_learned(cohort.classes, estimates),
        *audit_model(against, ()),
        *_no_call(model),
    ]


def _no_call(model: MulticlassModel) -> list[Finding]:
    if model.limit is None or model.limit.value <= 1:
        return []
    message = (
        f"No limit of the largest probability kept {model.limit.target:.2f} of the calls right out of fold: "
        "the model makes no call. Ask for less, or give more specimens."
    )
    return [Finding("no_call_kept", "warning", message)]
