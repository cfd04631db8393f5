"""The files that the study of mutations starts from: real cohorts as wide tables of text, and a simulated one.

To each is added what real ones seldom state and mutations need: a fluid (``specimen_type``, the same for all) and, where no column
says the plate, four plates dealt at random. A cohort with a testing file of its own is held against that; of the others four
tenths of each class are held out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from exodx.cohort import Cohort, Intake, SimulatedStudy, frame_cohort, simulate
from exodx.cohort.columns import find_specimen_columns
from exodx.cohort.infer import is_mirna_name
from exodx.frozen.joined import join_files
from exodx.panel import Analyte, Panel, Scale, load_panel
from exodx.tables.layout import specimen_ids
from exodx.tables.reader import read_table
from exodx.tables.table import Records, TextTable, build_table
from tests.benchmarks.accuracy_tasks import MANIFESTS, Task, load, load_external, read_tasks

LABEL, CASE, CONTROL = "group", "case", "control"
FLUID, PLATES, HELD, MOST = "plasma", 4, 0.4, 0.8
SIMULATED = "simulated"
CLINICAL = "-clinical"
ANY = "gse71008-any-cancer"


@dataclass(frozen=True)
class Source:
    """A cohort as a wide table of text.

    Parameters
    ----------
    name : str
    frame : DataFrame of str
        ``specimen_id``, ``group``, whatever else the file says of a specimen, and the panel's analytes by their names.
    held : DataFrame of str
        Specimens that the model did not see, in the same columns.
    panel : Panel
    has_test : bool
        The held-out specimens are a file of their own; the whole of ``frame`` is learned from then.
    """

    name: str
    frame: pd.DataFrame
    held: pd.DataFrame
    panel: Panel
    has_test: bool

    @property
    def learned(self) -> pd.DataFrame:
        """What the model is trained on."""
        if self.has_test:
            return self.frame
        return self.frame[~self.frame["specimen_id"].isin(self.held["specimen_id"])].reset_index(drop=True)

    @property
    def targets(self) -> list[Analyte]:
        """The panel's targets that have a column."""
        return [a for a in self.panel.with_role("target") if a.name in self.frame]

    @cached_property
    def usual(self) -> frozenset[str]:
        """The targets that most specimens have, so that a mutation of one touches something."""
        first = {a.name: self.frame[a.name].str.partition(" | ")[0] for a in self.targets}
        numbers = {name: pd.to_numeric(cells, errors="coerce").fillna(0) for name, cells in first.items()}
        return frozenset(name for name, cells in numbers.items() if (cells != 0).mean() > MOST)

    def of_scale(self, *scales: Scale) -> list[str]:
        """Return the targets on one of these scales."""
        return [a.name for a in self.targets if a.scale in scales]


def text_table(frame: pd.DataFrame) -> TextTable:
    """Return the table that a file with these cells would be read as."""
    rows = [list(map(str, row)) for row in frame.itertuples(index=False, name=None)]
    return build_table("mutated.csv", Records([list(map(str, frame.columns)), *rows], list(range(len(rows) + 1))), "row", ".", ())


def sources(data: Path | None, only: str | None = None, most: int | None = None) -> Iterator[Source]:
    """Give the cohorts: every task of the accuracy benchmark whose file is there, and a simulated one.

    Parameters
    ----------
    data : Path, optional
        The folder of real cohorts.
    only : str, optional
        One cohort.
    most : int, optional
        Of a panel with more targets only so many are kept, those that most specimens have.
    """
    if only in (None, SIMULATED):
        yield simulated(0)
    tasks = {} if data is None else read_tasks(MANIFESTS)
    for name, task in tasks.items():
        if (only or name) == name and not name.endswith(CLINICAL) and name != ANY and (data / task.table).is_file():
            yield smaller(real(task, data), most)


def simulated(seed: int, n: int = 300) -> Source:
    """Return a simulated cohort of athero-3."""
    panel = load_panel("athero-3")
    panel = replace(panel, specimen_type=FLUID) if panel.specimen_type == "unspecified" else panel
    study = SimulatedStudy(n=n, plate_sd=0.1, site_sd=0.1, site_case_shares=(0.5, 0.5, 0.5), seed=1000 + seed)
    return parted(SIMULATED, prepared(simulate(panel, study), seed, panel.specimen_type), panel, seed)


def real(task: Task, data: Path) -> Source:
    """Return a real cohort."""
    cohort = load(task, data)
    frame = prepared(_frame(task, data, cohort), 0)
    external = load_external(task, data, cohort)
    if external:
        (other,) = task.external.values()
        changed = replace(task, **{key: tuple(v) if isinstance(v, list) else v for key, v in other.items()})
        held = prepared(_frame(changed, data, next(iter(external.values()))), 1)
        columns = [c for c in frame if c in held]
        return Source(task.name, frame[columns], held[columns], cohort.panel, has_test=True)
    return parted(task.name, frame, cohort.panel, 0)


def smaller(source: Source, most: int | None) -> Source:
    """Return a source with so many targets at most, those that most specimens have."""
    if most is None or len(source.targets) <= most:
        return source
    share = {a.name: (pd.to_numeric(source.frame[a.name], errors="coerce").fillna(0) != 0).mean() for a in source.targets}
    kept = set(sorted(share, key=lambda name: (-share[name], name))[:most])
    gone = [name for name in share if name not in kept]
    panel = replace(source.panel, analytes=tuple(a for a in source.panel.analytes if a.name not in gone))
    return replace(source, frame=source.frame.drop(columns=gone), held=source.held.drop(columns=gone), panel=panel)


def _frame(task: Task, data: Path, cohort: Cohort) -> pd.DataFrame:
    """Return the specimens of a cohort with their cells as written."""
    joined = join_files(read_table(data / task.table), [data / name for name in task.specimens], is_mirna_name, task.specimen)
    ids, _, _ = specimen_ids(joined.table, joined.specimen)
    wide = pd.DataFrame({name: list(cells) for name, cells in joined.table.columns.items()}, index=list(ids), dtype=str)
    attributes, _ = find_specimen_columns(joined.table, {})
    kept = {key: wide[column] for key, column in attributes.items() if key in ("site", "age", "sex", "subject", "plate")}
    columns = {name: wide[next(h for h in wide if h == name)] for name in cohort.panel.names}
    frame = pd.DataFrame({**kept, **columns}).loc[list(cohort.ids)]
    frame.insert(0, LABEL, np.where(cohort.y == 1, CASE, CONTROL))
    frame.insert(0, "specimen_id", list(cohort.ids))
    return frame.reset_index(drop=True)


def prepared(frame: pd.DataFrame, seed: int, fluid: str = FLUID) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    added = {"specimen_type": fluid}
    if "plate" not in frame:
        added["plate"] = [f"plate {k + 1}" for k in rng.permutation(len(frame)) % PLATES]
    front = pd.DataFrame({name: np.full(len(frame), cells) if isinstance(cells, str) else cells for name, cells in added.items()})
    return pd.concat([front, frame.drop(columns=[c for c in added if c in frame])], axis=1).astype(str)


def parted(name: str, frame: pd.DataFrame, panel: Panel, seed: int) -> Source:
    rng = np.random.default_rng(seed)
    held = np.zeros(len(frame), bool)
    for label in (CASE, CONTROL):
        rows = np.flatnonzero(frame[LABEL] == label)
        held[rng.permutation(rows)[: round(HELD * len(rows))]] = True
    return Source(name, frame, frame[held].reset_index(drop=True), panel, has_test=False)


def cohort_of(frame: pd.DataFrame, intake: Intake) -> Cohort:
    """Read a table of text as a cohort."""
    return frame_cohort(frame.reset_index(drop=True), intake)
