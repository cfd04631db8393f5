"""exodx: honest, explained diagnostic classifiers from extracellular-vesicle miRNA and protein panels."""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Analyte": "panel",
    "Cohort": "cohort",
    "ClassChoice": "cohort",
    "Intake": "cohort",
    "frame_cohort": "cohort",
    "read_cohort": "cohort",
    "simulate": "cohort",
    "SimulatedStudy": "cohort",
    "example_file": "cohort",
    "AssayTransformer": "estimators",
    "ExodxClassifier": "estimators",
    "Evaluation": "evaluation",
    "ClassEvaluation": "evaluation",
    "Spreads": "evaluation",
    "compare_models": "evaluation",
    "measure_shift": "evaluation",
    "monitor": "evaluation",
    "evaluate_classes_external": "evaluation",
    "evaluate_external": "evaluation",
    "check_cohort": "evaluation.check",
    "DiagnosticModel": "frozen",
    "MulticlassModel": "frozen",
    "load_bundle": "frozen",
    "save_bundle": "frozen",
    "Panel": "panel",
    "StudyPlan": "panel",
    "load_panel": "panel",
    "load_plan": "panel",
    "plots": "report",
    "resolve_name": "panel.identity",
    "open_model": "study",
    "predict": "study",
    "run_class_study": "study",
    "run_study": "study",
    "validate_study": "study",
    "track_evaluation": "study",
    "open_store": "tracking",
    "review": "tracking",
    "recalibrate_model": "training",
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    """Resolve public names on first use, so that ``import exodx`` costs nothing."""
    if name == "__version__":
        from exodx.versions import own_version

        return own_version()
    if name in _PUBLIC:
        return getattr(import_module(f"exodx.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'exodx' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
