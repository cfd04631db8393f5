"""Time the resampled AUCs against a loop over scikit-learn, interleaved; print the medians.

Run from the repository: ``python -m tests.benchmarks.bench_statistics``. Nothing here is a test: a shared machine's clock is
no pass or fail; ``tests/stats/test_stats_resampling.py`` holds a loose floor.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter

import numpy as np
from sklearn.metrics import roc_auc_score

from exodx.stats import auc_delong, auc_permutation, bootstrap_aucs

LOOP = 20
"""Resamples of the slow loop in each round; its time is scaled up."""


def main(n: int = 200, rounds: int = 9) -> None:
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], n // 2)
    score = rng.normal(size=n) + y
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, scale, work in (
            ("2,000 bootstrap AUCs, scikit-learn in a loop", 2000 / LOOP, lambda: loop_bootstrap(y, score, rng)),
            ("2,000 bootstrap AUCs, bootstrap_aucs", 1, lambda: bootstrap_aucs(y, score, resamples=2000)),
            ("1,000 permutation AUCs, scikit-learn in a loop", 1000 / LOOP, lambda: loop_permutation(y, score, rng)),
            ("1,000 permutation AUCs, auc_permutation", 1, lambda: auc_permutation(y, score, permutations=1000)),
            ("one AUC with interval, auc_delong", 1, lambda: auc_delong(y, score)),
        ):
            start = perf_counter()
            work()
            times.setdefault(name, []).append(1000 * scale * (perf_counter() - start))
    medians = {name: median(values) for name, values in times.items()}
    print(f"n = {n}, medians of {rounds} interleaved rounds")
    for name, value in medians.items():
        print(f"{name:<48} {value:10.3f} ms")
    slow_boot, boot, slow_perm, perm, _ = medians.values()
    print(f"bootstrap {slow_boot / boot:.0f}×, permutation {slow_perm / perm:.0f}×")


def loop_bootstrap(y: np.ndarray, score: np.ndarray, rng: np.random.Generator) -> list[float]:
    cases, controls = np.flatnonzero(y), np.flatnonzero(1 - y)
    draws = (np.concatenate([rng.choice(part, part.size) for part in (cases, controls)]) for _ in range(LOOP))
    return [roc_auc_score(y[rows], score[rows]) for rows in draws]


def loop_permutation(y: np.ndarray, score: np.ndarray, rng: np.random.Generator) -> list[float]:
    return [roc_auc_score(rng.permutation(y), score) for _ in range(LOOP)]


if __name__ == "__main__":
    main()
