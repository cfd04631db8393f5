"""Facts of the panel and of what is done to measurements before the model."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from exodx.frozen import QuantileNormalisation
from exodx.frozen.measurements import is_measured, status_of
from exodx.frozen.normalisation import InterplateCorrection, LogRatios, ReferenceNormalisation
from exodx.frozen.scale import Log2Scale
from exodx.panel import Analyte, Scale
from exodx.report.sheets.material import UNSTATED, Fact, StudyMaterial, joined, listed, plural

MOST_ANALYTES = 40
NO_USE, NO_EVIDENCE = "exploratory research", "exploratory"
"""What stands in a panel that states neither."""
OF_INSTRUMENTS = ("Ct", "pg/mL", "ng/mL", "ug/mL", "particles/mL", "MFI", "percent positive")
"""Units of values as an instrument gives them; the others are of something computed from such, or may be."""
INFERRED = "panel_inferred"

CENSORED = MappingProxyType(
    {
        "missing": "becomes a missing value",
        "limit": "is set to its limit (the Ct cut-off plus one cycle; the limit of detection over √2)",
        "conditional_mean": "is set to what a normal distribution fitted in training expects below the limit",
    }
)
OF_CT = MappingProxyType(
    {
        "references": "the mean of the reference analytes",
        "genorm": "the mean of the references that geNorm finds stable",
        "normfinder": "the mean of the references that NormFinder finds stable",
        "global_mean": "the mean of the analytes that are always expressed",
        "spike_in": "the mean of the spike-ins",
    }
)


def intended_use(m: StudyMaterial) -> Fact | None:
    """Tell the intended use, where the panel states one."""
    if m.model.panel.intended_use.strip() in ("", NO_USE):
        return None
    return Fact(f"Stated in the panel: {m.model.panel.intended_use}", "panel.intended_use")


def panel_evidence(m: StudyMaterial) -> Fact | None:
    """Tell the evidence that the panel states."""
    said = " ".join(m.model.panel.evidence.split())
    if said in ("", NO_EVIDENCE):
        return None
    weak = f" Its weakest point: {m.model.panel.weakness}" if m.model.panel.weakness else ""
    return Fact(f"Evidence stated in the panel: {said}{weak}", "panel.evidence")


def analytes(m: StudyMaterial) -> Fact:
    """Tell what is measured: name, unit, accession, fraction and the direction that was declared."""
    targets = m.model.panel.with_role("target")
    each = listed((_analyte(a) for a in targets), MOST_ANALYTES, "in panel.toml")
    counted = sorted(Counter("of no stated kind" if a.kind == "other" else a.kind for a in targets).items())
    kinds = ", ".join(f"{n} {kind}" for kind, n in counted)
    others = [f"{a.name} ({a.role.replace('_', ' ')})" for a in m.model.panel.analytes if a.role != "target"]
    beside = f" Beside them: {listed(others, MOST_ANALYTES, 'in panel.toml')}." if others else ""
    found = Fact(f"{plural(len(targets), 'target analyte')} ({kinds}): {each}.{beside}", "panel.analytes")
    taken = Fact("The panel was inferred from the columns of the table.", f"evaluation.findings.{INFERRED}")
    return joined([found, taken if _is_inferred(m) else None]) or found


def _is_inferred(m: StudyMaterial) -> bool:
    return any(f.code == INFERRED for f in m.evaluation.findings)


def _analyte(a: Analyte) -> str:
    said = [a.unit, a.accession, a.fraction, None if a.direction is None else f"declared {a.direction} in cases"]
    return f"{a.name} [{', '.join(part for part in said if part)}]"


def assay(m: StudyMaterial) -> Fact | None:
    """Tell specimen type, isolation and platform, where the panel states them."""
    fields = ("specimen_type", "isolation", "platform")
    said = {key: str(value) for key in fields if (value := getattr(m.model.panel, key)) != UNSTATED}
    if not said:
        return None
    text = "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in said.items())
    whose = "By the panel, as inferred or stated with the table" if _is_inferred(m) else "Stated in the panel"
    return Fact(f"{whose}: {text}.", "; ".join(f"panel.{key}" for key in said))


def preprocessing(m: StudyMaterial) -> Fact:
    """Tell the steps from a cell to a feature, in order."""
    said = ["quality rules flag or refuse specimens", *filter(None, (_step(m, step) for step in m.model.transform.steps))]
    encoding = m.model.transform.encoding
    said.append(f"{plural(len(encoding.analytes), 'feature')} and {plural(len(encoding.indicators), 'not-detected indicator')}")
    text = (
        f"In order: {'; '.join(said)}. Whatever numbers these steps need are learned from training specimens alone, anew in every "
        "fold, and then frozen; the same steps act on every specimen, whatever its class, site, age or sex."
    )
    return Fact(text, "model.transform; panel.normalisation; panel.count_normalisation; panel.amount_normalisation")


def raw_input(m: StudyMaterial) -> Fact | None:
    """Tell that values are in units that instruments give; not known of others, such as counts, log2, or pg/ug EV protein."""
    units = sorted({a.unit for a in m.model.panel.with_role("target")})
    if not set(units) <= set(OF_INSTRUMENTS):
        return None
    return Fact(f"The values of the table are in units that instruments give ({', '.join(units)}).", "panel.analytes")


def upstream(m: StudyMaterial) -> Fact | None:
    """Tell the finding that values were standardised before the table was written."""
    return m.findings(("standardised_upstream",))


def _step(m: StudyMaterial, step: object) -> str:
    """Say what one step does; empty for what every study does anyway."""
    panel = m.model.panel
    if isinstance(step, InterplateCorrection):
        return "Ct corrected by the inter-plate calibrators"
    if isinstance(step, Log2Scale):
        kinds = {str(scale) for scale in step.scales.values()}
        words = {
            "ct": f"Ct above {panel.ct_cutoff:g} count as undetermined, the others are turned round, so that higher means more",
            "counts": f"counts become log2 counts per million ({panel.count_normalisation})",
            "cpm": "counts per million become their log2",
            "linear": "amounts become their log2",
            "normalised": "values already on a log or standard scale stay as they are",
        }
        return "; ".join(text for kind, text in words.items() if kind in kinds)
    if isinstance(step, ReferenceNormalisation):
        return _taken_off(m, step)
    if isinstance(step, QuantileNormalisation):
        return "quantile normalisation to the training distribution"
    return "log-ratios of all pairs of analytes" if isinstance(step, LogRatios) else ""


def _taken_off(m: StudyMaterial, step: ReferenceNormalisation) -> str:
    by = ", ".join(step.reference_means)
    if not (by and step.targets):
        return ""
    scales = m.model.transform.scale.scales
    if any(scales[name] == "ct" for name in step.targets):
        return f"from Ct targets {OF_CT.get(m.model.panel.normalisation, 'a mean')} is taken off ({by})"
    return f"amounts become amounts {m.model.panel.amount_normalisation.replace('_', ' ')} ({by})"


def predictor_form(m: StudyMaterial) -> Fact:
    """Tell how features enter the model."""
    k = len(m.model.transform.encoding.indicators)
    yes_no = f" but for {plural(k, 'indicator')} of a value that was not detected, 0 or 1" if k else ""
    text = (
        f"Features enter as the numbers that the steps give, none cut into classes beforehand{yes_no}. Trees cut them where that "
        "helps; a linear member, where there is one, takes them as straight lines, standing still outside its training limits."
    )
    return Fact(text, "model.transform; exodx")


def candidates(m: StudyMaterial) -> Fact:
    """Tell which predictors were candidates, and how they are thinned inside folds."""
    n = len(m.model.panel.with_role("target"))
    counted = {a.scale is Scale.COUNTS for a in m.model.panel.with_role("target")}
    detection = f"{100 * m.model.panel.min_detection:g} %"
    rules = {
        False: f"an analyte detected in less than {detection} of the training specimens gives its not-detected indicator alone",
        True: f"counts must exceed {m.model.panel.min_cpm:g} per million in as many specimens as the smaller class has",
    }
    text = (
        f"All {plural(n, 'target analyte')} of the panel were candidates. Inside each fold, without looking at how well they "
        f"predict: {'; '.join(rules[is_count] for is_count in sorted(counted))}."
    )
    more = " Features were then selected by stability inside each fold." if m.plan.selection == "stability" else ""
    return Fact(
        f"{text}{more} The final model has {plural(len(m.model.features), 'feature')}.",
        "panel.analytes; panel.min_detection; panel.min_cpm; plan.selection; model.features",
    )


def missing_handling(m: StudyMaterial) -> Fact:
    """Tell what a value that is not there becomes, by why it is not there."""
    encoding = m.model.transform.encoding
    k = len(encoding.at_limit)
    rare = (
        f"; in {plural(k, 'analyte')}, hardly ever undetected in training, it takes the limit instead, if there is one" if k else ""
    )
    text = (
        f"A measurement that was not detected {CENSORED[m.model.panel.censored]}"
        f"{' and sets its indicator' if encoding.indicators else ''}{rare}. "
        "One that was not run or failed stays missing: trees send it down a branch learned in training, a linear member takes the "
        f"training mean; where training hardly ever had a gap ({plural(len(encoding.fills), 'feature')} here), the training median "
        "stands in and the specimen is flagged. A specimen with nothing measured, or without what it is normalised by, cannot be "
        "scored; but for that and for quality rules none is left out for a gap. The same holds in every fold and at use."
    )
    states = m.cohort.measurements.states[:, [a.role == "target" for a in m.cohort.panel.analytes]]
    whole = " In this cohort every target was measured in every specimen." if is_measured(states).all() else ""
    return Fact(f"{text}{whole}", "panel.censored; model.transform" + ("; cohort.measurements" if whole else ""))


def quality(m: StudyMaterial) -> Fact:
    """Tell how many specimens have each status, and what each rule found."""
    found = ", ".join(f"{what.replace('_', ' ')} {n}" for what, n in m.evaluation.quality.items())
    flags = m.model.transform.apply(m.cohort.measurements).flags
    statuses = np.array([str(status_of(int(flag))).lower().replace("_", " ") for flag in flags])
    groups = {"positive": m.cohort.y == 1, "negative": m.cohort.y == 0}
    groups |= {f"at {held.site}": np.array(m.cohort.sites) == held.site for held in m.evaluation.sites}
    each = "; ".join(f"{name}: {_statuses(statuses[rows])}" for name, rows in groups.items())
    absent = "; ".join(f"{rule}: {why}" for rule, why in m.model.transform.gate.not_applied.items())
    unlooked = f" Rules that could not be looked at: {absent}." if absent else ""
    return Fact(
        f"Quality control of the cohort, in specimens: {found}. By group: {each}.{unlooked}", "evaluation.quality; model.transform"
    )


def _statuses(found: NDArray[np.str_]) -> str:
    return ", ".join(f"{status} {n}" for status, n in sorted(Counter(found.tolist()).items()))


def input_kind(m: StudyMaterial) -> Fact:
    """Tell what kind of input the model takes."""
    units = ", ".join(sorted({a.unit for a in m.model.panel.with_role("target")}))
    return Fact(f"Structured: one number an analyte and specimen ({units}).", "panel.analytes")


def valid_for(m: StudyMaterial) -> Fact | None:
    """Tell what the model is valid for, where the panel says."""
    said = assay(m)
    return None if said is None else Fact(f"The model is valid for these conditions and no other. {said.text}", said.source)


PANEL_FACTS = MappingProxyType(
    {
        tell.__name__: tell
        for tell in (
            intended_use,
            panel_evidence,
            analytes,
            assay,
            preprocessing,
            raw_input,
            upstream,
            predictor_form,
            candidates,
            missing_handling,
            quality,
            input_kind,
            valid_for,
        )
    }
)
