"""A cohort as an AnnData, and back: specimens are observations, analytes variables, and the states of the cells a layer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exodx.cohort.cohort import Cohort
from exodx.cohort.doors import anndata_class
from exodx.cohort.read import Intake, frame_cohort
from exodx.errors import InputRefused, Problem, UsageError
from exodx.frozen import Measurements, State
from exodx.panel import Analyte, parse_panel
from exodx.tables.names import SPECIMEN_NAMES

HELD, STATE, FLAGS, STANDARD, CLASS = "exodx", "state", "exodx_flags", "reference_standard", "class"
SHOWN = 8


def to_anndata(cohort: Cohort) -> Any:
    """Return a cohort as an AnnData.

    ``X`` holds raw values (NaN where there is no number), ``layers["state"]`` the code of each cell's state, ``obs`` the specimen
    columns with ``reference_standard`` or ``class``, ``var`` unit, role and names of the analytes, ``uns["exodx"]`` the panel. How
    cells were written in a file, and its unused columns, stay behind.

    Parameters
    ----------
    cohort : Cohort

    Raises
    ------
    UsageError
        When anndata is not installed.
    """
    try:
        AnnData = anndata_class()
    except ImportError:
        found, fix = "the package anndata is not installed", "pip install 'exodx[anndata]'"
        raise UsageError(Problem("ANNDATA_MISSING", "to_anndata", found, fix)) from None
    obs = _plain(cohort.specimens).assign(**{FLAGS: cohort.measurements.flags})
    for name, column in ((STANDARD, cohort.reference_standard), (CLASS, cohort.labels)):
        if column is not None:
            obs[name] = column.to_numpy(object if name == CLASS else np.int64)
    held = {
        "panel": json.dumps(cohort.panel.to_dict()),
        "states": json.dumps({int(state): state.name for state in State}),
        "positive_label": cohort.positive_label,
        "source": cohort.source,
        "synthetic": cohort.synthetic,
        "left_out": cohort.left_out,
        "notes": json.dumps(cohort.notes),
        "classes": json.dumps(cohort.classes),
    }
    m = cohort.measurements
    return AnnData(X=m.values.copy(), obs=obs, var=_variables(cohort), layers={STATE: m.states.copy()}, uns={HELD: held})


def from_anndata(data: Any, intake: Intake | None = None) -> Cohort:
    """Return the cohort of an AnnData.

    Parameters
    ----------
    data : AnnData
        Of :func:`to_anndata`, perhaps with fewer specimens; or any other, whose ``obs`` and ``X`` are then read as the columns of a
        file.
    intake : Intake, optional
        How to read one of another origin; needed for such, and read by it if given.

    Raises
    ------
    InputRefused
        With every problem found, as of a file.
    """
    if intake is not None:
        return frame_cohort(_frame(data), intake)
    if HELD not in data.uns or STATE not in data.layers:
        fix = "Say how to read it: Cohort.from_anndata(data, Intake(panel, label, positive))."
        raise InputRefused(Problem("ANNDATA_FOREIGN", "AnnData", "it was not made by Cohort.to_anndata", fix))
    held = data.uns[HELD]
    panel = parse_panel(json.loads(held["panel"]), "AnnData, uns")
    names, states = tuple(map(str, data.var_names)), _dense(data.layers[STATE]).astype(np.uint8)
    problems = []
    if names != panel.names:
        found = f"variables {', '.join(names[:SHOWN])}{' …' if len(names) > SHOWN else ''}: not the analytes of panel {panel.name}"
        problems.append(
            Problem("ANALYTES_CHANGED", "AnnData", found, "Keep all in their order, or give an Intake of another panel.")
        )
    if unknown := sorted(set(np.unique(states).tolist()) - set(State)):
        problems.append(Problem("STATE_UNKNOWN", f"AnnData, layer {STATE!r}", f"{unknown}", f"Valid are: {held['states']}."))
    if problems:
        raise InputRefused(problems)
    obs = data.obs.copy()
    flags, standard, labels = (obs.pop(name) if name in obs else None for name in (FLAGS, STANDARD, CLASS))
    return Cohort(
        panel,
        Measurements(names, _dense(data.X).astype(np.float64), states, np.asarray(flags, np.uint32)),
        _plain(obs),
        reference_standard=None if standard is None else standard.astype(np.int64),
        positive_label=str(held["positive_label"]),
        source=str(held["source"]),
        synthetic=bool(held["synthetic"]),
        notes=tuple(json.loads(held["notes"])),
        left_out=int(held["left_out"]),
        classes=tuple(json.loads(held["classes"])),
        labels=None if labels is None else labels.astype(str).astype(object),
    )


def _variables(cohort: Cohort) -> pd.DataFrame:
    keys = ("kind", "unit", "role", "fraction", "accession", "direction")
    return _plain(pd.DataFrame([_described(a, keys) for a in cohort.panel.analytes], index=list(cohort.panel.names)))


def _described(analyte: Analyte, keys: tuple[str, ...]) -> dict[str, str]:
    return {key: getattr(analyte, key) or "" for key in keys}


def _plain(obs: pd.DataFrame) -> pd.DataFrame:
    """Return text as plain objects: AnnData makes categories of them, and its files do not take pandas' own text."""
    texts = [name for name in obs.columns if isinstance(obs[name].dtype, (pd.CategoricalDtype, pd.StringDtype))]
    plain = obs.astype(dict.fromkeys(texts, object))
    plain.index = pd.Index([str(name) for name in obs.index], dtype=object)
    return plain


def _frame(data: Any) -> pd.DataFrame:
    """Return observations' columns and variables as the table of a file."""
    values = pd.DataFrame(_dense(data.X), index=data.obs_names, columns=[str(name) for name in data.var_names])
    if twice := [str(name) for name in data.obs.columns if name in values.columns]:
        found = f"{', '.join(map(repr, twice))}: a column of obs and a variable"
        raise InputRefused(Problem("COLUMN_TWICE", "AnnData", found, "Rename one of them."))
    about = _plain(data.obs)
    if not {str(name).casefold() for name in about.columns} & set(SPECIMEN_NAMES):
        about.insert(0, SPECIMEN_NAMES[0], list(about.index))
    return pd.concat([about, values.set_axis(about.index)], axis=1)


def _dense(matrix: Any) -> NDArray[Any]:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
