"""The use case of several classes: one disease of several, with the same honesty as one condition against none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from exodx.cohort import Cohort, site_folds
from exodx.errors import InputRefused, Problem
from exodx.evaluation import ClassEvaluation, ClassValidations, evaluate_classes_inside, other_censoring
from exodx.frozen import MulticlassModel
from exodx.frozen.bundle import check_folder, model_id
from exodx.frozen.class_bundle import fill_bundle
from exodx.panel import StudyPlan
from exodx.place import folder_made
from exodx.report import class_study_figures, class_study_page
from exodx.study.binary import REPORT
from exodx.study.progress import Progress, watched
from exodx.tracking import (
    ALIAS,
    LoggedRun,
    Registration,
    Tell,
    Unsent,
    class_record,
    commit_tags,
    deliver,
    home_folder,
    open_store,
    silence,
)
from exodx.training import FoldStore, check_classes, class_folds, cross_validate_classes, study_store, train_classes


@dataclass(frozen=True, slots=True)
class ClassStudy:
    """A finished study of several classes; see :class:`exodx.study.Study`."""

    model: MulticlassModel
    model_hash: str
    evaluation: ClassEvaluation
    page: str
    bundle: Path | None
    run: LoggedRun | None
    unsent: Unsent | None = None

    def __repr__(self) -> str:
        return f"ClassStudy({self.evaluation!r}, {self.model!r})"

    def _repr_html_(self) -> str:
        """Return the view in a notebook; the whole report is :attr:`page`."""
        return self.evaluation._repr_html_() + self.model._repr_html_()


def run_class_study(  # noqa: PLR0913
    cohort: Cohort,
    plan: StudyPlan,
    *,
    out: Path | None = None,
    track: bool = True,
    jobs: int = 1,
    progress: Progress = watched,
    tell: Tell = silence,
) -> ClassStudy:
    """Validate the procedure, train the final model, evaluate, explain, report and track; see :func:`exodx.study.run_study`.

    Raises
    ------
    InputRefused
        When a class has too few subjects, or the plan asks for what only a positive class has, such as reporting sheets.
    ModelRefused
        When ``out`` holds something other than a bundle.
    """
    if out is not None:
        check_folder(out)
    if plan.answers is not None:
        fix = "Take the answers out of the plan, or name one class against all others: --positive VALUE."
        raise InputRefused(Problem("ANSWERS_CLASSES", plan.answers, "there are no reporting sheets of several classes yet", fix))
    plan = replace(plan, panel=cohort.panel.name)  # where the panel's file lay is no part of the study
    cohort = cohort.sorted()
    check_classes(cohort, plan)
    store = open_store(cohort.panel.name, tell) if track else None
    kept = study_store(home_folder() / "cache", cohort, plan)
    validation = _validate(cohort, plan, jobs, progress, kept)
    model = train_classes(cohort, plan)
    evaluation = evaluate_classes_inside(cohort, model, validation, plan.seed)
    figures = class_study_figures(cohort, model, evaluation)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle" if out is None else out
        with folder_made(folder) as made:
            model_hash = fill_bundle(model, made)
            page = class_study_page(evaluation, model, plan, figures, model_id(model, model_hash))
            if out is not None:
                (made / REPORT).write_text(page, encoding="utf-8")
        sent = None
        if store is not None:
            record = class_record(model, model_hash, plan, evaluation, page, figures, validation.random.choices)
            record = record.with_more({}, commit_tags(Path.cwd()), {})
            sent = deliver(record, Registration(folder, model.name, ALIAS), store, tell)
    kept.forget()
    run, unsent = (None, sent) if isinstance(sent, Unsent) else (sent, None)
    return ClassStudy(model, model_hash, evaluation, page, out, run, unsent)


def _validate(cohort: Cohort, plan: StudyPlan, jobs: int, progress: Progress, kept: FoldStore) -> ClassValidations:
    """Validate by repeated random folds, by sites where there are two or more, and once with censored cells taken otherwise."""
    folds = class_folds(cohort, plan)
    sites, names = site_folds(cohort.sites)
    otherwise = other_censoring(cohort)
    per_repeat = [int(repeat.max()) + 1 for repeat in folds]
    total = sum(per_repeat) + (len(names) if len(names) > 1 else 0) + (per_repeat[0] if otherwise is not None else 0)
    design = f"{int(folds.max()) + 1}-fold nested cross-validation, {plan.repeats} repeats"
    with progress(total) as tick:
        random = cross_validate_classes(cohort, plan, folds, design, jobs, tick, kept)
        by_site = None
        if len(names) > 1:
            by_site = cross_validate_classes(cohort, plan, sites[None], "leave-one-site-out", jobs, tick, kept)
        other = None
        if otherwise is not None:
            what = f"censored = {otherwise.panel.censored!r}"
            other = cross_validate_classes(otherwise, plan, folds[:1], what, jobs, tick, kept)
    return ClassValidations(random, by_site, other)
