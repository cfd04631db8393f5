"""How a cohort differs from the one a frozen model was trained on, whatever its classes are."""

from __future__ import annotations

from exodx.cohort import Cohort
from exodx.evaluation.audits import Finding
from exodx.evaluation.class_estimates import merge_findings
from exodx.evaluation.mix_ups import audit_mix_ups
from exodx.evaluation.shift import audit_shift, cohort_shift
from exodx.frozen import AnyModel, DiagnosticModel, Features, MulticlassModel


def features_of(model: AnyModel, cohort: Cohort) -> Features:
    """Return the features of a cohort by a model; of several classes the first one's, with the flags of all."""
    if isinstance(model, MulticlassModel):
        return model.features(cohort.measurements)[0]
    return model.featurise(cohort.measurements)


def audit_beside(model: AnyModel, cohort: Cohort) -> list[Finding]:
    """Return what differs from training: distributions, gaps, the share of a class where it is known, columns that fit otherwise.

    Parameters
    ----------
    model : DiagnosticModel or MulticlassModel
        Of several classes each part is held against the class it tells from the rest, if the cohort has it; columns are held
        against the first part's training specimens, which are those of all.
    cohort : Cohort
        Read with the model's panel.
    """
    if not isinstance(model, MulticlassModel):
        return [*_shifted(model, cohort), *audit_mix_ups(model, cohort, model.featurise(cohort.measurements))]
    there = {model.classes[int(k)] for k in set(cohort.class_codes.tolist())} if cohort.classes else set(model.classes)
    parts = [(name, part) for name, part in zip(model.classes, model.parts, strict=True) if name in there]
    shifts = [(name, _shifted(part, cohort.one_vs_rest(name) if cohort.classes else cohort)) for name, part in parts]
    return [*merge_findings(shifts), *audit_mix_ups(model.parts[0], cohort, features_of(model, cohort))]


def _shifted(model: DiagnosticModel, cohort: Cohort) -> list[Finding]:
    margin = model.predict(cohort.measurements, cohort.ids).margin
    return audit_shift(cohort_shift(model, cohort, model.featurise(cohort.measurements), margin))
