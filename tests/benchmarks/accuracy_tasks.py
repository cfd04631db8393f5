"""The tasks of the accuracy benchmark: small TOML manifests of cohorts, read by exodx's own readers, and their outer folds.

A manifest is named after its task and holds (paths are relative to the folder of the data):

    table = "study/counts.csv"        what read_cohort reads
    specimens = ["study/labels.csv"]  further tables, joined by specimen id (optional)
    label = "disease"                 the reference standard …
    positive = ["sick"]               … and its positive values
    leave_out = ["other disease"]     values of the label that take no part (optional)
    specimen, subject = "run", "id"   columns (optional; the usual names are recognised)
    panel = "panel.toml"              a panel, its name, or "auto" (the default): the analytes are inferred
    columns = ["miR-21", "age"]       instead of a panel: the columns that are analytes (optional)
    without = ["tau"]                 analytes of an inferred panel that are not used (optional)
    unit = "z-score"                  of all analytes (needed with columns; replaces an inferred unit)
    [external.testing]                further cohorts, with the keys that differ (table always)
    table = "other/counts.csv"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.assay import learn_transform
from exodx.cohort import Cohort, Intake, read_cohort, stratified_folds
from exodx.cohort.splits import training_rows
from exodx.frozen.measurements import BLOCKING
from exodx.panel import Analyte, Panel

MANIFESTS = Path(__file__).parent / "tasks"
INNER_FOLDS = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """A manifest."""

    name: str
    table: str
    label: str
    positive: tuple[str, ...]
    leave_out: tuple[str, ...] = ()
    specimens: tuple[str, ...] = ()
    specimen: str | None = None
    subject: str | None = None
    panel: str = "auto"
    columns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    unit: str | None = None
    external: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_task(path: Path) -> Task:
    """Read a manifest; an unknown or a missing key is an error that names it."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {f.name for f in fields(Task)} - {"name"}
    if wrong := sorted({*table, *(key for other in table.get("external", {}).values() for key in other)} - known):
        raise SystemExit(f"{path}: unknown key {', '.join(wrong)}; known are {', '.join(sorted(known))}")
    if missing := sorted({"table", "label", "positive"} - set(table)):
        raise SystemExit(f"{path}: no {', '.join(missing)}")
    if table.get("columns") and not table.get("unit"):
        raise SystemExit(f"{path}: columns need their unit")
    return _task(path.stem, table)


def _task(name: str, table: dict[str, Any]) -> Task:
    return Task(name, **{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})


def read_tasks(folder: Path) -> dict[str, Task]:
    """Read every manifest of a folder, by name."""
    return {path.stem: read_task(path) for path in sorted(folder.glob("*.toml"))}


def load(task: Task, data: Path) -> Cohort:
    """Read a task's cohort."""
    if task.columns:
        analytes = tuple(Analyte(name, "other", str(task.unit)) for name in task.columns)
        return _labelled(task, data, Panel(task.name, "1", task.name, analytes))
    cohort = _labelled(task, data, str(data / task.panel) if (data / task.panel).is_file() else task.panel)
    kept = [a for a in cohort.panel.analytes if a.name not in task.without]
    if task.unit is None and len(kept) == len(cohort.panel.analytes):
        return cohort
    analytes = tuple(replace(a, unit=task.unit or a.unit) for a in kept)
    return _labelled(task, data, replace(cohort.panel, analytes=analytes))


def load_external(task: Task, data: Path, trained: Cohort) -> dict[str, Cohort]:
    """Read the cohorts that a model of the task's whole cohort is tried on, on the panel of that cohort."""
    own = {f.name: getattr(task, f.name) for f in fields(Task) if f.name not in ("name", "external")}
    return {name: _labelled(_task(name, {**own, **other}), data, trained.panel) for name, other in task.external.items()}


def _labelled(task: Task, data: Path, panel: Panel | str) -> Cohort:
    def read(positive: tuple[str, ...]) -> Cohort:
        columns = {key: value for key, value in (("specimen", task.specimen), ("subject", task.subject)) if value}
        joined = [data / name for name in task.specimens]
        return read_cohort(data / task.table, Intake(panel, task.label, ",".join(positive), columns, joined))

    cohort = read(task.positive)
    return cohort[read(task.leave_out).y == 0] if task.leave_out else cohort


@dataclass(frozen=True)
class Fold:
    """What every method learns from and scores: training specimens' features by a transform learned from them, and held-out ones.

    Training specimens that cannot be scored take no part; those held out are marked (``scored``) and get the training prevalence.
    """

    cohort: Cohort
    held_cohort: Cohort
    train_features: Floats
    held_features: Floats
    names: tuple[str, ...]
    scored: NDArray[np.bool_]
    seed: int
    memo: dict[str, tuple[Floats, float]] = field(default_factory=dict)

    @classmethod
    def cut(cls, train: Cohort, held: Cohort, seed: int) -> Fold:
        """Learn the transform from the training specimens."""
        flags = learn_transform(train.panel, train.measurements, train.y).apply(train.measurements).flags
        train = train[(flags & BLOCKING) == 0]
        transform = learn_transform(train.panel, train.measurements, train.y)
        new = transform.apply(held.measurements)
        features = transform.apply(train.measurements).values
        return cls(train, held, features, new.values, transform.names, (new.flags & BLOCKING) == 0, seed)

    @property
    def y(self) -> NDArray[np.int8]:
        """The reference standard of the training specimens."""
        return self.cohort.y

    @cached_property
    def inner(self) -> list[tuple[Floats, NDArray[np.int8], Floats, NDArray[np.int8]]]:
        """Training and held-out features and labels of inner folds, each by a transform of its own."""
        cohort = self.cohort
        assigned = stratified_folds(cohort.y, cohort.subjects, INNER_FOLDS, self.seed)
        found = []
        for fold in range(int(assigned.max()) + 1):
            rows, held = training_rows(assigned, fold, cohort.subjects), np.flatnonzero(assigned == fold)
            transform = learn_transform(cohort.panel, cohort.measurements[rows], cohort.y[rows])
            train, test = (transform.apply(cohort.measurements[r]).values for r in (rows, held))
            found.append((train, cohort.y[rows], test, cohort.y[held]))
        return found
