"""``exodx evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from exodx.cli.options import COHORT, JSON, MODEL, open_model, plan_options, say, study_plan


@click.command("evaluate")
@COHORT
@MODEL
@plan_options
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
    specimens = options.pop("specimens")
    plan = study_plan(**options)
    intake = Intake(
        frozen.panel, plan.label, plan.positive or frozen.provenance.positive_label or None, plan.specimen_columns, specimens
    )
    data = read_cohort(cohort, intake)
    for note in data.notes:
        say(f"· {note}")
    evaluation = evaluate_external(frozen, data, plan.prevalence if plan.prevalence is not None else frozen.panel.prevalence)
    say(evaluation_text(evaluation))
    if as_json:
        answer = evaluation_answer(evaluation) | {"bundle": model, "run_id": None, "model_id": model_id(frozen, model_hash)}
        click.echo(json.dumps(answer, indent=1))
