"""``exodx evaluate``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import (
    COHORT,
    FILE,
    JSON,
    MODEL,
    allow_options,
    check_output,
    conditions_of,
    open_model,
    plan_options,
    say,
    stated_options,
    study_plan,
    write_text,
)

if TYPE_CHECKING:
    from exodx.cohort import Cohort
    from exodx.evaluation import Evaluation
    from exodx.frozen import DiagnosticModel
    from exodx.tracking import Store

REGISTERED = "models:/"


@click.command("evaluate")
@COHORT
@MODEL
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
    help="With --recalibrate: register the new version in MLflow, no alias moves; as if given where the model is models:/….",
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
    from exodx.frozen.bundle import model_id
    from exodx.report import evaluation_page, evaluation_text

    if at_prevalence is not None and recalibrate is None:
        raise click.UsageError("--at-prevalence says where a recalibrated model is to be used: give --recalibrate FOLDER too.")
    if track and recalibrate is None:
        raise click.UsageError("--track registers a recalibrated version: give --recalibrate FOLDER too.")
    frozen, model_hash = open_model(model)
    if html is not None:
        check_output(html, cohort)
    if recalibrate is not None:
        _check_new(recalibrate)
    registers = recalibrate is not None and (model.startswith(REGISTERED) if track is None else track)
    store = _open_store(frozen.name) if registers else None
    specimens, conditions = options.pop("specimens"), conditions_of(options)
    plan = study_plan(**options)
    intake = replace(
        Intake.of_plan(plan, specimens, conditions),
        panel=frozen.panel,
        positive=plan.positive or frozen.provenance.positive_label or None,
        reference=frozen.reference,
        rules=frozen.transform.gate.rules,
    )
    data = read_cohort(cohort, intake)
    for note in data.notes:
        say(f"· {note}")
    evaluation = evaluate_external(frozen, data, plan.prevalence if plan.prevalence is not None else frozen.panel.prevalence)
    say(evaluation_text(evaluation))
    if html is not None:
        write_text(evaluation_page(evaluation, frozen, model_id(frozen, model_hash)), html, cohort)
        say(f"page → {html}")
    answer = evaluation_answer(evaluation) | {"bundle": model, "run_id": None, "model_id": model_id(frozen, model_hash)}
    if recalibrate is not None:
        answer["recalibrated"] = _recalibrate(frozen, model_hash, data, at_prevalence, recalibrate)
        answer["recalibrated"] |= {} if store is None else _register(model, recalibrate, evaluation, store)
    if as_json:
        click.echo(json.dumps(answer, indent=1))


def _open_store(experiment: str) -> Store:
    from exodx.tracking import open_store

    return open_store(experiment)


def _register(model: str, folder: Path, evaluation: Evaluation, store: Store) -> dict[str, str]:
    from exodx.tracking import register_recalibrated

    run = register_recalibrated(model, folder, evaluation, store)
    say(f"registered {run.model_uri}, run {run.run_id} in {run.store}; aliases stay where they were")
    return {"model_uri": run.model_uri, "run_id": run.run_id}


def _check_new(folder: Path) -> None:
    """Refuse a folder that holds a bundle already: a new version never replaces one, least of all its parent."""
    from exodx.errors import ModelRefused, Problem
    from exodx.frozen.bundle import MANIFEST, check_folder

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
