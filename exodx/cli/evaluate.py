"""``exodx evaluate``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import (
    CLASSES,
    COHORT,
    FILE,
    JSON,
    MODEL,
    allow_options,
    check_output,
    class_intake,
    conditions_of,
    open_binary,
    open_model,
    plan_options,
    say,
    stated_options,
    study_plan,
    write_text,
)
from exodx.cli.send import NOT_SENT, say_unsent

if TYPE_CHECKING:
    from exodx.cohort import Cohort, Intake
    from exodx.evaluation import Evaluation
    from exodx.frozen import DiagnosticModel, MulticlassModel
    from exodx.tracking import Store, Unsent

REGISTERED = "models:/"


@click.command("evaluate")
@COHORT
@MODEL
@CLASSES
@plan_options
@stated_options
@allow_options
@click.option(
    "--recalibrate",
    type=FILE,
    metavar="FOLDER",
    help="Write a new version there: probabilities refitted to this cohort, as far as its numbers allow; trees and calls stay.",
)
@click.option(
    "--at-prevalence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="With --recalibrate: move the probabilities on, by Bayes' rule, to this share of cases.",
)
@click.option(
    "--track/--no-track",
    default=None,
    help="Write the evaluation as an MLflow run, which a review counts. With --recalibrate: register the new version instead, no "
    "alias moves; as if given where the model is models:/….",
)
@click.option("--html", type=FILE, help="Also write it all as one page.")
@JSON
def command(
    cohort: Path,
    model: str,
    recalibrate: Path | None,
    at_prevalence: float | None,
    track: bool | None,
    html: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Evaluate a frozen model on a cohort it never saw; the model stays as it is.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.cli.train import evaluation_answer
    from exodx.cohort import Intake, read_cohort
    from exodx.evaluation import evaluate_external
    from exodx.frozen import MulticlassModel
    from exodx.frozen.bundle import model_id
    from exodx.report import evaluation_page, evaluation_text

    if recalibrate is None:
        _refuse_without_recalibration(at_prevalence)
    frozen, model_hash = open_model(model) if recalibrate is None else open_binary(model, "exodx evaluate --recalibrate")
    if html is not None:
        check_output(html, cohort)
    if recalibrate is not None:
        _check_new(recalibrate)
    store = _open_store(frozen.name) if _is_tracked(model, recalibrate, track) else None
    specimens, conditions = options.pop("specimens"), conditions_of(options)
    plan = study_plan(**options)
    intake = Intake.of_plan(plan, specimens, conditions).for_model(frozen)
    if isinstance(frozen, MulticlassModel):
        _evaluate_classes(frozen, model_hash, cohort, class_intake(intake, plan, frozen), html, model if as_json else None, store)
        return
    if plan.classes is not None:
        raise click.UsageError(
            "The model has one positive class: say which values mean it, --positive VALUE, instead of --classes."
        )
    data = read_cohort(cohort, intake)
    for note in data.notes:
        say(f"· {note}")
    evaluation = evaluate_external(frozen, data, plan.prevalence if plan.prevalence is not None else frozen.panel.prevalence)
    say(evaluation_text(evaluation))
    tracked = store is not None and recalibrate is None
    page = evaluation_page(evaluation, frozen, model_id(frozen, model_hash)) if tracked or html is not None else ""
    _write_page(page, html, cohort)
    answer = evaluation_answer(evaluation) | {"bundle": model, "run_id": None, "model_id": model_id(frozen, model_hash)}
    if store is not None and recalibrate is None:
        answer |= _track(store, frozen, model_hash, data, evaluation, page)
    if recalibrate is not None:
        answer["recalibrated"] = _recalibrate(frozen, model_hash, data, at_prevalence, recalibrate)
        answer["recalibrated"] |= {} if store is None else _register(model, recalibrate, evaluation, store)
    if as_json:
        click.echo(json.dumps(answer, indent=1))
    _exit_if_unsent(answer.get("recalibrated", answer))


def _is_tracked(model: str, recalibrate: Path | None, track: bool | None) -> bool:
    """Say whether MLflow is written to: where that is asked for, and for the next version of a registered model."""
    return track if track is not None else recalibrate is not None and model.startswith(REGISTERED)


def _refuse_without_recalibration(at_prevalence: float | None) -> None:
    if at_prevalence is not None:
        raise click.UsageError("--at-prevalence says where a recalibrated model is to be used: give --recalibrate FOLDER too.")


def _evaluate_classes(
    frozen: MulticlassModel,
    model_hash: str,
    cohort: Path,
    intake: Intake,
    html: Path | None,
    bundle: str | None,
    store: Store | None,
) -> None:
    """Evaluate a model of several classes; ``bundle`` is told in JSON, where that is asked for."""
    from exodx.cli.train import class_answer
    from exodx.cohort import read_cohort
    from exodx.errors import InputRefused, Problem
    from exodx.evaluation import evaluate_classes_external
    from exodx.frozen.bundle import model_id
    from exodx.report import class_evaluation_page, class_evaluation_text

    data = read_cohort(cohort, intake)
    if not data.classes:
        raise InputRefused(Problem("LABEL_MISSING", str(cohort), "no reference standard", "Name the column: --label COLUMN."))
    for note in data.notes:
        say(f"· {note}")
    evaluation, identity = evaluate_classes_external(frozen, data), model_id(frozen, model_hash)
    say(class_evaluation_text(evaluation))
    page = class_evaluation_page(evaluation, frozen, identity) if store is not None or html is not None else ""
    _write_page(page, html, cohort)
    answer: dict[str, Any] = {"bundle": bundle, "run_id": None, "model_id": identity, "model_hash": model_hash}
    if store is not None:
        answer |= _track(store, frozen, model_hash, data, evaluation, page)
    if bundle is not None:
        click.echo(json.dumps(class_answer(evaluation) | answer, indent=1))
    _exit_if_unsent(answer)


def _write_page(page: str, html: Path | None, cohort: Path) -> None:
    if html is not None:
        write_text(page, html, cohort)
        say(f"page → {html}")


def _open_store(experiment: str) -> Store:
    from exodx.tracking import open_store

    return open_store(experiment, say)


def _track(store: Store, *evaluated: Any) -> dict[str, str | None]:
    from exodx.tracking import Unsent, deliver, external_record

    run = deliver(external_record(*evaluated), None, store, say)
    if isinstance(run, Unsent):
        return _unsent(run)
    say(f"MLflow run {run.run_id}: exodx review check counts it")
    return {"run_id": run.run_id}


def _register(model: str, folder: Path, evaluation: Evaluation, store: Store) -> dict[str, str | None]:
    from exodx.tracking import Unsent, register_recalibrated

    run = register_recalibrated(model, folder, evaluation, store, say)
    if isinstance(run, Unsent):
        return {"model_uri": None, **_unsent(run)}
    say(f"registered {run.model_uri}, run {run.run_id} in {run.store}; aliases stay where they were")
    return {"model_uri": run.model_uri, "run_id": run.run_id}


def _unsent(run: Unsent) -> dict[str, str | None]:
    say_unsent(run)
    return {"run_id": None, "unsent": None if run.folder is None else str(run.folder)}


def _exit_if_unsent(answer: Mapping[str, object]) -> None:
    if "unsent" in answer:
        raise click.exceptions.Exit(NOT_SENT)


def _check_new(folder: Path) -> None:
    """Refuse a folder that holds a bundle already: a new version never replaces one, least of all its parent."""
    from exodx.errors import ModelRefused, Problem
    from exodx.frozen.bundle import check_folder
    from exodx.frozen.folder import MANIFEST

    if (folder / MANIFEST).exists():
        found = "it holds a model already, and a new version keeps its parent"
        raise ModelRefused(Problem("FOLDER_IN_USE", str(folder), found, "Choose a new folder, e.g. the next version's."))
    check_folder(folder)


def _recalibrate(frozen: DiagnosticModel, model_hash: str, data: Cohort, prevalence: float | None, folder: Path) -> dict[str, str]:
    """Write the new version; say what was done and what was not."""
    from exodx.frozen import save_bundle
    from exodx.frozen.bundle import model_id
    from exodx.training import recalibrate_model

    version = recalibrate_model(frozen, model_hash, data, prevalence)
    new_hash = save_bundle(version, folder)
    done = version.provenance.recalibrated
    say(f"\nrecalibrated: {done}\nnew version {model_id(version, new_hash)} in {folder}, parent {model_id(frozen, model_hash)}")
    say("Its calls are the parent's. The numbers above are the parent's too: tell its calibration from another cohort.")
    return {
        "bundle": str(folder),
        "model_id": model_id(version, new_hash),
        "model_hash": new_hash,
        "parent": model_hash,
        "done": done,
        "threshold_id": version.threshold.id,
    }
