"""``exodx train``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import (
    CLASSES,
    COHORT,
    FILE,
    JSON,
    PANEL,
    conditions_of,
    is_quiet,
    plan_options,
    say,
    stated_options,
    study_plan,
)
from exodx.cli.send import NOT_SENT, say_unsent
from exodx.errors import RUO

if TYPE_CHECKING:
    from exodx.cohort import Cohort
    from exodx.evaluation import ClassEvaluation, Evaluation
    from exodx.panel import StudyPlan
    from exodx.study import ClassStudy, Study


@click.command("train")
@COHORT
@PANEL
@CLASSES
@plan_options
@stated_options
@click.option(
    "--budget",
    type=click.Choice(["quick", "standard", "thorough"]),
    help="How much is tried: a first look, the default, or about twice as long as that.",
)
@click.option("--panel-curve/--no-panel-curve", default=None, help="Also performance against panel size; takes twice the time.")
@click.option("--monotone/--no-monotone", default=None, help="Hold the model to the panel's directions; also validated without.")
@click.option("--selection", help="'stability': learn from features selected inside each fold; also validated on the full panel.")
@click.option("--date", help="Column of dates, e.g. for --temporal.")
@click.option("--temporal/--no-temporal", default=None, help="Also learn from the earlier subjects and hold out the later (dates).")
@click.option(
    "--permutations", type=click.IntRange(0), help="Also validate with labels permuted so often; each takes a repeat's time."
)
@click.option("--answers", help="TOML file with the author's answers to the reporting sheets.")
@click.option("--seed", type=int, help="Seed of folds and trees.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Folds fitted at a time; changes the time only.")
@click.option("-o", "--out", type=FILE, help="Folder for the bundle, report.html, sheets and model card.")
@click.option("--track/--no-track", default=True, help="Write an MLflow run and register the model.")
@JSON
def command(cohort: Path, jobs: int, out: Path | None, track: bool, as_json: bool, **options: Any) -> None:
    """Validate by nested cross-validation (and sites held out), train, explain, report, and register the model.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.cohort import ClassChoice, Intake, parse_classes, read_cohort
    from exodx.report import class_evaluation_text, evaluation_text
    from exodx.study import run_class_study, run_study, silent, watched

    if out is None and not track:
        raise click.UsageError("Without tracking the model would be lost: say where to, -o FOLDER (e.g. models/athero-3/1).")
    specimens, conditions = options.pop("specimens"), conditions_of(options)
    plan = study_plan(**options)
    intake = replace(Intake.of_plan(plan, specimens, conditions), classes=ClassChoice(parse_classes(plan.classes)))
    progress = silent if is_quiet() else watched
    data = read_cohort(cohort, intake)
    for note in data.notes:
        say(f"· {note}")
    if out is not None and (out / "manifest.json").exists():
        say(f"· the bundle in {out} will be replaced")
    if data.classes:
        several = run_class_study(data, plan, out=out, track=track, jobs=jobs, progress=progress, tell=say)
        say(class_evaluation_text(several.evaluation))
        for line in _replicates(data, plan, several):
            say(line)
        say(_where(several))
        if as_json:
            click.echo(json.dumps(class_answer(several.evaluation) | _made(several), indent=1))
        _exit_if_unsent(several)
        return
    study = run_study(data, plan, out=out, track=track, jobs=jobs, progress=progress, tell=say)
    say(evaluation_text(study.evaluation))
    for line in _replicates(data, plan, study):
        say(line)
    say(_where(study))
    if as_json:
        click.echo(json.dumps(evaluation_answer(study.evaluation) | _made(study), indent=1))
    _exit_if_unsent(study)


def _exit_if_unsent(study: Study | ClassStudy) -> None:
    """Say what is missing where MLflow did not take the run: all else is done."""
    if study.unsent is not None:
        say_unsent(study.unsent)
        raise click.exceptions.Exit(NOT_SENT)


CURVES = ("benefit_curve", "explanation_stability", "quality")


def evaluation_answer(evaluation: Evaluation) -> dict[str, Any]:
    """Return the parts of an evaluation that a program may read."""
    state = evaluation.to_dict()
    estimates = {e["name"]: {key: e[key] for key in e if key != "name"} for e in state["estimates"]}
    return {key: state[key] for key in ("headline", "findings", "flow", "sites", "subgroups", "shift", "panel_curve", *CURVES)} | {
        "estimates": estimates,
        "notice": RUO,
    }


def class_answer(evaluation: ClassEvaluation) -> dict[str, Any]:
    """Return the parts of an evaluation of several classes that a program may read."""
    table = evaluation.confusion
    rows = {
        name: {"counts": dict(zip(table.called, counts, strict=True)), "shares": dict(zip(table.called, shares, strict=True))}
        for name, counts, shares in zip(evaluation.classes, table.counts, table.shares, strict=True)
    }
    return evaluation_answer(evaluation.summary) | {"classes": list(evaluation.classes), "confusion": rows}


def _made(study: Study | ClassStudy) -> dict[str, Any]:
    from exodx.frozen.bundle import model_id

    waits = study.unsent
    places = (study.bundle, study.run and study.run.model_uri, waits and waits.bundle)
    return {
        "bundle": next((str(place) for place in places if place is not None), None),
        "run_id": None if study.run is None else study.run.run_id,
        "model_uri": None if study.run is None else study.run.model_uri,
        "model_id": model_id(study.model, study.model_hash),
        "model_hash": study.model_hash,
        "unsent": None if waits is None or waits.folder is None else str(waits.folder),
    }


def _replicates(cohort: Cohort, plan: StudyPlan, study: Study | ClassStudy) -> list[str]:
    """Name the pairs that a finding counts: on the terminal alone, because a run keeps no specimen's id."""
    from exodx.evaluation.replicate_audits import replicate_lines, technical_replicates
    from exodx.study import ClassStudy
    from exodx.training import class_folds, repeated_folds

    several = isinstance(study, ClassStudy)
    findings = study.evaluation.summary.findings if isinstance(study, ClassStudy) else study.evaluation.findings
    if "near_duplicates" not in {f.code for f in findings}:
        return []
    cohort = cohort.sorted()
    features = study.model.transform.apply(cohort.measurements)
    folds = class_folds(cohort, plan) if several else repeated_folds(cohort, plan)
    return replicate_lines(technical_replicates(cohort, features, folds))


def _where(study: Study | ClassStudy) -> str:
    lines = [] if study.bundle is None else [f"bundle and report: {study.bundle}"]
    if study.run is not None:
        lines.append(f"MLflow run {study.run.run_id} in {study.run.store}")
        lines.append(f"registered {study.run.model_uri}, alias challenger; look at it with: exodx ui")
    return "\n".join(lines)
