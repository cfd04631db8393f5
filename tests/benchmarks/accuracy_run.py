"""The runs of the accuracy benchmark: every method on every fold of every task, and what is not run yet of them.

This stands in a module of its own so that worker processes can import it.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from accuracy_methods import METHODS, PLANS, Method, exodx, peers, score
from accuracy_results import Results
from accuracy_tasks import Fold, load, load_external, read_tasks
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
        where = record["external"] or f"repeat {record['repeat']}, fold {record['fold']}"
        at = f"{record['task']}, {where}, {record['method']}"
        if why := record.get("failed"):
            failed += 1
            print(f"{at}: {why}", file=sys.stderr, flush=True)
        else:
            results.add(record)
            print(f"{at}: {record['seconds']:.1f} s", file=sys.stderr, flush=True)
    return failed
