"""``exodx predict``."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import (
    COHORT,
    FILE,
    MODEL,
    SPECIMENS,
    allow_options,
    check_output,
    conditions_of,
    open_model,
    say,
    stated_options,
)
from exodx.errors import RUO

if TYPE_CHECKING:
    from exodx.frozen import AnyModel

NOT_ALL_SCORED = 5


@click.command("predict")
@COHORT
@MODEL
@click.option("-o", "--out", type=FILE, help="CSV or .parquet file; stdout (CSV) unless given.")
@click.option("--explain", type=click.Choice(["all", "top3", "none"]), default="all", show_default=True, help="SHAP columns.")
@click.option("--specimen", help="Column of specimen ids.")
@SPECIMENS
@stated_options
@allow_options
@click.option("--keep-going", is_flag=True, help="Score the rows that can be read; the others get status INVALID (exit code 5).")
def command(
    cohort: Path,
    model: str,
    out: Path | None,
    explain: str,
    specimen: str | None,
    specimens: tuple[Path, ...],
    keep_going: bool,
    **options: Any,
) -> None:
    """Score a cohort: a row for every specimen, in order, with status, call, probability and SHAP values.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.scoring import Explain, score_file, write_scores

    if out is not None:
        check_output(out, cohort)
    conditions = conditions_of(options)
    frozen, model_hash = open_model(model)
    how = Explain(explain)
    scores = score_file(cohort, frozen, model_hash, how, specimen, keep_going=keep_going, conditions=conditions, joined=specimens)
    for note in scores.notes:
        say(f"· {note}")
    write_scores(scores, how, out if out is not None else sys.stdout)
    calls = Counter(scores.prediction.call)
    say(
        f"{scores.model_id}: {len(scores.prediction)} specimens, {_called(frozen, calls)}{calls['not_reported']} not reported"
        f"{'' if out is None else f' → {out}'}\n{RUO}"
    )
    if calls["not_reported"]:
        sys.exit(NOT_ALL_SCORED)


def _called(frozen: AnyModel, calls: Counter[str]) -> str:
    """Say how often each call was made, but for those not reported."""
    from exodx.frozen import MulticlassModel

    if isinstance(frozen, MulticlassModel):
        grey = "" if frozen.limit is None else f"{calls['indeterminate']} indeterminate, "
        return "called " + "".join(f"{calls[name]} {name}, " for name in frozen.classes) + grey
    grey = "" if frozen.threshold.zone is None else f"{calls['indeterminate']} indeterminate, "
    return f"{calls['positive']} called positive, {calls['negative']} negative, {grey}"
