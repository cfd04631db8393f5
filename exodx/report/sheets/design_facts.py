"""Facts of the design: how the model was learned, validated and given its threshold."""

from __future__ import annotations

from types import MappingProxyType

from exodx.evaluation.metrics import METRICS
from exodx.report.members import learned
from exodx.report.sheets.cohort_facts import rules_in_force
from exodx.report.sheets.material import ONE_SITE, Fact, StudyMaterial, listed, plural, sources_of
from exodx.report.words import LABELS, grey_zone, headline, number, sentence, threshold_reason
from exodx.stats import hanley_mcneil_se, riley_sample_size, validation_sample_size

MEASURES = (
    "auc",
    "auc_leave_one_site_out",
    "auc_temporal",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "brier",
    "log_loss",
    "calibration_slope",
    "calibration_intercept",
    *(metric.name for metric in METRICS),
)
ENOUGH_TO_EVALUATE = 100
"""Cases, and as many without, to evaluate a frozen model in other data (Collins, Ogundimu and Altman 2016, 10.1002/sim.6787)."""


def objective(m: StudyMaterial) -> Fact:
    """Tell what the study is for."""
    text = (
        f"To develop a classifier of {m.model.provenance.positive_label!r} from {m.panel_words}, and to validate the way it "
        "was made inside the same cohort. No other cohort took part."
    )
    return Fact(text, "evaluation.title; panel.title; model.provenance")


def title(m: StudyMaterial) -> Fact:
    """Propose a title."""
    label = m.model.provenance.positive_label
    what = f"a model of {label!r} from {m.panel_words}"
    text = f"Development and internal validation of {what}: a study of diagnostic accuracy (AUC)."
    return Fact(text, "panel.title; model.provenance")


def abstract(m: StudyMaterial) -> Fact:
    """Propose the numbers of an abstract."""
    flow, head = m.evaluation.flow, headline(m.evaluation)
    calls = [f"{name} {sentence(e)}" for name in ("sensitivity", "specificity") if (e := m.estimate(name)) is not None]
    grave = sum(f.severity == "blocking" for f in m.evaluation.findings)
    warned = sum(f.severity == "warning" for f in m.evaluation.findings)
    text = (
        f"Methods: {flow['positive']} specimens with and {flow['negative']} without {m.model.provenance.positive_label!r}; "
        f"{plural(len(m.model.panel.with_role('target')), 'analyte')}; {_random(m)}. "
        f"Results: {head}; out of random folds {'; '.join(calls)}. "
        f"Limitations: no external validation; {plural(grave, 'blocking finding')} and {plural(warned, 'warning')}."
    )
    return Fact(text, "evaluation.flow; evaluation.headline; evaluation.findings; panel.analytes")


def _random(m: StudyMaterial) -> str:
    folds, repeats = (1 + max(getattr(f, key) for f in m.evaluation.folds) for key in ("fold", "repeat"))
    return f"nested {folds}-fold cross-validation, {plural(repeats, 'repeat')}"


def partition(m: StudyMaterial) -> Fact:
    """Tell which specimens were learned from and which were held out."""
    text = (
        f"Design: {_random(m)}, folds as even in the classes as can be; {m.apart}. In every outer fold the whole "
        "procedure from the table on (quality limits, normalisation, features, settings, weights, calibration, threshold) was "
        f"learned anew from the training part alone, by {m.plan.inner_folds} inner folds (fewer where a class is small); the "
        "held-out part was scored by what came out. The final model was then learned from all specimens that can be scored; no "
        "estimate of performance comes from it."
    )
    return Fact(text, "cohort.subject; plan.outer_folds; plan.repeats; plan.inner_folds; plan.seed; evaluation.folds")


def site_handling(m: StudyMaterial) -> Fact:
    """Tell how sites were held out, or that there were none to hold out."""
    if not m.evaluation.sites:
        return Fact(ONE_SITE, "cohort.specimens; evaluation.sites")
    text = (
        f"Each of {plural(len(m.evaluation.sites), 'site')} was also held out whole, the procedure learned from the others. "
        "Sites are reported one by one; scores of several sites are never pooled."
    )
    pooled = m.estimate("auc_leave_one_site_out")
    if pooled is None:
        return Fact(f"{text} Fewer than two sites can be evaluated alone: there is no mean over sites.", "evaluation.sites")
    return Fact(
        f"{text} Their mean is by a random-effects model ({pooled.method}).",
        "evaluation.sites; evaluation.estimates.auc_leave_one_site_out",
    )


def later_subjects(m: StudyMaterial) -> Fact | None:
    """Tell that later subjects were held out, where the plan asked for it."""
    if m.estimate("auc_temporal") is None:
        return None
    text = "The later subjects were also held out, the procedure learned from the earlier ones."
    return Fact(text, "plan.temporal; evaluation.estimates.auc_temporal")


def learning(m: StudyMaterial) -> Fact:
    """Tell how members are chosen, weighed and calibrated."""
    tried = f" Tried: {'; '.join(m.tried)}." if m.tried else ""
    text = (
        f"Search budget {m.plan.budget!r}, kinds of member: {', '.join(_kinds(m))}.{tried} Of each kind the setting with the least "
        "log loss out of inner folds, each fitted by the logistic loss; members are put together in log-odds by non-negative "
        "weights, learned out of inner folds with a penalty; a slope and an intercept (Platt) calibrate their sum, out of inner "
        "folds too. Against overfitting: few settings, no early stopping, nothing chosen on specimens that estimate performance."
    )
    return Fact(text, "plan.budget; plan.seed; model.provenance")


def _kinds(m: StudyMaterial) -> list[str]:
    return [row.kind for row in learned(m.model.provenance.booster).members]


def members(m: StudyMaterial) -> Fact:
    """Tell what the final model consists of."""
    found = learned(m.model.provenance.booster)
    said = "; ".join(f"{row.kind} ({row.setting}), share {row.share}, inner log loss {row.inner_log_loss}" for row in found.members)
    slope, intercept = number(m.model.calibrator.slope), number(m.model.calibrator.intercept)
    return Fact(
        f"The final model: {said}. Calibration: slope {slope}, intercept {intercept}.", "model.provenance; model.calibrator"
    )


def model_reason(m: StudyMaterial) -> Fact:
    """Tell why these kinds of model are tried."""
    line = ", a ridge regression straight lines" if "ridge" in _kinds(m) else ""
    text = f"Trees find thresholds and interactions{line}; what weighs how much is learned from inner folds."
    return Fact(text, "exodx; model.provenance")


def restrictions(m: StudyMaterial) -> Fact | None:
    """Tell what the plan holds the model to."""
    said = ["the directions that the panel declares"] if m.plan.monotone else []
    said += ["features selected by stability inside each fold"] if m.plan.selection == "stability" else []
    if not said:
        return None
    return Fact(f"Held to: {' and '.join(said)}; it was also validated without.", "plan.monotone; plan.selection")


def threshold(m: StudyMaterial) -> Fact:
    """Tell the threshold, what it keeps and how far it may move."""
    found = m.model.threshold
    zone = grey_zone(found)
    value = f"Calls: {zone}" if zone else f"Positive from a probability of {number(found.value, 4)}"
    spread = m.estimate("threshold")
    moves = f" {LABELS['threshold']}: {sentence(spread)}." if spread is not None else ""
    origin = (
        ""
        if found.criterion == "cost"
        else f" on {found.n_positive} positive and {found.n_negative} negative specimens, out of inner folds"
    )
    text = f"{value}: {threshold_reason(found)}{origin}.{moves}"
    return Fact(
        text, "model.threshold; plan.target; plan.target_value" + ("; evaluation.estimates.threshold" if spread is not None else "")
    )


def threshold_origin(m: StudyMaterial) -> Fact:
    """Tell whether the threshold was set beforehand."""
    rule = f"The rule that gives the threshold stands in the study plan (fingerprint {m.model.provenance.plan_fingerprint[:12]})"
    if m.model.threshold.criterion == "cost":
        value = "and gives it by harm ratio, prevalence and share of positives alone: no measurement was looked at for it"
    else:
        value = "but its value was found in this cohort: it is exploratory, and was not set before the data were seen"
    asked = (
        "Whether the plan was written before outcomes were seen the program cannot know; when the threshold was found stands in "
        "the tag exodx.threshold_chosen_at of the run, where one was written."
    )
    return Fact(
        f"{rule}, {value}. Each outer fold found its own, and estimates of accuracy use those. {asked}",
        "plan.target; model.threshold",
    )


def plan_identity(m: StudyMaterial) -> Fact:
    """Tell the study plan as what it is."""
    text = (
        f"The study plan stands in model_card.json (fingerprint {m.model.provenance.plan_fingerprint}). It is no registered "
        "protocol, and the program cannot know when it was written."
    )
    return Fact(text, "model.provenance")


def measures(m: StudyMaterial) -> Fact:
    """Tell the measures with the methods of their intervals."""
    found = [e for name in MEASURES if (e := m.estimate(name)) is not None and e.method]
    said = "; ".join(f"{LABELS[e.name]} ({e.method})" for e in found)
    curve = " Clinical utility: net benefit over thresholds." if m.evaluation.benefit_curve is not None else ""
    shown = ["ROC curve with its band", "calibration", *(["decision curve"] if curve else [])]
    shown += ["each held-out site"] if m.evaluation.sites else []
    plots = f" Plots in report.html: {', '.join(shown)}, features."
    places = [f"evaluation.estimates.{e.name}" for e in found] + (["evaluation.benefit_curve"] if curve else [])
    places += ["evaluation.sites"] if m.evaluation.sites else []
    return Fact(f"Measures and their intervals: {said}.{curve}{plots}", "; ".join(places))


def compared_with(m: StudyMaterial) -> Fact | None:
    """Tell which models it was compared with, and how."""
    names = {
        "logistic": "a ridge logistic regression",
        "single_analyte": "the best single analyte",
        "default_xgboost": "XGBoost with its default settings",
        "unconstrained": "the same without the panel's directions",
        "full_panel": "the same on the full panel",
    }
    found = {key: e for key in names if (e := m.estimate(f"auc_minus_{key}")) is not None}
    if not found:
        return None
    text = f"Compared on the same folds with {', '.join(names[key] for key in found)}, by the paired difference of the AUC."
    return Fact(text, sources_of(found.values()))


def testing(m: StudyMaterial) -> Fact:
    """Tell what stands in the place of tests."""
    permuted = m.estimate("permutation_p")
    text = "Models are compared by paired differences of the AUC with intervals, on the same folds; no p-value decides."
    if permuted is None:
        return Fact(f"{text} The plan asked for no permutation of labels.", "evaluation.estimates; plan.permutations")
    return Fact(
        f"{text} p by permutation of labels: {sentence(permuted)} ({permuted.method}).",
        "evaluation.estimates.permutation_p; plan.permutations",
    )


def indeterminate(m: StudyMaterial) -> Fact:
    """Tell what becomes of indeterminate calls and of specimens that are not scored."""
    share = m.estimate("indeterminate")
    left = f"Not scored, and so in the flow but in no estimate of accuracy: {m.evaluation.flow['not reported']}."
    if share is None:
        return Fact(
            f"No grey zone: every scored specimen is called positive or negative. {left}",
            "model.threshold; plan.grey_zone; evaluation.flow",
        )
    text = (
        f"Share called indeterminate: {sentence(share)}. Sensitivity and specificity count them as errors; both are also given "
        f"without them. {left}"
    )
    return Fact(text, "model.threshold; plan.grey_zone; evaluation.estimates.indeterminate; evaluation.flow")


def imbalance(m: StudyMaterial) -> Fact:
    """Tell how class imbalance was handled."""
    made = m.model.provenance
    text = (
        f"{made.n_positive} of {made.n_specimens} specimens are positive. No specimen was drawn twice, left out, made up or given "
        "more weight for the balance of classes, in learning or in evaluation; folds are even in the classes. Probabilities were "
        "calibrated out of inner folds and hold at the share of positives of the training specimens, "
        f"{number(made.share_positive)}."
    )
    return Fact(text, "model.provenance; model.calibrator; exodx")


def output(m: StudyMaterial) -> Fact:
    """Tell what the model gives."""
    share = number(m.model.provenance.share_positive)
    text = (
        "For each specimen: a status with reasons, a calibrated probability and its log-odds, a model call, and the contribution "
        f"of every feature (SHAP). The probability holds at a share of positives of {share}, not at another prevalence."
    )
    return Fact(text, "model.calibrator; model.provenance; exodx")


def sample_size(m: StudyMaterial) -> Fact | None:
    """Tell what Riley's criteria ask for, beside what there was; they know nothing of how the size was decided on."""
    auc, share = m.estimate("auc"), m.model.provenance.n_positive / m.model.provenance.n_specimens
    k, n = len(m.model.features), m.evaluation.flow["subjects"]
    whose = "subject" if m.cohort.subjects_stated else "specimen"
    if auc is None or auc.value is None:
        return None
    have = f"There were {plural(n, whose)} and {plural(k, 'feature')} in the final model."
    try:
        needed = riley_sample_size(share, k, auc=auc.value)
    except ValueError as error:
        return Fact(
            f"{have} Riley's criteria give no number here: {error}", "evaluation.flow; evaluation.estimates.auc; model.features"
        )
    enough = "fewer than that" if n < needed.n else "as many or more"
    text = (
        f"{have} By the criteria of Riley (10.1002/sim.7992), at a share of positives of {number(share)} and the AUC found here "
        f"({number(auc.value)}), a regression with one parameter a feature would need {needed.n} ({needed.deciding.name} decides): "
        f"{enough}. Trees need more. This was computed afterwards, and is no reason for the size. {' '.join(needed.notes)}"
    )
    return Fact(text.strip(), "evaluation.flow; evaluation.estimates.auc; model.features")


def evaluation_size(m: StudyMaterial) -> Fact:
    """Tell how many there were to evaluate, and what a validation elsewhere would need."""
    flow, auc = m.evaluation.flow, m.estimate("auc")
    few = min(flow["positive"], flow["negative"])
    text = f"{flow['positive']} positive and {flow['negative']} negative specimens: "
    text += "at least" if few >= ENOUGH_TO_EVALUATE else "fewer than"
    text += f" {ENOUGH_TO_EVALUATE} of each, a rule of thumb for validation in other data (10.1002/sim.6787)."
    if auc is None or auc.value is None or not 0.5 < auc.value < 1:
        return Fact(text, "evaluation.flow")
    share = m.model.provenance.n_positive / m.model.provenance.n_specimens
    needed = validation_sample_size(share, auc.value)
    se = hanley_mcneil_se(auc.value, flow["positive"], flow["negative"])
    more = f" By 10.1002/sim.9025 a validation at this AUC needs {needed.n} specimens ({needed.deciding.name} decides)."
    return Fact(f"{text}{more} Standard error of the AUC to expect: {number(se)}.", "evaluation.flow; evaluation.estimates.auc")


def software(m: StudyMaterial) -> Fact:
    """Tell the versions."""
    made = m.model.provenance
    libraries = ", ".join(f"{name} {version}" for name, version in made.libraries.items())
    return Fact(f"exodx {made.exodx} (Apache-2.0) with {libraries}. Seed {made.seed}.", "model.provenance; plan.seed")


def reproducing(m: StudyMaterial) -> Fact:
    """Tell how to get the same model again."""
    made = m.model.provenance
    text = (
        f"exodx train with the plan of model_card.json, the bundle's panel.toml, exodx {made.exodx}, and the cohort with the "
        f"fingerprint {made.cohort_fingerprint[:12]}: the same inputs, seed and libraries give the same model "
        f"(hash {m.model_hash[:12]}). The data are part of neither."
    )
    return Fact(text, "model.provenance; plan.seed")


def specification(m: StudyMaterial) -> Fact:
    """Tell where the whole model stands."""
    text = (
        f"Model {m.model_id} (SHA-256 {m.model_hash}): a bundle of JSON, TOML, arrays and XGBoost UBJSON holds panel, transform, "
        "every tree and coefficient, calibration and threshold; exodx predict scores with it."
    )
    return Fact(text, "model.provenance")


def at_use(m: StudyMaterial) -> Fact:
    """Tell what happens to poor input at use."""
    rules = listed((rule.name for rule in rules_in_force(m)), 12, "in panel.toml") or "none"
    text = (
        "At use a wrong unit or scale, another specimen type or platform than the panel states, an unknown or ambiguous name, and "
        "a cell that cannot be read stop with what to do. Every specimen gets a status with reasons, and none is dropped silently; "
        f"there is no probability where a specimen cannot be scored. Quality rules, where their column is given: {rules}."
    )
    return Fact(text, "exodx; model.transform")


def users(m: StudyMaterial) -> Fact:  # noqa: ARG001
    """Tell what a user does with the model."""
    text = (
        "A user gives a table of measurements in the panel's units; the program checks it and gives probability, call and reasons. "
        "A user may allow a named difference from what the model is valid for, with a reason that is written beside the call."
    )
    return Fact(text, "exodx; panel.analytes")


DESIGN_FACTS = MappingProxyType(
    {
        tell.__name__: tell
        for tell in (
            objective,
            title,
            abstract,
            partition,
            site_handling,
            later_subjects,
            learning,
            members,
            model_reason,
            restrictions,
            threshold,
            threshold_origin,
            plan_identity,
            measures,
            compared_with,
            testing,
            indeterminate,
            imbalance,
            output,
            sample_size,
            evaluation_size,
            software,
            reproducing,
            specification,
            at_use,
            users,
        )
    }
)
