"""How often the intervals of the house hold the truth: simulated cohorts of a known AUC, and the binomial for proportions.

Run from the repository: ``python -m tests.studies.interval_coverage``; it takes a few minutes. ``test_studies_coverage.py`` runs
it small.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product

import numpy as np
from scipy.stats import binom, norm

from exodx.stats import Estimate, auc, auc_bootstrap, auc_delong, bootstrap_aucs, clopper_pearson, percentile, wilson

TRUTHS = (0.6, 0.8, 0.95)
SIZES = (40, 100, 400)


@dataclass(frozen=True)
class Coverage:
    """What was seen over many cohorts; ``missed_low`` counts intervals that end below the truth."""

    method: str
    truth: float
    n: int
    covered: float
    missed_low: float
    missed_high: float
    width: float
    without: float


def auc_coverage(method: str, truth: float, n: int, cohorts: int, seed: int = 1) -> Coverage:
    """Simulate cohorts of half cases, normal scores of equal variance, and count where the truth falls.

    A cohort without an interval is counted apart and not as covered.
    """
    rng = np.random.default_rng([seed, n, round(1000 * truth)])
    y = np.repeat([0, 1], n // 2)
    gap = math.sqrt(2) * norm.ppf(truth)
    scores = rng.normal(size=(cohorts, n)) + gap * y
    make = {
        "DeLong, logit": lambda score, k: auc_delong(y, score),
        "bootstrap BCa": lambda score, k: auc_bootstrap(y, score, resamples=1000, seed=k),
        "bootstrap percentiles": lambda score, k: percentile("auc", auc(y, score), bootstrap_aucs(y, score, None, 1000, k)),
    }[method]
    return _summary(method, truth, n, [make(score, k) for k, score in enumerate(scores)])


def proportion_coverage(method: str, truth: float, n: int) -> Coverage:
    """Return the exact coverage for ``n // 2`` specimens of a class, summed over the binomial."""
    trials = n // 2
    ends = {"Wilson": wilson, "Clopper–Pearson": clopper_pearson}[method]
    lower, upper = np.array([ends(k, trials) for k in range(trials + 1)]).T
    chance = binom.pmf(np.arange(trials + 1), trials, truth)
    return Coverage(
        method,
        truth,
        n,
        float(chance @ ((lower <= truth) & (truth <= upper))),
        float(chance @ (upper < truth)),
        float(chance @ (lower > truth)),
        float(chance @ (upper - lower)),
        0.0,
    )


def _summary(method: str, truth: float, n: int, estimates: list[Estimate]) -> Coverage:
    ends = np.array([(e.lower, e.upper) for e in estimates if e.lower is not None])
    lower, upper = ends.T
    total = len(estimates)
    return Coverage(
        method,
        truth,
        n,
        ((lower <= truth) & (truth <= upper)).sum() / total,
        (upper < truth).sum() / total,
        (lower > truth).sum() / total,
        float((upper - lower).mean()),
        1 - len(ends) / total,
    )


def main(cohorts: int = 2000) -> None:
    """Print the table."""
    error = 1.96 * math.sqrt(0.95 * 0.05 / cohorts)
    print(f"{cohorts} cohorts a row, half of the specimens cases; a coverage near .95 is told to ±{error:.3f}")
    print(f"{'method':<22} {'truth':>6} {'n':>4} {'covered':>8} {'below':>6} {'above':>6} {'width':>6} {'none':>6}")
    for row in chain(auc_rows(cohorts), proportion_rows()):
        print(
            f"{row.method:<22} {row.truth:>6g} {row.n:>4} {row.covered:>8.3f} {row.missed_low:>6.3f} {row.missed_high:>6.3f}"
            f" {row.width:>6.3f} {row.without:>6.3f}",
            flush=True,
        )


def auc_rows(cohorts: int) -> Iterator[Coverage]:
    """Yield a row for each method, AUC and size."""
    for method, truth, n in product(("DeLong, logit", "bootstrap BCa", "bootstrap percentiles"), TRUTHS, SIZES):
        yield auc_coverage(method, truth, n, cohorts)


def proportion_rows() -> Iterator[Coverage]:
    """Yield a row for each method, share and size."""
    for method, truth, n in product(("Wilson", "Clopper–Pearson"), TRUTHS, SIZES):
        yield proportion_coverage(method, truth, n)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
