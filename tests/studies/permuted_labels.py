"""Labels that mean nothing, through the whole procedure: normalisation, filters, search, calibration and threshold.

Every simulated cohort has its disease, its sites and plates; the labels are permuted among its subjects, so that the AUC of
specimens held out is one half but for noise, and any other mean is a leak.

    python -m tests.studies.permuted_labels [cohorts] [budget]
"""

from __future__ import annotations

import sys

import numpy as np

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.stats import auc_cross_validated
from exodx.training import cross_validate, permute_labels, repeated_folds

REFERENCES = ("miR-103a-3p", "miR-423-5p", "miR-16-5p", "miR-23a-3p", "miR-191-5p")


def qpcr() -> Panel:
    targets = (Analyte(f"miR-{900 + i}-3p", "mirna", "Ct", direction="up" if i % 2 else "down") for i in range(14))
    references = (Analyte(name, "mirna", "Ct", role="reference") for name in REFERENCES)
    return Panel("null-ct", "1", "raw Ct", (*targets, *references), normalisation="genorm", min_detection=0.6)


def counts() -> Panel:
    analytes = (Analyte(f"miR-{900 + i}-3p", "mirna", "count", direction="up" if i % 2 else "down") for i in range(30))
    return Panel("null-counts", "1", "reads", tuple(analytes), count_normalisation="tmm", min_detection=0.6)


PANELS = {"raw Ct, geNorm, detection filter": qpcr, "reads, TMM, detection filter": counts}


def null_auc(panel: Panel, seed: int, budget: str, n: int = 90) -> float:
    """Simulate a cohort, permute its labels, validate the whole procedure, and return the AUC out of fold."""
    study = SimulatedStudy(n=n, effect=1.0, repeated_share=0.1, not_run_share=0.01, seed=seed)
    cohort = frame_cohort(simulate(panel, study), Intake(panel, "group", "case")).sorted()
    dealt = permute_labels(cohort, 1_000_003 + seed)  # not the seed that dealt the classes
    plan = StudyPlan(outer_folds=5, repeats=1, inner_folds=3, budget=budget, seed=seed)
    cv = cross_validate(dealt, plan, repeated_folds(dealt, plan), "null", 1, lambda: None)
    rows = np.isfinite(cv.margin[0])
    return auc_cross_validated(dealt.y[rows], cv.margin[:, rows], cv.folds[:, rows], dealt.subjects[rows]).value


if __name__ == "__main__":
    cohorts, budget = int(sys.argv[1]) if len(sys.argv) > 1 else 60, sys.argv[2] if len(sys.argv) > 2 else "quick"
    print(f"| {cohorts} cohorts of 90, budget {budget!r} | mean AUC | standard error | SD | 2.5–97.5 % |")
    print("| --- | --- | --- | --- | --- |")
    for name, make in PANELS.items():
        found = np.array([null_auc(make(), seed, budget) for seed in range(cohorts)])
        low, high = np.quantile(found, (0.025, 0.975))
        error = found.std(ddof=1) / np.sqrt(cohorts)
        print(f"| {name} | {found.mean():.3f} | {error:.3f} | {found.std(ddof=1):.3f} | {low:.2f} to {high:.2f} |", flush=True)
