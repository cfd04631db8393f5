"""``exodx evaluate``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from exodx.cli.options import (
    COHORT,
    JSON,
    MODEL,
    allow_options,
    conditions_of,
    open_model,
    plan_options,
    say,
    stated_options,
    study_plan,
)


@click.command("evaluate")
@COHORT
@MODEL
@plan_options
@stated_options
@allow_options
@JSON
def command(cohort: Path, model: str, as_json: bool, **options: Any) -> None:
    """Evaluate a frozen model on a cohort it never saw; nothing is learned from it.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.cli.train import evaluation_answer
    from exodx.cohort import Intake, read_cohort
    from exodx.evaluation import evaluate_external
    from exodx.frozen.bundle import model_id
    from exodx.report import evaluation_text

    frozen, model_hash = open_model(model)
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
    if as_json:
        answer = evaluation_answer(evaluation) | {"bundle": model, "run_id": None, "model_id": model_id(frozen, model_hash)}
        click.echo(json.dumps(answer, indent=1))
