"""Methods and limits of a study in plain sentences, from the plan, the frozen transform and the evaluation: for a manuscript."""

from __future__ import annotations

from collections.abc import Iterator

from exodx.evaluation import Evaluation
from exodx.evaluation.curves import BOOTSTRAPS
from exodx.frozen import DiagnosticModel
from exodx.libraries.registry import METHODS
from exodx.panel import Panel, Scale, StudyPlan
from exodx.report.words import is_simulated, number, threshold_reason

_CT = {
    "references": "Ct values were turned into −ΔCt against the mean of {references}",
    "genorm": "Ct values were turned into −ΔCt against the mean of the references that geNorm found steady: {references}",
    "normfinder": "Ct values were turned into −ΔCt against the mean of the references that NormFinder found steady: {references}",
    "global_mean": "Ct values were turned into −ΔCt against the mean of the analytes that were always expressed",
    "spike_in": "Ct values were turned into −ΔCt against the mean of the spike-ins: {references}",
    "quantile": "Ct values were brought to the quantiles of the training specimens",
    "log_ratios": "log-ratios of pairs of Ct analytes were formed, without a reference",
    "none": "Ct values were used without normalisation",
}
_AMOUNTS = {
    "none": "concentrations and intensities were taken as log2",
    "per_particle": "amounts were divided by the number of particles",
    "per_ev_protein": "amounts were divided by the EV protein",
    "per_tetraspanin": "amounts were divided by the tetraspanins",
}
_CENSORED = {
    "missing": "were left without a value",
    "limit": "were set to the limit (one cycle beyond the Ct limit, or LOD/√2)",
    "conditional_mean": "were set to what a normal distribution fitted to the training specimens expects below the limit",
}
_MEMBERS = {
    "minimal": "shallow boosted trees (XGBoost) alone",
    "quick": "shallow boosted trees and a boosted random forest (XGBoost), extra-trees and a ridge logistic regression",
    "standard": "shallow boosted trees and a boosted random forest (XGBoost), extra-trees and a ridge logistic regression",
    "thorough": "shallow boosted trees and a boosted random forest (XGBoost), extra-trees and a ridge logistic regression",
}
FEW_SITES = 2


def methods(evaluation: Evaluation, model: DiagnosticModel, plan: StudyPlan) -> list[str]:
    """Return the paragraphs of a methods section; each sentence is true of this study.

    Parameters
    ----------
    evaluation : Evaluation
    model : DiagnosticModel
    plan : StudyPlan
    """
    return [
        " ".join(part) for part in (_specimens(evaluation, model), _assay(model), _learning(model, plan), _validation(evaluation))
    ]


def _specimens(evaluation: Evaluation, model: DiagnosticModel) -> Iterator[str]:
    flow, panel = evaluation.flow, model.panel
    targets = sum(a.role == "target" for a in panel.analytes)
    whose = f" of {flow['subjects']} subjects" if _subjects_stated(evaluation) else ""
    yield (
        f"{flow['specimens']} {_fluid(panel)}{whose} had a reference standard: {flow['positive']} with the "
        f"target condition ({model.provenance.positive_label or 'not named'}) and {flow['negative']} without."
    )
    if (sites := flow.get("sites", 0)) >= FEW_SITES:
        yield f"They came from {sites} sites."
    yield f"{targets} target analyte{'s' if targets > 1 else ''} of the panel {panel.name} {panel.version} {_measured(panel)}."
    yield f"{flow['scored']} specimens could be analysed out of fold; {flow['not reported']} could not."


def _fluid(panel: Panel) -> str:
    if panel.specimen_type == "unspecified":
        return "specimens"
    return f"{'CSF' if panel.specimen_type == 'csf' else panel.specimen_type} specimens"


def _measured(panel: Panel) -> str:
    units = ", ".join(dict.fromkeys(a.unit for a in panel.analytes if a.role == "target"))
    platform = "" if panel.platform == "unspecified" else f" on {panel.platform}"
    isolation = "" if panel.isolation == "unspecified" else f" after isolation by {panel.isolation}"
    return f"were measured{platform}{isolation} (units: {units})"


def _assay(model: DiagnosticModel) -> Iterator[str]:
    panel, encoding = model.panel, model.transform.encoding
    scales = {model.transform.scale.scales[a.name] for a in panel.analytes if a.role == "target"}
    references = ", ".join(model.transform.references) or "the references"
    said = [
        *([_CT[panel.normalisation].format(references=references)] if Scale.CT in scales else []),
        *([METHODS[panel.count_normalisation].words] if Scale.COUNTS in scales else []),
        *([_AMOUNTS[panel.amount_normalisation]] if Scale.LINEAR in scales else []),
        *(["values that came on a log or standard scale were taken as they are"] if Scale.NORMALISED in scales else []),
    ]
    if said:
        yield _sentence("; ".join(said))
    late = f" (or only at a Ct above {panel.ct_cutoff:g})" if Scale.CT in scales else ""
    yield f"Cells in which nothing was detected{late} {_CENSORED[panel.censored]}; where such cells were rare, at the limit."
    yield "Whatever of this is learned from specimens was learned inside the training part of every fold, and then frozen."
    marks = f", {len(encoding.indicators)} of them indicators that an analyte was not detected" if encoding.indicators else ""
    yield f"The final model has {len(encoding.names)} feature{'s' if len(encoding.names) > 1 else ''}{marks}."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _learning(model: DiagnosticModel, plan: StudyPlan) -> Iterator[str]:
    yield (
        f"The model is a weighted sum of {_MEMBERS[plan.budget]}; settings were chosen, and weights learned, by log loss out of "
        f"{plan.inner_folds} inner folds (budget {plan.budget}, seed {plan.seed})."
    )
    if plan.monotone:
        yield "Log-odds were held to the directions that the panel declares."
    if plan.selection == "stability":
        yield "Members saw only features that separated the classes in most halves of the training subjects."
    yield "Probabilities were calibrated by a slope and an intercept on out-of-fold log-odds."
    learned = "" if model.threshold.criterion == "cost" else " out of fold"
    zone = ", with a grey zone in which no call is made" if model.threshold.zone is not None else ""
    yield f"The threshold is {threshold_reason(model.threshold)}{learned}{zone}."


def _validation(evaluation: Evaluation) -> Iterator[str]:
    known = {e.name for e in evaluation.estimates if e.value is not None}
    apart = "subjects never on both sides" if _subjects_stated(evaluation) else "every specimen taken as a subject of its own"
    yield f"Everything from normalisation to threshold was repeated in {_folds(evaluation)}, {apart}."
    if evaluation.sites:
        pooled = ", and their AUCs were pooled by random effects" if "auc_leave_one_site_out" in known else ""
        yield f"Each of {len(evaluation.sites)} sites was also held out whole{pooled}."
    predictive = ", of predictive values on the logit scale (Mercaldo)" if known & {"ppv", "npv"} else ""
    yield (
        "Intervals are 95 %: of the AUC on the logit scale with a variance by subject, of sensitivity and specificity by Wilson"
        f"{predictive}; bands are pointwise, from {BOOTSTRAPS} bootstraps of subjects."
    )
    yield "SHAP values are exact contributions to the calibrated log-odds."


def _subjects_stated(evaluation: Evaluation) -> bool:
    return all(finding.code != "subjects_not_stated" for finding in evaluation.findings)


def _folds(evaluation: Evaluation) -> str:
    repeats = 1 + max((fold.repeat for fold in evaluation.folds), default=0)
    outer = 1 + max((fold.fold for fold in evaluation.folds), default=0)
    return f"{outer} outer folds ({repeats} repeat{'s' if repeats > 1 else ''})"


def limits(evaluation: Evaluation, model: DiagnosticModel) -> list[str]:
    """Return what this study cannot show; gravest first.

    Parameters
    ----------
    evaluation : Evaluation
    model : DiagnosticModel
    """
    return list(_limits(evaluation, model))


def _limits(evaluation: Evaluation, model: DiagnosticModel) -> Iterator[str]:
    flow, panel = evaluation.flow, model.panel
    if is_simulated(evaluation) or model.provenance.synthetic:
        yield "The specimens are simulated: nothing here is evidence of performance."
    yield "No other cohort has been scored: how the frozen model does elsewhere is not known until exodx evaluate is run on one."
    if flow.get("sites", 0) < FEW_SITES:
        yield "There is one site, or none is stated: what a new site costs cannot be told."
    smaller = min(flow["positive"], flow["negative"])
    yield f"The smaller class has {smaller} specimens; every estimate is as wide as its interval."
    if evaluation.prevalence is None:
        share = number(flow["positive"] / max(flow["positive"] + flow["negative"], 1))
        yield (
            "No prevalence of use is stated, and predictive values depend on it: "
            f"the share of positives here, {share}, is that of the study."
        )
    else:
        yield f"Predictive values hold at a prevalence of {evaluation.prevalence:g} and no other."
    fluid = "a stated specimen type" if panel.specimen_type == "unspecified" else panel.specimen_type
    yield f"The model is valid for {fluid}, as measured here; what is known to be otherwise is refused unless allowed by name."
    yield "SHAP values say what the model uses, not what causes the condition; correlated analytes share credit arbitrarily."
