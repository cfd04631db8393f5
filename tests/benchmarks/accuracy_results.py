"""Results of the accuracy benchmark: kept line by line, and turned into tables and arrays."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_ranks import ranks
from numpy.typing import NDArray
from scipy.special import expit

from exodx.stats import auc, brier, calibration_slope, log_loss

Record = dict[str, Any]
Floats = NDArray[np.float64]
MEASURES = {"AUC": True, "log loss": False}
"""What methods are ranked by, and whether more is better."""


class Results:
    """A file of results, a line each, which is read again to go on where a run stopped.

    Raises
    ------
    SystemExit
        Where the file holds results of other folds or of another seed.
    """

    def __init__(self, path: Path, folds: int, seed: int) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.records: list[Record] = []
        for number, line in enumerate(lines):
            try:
                self.records.append(json.loads(line))
            except json.JSONDecodeError:
                if number + 1 < len(lines):
                    raise
                path.write_text("".join(f"{whole}\n" for whole in lines[:-1]), encoding="utf-8")
        if any((record["folds"], record["seed"]) != (folds, seed) for record in self.records):
            raise SystemExit(
                f"{path} holds results of other folds or another seed: give another folder, or what they were run with"
            )
        self.keys = {self._key(record) for record in self.records}

    @staticmethod
    def _key(record: Record) -> tuple[Any, ...]:
        return tuple(record[k] for k in ("task", "method", "repeat", "fold", "external"))

    def has(self, *key: Any) -> bool:
        """Say whether a task, method, repeat, fold and external cohort were run."""
        return key in self.keys

    def forget(self, methods: Iterable[str]) -> None:
        """Drop what these methods gave, for code that has changed since."""
        gone = set(methods)
        self.records = [record for record in self.records if record["method"] not in gone]
        self.keys = {self._key(record) for record in self.records}
        self.path.write_text("".join(json.dumps(record) + "\n" for record in self.records), encoding="utf-8")

    def add(self, record: Record) -> None:
        """Keep a result, on disk at once."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.records.append(record)
        self.keys.add(self._key(record))


@dataclass(frozen=True)
class Figures:
    """How a method did on a task."""

    n: int
    auc: float
    log_loss: float
    brier: float
    slope: float | None
    seconds: float
    unscored: int

    @classmethod
    def of(cls, records: Sequence[Record]) -> Figures:
        """Put folds together: AUC is their mean (margins of two folds are not on one scale), losses are means over specimens."""
        y = np.concatenate([r["y"] for r in records])
        p = np.concatenate([expit(r["margin"]) for r in records])
        aucs = [auc(np.array(r["y"]), np.array(r["margin"])) for r in records if 0 < sum(r["y"]) < len(r["y"])]
        slope = calibration_slope(y, p).value
        seconds = sum(r["seconds"] for r in records)
        return cls(len(y), float(np.mean(aucs)), log_loss(y, p), brier(y, p), slope, seconds, sum(r["unscored"] for r in records))


Compared = dict[str, dict[str, Figures]]


def compare(records: Iterable[Record], external: bool) -> Compared:
    """Return task → method → figures, of the methods that ran on all folds that any method ran on."""
    found: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if bool(record["external"]) == external:
            task = f"{record['task']} → {record['external']}" if external else record["task"]
            found[task][record["method"]].append(record)
    compared: Compared = {}
    for task, methods in sorted(found.items()):
        most = max(map(len, methods.values()))
        ordered = {m: sorted(rs, key=lambda r: (r["repeat"], r["fold"])) for m, rs in methods.items() if len(rs) == most}
        compared[task] = {method: Figures.of(rs) for method, rs in ordered.items()}
    return compared


def common(compared: Compared) -> tuple[list[str], list[str]]:
    """Return the methods that have figures for all tasks, and the tasks."""
    tasks = list(compared)
    names = list(dict.fromkeys(method for methods in compared.values() for method in methods))
    return [name for name in names if all(name in compared[task] for task in tasks)], tasks


def scores(compared: Compared, measure: str) -> Floats:
    """Return a measure, shape (tasks, methods of all tasks)."""
    methods, tasks = common(compared)
    key = measure.lower().replace(" ", "_")
    return np.array([[getattr(compared[task][method], key) for method in methods] for task in tasks], np.float64)


def task_tables(compared: Compared) -> str:
    """Return a table for each task."""
    return "\n".join(_task_table(task, methods) for task, methods in compared.items())


def _task_table(task: str, methods: Mapping[str, Figures]) -> str:
    n = max(figures.n for figures in methods.values())
    unscored = max(figures.unscored for figures in methods.values())
    lost = f", {unscored} not scorable (given the training prevalence)" if unscored else ""
    lines = [f"{task} ({n} held out{lost})", f"  {'':28}    AUC  log loss  Brier  slope  seconds"]
    for method, f in sorted(methods.items(), key=lambda entry: entry[1].log_loss):
        slope = "     –" if f.slope is None else f"{f.slope:6.2f}"
        lines.append(f"  {method:28} {f.auc:6.3f}  {f.log_loss:8.3f} {f.brier:6.3f} {slope} {f.seconds:8.1f}")
    return "\n".join(lines) + "\n"


def summary_table(compared: Compared, title: str) -> str:
    """Return means, mean ranks and wins over the tasks, and what is left out because it did not run on all of them."""
    methods, tasks = common(compared)
    if not methods:
        return f"{title}: no method ran on all of {len(tasks)} tasks\n"
    values = {measure: scores(compared, measure) for measure in MEASURES}
    ranked = {measure: ranks(values[measure], more) for measure, more in MEASURES.items()}
    wins = {measure: (r == r.min(axis=1, keepdims=True)).sum(axis=0) for measure, r in ranked.items()}
    briers = scores(compared, "Brier").mean(axis=0)
    seconds = scores(compared, "seconds").mean(axis=0)
    lines = [
        f"{title}, {len(tasks)} tasks",
        f"  {'':28}   mean of                 mean rank by   best by         seconds",
        f"  {'':28}    AUC  log loss  Brier    AUC  log loss  AUC  log loss  a task",
    ]
    for i in np.argsort(values["log loss"].mean(axis=0), kind="stable"):
        a, b = (values[measure][:, i].mean() for measure in MEASURES)
        c, d = (ranked[measure][:, i].mean() for measure in MEASURES)
        e, f = (wins[measure][i] for measure in MEASURES)
        lines.append(f"  {methods[i]:28} {a:6.3f}  {b:8.3f} {briers[i]:6.3f} {c:6.2f}  {d:8.2f} {e:4d}  {f:8d} {seconds[i]:7.1f}")
    others = {name: sum(name in of for of in compared.values()) for of in compared.values() for name in of if name not in methods}
    lines += [f"  {name}: only on {n} of {len(tasks)} tasks" for name, n in others.items()]
    return "\n".join(lines) + "\n"


def save_margins(records: Iterable[Record], folder: Path) -> None:
    """Write a file a task: ``y``, ``fold`` and each method's margins, shape (repeats, specimens); NaN where not run."""
    folder.mkdir(exist_ok=True)
    tasks: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        tasks[record["task"] + (f".{record['external']}" if record["external"] else "")].append(record)
    for task, found in tasks.items():
        repeats, n = 1 + max(r["repeat"] for r in found), 1 + max(max(r["rows"]) for r in found)
        arrays: dict[str, Floats] = {"y": np.full((max(repeats, 1), n), np.nan), "fold": np.full((max(repeats, 1), n), np.nan)}
        for record in found:
            at = max(record["repeat"], 0), record["rows"]
            arrays["y"][at], arrays["fold"][at] = record["y"], record["fold"]
            arrays.setdefault(record["method"], np.full(arrays["y"].shape, np.nan))[at] = record["margin"]
        np.savez_compressed(folder / f"{task}.npz", **arrays)
