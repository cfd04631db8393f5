"""Classifiers compared on whatever cohorts a folder holds: discrimination, calibration and cost, fold by fold.

    python tests/benchmarks/accuracy.py --data FOLDER -o RESULTS [--tasks A,B] [--methods A,B] [--jobs 2]

Every task is a manifest (tests/benchmarks/tasks/*.toml; write your own: accuracy_tasks.py says how, ``--manifests FOLDER`` reads them).
All methods learn from the same features of the same training specimens and are asked about the same held-out ones; subjects are never
split. Methods can be added by ``--peer FILE.py``: each function in it takes a fold and returns probabilities of the held-out specimens:

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
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(library, "1")

from accuracy_methods import METHODS, PLANS, Method, exodx, peers, score
from accuracy_results import Results, compare, save_margins, summary_table, task_tables
from accuracy_tasks import MANIFESTS, Fold, load, load_external, read_tasks
from joblib import Parallel, delayed

from exodx.cohort import Cohort, stratified_folds
from exodx.cohort.splits import training_rows


@dataclass(frozen=True)
class Setting:
    """What a result depends on, beside its task, method and fold."""

    data: Path
    manifests: Path
    folds: int = 5
    seed: int = 0
    peers: tuple[Path, ...] = ()
    plans: tuple[Path, ...] = ()

    def methods(self) -> dict[str, Method]:
        """Return every row by name."""
        plans = PLANS | {f"exodx ({path.stem})": tomllib.loads(path.read_text(encoding="utf-8")) for path in self.plans}
        own = METHODS | {name: partial(exodx, plan=plan) for name, plan in plans.items()}
        return own | {name: method for path in self.peers for name, method in peers(path).items()}


@dataclass(frozen=True)
class Job:
    """One method on one fold of one task; or trained on all of it and tried on an external cohort (``repeat`` is −1)."""

    task: str
    method: str
    repeat: int
    fold: int
    external: str = ""


@lru_cache(maxsize=2)
def _cohort(setting: Setting, task: str) -> tuple[Cohort, dict[str, Cohort]]:
    manifest = read_tasks(setting.manifests)[task]
    cohort = load(manifest, setting.data).sorted()
    return cohort, load_external(manifest, setting.data, cohort)


def _folds(setting: Setting, cohort: Cohort, repeat: int) -> Any:
    return stratified_folds(cohort.y, cohort.subjects, setting.folds, setting.seed + 1000 * (repeat + 1))


@lru_cache(maxsize=2)
def _fold(setting: Setting, task: str, repeat: int, fold: int, external: str) -> tuple[list[int], Fold]:
    cohort, others = _cohort(setting, task)
    if external:
        held = others[external]
        return list(range(len(held))), Fold.cut(cohort, held, setting.seed)
    folds = _folds(setting, cohort, repeat)
    rows = [row for row, f in enumerate(folds) if f == fold]
    return rows, Fold.cut(cohort[training_rows(folds, fold, cohort.subjects)], cohort[folds == fold], setting.seed)


def jobs_of(setting: Setting, tasks: Iterable[str], methods: Iterable[str], repeats: int, only: str) -> Iterator[Job]:
    """Yield what there is to do, a fold's methods next to each other."""
    methods = list(methods)
    for task in tasks:
        cohort, others = _cohort(setting, task)
        for repeat in range(repeats if only != "external" else 0):
            for fold in range(int(_folds(setting, cohort, repeat).max()) + 1):
                yield from (Job(task, method, repeat, fold) for method in methods)
        for name in others if only != "folds" else ():
            yield from (Job(task, method, -1, 0, name) for method in methods)


def run(job: Job, setting: Setting) -> dict[str, Any]:
    """Run one job; a method that fails on a fold is told of and leaves a gap in the tables."""
    rows, fold = _fold(setting, job.task, job.repeat, job.fold, job.external)
    key = {"task": job.task, "method": job.method, "repeat": job.repeat, "fold": job.fold, "external": job.external}
    try:
        margin, seconds = score(setting.methods()[job.method], job.method, fold)
    except Exception as error:
        return {**key, "failed": f"{type(error).__name__}: {error}"}
    return {
        **key,
        "folds": setting.folds,
        "seed": setting.seed,
        "seconds": round(seconds, 3),
        "n_train": len(fold.y),
        "unscored": int((~fold.scored).sum()),
        "rows": rows,
        "y": fold.held_cohort.y.tolist(),
        "margin": [round(m, 6) for m in margin.tolist()],
    }


def run_all(jobs: Iterable[Job], setting: Setting, results: Results, processes: int) -> int:
    """Run what was not run yet, writing each result as it comes, and return how many failed."""
    waiting = (job for job in jobs if not results.has(job.task, job.method, job.repeat, job.fold, job.external))
    work = (delayed(run)(job, setting) for job in waiting)
    failed = 0
    for record in Parallel(n_jobs=processes, return_as="generator_unordered", pre_dispatch="2*n_jobs")(work):
        at = "{task} {external}, repeat {repeat} fold {fold}, {method}".format(**record)
        if why := record.get("failed"):
            failed += 1
            print(f"{at}: {why}", file=sys.stderr, flush=True)
        else:
            results.add(record)
            print(f"{at}: {record['seconds']:.1f} s", file=sys.stderr, flush=True)
    return failed


def write_tables(results: Results, out: Path) -> str:
    """Write tables and arrays of all results there are."""
    inside, outside = compare(results.records, external=False), compare(results.records, external=True)
    parts = [task_tables(inside), task_tables(outside)]
    parts += [summary_table(found, title) for found, title in ((inside, "held-out folds"), (outside, "external cohorts")) if found]
    text = "\n".join(filter(None, parts))
    (out / "table.txt").write_text(text, encoding="utf-8")
    save_margins(results.records, out / "margins")
    return text


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    names = {"type": lambda text: tuple(filter(None, (name.strip() for name in text.split(","))))}
    parser.add_argument("--data", type=Path, required=True, help="folder that the manifests' paths are relative to")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the results, outside the repository")
    parser.add_argument("--manifests", type=Path, default=MANIFESTS, help="folder of the tasks' manifests")
    parser.add_argument("--tasks", **names, help="these alone, commas between them; all unless given")
    parser.add_argument("--methods", **names, help="these alone, commas between them; all unless given")
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
    failed = 0
    if args.only != "tables":
        for task in tasks:
            failed += run_all(jobs_of(setting, [task], methods, args.repeats, args.only), setting, results, args.jobs)
            write_tables(results, args.out)
    print(write_tables(results, args.out))
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
