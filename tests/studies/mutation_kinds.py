"""Mutations: what happens to a table between the instrument and the model, that leaves it readable and changes its meaning.

Each takes a source, one of its tables and a random generator, and gives the mutated table with the names of the columns it touched;
None where the cohort has nothing to mutate so (no plates, no undetermined cells …).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from exodx.panel import Scale
from tests.studies.mutation_files import CASE, CONTROL, LABEL, Source

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_UNDETERMINED = ("undetermined", "nd", "no ct", "na", "n/a", "")
AMOUNTS = (Scale.LINEAR, Scale.COUNTS, Scale.CPM)
FEW_ROWS, CELLS, DUPLICATED, LABEL_NOISE, LEAK = 0.1, 0.03, 0.1, 0.1, 2.33
"""Shares of rows, of cells, of specimens, of labels; the last is the d′ of a leak with an AUC of .95."""

Mutated = tuple[pd.DataFrame, list[str]] | None
Mutate = Callable[[Source, pd.DataFrame, np.random.Generator], Mutated]


@dataclass(frozen=True)
class Kind:
    """A mutation.

    Parameters
    ----------
    name : str
    group : str
        What is wrong with the file then.
    mutate : callable
    in_principle : str
        Why nobody could tell from files and model, where that is so.
    """

    name: str
    group: str
    mutate: Mutate
    in_principle: str = ""


def _numbers(frame: pd.DataFrame, columns: Sequence[str], change: Callable[[float], float], rows: object = None) -> pd.DataFrame:
    """Return the table with every number of some columns (and rows) changed; words stay. Replicate wells are numbers too."""
    out = frame.copy()
    mask = np.ones(len(frame), bool) if rows is None else np.asarray(rows)
    for name in columns:
        cells = out[name].to_numpy(object).copy()
        for row in np.flatnonzero(mask):
            cells[row] = _NUMBER.sub(lambda m: _text(change(float(m.group()))), cells[row])
        out[name] = cells
    return out


def _text(value: float) -> str:
    return f"{value:.10g}" if np.isfinite(value) else ""


def _values(frame: pd.DataFrame, name: str) -> np.ndarray:
    return pd.to_numeric(frame[name].str.split(" | ", regex=False).str[0], errors="coerce").to_numpy(np.float64)


def _seen(source: Source, scales: Sequence[Scale] = tuple(Scale)) -> list[str]:
    """Return the targets on these scales that most specimens have; all where there is none."""
    names = source.of_scale(*scales)
    return [n for n in names if n in source.usual] or names


def _one(source: Source, scales: Sequence[Scale] = tuple(Scale)) -> str | None:
    """Return one target, the same for both tables of a source."""
    names = _seen(source, scales)
    return names[np.random.default_rng(len(names)).integers(len(names))] if names else None


def _two(source: Source, scales: Sequence[Scale] = tuple(Scale)) -> list[str]:
    """Return two targets of one scale, the same for both tables of a source."""
    for scale in scales:
        names = _seen(source, [scale])
        if len(names) > 1:
            return [names[k] for k in np.random.default_rng(len(names)).permutation(len(names))[:2]]
    return []


def _log_like(source: Source) -> list[str]:
    return source.of_scale(Scale.NORMALISED)


def _thousand(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    name = _one(source, AMOUNTS)
    return None if name is None else (_numbers(frame, [name], lambda v: 1000 * v), [name])


def _thousand_all(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names = source.of_scale(*AMOUNTS)
    return (_numbers(frame, names, lambda v: 1000 * v), names) if names else None


def _thousand_rows(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names = source.of_scale(*AMOUNTS)
    rows = _some_rows(frame, rng, FEW_ROWS)
    return (_numbers(frame, names, lambda v: 1000 * v, rows), names) if names else None


def _some_rows(frame: pd.DataFrame, rng: np.random.Generator, share: float) -> np.ndarray:
    rows = np.zeros(len(frame), bool)
    rows[rng.permutation(len(frame))[: max(1, round(share * len(frame)))]] = True
    return rows


def _delta_ct(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names, references = source.of_scale(Scale.CT), [a.name for a in source.panel.with_role("reference")]
    if not names or not references:
        return None
    middle = np.nanmean([_values(frame, r) for r in references], axis=0)
    out = frame.copy()
    for name in names:
        out[name] = [
            _NUMBER.sub(lambda m, at=at: _text(float(m.group()) - at), c) for c, at in zip(frame[name], middle, strict=True)
        ]
    return out, names


def _ct_to_quantity(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names = [a.name for a in source.panel.analytes if a.scale is Scale.CT and a.name in frame]
    return (_numbers(frame, names, lambda v: 40 - v), names) if names else None


def _negative(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    name = _one(source, (Scale.NORMALISED,)) or _one(source)
    return None if name is None else (_numbers(frame, [name], lambda v: -v), [name])


def _transposed(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names = [a.name for a in source.panel.analytes if a.name in frame]
    turned = frame.set_index("specimen_id").T
    turned = turned.loc[[*names, *[n for n in turned.index if n not in names]]]
    turned.insert(0, "analyte", turned.index)
    return turned.reset_index(drop=True), names


def _shuffled(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    return frame.assign(**{LABEL: rng.permutation(frame[LABEL].to_numpy())}), []


def _inverted(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    return frame.assign(**{LABEL: np.where(frame[LABEL] == CASE, CONTROL, CASE)}), []


def _labels_tenth(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    rows = _some_rows(frame, rng, LABEL_NOISE)
    return frame.assign(**{LABEL: np.where((frame[LABEL] == CASE) ^ rows, CASE, CONTROL)}), []


def _swapped(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    pair = _two(source)
    return _exchange(frame, pair) if pair else None


def _exchange(frame: pd.DataFrame, pair: Sequence[str]) -> Mutated:
    a, b = pair
    return frame.assign(**{a: frame[b].to_numpy(), b: frame[a].to_numpy()}), [a, b]


def _reference_swapped(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    references, targets = [a.name for a in source.panel.with_role("reference")], source.of_scale(Scale.CT)
    return _exchange(frame, [references[0], targets[0]]) if references and targets else None


def _renamed(change: Callable[[str], str | None]) -> Mutate:
    def mutate(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
        for name in _seen(source):
            other = change(name)
            if other and other not in frame:
                return frame.rename(columns={name: other}), [name, other]
        return None

    return mutate


def _other_arm(name: str) -> str | None:
    arm = re.search(r"-([35])p$", name)
    return None if arm is None else f"{name[:-2]}{'3' if arm.group(1) == '5' else '5'}p"


def _ambiguous(name: str) -> str | None:
    return "hsa-miR-378" if re.match(r"(?:hsa-)?mir-", name, re.IGNORECASE) else None


def _armless(name: str) -> str | None:
    return re.sub(r"-[35]p$", "", name) if re.search(r"mir-\d+[a-z]?-[35]p$", name, re.IGNORECASE) else None


def _arms_exchanged(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names = _seen(source)
    pair = next(([n, o] for n in names if (o := _other_arm(n)) in names), None)
    return _exchange(frame, pair) if pair else None


def _fluid(share: float) -> Mutate:
    def mutate(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
        rows = _some_rows(frame, rng, share)
        return frame.assign(specimen_type=np.where(rows, "serum", frame["specimen_type"])), ["specimen_type"]

    return mutate


def _plates_exchanged(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    """The results of two plates go to each other's specimens."""
    plates = frame["plate"].value_counts()
    a, b = (np.flatnonzero(frame["plate"] == name) for name in sorted(plates.index)[:2])
    n = min(len(a), len(b))
    names = [c.name for c in source.panel.analytes if c.name in frame]
    order = np.arange(len(frame))
    order[a[:n]], order[b[:n]] = b[:n], a[:n]
    out = frame.copy()
    out[names] = frame[names].to_numpy()[order]
    return out, names


def _plate_offset(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    """One plate lies two standard deviations (of a log2 quantity) higher in all its targets; two-fold where these are amounts."""
    rows = (frame["plate"] == sorted(set(frame["plate"]))[0]).to_numpy()
    out = frame
    for analyte in source.targets:
        values = _values(frame, analyte.name)
        if analyte.scale in AMOUNTS:
            factor = 4.0
            whole = analyte.scale is Scale.COUNTS
            out = _numbers(out, [analyte.name], lambda v, w=whole, f=factor: round(f * v) if w else f * v, rows)
        elif np.isfinite(values).any():
            step = 2 * float(np.nanstd(values))
            out = _numbers(out, [analyte.name], lambda v, s=step: v + s, rows)
    return out, [a.name for a in source.targets]


def _ids_exchanged(*, across: bool) -> Mutate:
    def mutate(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
        case, control = (np.flatnonzero(frame[LABEL] == label) for label in (CASE, CONTROL))
        first, second = rng.choice(case), rng.choice(control)
        if not across:
            first, second = rng.choice(case, 2, replace=False)
        names = [c.name for c in source.panel.analytes if c.name in frame]
        order = np.arange(len(frame))
        order[[first, second]] = second, first
        out = frame.copy()
        out[names] = frame[names].to_numpy()[order]
        return out, names

    return mutate


def _point_lost(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    """The decimal point is lost in some cells: 25.31 becomes 2531."""
    names = [a.name for a in source.targets if a.scale is not Scale.COUNTS]
    out, touched = frame.copy(), set()
    for name in names:
        cells = out[name].to_numpy(object).copy()
        for row in np.flatnonzero(rng.random(len(frame)) < CELLS):
            if re.fullmatch(r"-?\d+\.\d+", cells[row]):
                cells[row] = _text(float(f"{float(cells[row]):.4g}".replace(".", "")))
                touched.add(name)
        out[name] = cells
    return (out, sorted(touched)) if touched else None


def _rounded(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names = [a.name for a in source.panel.analytes if a.scale is not Scale.COUNTS and a.name in frame]
    out = _numbers(frame, names, lambda v: float(round(v)))
    return (out, names) if names else None


def _log(v: float) -> float:
    return float(np.log2(v)) if v > 0 else v


def _logged(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    """All values are logged once more."""
    names = [a.name for a in source.panel.analytes if a.name in frame and a.scale in (Scale.CT, Scale.NORMALISED, Scale.LINEAR)]
    return (_numbers(frame, names, _log), names) if names else None


def _unlogged(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names = _log_like(source)
    return (_numbers(frame, names, lambda v: float(2.0 ** min(v, 100.0))), names) if names else None


def _per_million(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    names = source.of_scale(Scale.COUNTS)
    if not names:
        return None
    counts = np.column_stack([_values(frame, n) for n in names])
    cpm = 1e6 * counts / np.maximum(np.nansum(counts, axis=1, keepdims=True), 1)
    out = frame.copy()
    out[names] = [[_text(round(v, 3)) for v in row] for row in cpm]
    return out, names


def _duplicated(noise: float) -> Mutate:
    def mutate(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
        rows = np.flatnonzero(_some_rows(frame, rng, DUPLICATED))
        more = frame.iloc[rows].copy()
        more["specimen_id"] = [f"again-{k}" for k in range(len(more))]
        if "subject" in more:
            more["subject"] = more["specimen_id"]
        if "subject_id" in more:
            more["subject_id"] = more["specimen_id"]
        for analyte in source.targets if noise else ():
            values = _values(frame, analyte.name)
            step = noise * (1.0 if analyte.scale is Scale.CT else float(np.nanstd(values)) if np.isfinite(values).any() else 0.0)
            if analyte.scale in AMOUNTS:
                more = _numbers(
                    more,
                    [analyte.name],
                    lambda v, w=analyte.scale is Scale.COUNTS: (
                        float(rng.poisson(v)) if w else float(v * np.exp(rng.normal(0, noise)))
                    ),
                )
            else:
                more = _numbers(more, [analyte.name], lambda v, s=step: v + float(rng.normal(0, s)))
        return pd.concat([frame, more], ignore_index=True), []

    return mutate


def _site_relabelled(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    if "site" not in frame or frame["site"].nunique() < 2:
        return None
    first, second = frame["site"].value_counts().index[:2]
    return frame.assign(site=frame["site"].replace(first, second)), ["site"]


def _undetermined_as(word: str) -> Mutate:
    def mutate(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
        out, touched = frame.copy(), []
        for analyte in source.targets:
            cells = frame[analyte.name].str.strip()
            lost = cells.str.casefold().isin(_UNDETERMINED).to_numpy()
            if word == "" and analyte.scale is not Scale.CT:
                continue
            if word == "40" and analyte.scale is not Scale.CT:
                continue
            if not lost.any() or lost.all():
                continue
            values = _values(frame, analyte.name)
            put = f"{np.nanmean(values):.4g}" if word == "mean" else word
            out[analyte.name] = np.where(lost, put, frame[analyte.name])
            if (out[analyte.name] != frame[analyte.name]).any():
                touched.append(analyte.name)
        return (out, touched) if touched else None

    return mutate


def _age_in_days(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    if "age" not in frame or (pd.to_numeric(frame["age"], errors="coerce") < 0).any():
        return None
    return _numbers(frame, ["age"], lambda v: float(round(365.25 * v))), ["age"]


def _halfway(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    """One column changes its unit halfway down the file: ×1000, or log10 for log2."""
    rows = np.arange(len(frame)) >= len(frame) // 2
    name = _one(source, AMOUNTS)
    if name is not None:
        return _numbers(frame, [name], lambda v: 1000 * v, rows), [name]
    name = _one(source, (Scale.NORMALISED,))
    if name is not None:
        return _numbers(frame, [name], lambda v: v * float(np.log10(2)), rows), [name]
    name = _one(source, (Scale.CT,))
    return None if name is None else (_numbers(frame, [name], lambda v: 40 - v, rows), [name])


def _sorted(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
    return frame.sort_values(LABEL, kind="stable").reset_index(drop=True), []


def _leaked(distance: float) -> Mutate:
    def mutate(source: Source, frame: pd.DataFrame, rng: np.random.Generator) -> Mutated:
        name = _one(source, (Scale.NORMALISED, Scale.LINEAR, Scale.CT))
        if name is None:
            name = _one(source)
        values = _values(frame, name)
        score = (frame[LABEL] == CASE).to_numpy() + rng.normal(0, 1 / distance, len(frame))
        ranked = np.sort(values[np.isfinite(values)])
        places = np.argsort(np.argsort(score)) * (len(ranked) - 1) // max(len(frame) - 1, 1)
        return frame.assign(**{name: [_text(v) for v in ranked[places]]}), [name]

    return mutate


PAIRED = "which result belongs to which specimen is told by the ids alone: each of the two is a specimen like any other"
KINDS = (
    Kind("unit ×1000, one column", "unit", _thousand),
    Kind("unit ×1000, all columns", "unit", _thousand_all),
    Kind("unit ×1000, a tenth of the rows", "unit", _thousand_rows),
    Kind("one column's unit changes halfway", "unit", _halfway),
    Kind("ΔCt for Ct", "scale", _delta_ct),
    Kind("40 − Ct for Ct", "scale", _ct_to_quantity),
    Kind("log2 of what was given", "scale", _logged),
    Kind("2^x of log values", "scale", _unlogged),
    Kind("CPM for counts", "scale", _per_million),
    Kind("one column negative", "scale", _negative),
    Kind("rounded to whole numbers", "cells", _rounded),
    Kind("decimal point lost in 3 % of cells", "cells", _point_lost),
    Kind("undetermined as 40", "cells", _undetermined_as("40")),
    Kind("no value as 0", "cells", _undetermined_as("0")),
    Kind("no value as the column's mean", "cells", _undetermined_as("mean")),
    Kind("undetermined as blank", "cells", _undetermined_as("")),
    Kind("transposed", "columns", _transposed),
    Kind("two columns' names exchanged", "columns", _swapped),
    Kind("reference and target exchanged", "columns", _reference_swapped),
    Kind("-3p named -5p", "names", _renamed(_other_arm)),
    Kind("-3p and -5p exchanged", "names", _arms_exchanged),
    Kind("ambiguous old name", "names", _renamed(_ambiguous)),
    Kind("name without arm", "names", _renamed(_armless)),
    Kind("serum for plasma, all", "statements", _fluid(1.0)),
    Kind("serum for plasma, half", "statements", _fluid(0.5)),
    Kind("site's rows named another site", "statements", _site_relabelled, "a site is what the file says it is"),
    Kind("age in days", "statements", _age_in_days),
    Kind("labels shuffled", "labels", _shuffled),
    Kind("labels inverted", "labels", _inverted),
    Kind("a tenth of the labels wrong", "labels", _labels_tenth, "an imperfect reference standard looks the same"),
    Kind("sorted by label", "labels", _sorted, "harmless: nothing depends on the order of rows"),
    Kind("label leaked into a column, AUC .95", "labels", _leaked(LEAK), "a good marker looks the same"),
    Kind("label leaked into a column, AUC > .99", "labels", _leaked(3 * LEAK)),
    Kind("two plates exchanged", "specimens", _plates_exchanged, PAIRED),
    Kind("one plate off by 2 SD (amounts four-fold)", "specimens", _plate_offset),
    Kind("two ids exchanged across classes", "specimens", _ids_exchanged(across=True), PAIRED),
    Kind("two ids exchanged within a class", "specimens", _ids_exchanged(across=False), PAIRED),
    Kind("a tenth again under new ids", "specimens", _duplicated(0.0)),
    Kind("a tenth measured again under new ids", "specimens", _duplicated(0.1)),
)
