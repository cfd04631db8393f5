"""What training costs: the shared staged search against a GridSearchCV, bins of histograms, and a whole ``exodx train``.

    python tests/benchmarks/bench_training.py [search] [bins] [study] [rounds]

Both searches try the same candidates on the same folds by the same log loss, then give what a calibrator and a threshold are
learned from (margins out of inner folds) and what is reported (margins of held-out specimens): all are held to agree to 1e-6.
XGBoost has one thread in both; CPU time; interleaved; medians. Read the ratios: they grow with the stages that are read of a fit.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import tomli_w
import xgboost
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from xgboost import XGBClassifier

from exodx.cohort import SimulatedStudy, simulate
from exodx.frozen.calibrator import probability
from exodx.panel import Analyte, Panel
from exodx.stats import auc, log_loss
from exodx.training.boosting import MAX_BIN, OBJECTIVE, Boosting

Floats = NDArray[np.float64]
N, OUTER, INNER, SEED = 200, 5, 4, 1
STUMPS, PAIRS = ({"max_depth": depth, "eta": 0.05, "min_child_weight": 1} for depth in (1, 2))
WIDTHS = (30, 500)
CANDIDATES = (
    Boosting("depth 1", (50, 100, 200, 300), STUMPS),
    Boosting("depth 2", (50, 100, 200), PAIRS),
    Boosting("depth 3", (50, 100), {**PAIRS, "max_depth": 3}),
)
"""Numbers of rounds as in the budget ``minimal``, and deeper trees; on all columns, as both searches can."""
LADDER = tuple(range(25, 301, 25))
LADDERS = (Boosting("depth 1", LADDER, STUMPS), Boosting("depth 2", LADDER, PAIRS))
"""Rounds looked at as closely as they are where they are tuned."""


@dataclass(frozen=True)
class Found:
    """What a search gives in one outer fold."""

    scores: Floats
    out_of_fold: Floats
    held: Floats


def drawn(n: int, p: int, seed: int) -> tuple[Floats, NDArray[np.int8]]:
    """Draw specimens of which a tenth of the features, and a product of two, tell the classes apart; 3 % have no value."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    line = x[:, : max(p // 10, 3)].sum(axis=1) / max(p // 10, 3) ** 0.5 + x[:, 0] * x[:, 1]
    y = (line + rng.normal(size=n) > 0).astype(np.int8)
    x[rng.random(x.shape) < 0.03] = np.nan
    return x, y


def staged(x: Floats, y: NDArray[np.int8], new: Floats, folds: list, candidates: tuple[Boosting, ...]) -> Found:
    """Search as exodx does: one fit a setting and fold, read at each stage, and kept for the margins out of fold."""
    scores, margins, places = [], [], []
    for setting in candidates:
        grown = [setting.grow(x[train], y[train], SEED) for train, _ in folds]
        for stage in range(len(setting.stages)):
            margin = np.empty(len(y))
            for (_, held), members in zip(folds, grown, strict=True):
                margin[held] = members[stage].margin(x[held])
            scores.append([log_loss(y[held], probability(margin[held])) for _, held in folds])
            margins.append(margin)
            places.append((setting, stage))
    best = int(np.mean(scores, axis=1).argmin())
    setting, stage = places[best]
    return Found(np.array(scores), margins[best], setting.grow(x, y, SEED)[stage].margin(new))


def grid_search(x: Floats, y: NDArray[np.int8], new: Floats, folds: list, candidates: tuple[Boosting, ...]) -> Found:
    """Search with scikit-learn: a fit for every candidate and fold, and as many again for the margins of the best."""
    grid = [{"n_estimators": list(c.stages)} | {key: [value] for key, value in c.params.items()} for c in candidates]
    model = XGBClassifier(tree_method="hist", max_bin=MAX_BIN, n_jobs=1, random_state=SEED, verbosity=0)
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=folds, n_jobs=1).fit(x, y)
    best = search.best_estimator_
    p = cross_val_predict(best, x, y, cv=folds, method="predict_proba", n_jobs=1)[:, 1].astype(np.float64)
    scores = np.column_stack([-search.cv_results_[f"split{k}_test_score"] for k in range(len(folds))])
    return Found(scores, np.log(p / (1 - p)), best.predict(new, output_margin=True).astype(np.float64))


def study(way: Callable[..., Found], x: Floats, y: NDArray[np.int8], candidates: tuple[Boosting, ...]) -> list[Found]:
    """Run a search in every outer fold."""
    found = []
    for train, held in StratifiedKFold(OUTER, shuffle=True, random_state=SEED).split(x, y):
        inner = list(StratifiedKFold(INNER, shuffle=True, random_state=SEED).split(x[train], y[train]))
        found.append(way(x[train], y[train], x[held], inner, candidates))
    return found


def check(ours: list[Found], theirs: list[Found]) -> None:
    """Hold the two to the same results; probabilities of 32 bits, from which one takes margins, have about 1e-6 of log-odds."""
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.held, b.held, atol=1e-6)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-6)
        np.testing.assert_allclose(probability(a.out_of_fold), probability(b.out_of_fold), atol=1e-6)


def compare(n: int, p: int, rounds: int, candidates: tuple[Boosting, ...] = CANDIDATES) -> tuple[float, float]:
    """Return the median CPU seconds of a study by the staged search and by GridSearchCV, after checking that they agree."""
    x, y = drawn(n, p, SEED)
    times: dict[Callable[..., Found], list[float]] = {staged: [], grid_search: []}
    results = {}
    for _ in range(rounds):
        for way, took in times.items():
            start = time.process_time()
            results[way] = study(way, x, y, candidates)
            took.append(time.process_time() - start)
    check(results[staged], results[grid_search])
    return median(times[staged]), median(times[grid_search])


def bins(p: int, rounds: int, n: int = N, tested: int = 4000) -> dict[int, tuple[float, list[float]]]:
    """Return, for few and for XGBoost's own 256 bins, the median CPU seconds of a fit and the AUC of each simulated cohort."""
    found: dict[int, tuple[list[float], list[float]]] = {MAX_BIN: ([], []), 256: ([], [])}
    for seed in range(rounds):
        x, y = drawn(n + tested, p, seed)
        for count, (times, aucs) in found.items():
            start = time.process_time()
            matrix = xgboost.DMatrix(x[:n], y[:n], missing=np.nan, nthread=1)
            booster = xgboost.train({**OBJECTIVE, **PAIRS, "max_bin": count, "seed": seed}, matrix, 200)
            times.append(time.process_time() - start)
            aucs.append(auc(y[n:], booster.predict(xgboost.DMatrix(x[n:], nthread=1), output_margin=True)))
    return {count: (median(times), aucs) for count, (times, aucs) in found.items()}


def train(budget: str, folder: Path, n: int = N, p: int = 30, repeats: int = 5) -> tuple[float, float]:
    """Return wall and CPU seconds of ``exodx train`` on two cores: 5 × 5 outer folds, two sites, report and bundle, no MLflow."""
    panel = Panel("wide", "1", "t", tuple(Analyte(f"x{i}", "mirna", "log2", direction="up") for i in range(p)))
    (folder / "panel.toml").write_bytes(tomli_w.dumps(panel.to_dict()).encode())
    simulate(panel, SimulatedStudy(n=n, effect=0.5, seed=SEED)).to_csv(folder / "cohort.csv", index=False)
    (folder / "plan.toml").write_text(f'budget = "{budget}"\nouter_folds = {OUTER}\nrepeats = {repeats}\n', encoding="utf-8")
    told = ["--panel", "panel.toml", "--label", "group", "--positive", "case", "--plan", "plan.toml", "--no-track", "-o", budget]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "exodx", "train", "cohort.csv", *told, "--jobs", "2"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(words: list[str]) -> None:
    rounds = next((int(word) for word in words if word.isdigit()), 3)
    chosen = {word for word in words if not word.isdigit()} or {"search", "bins", "study"}
    for p in WIDTHS if "search" in chosen else ():
        for name, candidates in (("few stages", CANDIDATES), ("ladders", LADDERS)):
            ours, theirs = compare(N, p, rounds, candidates)
            told = f"staged {ours:6.2f} s CPU   GridSearchCV {theirs:6.2f} s CPU   {theirs / ours:5.2f} ×, same margins"
            print(f"search, p={p:<4} {name:<10} {told}", flush=True)
    for p in WIDTHS if "bins" in chosen else ():
        (few, low), (many, high) = bins(p, 5 * rounds).values()
        gap = np.array(low) - np.array(high)
        told = f"AUC {gap.mean():+.4f} (SE {gap.std(ddof=1) / len(gap) ** 0.5:.4f}, {len(gap)} cohorts)"
        print(
            f"bins,   p={p:<4} {MAX_BIN}: {1000 * few:.0f} ms CPU   256: {1000 * many:.0f} ms   {many / few:.2f} ×, {told}",
            flush=True,
        )
    for budget in ("quick", "standard") if "study" in chosen else ():
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu = train(budget, Path(folder))
        print(f"study,  {budget:<9} {wall:6.1f} s on two cores, {cpu:6.1f} s CPU (n={N}, p=30, 5 × 5 outer folds, 2 sites)")


if __name__ == "__main__":
    main(sys.argv[1:])
