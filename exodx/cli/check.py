"""``exodx check``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.colours import painted
from exodx.cli.options import (
    CLASSES,
    COHORT,
    FILE,
    JSON,
    PANEL,
    PSEUDONYMS,
    allow_options,
    check_output,
    class_intake,
    conditions_of,
    open_model,
    plan_options,
    pseudonym_key,
    say,
    stated_options,
    study_plan,
    write_text,
)

if TYPE_CHECKING:
    from exodx.cohort import Intake
    from exodx.frozen import DiagnosticModel
    from exodx.panel import StudyPlan


@click.command("check")
@COHORT
@PANEL
@click.option("--model", help="Check against this model: its panel and its frozen quality rules (bundle folder or MLflow URI).")
@click.option("--html", type=FILE, help="Also write it all as one page.")
@CLASSES
@PSEUDONYMS
@plan_options
@stated_options
@allow_options
@JSON
def command(cohort: Path, model: str | None, html: Path | None, key_file: Path | None, as_json: bool, **options: Any) -> None:
    """Read and validate a cohort, and show everything about it on one page; all problems are told at once.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    _refuse_idle(model, options)
    from exodx.cohort import ClassChoice, Intake, parse_classes, read_cohort
    from exodx.cohort.pseudonyms import under_pseudonyms
    from exodx.evaluation.check import check_cohort
    from exodx.evaluation.check_text import check_text
    from exodx.frozen import MulticlassModel

    key = pseudonym_key(key_file)
    if html is not None:
        check_output(html, cohort)
    frozen = None if model is None else open_model(model)[0]
    specimens, conditions = options.pop("specimens"), conditions_of(options)
    plan = study_plan(**options)
    intake = Intake.of_plan(plan, specimens, conditions)
    if frozen is None:
        intake = replace(intake, classes=ClassChoice(parse_classes(plan.classes)))
    elif isinstance(frozen, MulticlassModel):
        intake = class_intake(intake.for_model(frozen), plan, frozen)
    else:
        intake = _of_one_class(intake, plan, frozen)
    data = under_pseudonyms(read_cohort(cohort, intake), key)
    for note in data.notes:
        say(f"· {note}")
    check = check_cohort(data, frozen)
    click.echo(json.dumps(check.to_dict(), indent=1, ensure_ascii=False) if as_json else painted(check_text(check)))
    if html is not None:
        from exodx.report.check_page import check_page

        write_text(check_page(check), html, cohort)
        say(f"page → {html}")


def _refuse_idle(model: str | None, options: dict[str, Any]) -> None:
    """Refuse options that would have no effect: a model has its panel, and only a model scores in spite of a difference."""
    from exodx.errors import Problem, UsageError

    problems = []
    if model is not None and options["panel"] is not None:
        problems.append(Problem("PANEL_AND_MODEL", "--panel", "the panel is the model's", "Leave out --panel, or --model."))
    if model is None and options["allow"]:
        fix = "Name the model: --model. A panel alone scores nothing."
        problems.append(Problem("ALLOW_WITHOUT_MODEL", "--allow", "there is no model to score with", fix))
    if problems:
        raise UsageError(problems)


def _of_one_class(intake: Intake, plan: StudyPlan, frozen: DiagnosticModel) -> Intake:
    """Read as the model asks; classes are for a model of several."""
    from exodx.errors import Problem, UsageError

    if plan.classes is not None:
        fix = "Say which values mean it: --positive VALUE."
        raise UsageError(Problem("CLASSES_AND_MODEL", "--classes", "the model has one positive class", fix))
    return intake.for_model(frozen)
