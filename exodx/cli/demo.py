"""``exodx demo``."""

from __future__ import annotations

from pathlib import Path

import click

from exodx.cli.options import FILE, is_quiet, say, write_text
from exodx.cli.send import NOT_SENT, say_unsent
from exodx.errors import RUO


@click.command("demo")
@click.option("-o", "--out", type=FILE, default=Path("exodx-demo"), show_default=True, help="Folder for everything the demo makes.")
def command(out: Path) -> None:
    """Run the whole way on the simulated example cohort: train, track, score new specimens, explain one; print where all is.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.cohort import Intake, example_file, read_cohort
    from exodx.panel import StudyPlan
    from exodx.report import evaluation_text, specimen_page
    from exodx.scoring import Explain, read_specimens, score_specimens, write_scores
    from exodx.study import run_study, silent, watched
    from exodx.tables.reader import read_table

    plan = StudyPlan(panel="athero-3", label="group", positive="case", budget="quick", repeats=2, prevalence=0.2, seed=1)
    say("1/3 training on the simulated example cohort")
    cohort = read_cohort(example_file("athero-3-simulated/train.csv"), Intake.of_plan(plan))
    study = run_study(cohort, plan, out=out / "model", jobs=2, progress=silent if is_quiet() else watched, tell=say)
    say(evaluation_text(study.evaluation))
    say("2/3 scoring new simulated specimens")
    specimens = read_specimens(read_table(example_file("athero-3-simulated/new.csv")), study.model, None, keep_going=False)
    scores = score_specimens(specimens, study.model, study.model_hash, Explain.ALL)
    write_scores(scores, Explain.ALL, out / "scores.csv")
    say("3/3 explaining the first of them")
    features = study.model.transform.apply(specimens.measurements)
    page = specimen_page(study.model, scores, features, specimens.measurements, 0)
    write_text(page, out / "specimen.html")
    if study.unsent is not None:
        say_unsent(study.unsent)
        raise click.exceptions.Exit(NOT_SENT)
    assert study.run is not None
    click.echo(
        f"scored output      {out / 'scores.csv'}\n"
        f"model bundle       {out / 'model'}\n"
        f"report             {out / 'model' / 'report.html'}\n"
        f"one specimen       {out / 'specimen.html'}\n"
        f"MLflow run         {study.run.run_id}  (look at it: exodx ui)\n"
        f"registered model   {study.run.model_uri}  alias challenger\n"
        f"your own table     exodx check cohort.csv, or exodx new my-study for a folder to start from\n"
        f"{RUO}"
    )
