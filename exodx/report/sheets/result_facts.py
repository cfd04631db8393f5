"""Facts of the results: estimates with their intervals, findings, explanations, limits."""

from __future__ import annotations

from types import MappingProxyType

from exodx.evaluation import SiteResult, SubgroupResult, gap_lines
from exodx.evaluation.audits import SEPARATES as ALONE
from exodx.report.sheets.material import Fact, StudyMaterial, joined, plural, sources_of
from exodx.report.words import SHAP_NOTE, benefit_sentence, by_severity, number, sentence, stability_sentence
from exodx.report.words import headline as headline_words

NOT_BEATEN = "_not_beaten"
RANDOM = "Out of random folds: "
MOST_FEATURES, MOST_COSTS = 10, 5
LEAKS = (
    "near_duplicates",
    "values_filled_in",
    "label_duplicated",
    "subjects_not_stated",
    "permutation_fails",
    "column_separates",
    "replicates_summarised",
    "fractions_mixed",
    "standardised_upstream",
)
OF_PEOPLE = ("age_confounded", "sex_confounded")
SEPARATES = ("analyte_separates", "label_duplicated", "column_separates", "number_separates")
SITE_RESULTS = ("auc_leave_one_site_out", "auc_new_site", "gap_leave_one_site_out")


def headline(m: StudyMaterial) -> Fact:
    """Tell the number to quote."""
    blocked = any(f.severity == "blocking" for f in m.evaluation.findings)
    more = " A blocking finding stands against it: it must not be claimed." if blocked else ""
    return Fact(f"{headline_words(m.evaluation)}.{more}", "evaluation.headline")


def discrimination(m: StudyMaterial) -> Fact | None:
    """Tell the AUC of every design."""
    return m.told("auc", "auc_leave_one_site_out", "auc_temporal")


def accuracy(m: StudyMaterial) -> Fact | None:
    """Tell how right calls are."""
    names = ("sensitivity", "specificity", "sensitivity_of_calls", "specificity_of_calls", "indeterminate", "ppv", "npv")
    return m.told(*names, "conformal_coverage_positive", "conformal_coverage_negative", design=RANDOM)


def calibration(m: StudyMaterial) -> Fact | None:
    """Tell how right probabilities are."""
    return m.told("calibration_slope", "calibration_intercept", "brier", design=RANDOM)


def utility(m: StudyMaterial) -> Fact | None:
    """Tell where the calls are worth more than calling everyone or no one."""
    curve = m.evaluation.benefit_curve
    return None if curve is None else Fact(f"Net benefit: {benefit_sentence(curve)}.", "evaluation.benefit_curve")


def site_results(m: StudyMaterial) -> Fact | None:
    """Tell each held-out site, their mean, and what a new site costs; where there are sites."""
    if not m.evaluation.sites:
        return None
    each = "; ".join(f"{s.site}: AUC {sentence(s.auc)}, {_part(s)}" for s in m.evaluation.sites)
    gaps = "".join(f" {line}." for line in gap_lines(m.evaluation) if "leave-one-site-out" in line)
    found = Fact(f"Held-out sites: {each}.{gaps}", "evaluation.sites")
    return joined([found, m.told(*SITE_RESULTS)]) or found


def _part(part: SiteResult | SubgroupResult) -> str:
    """Say how many specimens a part of the cohort has, and of how many its AUC is."""
    return f"{part.n_positive} of {part.n} positive, {part.auc.n} scored"


def temporal_results(m: StudyMaterial) -> Fact | None:
    """Tell how later subjects fared."""
    return m.told("auc_temporal", "gap_temporal", "auc_forward_chaining")


def subgroups(m: StudyMaterial) -> Fact | None:
    """Tell performance by sex and age, where the table states them."""
    found = m.evaluation.subgroups
    if not found:
        return None
    each = "; ".join(f"{p.column} {p.group}: AUC {sentence(p.auc)}, {_part(p)}" for p in found)
    told = Fact(f"Subgroups, out of fold, as the table writes them: {each}.", "evaluation.subgroups")
    if not any(f.code == "age_not_years" for f in m.evaluation.findings):
        return told
    return joined([told, Fact("These ages are no years.", "evaluation.findings.age_not_years")])


def fairness(m: StudyMaterial) -> Fact:
    """Tell what was done for fairness: looking, and no more."""
    none = "No subgroup of people could be looked at: the table gives neither age nor sex of more than one kind."
    looked = subgroups(m) or Fact(none, "cohort.specimens")
    text = "Nothing was done to the model for fairness; columns read as age, sex or site are no predictors."
    found = Fact(text, "exodx")
    return joined([found, looked, m.findings(OF_PEOPLE)]) or found


def cross_table(m: StudyMaterial) -> Fact | None:
    """Tell calls against the reference standard, as means over repeats."""
    right, spared = m.estimate("sensitivity"), m.estimate("specificity")
    if right is None or spared is None or right.value is None or spared.value is None:
        return None
    tp, tn = right.value * right.n, spared.value * spared.n
    errors = "missed or indeterminate" if m.estimate("indeterminate") is not None else "called negative"
    wrong = "called positive or indeterminate" if m.estimate("indeterminate") is not None else "called positive"
    scaled = " (counts of specimens scaled down to them)" if _repeated(m) else ""
    text = (
        f"Out of fold, means over repeats, in {_whose(m)}{scaled}: of {right.n} with the target condition {tp:.1f} called "
        f"positive, {right.n - tp:.1f} {errors}; of {spared.n} without it {tn:.1f} called negative, {spared.n - tn:.1f} {wrong}."
    )
    return Fact(text, sources_of([right, spared]))


def _whose(m: StudyMaterial) -> str:
    return "subjects" if _repeated(m) else "specimens"


def _repeated(m: StudyMaterial) -> bool:
    return m.evaluation.flow["subjects"] < m.evaluation.flow["specimens"]


def events(m: StudyMaterial) -> Fact:
    """Tell how many there were in every analysis."""
    flow, folds, made = m.evaluation.flow, m.evaluation.folds, m.model.provenance
    train, held = [f.n_usable if f.n_usable is not None else f.n_train for f in folds], [f.n_held for f in folds]
    learned = m.model.threshold.n_positive + m.model.threshold.n_negative
    text = (
        f"Final model: learned from {learned} of {made.n_specimens} specimens, {m.model.threshold.n_positive} of them positive. "
        f"Estimates out of random folds: {flow['scored']}; outer folds learned from {min(train)} to {max(train)} and held out "
        f"{min(held)} to {max(held)}."
    )
    right, spared = m.estimate("sensitivity"), m.estimate("specificity")
    if right is not None and spared is not None:
        text += f" Sensitivity is of {right.n} {_whose(m)} with the target condition, specificity of {spared.n} without it."
    each = "; ".join(f"{s.site}, {_part(s)}" for s in m.evaluation.sites)
    later = m.estimate("auc_temporal")
    text += f" Held-out sites: {each}." if each else ""
    text += f" Later subjects: {plural(later.n, 'specimen')}." if later is not None else ""
    places = "model.provenance; model.threshold; evaluation.flow; evaluation.folds; evaluation.sites"
    return Fact(text, places + ("" if right is None else "; evaluation.estimates.sensitivity"))


def benchmarks(m: StudyMaterial) -> Fact | None:
    """Tell how simpler models do on the same folds."""
    pairs = ("logistic", "single_analyte", "default_xgboost", "unconstrained", "full_panel")
    return m.told(*(name for key in pairs for name in (f"auc_{key}", f"auc_minus_{key}")))


def explanation(m: StudyMaterial) -> Fact | None:
    """Tell the most important features and their directions."""
    if not m.evaluation.features:
        return None
    each = "; ".join(
        f"{f.feature} {number(f.mean_abs_shap)} ({100 * f.share:.0f} %), {f.direction}"
        + (f" (declared {f.declared})" if f.declared else "")
        for f in m.evaluation.features[:MOST_FEATURES]
    )
    text = (
        "Mean |SHAP| in log-odds, share, and where higher values push (up: towards positive), final model on its training "
        f"specimens: {each}. {SHAP_NOTE}"
    )
    return Fact(text, "evaluation.features")


def explanation_stability(m: StudyMaterial) -> Fact | None:
    """Tell how far explanations move over folds."""
    found = m.evaluation.explanation_stability
    return None if found is None else Fact(f"SHAP {stability_sentence(found)}.", "evaluation.explanation_stability")


def case_level(m: StudyMaterial) -> Fact:
    """Tell how one specimen is explained."""
    k = plural(len(m.model.features), "feature")
    text = f"Every call comes with the exact contribution of each of {k}; they and a base value add up to the log-odds. {SHAP_NOTE}"
    return Fact(text, "model.features; exodx")


def contradicted(m: StudyMaterial) -> Fact | None:
    """Tell directions that go against the panel's."""
    return m.findings(("direction_contradicted",))


def missing_costs(m: StudyMaterial) -> Fact | None:
    """Tell what it costs to lose an analyte."""
    costs: dict[str, float] = m.model.reference.get("missing_cost", {})
    if not costs:
        return None
    most = sorted(costs.items(), key=lambda entry: -entry[1])[:MOST_COSTS]
    each = ", ".join(f"{name} {number(cost)}" for name, cost in most)
    return Fact(f"AUC lost out of inner folds where an analyte is not run, the costliest: {each}.", "model.reference")


def panel_size(m: StudyMaterial) -> Fact | None:
    """Tell how many analytes are needed, where it was asked."""
    curve = m.evaluation.panel_curve
    if curve is None:
        return None
    each = "; ".join(f"{entry.size}: AUC {sentence(entry.auc)}" for entry in curve.sizes)
    least = "" if curve.minimal is None else f" Smallest within one standard error of the best: {curve.minimal}."
    return Fact(f"By number of analytes: {each}.{least}", "evaluation.panel_curve; plan.panel_curve")


def confounding(m: StudyMaterial) -> Fact | None:
    """Tell the findings of something beside the disease that tells the classes apart."""
    return m.findings(f.code for f in m.evaluation.findings if "confounded" in f.code)


def handling_confounded(m: StudyMaterial) -> Fact | None:
    """Tell those of them that are about where and how specimens were handled, not about the people."""
    return m.findings(f.code for f in m.evaluation.findings if "confounded" in f.code and f.code not in OF_PEOPLE)


def held_out_differences(m: StudyMaterial) -> Fact:
    """Tell how the held-out specimens differ from those that were learned from."""
    text = (
        "Both come from one table, so from the same setting, eligibility, reference standard and assay as far as it tells. Random "
        "folds are even in the classes and differ else by chance."
    )
    flow, places = m.evaluation.flow, "evaluation.folds; evaluation.flow"
    each = "; ".join(f"{s.site} {s.n_positive} of {s.n}" for s in m.evaluation.sites)
    if each:
        text += f" Sites held out whole differ in the share of positives ({each}; all {flow['positive']} of {flow['specimens']})."
    if m.estimate("auc_temporal") is not None:
        text += " The later subjects differ from the earlier ones by their dates."
    return Fact(text, places + ("; evaluation.sites" if each else ""))


def plate_classes(m: StudyMaterial) -> Fact | None:
    """Tell whether plates hold the classes unevenly, where plates are stated."""
    if "plate" not in m.cohort.specimens:
        return None
    found = m.findings(("plate_class_association", "plate_confounded"))
    return found or Fact(
        "Plates are stated, and no finding says that they tell the classes apart.", "cohort.plate; evaluation.findings"
    )


def separating(m: StudyMaterial) -> Fact:
    """Tell what alone separates the classes, or that nothing was found to."""
    found = m.findings(SEPARATES)
    text = (
        f"No single feature was found to separate the classes alone (AUC above {ALONE}), and no column that was read to repeat "
        "the label."
    )
    return found or Fact(text, "evaluation.findings")


def leakage(m: StudyMaterial) -> Fact:
    """Tell what keeps learning and evaluation apart, and what speaks against it."""
    text = f"Everything is learned from the training part of a split, and {m.apart}. Duplicates and near copies were looked for."
    base = Fact(text, "evaluation.folds; cohort.subject; exodx")
    found = m.findings(LEAKS)
    return joined([base, found or Fact("Nothing was found.", "evaluation.findings")]) or base


def external_evidence(m: StudyMaterial) -> Fact:  # noqa: ARG001
    """Tell that there is none from another cohort."""
    return Fact("No other cohort was scored in this study: there is no external validation here.", "evaluation.title")


def limits(m: StudyMaterial) -> Fact:
    """Tell what speaks against the numbers: findings that warn or block, simpler models not beaten, what is true of every study."""
    said = ["Validated inside its own cohort; other laboratories, populations and prevalences may differ."]
    said += [] if m.evaluation.sites else ["One site, or none stated: what a new site costs is not known."]
    told = [f for f in by_severity(m.evaluation) if f.severity != "note" or f.code.endswith(NOT_BEATEN)]
    said += [f"[{f.severity}: {f.code}] {f.message}" for f in told]
    return Fact(" ".join(said), "evaluation.findings; evaluation.sites; evaluation.title")


def findings(m: StudyMaterial) -> Fact:
    """Tell every finding."""
    said = [f"[{f.severity}: {f.code}] {f.message}" for f in by_severity(m.evaluation)]
    return Fact(" ".join(said) or "No finding.", "evaluation.findings")


RESULT_FACTS = MappingProxyType(
    {
        tell.__name__: tell
        for tell in (
            headline,
            discrimination,
            accuracy,
            calibration,
            utility,
            site_results,
            temporal_results,
            subgroups,
            fairness,
            cross_table,
            events,
            benchmarks,
            explanation,
            explanation_stability,
            case_level,
            contradicted,
            missing_costs,
            panel_size,
            confounding,
            handling_confounded,
            held_out_differences,
            plate_classes,
            separating,
            leakage,
            external_evidence,
            limits,
            findings,
        )
    }
)
