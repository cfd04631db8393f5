"""What evaluation costs beside training on 200 specimens × 30 analytes: medians of interleaved runs, CPU time.

    python tests/benchmarks/bench_evaluation.py [rounds] [profile]

Training is nested validation with the default search (one repeat; the default is three) and the final model. Evaluation is all that
comes after: ``evaluate_inside`` with its audits, and the report with its figures.
"""

import cProfile
import os
import pstats
import sys
import time
from collections.abc import Callable
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"

from exodx.cohort import Cohort, Intake, SimulatedStudy, frame_cohort, simulate
from exodx.cohort.splits import site_folds
from exodx.evaluation import evaluate_inside
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.report import (
    analyte_figure,
    beeswarm_figure,
    calibration_figure,
    evaluation_text,
    picture,
    roc_figure,
    sites_figure,
    study_page,
)
from exodx.training import Validation, cross_validate, repeated_folds, train_model

N, FEATURES = 200, 30
PLAN = StudyPlan(repeats=1, seed=1)


def cohort(seed: int = 1) -> Cohort:
    panel = Panel("thirty", "1", "t", tuple(Analyte(f"x{i}", "mirna", "log2", direction="up") for i in range(FEATURES)))
    return frame_cohort(simulate(panel, SimulatedStudy(n=N, effect=0.5, seed=seed)), Intake(panel, "group", "case")).sorted()


def training(data: Cohort) -> tuple:
    folds, sites = repeated_folds(data, PLAN), site_folds(data.sites)[0][None]
    runs = [cross_validate(data, PLAN, f, "", 1, lambda: None) for f in (folds, sites)]
    return Validation(*runs), train_model(data, PLAN)


def report(data: Cohort, model, evaluation) -> int:
    features = model.transform.apply(data.measurements)
    drawn = {
        "roc": roc_figure(evaluation),
        "calibration": calibration_figure(evaluation),
        "shap": beeswarm_figure(model.explain(data.measurements), features),
        "analytes": analyte_figure(features, data.y, data.positive_label, [f.feature for f in evaluation.features]),
        "sites": sites_figure(evaluation),
    }
    page = study_page(evaluation, model, PLAN, {name: picture(figure) for name, figure in drawn.items()}, "m")
    return len(page) + len(evaluation_text(evaluation))


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    done = work()
    return time.process_time() - start, done


def measure(rounds: int) -> dict[str, float]:
    data = cohort()
    found: dict[str, list[float]] = {"training": [], "evaluation": [], "report": []}
    for _ in range(rounds):
        took, (validation, model) = seconds(lambda: training(data))
        found["training"].append(took)
        took, evaluation = seconds(lambda: evaluate_inside(data, model, validation, 0.2, 0))  # noqa: B023
        found["evaluation"].append(took)
        found["report"].append(seconds(lambda: report(data, model, evaluation))[0])  # noqa: B023
    return {name: median(times) for name, times in found.items()}


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    if "profile" in sys.argv:
        data = cohort()
        validation, model = training(data)
        with cProfile.Profile() as profile:
            report(data, model, evaluate_inside(data, model, validation, 0.2, 0))
        pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    else:
        times = measure(rounds)
        for name, value in times.items():
            print(f"{name:<12} {value:7.2f} s CPU   {value / times['training']:6.1%} of training")
