"""The use case: a cohort and a plan become a validated, explained, frozen model with its report, and a run in MLflow."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exodx.assay import learn_transform
from exodx.cohort import Cohort, site_folds, temporal_folds
from exodx.evaluation import Evaluation, evaluate_inside, other_censoring
from exodx.frozen import DiagnosticModel
from exodx.frozen.bundle import check_folder, fill_bundle, model_id
from exodx.panel import StudyPlan, read_toml
from exodx.place import folder_made
from exodx.report import (
    Answers,
    Picture,
    StudyMaterial,
    analyte_figure,
    beeswarm_figure,
    benefit_figure,
    calibration_figure,
    dependence_figure,
    examples_figure,
    figure_files,
    panel_size_figure,
    picture,
    read_answers,
    roc_figure,
    sites_figure,
    stability_figure,
    study_page,
    study_sheets,
    typical_examples,
)
from exodx.study.progress import Progress, Tick, watched
from exodx.tracking import (
    ALIAS,
    LoggedRun,
    Registration,
    Tell,
    Unsent,
    commit_tags,
    deliver,
    home_folder,
    open_store,
    silence,
    study_record,
)
from exodx.training import (
    FoldStore,
    SizeRuns,
    Validation,
    analyte_units,
    cross_validate,
    released,
    repeated_folds,
    run_panel_sizes,
    settings_tried,
    study_store,
    train_model,
    validate_permuted,
)

REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Study:
    """A finished study.

    Parameters
    ----------
    model : DiagnosticModel
    model_hash : str
    evaluation : Evaluation
    page : str
        The HTML report.
    bundle : Path or None
        Folder of the bundle, where one was asked for.
    run : LoggedRun or None
        Where it is in MLflow.
    unsent : Unsent or None
        Where the run waits that MLflow did not take.
    """

    model: DiagnosticModel
    model_hash: str
    evaluation: Evaluation
    page: str
    bundle: Path | None
    run: LoggedRun | None
    unsent: Unsent | None = None

    def __repr__(self) -> str:
        return f"Study({self.evaluation!r}, {self.model!r})"

    def _repr_html_(self) -> str:
        """Return the view in a notebook; the whole report is :attr:`page`."""
        return self.evaluation._repr_html_() + self.model._repr_html_()


def run_study(  # noqa: PLR0913
    cohort: Cohort,
    plan: StudyPlan,
    *,
    out: Path | None = None,
    track: bool = True,
    jobs: int = 1,
    progress: Progress = watched,
    tell: Tell = silence,
) -> Study:
    """Validate the procedure, train the final model, evaluate, explain, report and track.

    Outer folds that an interrupted study of the same cohort and plan finished are not fitted again; they lie in
    ``$EXODX_HOME/cache`` until the study is finished.

    Parameters
    ----------
    cohort : Cohort
        With a reference standard.
    plan : StudyPlan
    out : Path, optional
        Folder for the bundle, ``report.html``, the sheets and the model card.
    track : bool
        Write an MLflow run and register the model.
    jobs : int
        Threads; changes the time only.
    progress : callable
        Given the number of outer fits, a context manager whose value is called after each; a bar in a notebook or on a terminal
        unless told, see :mod:`exodx.study.progress`.
    tell : callable
        Is told what a person waits for.

    Raises
    ------
    InputRefused
        When the cohort cannot be learned from, or the plan's answers answer nothing that is asked.
    ModelRefused
        When ``out`` holds something other than a bundle.
    UsageError
        When MLflow's store cannot be used, or ``out`` cannot be written. A store that is lost later costs nothing: see ``unsent``.
    """
    if out is not None:
        check_folder(out)
    answers = study_answers(plan)
    store = open_store(cohort.panel.name, tell) if track else None
    cohort, plan = _put_in_order(cohort, plan)
    kept = study_store(home_folder() / "cache", cohort, plan)
    validation, model, evaluation = _evaluate(cohort, plan, jobs, progress, kept)
    figures = _figures(cohort, model, evaluation, validation)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle" if out is None else out
        with folder_made(folder) as made:
            model_hash = fill_bundle(model, made)
            material = StudyMaterial(cohort, model, model_hash, plan, evaluation, settings_tried(plan.budget))
            sheets = study_sheets(material, answers)
            page = study_page(evaluation, model, plan, figures, model_id(model, model_hash), sheets.sheets)
            if out is not None:
                _write(made, sheets.files | {REPORT: page.encode()})
        sent = None
        if store is not None:
            record = study_record(model, model_hash, plan, evaluation, page, figure_files(figures, evaluation))
            record = record.with_more(sheets.files, sheets.tags | commit_tags(Path.cwd()), sheets.metrics)
            sent = deliver(record, Registration(folder, model.name, ALIAS), store, tell)
    kept.forget()
    run, unsent = (None, sent) if isinstance(sent, Unsent) else (sent, None)
    return Study(model, model_hash, evaluation, page, out, run, unsent)


def validate_study(cohort: Cohort, plan: StudyPlan, *, jobs: int = 1, progress: Progress = watched) -> Evaluation:
    """Return the evaluation that :func:`run_study` makes of the same cohort and plan, without report, bundle and tracking.

    For whoever compares plans, panels or cohorts: it takes a third of the time where the model is small. Parameters and errors are
    those of :func:`run_study`.

    Examples
    --------
    >>> from exodx import Intake, SimulatedStudy, frame_cohort, load_panel, simulate
    >>> frame = simulate(load_panel("athero-3"), SimulatedStudy(n=60, site_case_shares=(0.5,), seed=1))
    >>> plan = StudyPlan(budget="minimal", outer_folds=2, inner_folds=2, repeats=1)
    >>> validate_study(frame_cohort(frame, Intake("athero-3", "group", "case")), plan).headline.design
    '2-fold nested cross-validation, 1 repeat'
    """
    cohort, plan = _put_in_order(cohort, plan)
    kept = study_store(home_folder() / "cache", cohort, plan)
    evaluation = _evaluate(cohort, plan, jobs, progress, kept)[-1]
    kept.forget()
    return evaluation


def _put_in_order(cohort: Cohort, plan: StudyPlan) -> tuple[Cohort, StudyPlan]:
    """Return the cohort in the order of its ids, and the plan without where files lay, which is no part of the study."""
    return cohort.sorted(), replace(plan, panel=cohort.panel.name, answers=None)


def _evaluate(
    cohort: Cohort, plan: StudyPlan, jobs: int, progress: Progress, kept: FoldStore
) -> tuple[Validation, DiagnosticModel, Evaluation]:
    validation = _validate(cohort, plan, jobs, progress, kept)
    model = train_model(cohort, plan)
    prevalence = plan.prevalence if plan.prevalence is not None else cohort.panel.prevalence
    return validation, model, evaluate_inside(cohort, model, validation, prevalence, plan.seed)


def study_answers(plan: StudyPlan) -> Answers:
    """Return the author's answers that a plan names; none where it names no file.

    Raises
    ------
    InputRefused
        When the file cannot be read, or names a sheet or an item that is not known.
    """
    return Answers() if plan.answers is None else read_answers(read_toml(Path(plan.answers)), plan.answers)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def _validate(cohort: Cohort, plan: StudyPlan, jobs: int, progress: Progress, kept: FoldStore) -> Validation:
    """Validate by repeated random folds; by sites where there are two or more; and what else there is reason to ask."""
    folds = repeated_folds(cohort, plan)
    sites, names = site_folds(cohort.sites)
    later, first = temporal_folds(cohort) if plan.temporal else (None, "")
    per_repeat = [int(repeat.max()) + 1 for repeat in folds]
    otherwise = other_censoring(cohort)
    total = sum(per_repeat) + (len(names) if len(names) > 1 else 0) + (per_repeat[0] if otherwise is not None else 0)
    design = f"{int(folds.max()) + 1}-fold nested cross-validation, {plan.repeats} repeat{'s' if plan.repeats > 1 else ''}"
    total += sum(per_repeat) if plan.panel_curve else 0
    total += (0 if later is None else len(later)) + plan.permutations * per_repeat[0]
    total += sum(per_repeat) * len(released(plan))
    with progress(total) as tick:
        random = cross_validate(cohort, plan, folds, design, jobs, tick, kept)
        by_site = cross_validate(cohort, plan, sites[None], "leave-one-site-out", jobs, tick, kept) if len(names) > 1 else None
        other, temporal = None, None
        if otherwise is not None:
            other = cross_validate(otherwise, plan, folds[:1], f"censored = {otherwise.panel.censored!r}", jobs, tick, kept)
        if later is not None:
            temporal = cross_validate(cohort, plan, later, f"subjects from {first} on held out", jobs, tick, kept)
        sizes = _sizes(cohort, plan, folds, jobs, tick, kept) if plan.panel_curve else None
        permuted = validate_permuted(cohort, plan, random, jobs, tick, kept) if plan.permutations else None
        compared = {name: cross_validate(cohort, each, folds, name, jobs, tick, kept) for name, each in released(plan).items()}
        return Validation(random, by_site, other, sizes, temporal, permuted, compared)


def _sizes(cohort: Cohort, plan: StudyPlan, folds: NDArray[np.intp], jobs: int, tick: Tick, kept: FoldStore) -> SizeRuns:
    transform = learn_transform(cohort.panel, cohort.measurements, cohort.y)
    return run_panel_sizes(cohort, plan, folds, len(analyte_units(transform)), jobs, tick, kept)


def _figures(cohort: Cohort, model: DiagnosticModel, evaluation: Evaluation, validation: Validation) -> dict[str, Picture]:
    features, explanation = model.transform.apply(cohort.measurements), model.explain(cohort.measurements)
    figures = {
        "roc": roc_figure(evaluation),
        "calibration": calibration_figure(evaluation),
        "shap": beeswarm_figure(explanation, features),
        "analytes": analyte_figure(features, cohort.y, cohort.positive_label, [f.feature for f in evaluation.features]),
    }
    if evaluation.benefit_curve is not None:
        figures["decision_curve"] = benefit_figure(evaluation.benefit_curve)
    if evaluation.explanation_stability is not None:
        final = {f.feature: f.mean_abs_shap for f in evaluation.features}
        figures["shap_stability"] = stability_figure(evaluation.explanation_stability, final)
    if evaluation.panel_curve is not None:
        figures["panel_size"] = panel_size_figure(evaluation.panel_curve)
    if (sites := sites_figure(evaluation)) is not None:
        figures["sites"] = sites
    if (dependence := dependence_figure(explanation, features, cohort.y, cohort.positive_label)) is not None:
        figures["dependence"] = dependence
    if examples := typical_examples(cohort.y, validation.random):
        figures["examples"] = examples_figure(examples)
    return {name: picture(figure) for name, figure in figures.items()}
