"""Mutations of meaning: files that stay readable and no longer mean what they did. Who notices: check, train, evaluate, predict?

    python -m tests.studies.mutations --data ../shared/cohorts -o RESULTS [--cohort NAME]

A trial is a cohort and a mutation (:mod:`tests.studies.mutation_kinds`). The whole file is mutated for ``check`` (panel inferred,
and the clean file's panel given) and for ``train``; held-out specimens are mutated for ``check --model``, ``evaluate`` and
``predict`` with a model of the clean ones. What the clean file is told too counts for nothing. An outcome is

- ``caught``: refused, a blocking finding that the clean file does not get, or calls withheld that the clean file gets;
- ``warned``: a warning that the clean file does not get, or that names a mutated column as it did not before; or more specimens
  flagged than by chance;
- ``same``: read as what the clean file is read as, to the last number;
- ``silent``.

Train is tried only where the check with the panel is silent: it tells everything that the check tells; and not of panels with more
than 100 targets, where it takes a minute a mutation. Of a panel the 200 targets are kept that most specimens have. Trials that are
in RESULTS are not repeated; ``table.md`` is written there.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from exodx.assay import learn_transform
from exodx.cohort import Cohort, Intake, build_cohort
from exodx.errors import InputRefused
from exodx.evaluation import evaluate_external, evaluate_inside
from exodx.evaluation.audits import Finding
from exodx.evaluation.check import check_cohort
from exodx.frozen import DiagnosticModel, Features, load_bundle, save_bundle
from exodx.frozen.measurements import NOT_SCORED, Reason
from exodx.panel import StudyPlan
from exodx.scoring.intake import read_specimens
from exodx.scoring.levels import EXCHANGED
from exodx.training import Validation, cross_validate, repeated_folds, train_model
from tests.studies.mutation_files import CASE, LABEL, Source, sources, text_table
from tests.studies.mutation_kinds import KINDS, Kind

PLAN = StudyPlan(outer_folds=3, repeats=1, inner_folds=2, budget="minimal", seed=1)
MOMENTS = ("file", "panel", "train", "model", "evaluate", "predict")
TITLES = ("check", "check --panel", "train", "check --model", "evaluate", "predict")
OUTCOMES = ("caught", "warned", "same", "silent")
STRONGEST = ("caught", "warned", "silent", "same", "–")
BY_CHANCE = 0.01
MOST_TARGETS, MOST_TRAINED = 200, 100
"""Targets of a panel that are kept, those that most specimens have; and with which train is tried."""
OF_THE_STUDY = (
    *("few_subjects", "manifest_incomplete", "panel_inferred", "columns_not_used", "synthetic", "synthetic_model"),
    *("prevalence_shift", "ridge_not_beaten", "best_single_not_beaten", "logistic_not_beaten", "target_haemolysis_marker"),
)
"""Findings about the study, which no mutation is named by."""


@dataclass(frozen=True)
class Seen:
    """What a moment tells of a file.

    Parameters
    ----------
    refused : tuple of str
        Codes.
    findings : tuple of (code, severity, message)
        Warnings and blocking ones.
    same_as : str
        A digest of what was read.
    reasons : dict of str to int
        Specimens by reason, of predict.
    n : int
        Specimens.
    """

    refused: tuple[str, ...] = ()
    findings: tuple[tuple[str, str, str], ...] = ()
    same_as: str = ""
    reasons: dict[str, int] = field(default_factory=dict)
    n: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a moment made of a mutation, and the codes by which it did."""

    outcome: str
    codes: tuple[str, ...] = ()


class Bench:
    """A cohort with its model, and what each moment tells of the clean file."""

    def __init__(self, source: Source, folder: Path, only: tuple[str, ...] = MOMENTS) -> None:
        self.source, self.folder, self.only = source, folder, only
        self._clean: dict[str, Seen] = {}

    @cached_property
    def model(self) -> DiagnosticModel:
        """Of the clean specimens, trained once."""
        at = self.folder / "models" / self.source.name
        if not at.exists():
            save_bundle(train_model(self.read(self.source.learned), PLAN), at)
        return load_bundle(at)[0]

    def clean(self, name: str) -> Seen:
        """Return what a moment tells of the clean file, looked at once."""
        if name not in self._clean:
            self._clean[name] = seen(self.moments[name], self._table(name))
        return self._clean[name]

    @property
    def moments(self) -> dict[str, Callable[[pd.DataFrame], Seen]]:
        """The moments, each given a table."""
        each = (self._file, self._panel, self._train, self._model, self._evaluate, self._predict)
        return {name: moment for name, moment in zip(MOMENTS, each, strict=True) if name in self.only}

    def _table(self, moment: str) -> pd.DataFrame:
        return self.source.frame if moment in ("file", "panel", "train") else self.source.held

    def read(self, frame: pd.DataFrame, **intake: object) -> Cohort:
        """Read a table with the panel, unless told otherwise."""
        return build_cohort(text_table(frame), Intake(**({"panel": self.source.panel, "label": LABEL, "positive": CASE} | intake)))

    def _of_model(self) -> dict[str, object]:
        return {"panel": self.model.panel, "reference": self.model.reference, "rules": self.model.transform.gate.rules}

    def _file(self, frame: pd.DataFrame) -> Seen:
        return _told(self.read(frame, panel="auto"), check_cohort)

    def _panel(self, frame: pd.DataFrame) -> Seen:
        return _told(self.read(frame), check_cohort)

    def _train(self, frame: pd.DataFrame) -> Seen:
        def findings(cohort: Cohort) -> object:
            cohort = cohort.sorted()
            run = cross_validate(cohort, PLAN, repeated_folds(cohort, PLAN), "random", 1, lambda: None)
            return evaluate_inside(cohort, train_model(cohort, PLAN), Validation(run, None), None, 1)

        return _told(self.read(frame), findings)

    def _model(self, frame: pd.DataFrame) -> Seen:
        return _told(self.read(frame, **self._of_model()), lambda cohort: check_cohort(cohort, self.model), self.model)

    def _evaluate(self, frame: pd.DataFrame) -> Seen:
        return _told(self.read(frame, **self._of_model()), lambda cohort: evaluate_external(self.model, cohort, None), self.model)

    def _predict(self, frame: pd.DataFrame) -> Seen:
        read = read_specimens(text_table(frame), self.model, None, keep_going=False)
        features = self.model.featurise(read.measurements)
        counts = {str(r.name): int(((features.flags & np.uint32(r)) > 0).sum()) for r in Reason}
        said = tuple(("columns_exchanged", "warning", note) for note in read.notes if EXCHANGED in note)
        return Seen((), said, _digest(features, read.ids, ()), counts, len(read.ids))

    def trial(self, kind: Kind, seed: int = 0) -> dict[str, Outcome]:
        """Try one mutation at every moment."""
        found: dict[str, Outcome] = {}
        start = [seed, zlib.crc32(f"{self.source.name} {kind.name}".encode())]
        tables = (self.source.frame, self.source.held)
        altered = {id(t): kind.mutate(self.source, t, np.random.default_rng(start)) for t in tables}
        for name, moment in self.moments.items():
            mutated = altered[id(self._table(name))]
            skipped = name == "train" and found["panel"].outcome != "silent"
            if mutated is None or skipped or self.clean(name).refused:
                found[name] = Outcome("–")
                continue
            found[name] = judged(self.clean(name), seen(moment, mutated[0]), mutated[1])
        return found


def _told(cohort: Cohort, look: Callable[[Cohort], object], model: DiagnosticModel | None = None) -> Seen:
    said = [f for f in look(cohort).findings if f.severity != "note" and f.code not in OF_THE_STUDY]  # type: ignore[attr-defined]
    ordered = cohort.sorted()
    about = (ordered.y.tobytes(), *(ordered.specimens[c].astype(str).str.cat() for c in sorted(ordered.specimens)))
    features = _features(cohort, model)
    means = {a.name: a.accession or a.name for a in cohort.panel.analytes}
    features = replace(features, names=tuple(means.get(name, name) for name in features.names))
    return Seen((), tuple(_plain(f) for f in said), _digest(features, cohort.ids, about))


def _features(cohort: Cohort, model: DiagnosticModel | None) -> Features:
    """Return what is learned from or scored: what two files must share to mean the same."""
    if model is not None:
        return model.featurise(cohort.measurements)
    try:
        return learn_transform(cohort.panel, cohort.measurements, None).apply(cohort.measurements)
    except InputRefused:
        return Features(cohort.panel.names, cohort.measurements.values, cohort.measurements.flags)


def _plain(finding: Finding) -> tuple[str, str, str]:
    return finding.code, finding.severity, finding.message


def _digest(features: Features, ids: Iterable[str], about: Iterable[object]) -> str:
    order = np.argsort(np.array(list(ids), dtype=str), kind="stable")
    columns = np.argsort(np.array(features.names, dtype=str), kind="stable")
    values = np.round(np.nan_to_num(features.values[order][:, columns], nan=-1e9), 6) + 0.0
    told = "|".join([*sorted(features.names), *sorted(ids), *map(str, about)])
    return f"{zlib.crc32(values.tobytes()):x}-{zlib.crc32(told.encode()):x}"


def seen(moment: Callable[[pd.DataFrame], Seen], frame: pd.DataFrame) -> Seen:
    """Return what a moment tells; a refusal by its codes."""
    try:
        return moment(frame)
    except InputRefused as refused:
        return Seen(tuple(dict.fromkeys(p.code for p in refused.problems)))


def judged(clean: Seen, found: Seen, touched: list[str]) -> Outcome:
    """Say what a moment made of a mutation."""
    if found.refused:
        return Outcome("caught", found.refused)
    if found.same_as == clean.same_as:
        return Outcome("same")
    new = [f for f in found.findings if _is_new(f, clean, touched)]
    blocking, codes = [f for f in new if f[1] == "blocking"], tuple(dict.fromkeys(f[0] for f in new))
    if blocking:
        return Outcome("caught", tuple(dict.fromkeys(f[0] for f in blocking)))
    reasons = tuple(r for r in found.reasons if _more(clean, found, r))
    if reasons:
        return Outcome("caught" if any(Reason[r] & NOT_SCORED for r in reasons) else "warned", (*reasons, *codes))
    return Outcome("warned", codes) if codes else Outcome("silent")


def _is_new(finding: tuple[str, str, str], clean: Seen, touched: list[str]) -> bool:
    """A finding is new where the clean file gets none of its code and severity, or none that names a mutated column."""
    code, severity, message = finding
    before = [text for c, s, text in clean.findings if (c, s) == (code, severity)]
    if not before:
        return True
    return any(name in message and not any(name in text for text in before) for name in touched[:50])


def _more(clean: Seen, found: Seen, reason: str) -> bool:
    """Say whether more specimens have a reason than in the clean file, beyond chance."""
    a, b, n, m = found.reasons[reason], clean.reasons[reason], found.n, clean.n
    return bool(a / n > b / m and fisher_exact([[a, n - a], [b, m - b]]).pvalue < BY_CHANCE)


def run(
    data: Path | None, out: Path, only: str | None, kinds: Iterable[Kind] = KINDS, moments: tuple[str, ...] = MOMENTS
) -> dict[str, dict[str, dict[str, Outcome]]]:
    """Try every mutation on every cohort; what is known already is read."""
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, dict[str, Outcome]]] = {}
    for source in sources(data, only, MOST_TARGETS):
        at = out / f"{source.name}.json"
        kept = json.loads(at.read_text()) if at.is_file() else {}
        large = len(source.targets) > MOST_TRAINED
        bench = Bench(source, out, tuple(m for m in moments if m != "train" or not large))
        for kind in kinds:
            if kind.name not in kept:
                kept[kind.name] = {name: asdict(o) for name, o in bench.trial(kind).items()}
                at.write_text(json.dumps(kept, indent=1, ensure_ascii=False))
        found[source.name] = {k.name: {m: Outcome(o["outcome"], tuple(o["codes"])) for m, o in kept[k.name].items()} for k in kinds}
    return found


def best(outcomes: Iterable[str]) -> str:
    """Return the most that was noticed; what is the same at one moment and silent at another is silent."""
    return min(outcomes, key=STRONGEST.index, default="–")


def table(found: dict[str, dict[str, dict[str, Outcome]]]) -> str:
    """Return how many cohorts caught, were warned of, undid and did not notice each mutation, at each moment."""
    lines = [f"| mutation | {' | '.join(TITLES)} | noticed by |", "| --- " * (len(TITLES) + 2) + "|"]
    for kind in KINDS:
        trials = [of[kind.name] for of in found.values() if kind.name in of]
        cells = []
        for moment in MOMENTS:
            counts = [sum(moment in t and t[moment].outcome == o for t in trials) for o in OUTCOMES]
            cells.append("/".join(map(str, counts)) if sum(counts) else "–")
        codes = pd.Series([c for t in trials for o in t.values() for c in o.codes], dtype=object).value_counts().index[:6]
        lines.append(f"| {kind.name} | {' | '.join(cells)} | {', '.join(codes)} |")
    return "\n".join([*lines, "", f"caught/warned/same/silent, of {len(found)} cohorts.", "", *_totals(found)])


def _totals(found: dict[str, dict[str, dict[str, Outcome]]]) -> list[str]:
    """Return for each cohort its trials by the most that was noticed at any moment, and what stays silent."""
    lines = ["| cohort | caught | warned | same | silent | silent are |", "| --- | --- | --- | --- | --- | --- |"]
    for name, of in found.items():
        most = {kind: best(o.outcome for o in t.values()) for kind, t in of.items()}
        counts = [sum(o == k for o in most.values()) for k in OUTCOMES]
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {'; '.join(k for k, o in most.items() if o == 'silent')} |")
    return lines


def main(arguments: list[str] | None = None) -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.studies.mutations")
    parser.add_argument("--data", type=Path, help="the folder of real cohorts")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--cohort", help="one cohort: a task of the accuracy benchmark, or 'simulated'")
    options = parser.parse_args(arguments)
    text = table(run(options.data, options.out, options.cohort))
    (options.out / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
