"""Confounded sites: does the number that exodx quotes say what a fourth site will see?

Three sites with case shares .8, .5 and .2 and offsets of their own are learned from; the truth is the AUC that the finished model
has within further sites with offsets of theirs and as many cases as controls.

    python -m tests.studies.site_confounding [cohorts] [budget]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from exodx.cohort import Cohort, Intake, SimulatedStudy, frame_cohort, simulate, site_folds
from exodx.evaluation import evaluate_inside
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.stats import auc
from exodx.training import Validation, cross_validate, repeated_folds, train_model

SHARES, OFFSET_SD, EFFECT, N = (0.8, 0.5, 0.2), 0.75, 0.8, 240
NEW_SITES, NEW_N = 10, 4000
PANEL = Panel("sites", "1", "eight miRNAs", tuple(Analyte(f"x{i}", "mirna", "log2", direction="up") for i in range(8)))


@dataclass(frozen=True)
class OneCohort:
    """What was estimated inside one cohort, and what is true outside it."""

    random: float
    headline: float
    lower: float
    upper: float
    truth: float
    new_sites: np.ndarray
    new_site_range: tuple[float, float]
    findings: frozenset[str]
    design: str


def cohort_of(shares: tuple[float, ...], n: int, seed: int) -> Cohort:
    study = SimulatedStudy(
        n=n, site_case_shares=shares, effect=EFFECT, site_sd=OFFSET_SD, plate_sd=0.0, not_run_share=0.0, seed=seed
    )
    return frame_cohort(simulate(PANEL, study), Intake(PANEL, "group", "case")).sorted()


def one_cohort(seed: int, budget: str = "minimal", new_n: int = NEW_N) -> OneCohort:
    plan = StudyPlan(outer_folds=5, repeats=1, budget=budget, seed=seed)
    cohort = cohort_of(SHARES, N, seed)
    folds, sites = repeated_folds(cohort, plan), site_folds(cohort.sites)[0][None]
    random, by_site = (cross_validate(cohort, plan, f, name, 1, lambda: None) for f, name in ((folds, "random"), (sites, "sites")))
    model = train_model(cohort, plan)
    evaluation = evaluate_inside(cohort, model, Validation(random, by_site), None, seed)
    new = cohort_of((0.5,) * NEW_SITES, new_n, 10_000 + seed)
    margin, of = model.predict(new.measurements, new.ids).margin, site_folds(new.sites)[0]
    outside = np.array([auc(new.y[of == s], margin[of == s]) for s in range(NEW_SITES)])
    head, range_ = evaluation.headline, evaluation.estimate("auc_new_site")
    return OneCohort(
        evaluation.estimate("auc").value,
        head.value,
        head.lower,
        head.upper,
        float(outside.mean()),
        outside,
        (range_.lower, range_.upper),
        frozenset(f.code for f in evaluation.findings),
        head.design,
    )


def table(found: list[OneCohort]) -> str:
    rows = ["| | mean | SD between cohorts | range |", "| --- | --- | --- | --- |"]
    columns = {
        "AUC in a fourth site (truth)": [f.truth for f in found],
        "random CV": [f.random for f in found],
        "headline (leave-one-site-out)": [f.headline for f in found],
        "random CV − truth": [f.random - f.truth for f in found],
        "headline − truth": [f.headline - f.truth for f in found],
    }
    for name, values in columns.items():
        rows.append(f"| {name} | {np.mean(values):.3f} | {np.std(values, ddof=1):.3f} | {min(values):.3f} to {max(values):.3f} |")
    held = np.mean([f.lower <= f.truth <= f.upper for f in found])
    inside = np.mean([((f.new_sites >= f.new_site_range[0]) & (f.new_sites <= f.new_site_range[1])).mean() for f in found])
    near = np.mean([abs(f.headline - f.truth) <= 0.03 for f in found])
    named = np.mean(["site_confounded" in f.findings for f in found])
    return "\n".join(
        [
            *rows,
            "",
            f"{len(found)} cohorts. The 95 % interval holds the truth in {held:.0%}; the prediction interval holds {inside:.0%} of "
            f"new sites. The headline is within .03 of its truth in {near:.0%} of single cohorts. "
            f"site_confounded is named in {named:.0%}.",
        ]
    )


if __name__ == "__main__":
    cohorts, budget = int(sys.argv[1]) if len(sys.argv) > 1 else 40, sys.argv[2] if len(sys.argv) > 2 else "minimal"
    print(table([one_cohort(seed, budget) for seed in range(cohorts)]))
