"""Classifiers compared on whatever cohorts a folder holds: discrimination, calibration and cost, fold by fold.

    python tests/benchmarks/accuracy.py --data FOLDER -o RESULTS [--tasks A,B] [--methods A,B] [--jobs 2]

Every task is a manifest (tests/benchmarks/tasks/*.toml; accuracy_tasks.py says how to write one; ``--manifests`` reads yours).
All methods learn from the same features of the same training specimens and are asked about the same held-out ones; no subject is
split. ``--peer FILE.py`` adds methods: each function in it takes a fold and returns probabilities of the held-out specimens.

    def autogluon(fold):
        train = TabularDataset(pd.DataFrame(fold.train_features).assign(y=fold.y))
        model = TabularPredictor("y", eval_metric="log_loss").fit(train, presets="best_quality")
        return model.predict_proba(pd.DataFrame(fold.held_features))[1].to_numpy()

``--plan FILE.toml`` adds a row of exodx itself under a plan of your own. RESULTS must not be in the repository: it holds margins of
specimens (``results.jsonl``, a line for each task, method and fold; what is there is not run again), ``margins/*.npz`` (the same as
arrays, a file a task), ``table.txt`` and ``ranks-*.png``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from accuracy_ranks import Ranked, difference_figure
from accuracy_results import MEASURES, Results, common, compare, save_margins, scores, summary_table, task_tables
from accuracy_run import Setting, jobs_of, run_all
from accuracy_tasks import MANIFESTS, read_tasks

from exodx.report.style import png

FEWEST = 3
"""Methods and tasks, for ranks to be compared."""


def write_tables(results: Results, out: Path) -> str:
    """Write tables and arrays of all results there are."""
    inside, outside = compare(results.records, external=False), compare(results.records, external=True)
    parts = [task_tables(inside), task_tables(outside)]
    parts += [summary_table(found, title) for found, title in ((inside, "held-out folds"), (outside, "external cohorts")) if found]
    text = "\n".join(filter(None, parts))
    (out / "table.txt").write_text(text, encoding="utf-8")
    save_margins(results.records, out / "margins")
    names, tasks = common(inside)
    for measure, more in MEASURES.items() if min(len(names), len(tasks)) >= FEWEST else ():
        figure = difference_figure(Ranked.of(measure, names, scores(inside, measure), more))
        (out / f"ranks-{measure.lower().replace(' ', '-')}.png").write_bytes(png(figure))
    return text


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    names = {"type": lambda text: tuple(filter(None, (name.strip() for name in text.split(","))))}
    parser.add_argument("--data", type=Path, required=True, help="folder that the manifests' paths are relative to")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the results, outside the repository")
    parser.add_argument("--manifests", type=Path, default=MANIFESTS, help="folder of the tasks' manifests")
    parser.add_argument("--tasks", **names, help="these alone, commas between them; all unless given")
    parser.add_argument("--methods", **names, help="these alone, commas between them; all unless given")
    parser.add_argument("--again", **names, default=(), help="forget the results of these methods (their code has changed)")
    parser.add_argument("--only", choices=("folds", "external", "tables"), default="", help="do this part alone")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--peer", type=Path, action="append", default=[], help="Python file, each function of which is a method")
    parser.add_argument("--plan", type=Path, action="append", default=[], help="study plan (TOML) of a further row of exodx")
    return parser.parse_args(given)


def _chosen(wanted: tuple[str, ...] | None, known: Iterable[str], what: str) -> list[str]:
    known = list(known)
    if unknown := sorted(set(wanted or ()) - set(known)):
        raise SystemExit(f"unknown {what} {', '.join(unknown)}; known are {', '.join(known)}")
    return [name for name in known if not wanted or name in wanted]


def main(given: list[str] | None = None) -> int:
    """Run what was not run yet and print the tables; 1 where a method failed somewhere."""
    args = _arguments(given)
    setting = Setting(args.data, args.manifests, args.folds, args.seed, tuple(args.peer), tuple(args.plan))
    tasks = _chosen(args.tasks, read_tasks(setting.manifests), "task")
    methods = _chosen(args.methods, setting.methods(), "method")
    args.out.mkdir(parents=True, exist_ok=True)
    results = Results(args.out / "results.jsonl", args.folds, args.seed)
    if args.again:
        results.forget(_chosen(args.again, {record["method"] for record in results.records}, "method in the results"))
    failed = 0
    if args.only != "tables":
        for task in tasks:
            failed += run_all(jobs_of(setting, [task], methods, args.repeats, args.only), setting, results, args.jobs)
            write_tables(results, args.out)
    print(write_tables(results, args.out))
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
