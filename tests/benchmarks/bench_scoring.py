"""``exodx predict`` against what people use instead, each a process of its own, in turn; medians of wall time, CPU time and memory.

    python tests/benchmarks/bench_scoring.py [--rounds 5] [--sizes 100,10000,1000000] [--without notebook,contribs,mlflow] [--csv]

300 trees of depth 3 on 30 analytes with 3 % of the cells blank. CSV in, SHAP of every analyte out, to Parquet (to CSV where
specimens are few, or with ``--csv``); ``mlflow models predict`` gives probabilities alone. Then the start-up: help against click,
100 specimens against NumPy. Read the ratios, and CPU time before wall time where the machine is busy.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

FEATURES, TREES, MISSING, SEED, FEW = 30, 300, 0.03, 7, 1000
NAMES = [f"P{i:03d}" for i in range(FEATURES)]

NOTEBOOK = """
import sys, pandas as pd, xgboost, shap
frame = pd.read_csv(sys.argv[1])
x = frame.drop(columns="specimen_id")
model = xgboost.XGBClassifier(); model.load_model(sys.argv[2])
out = pd.DataFrame(shap.TreeExplainer(model).shap_values(x), columns=x.columns)
out.insert(0, "probability", model.predict_proba(x)[:, 1])
out.insert(0, "specimen_id", frame["specimen_id"])
out.to_parquet(sys.argv[3]) if sys.argv[3].endswith("parquet") else out.to_csv(sys.argv[3], index=False)
"""
CONTRIBS = """
import sys, pandas as pd, xgboost
frame = pd.read_csv(sys.argv[1])
x = frame.drop(columns="specimen_id")
model = xgboost.Booster(model_file=sys.argv[2])
matrix = xgboost.DMatrix(x)
out = pd.DataFrame(model.predict(matrix, pred_contribs=True), columns=[*x.columns, "base"])
out.insert(0, "probability", model.predict(matrix))
out.insert(0, "specimen_id", frame["specimen_id"])
out.to_parquet(sys.argv[3]) if sys.argv[3].endswith("parquet") else out.to_csv(sys.argv[3], index=False)
"""


class Taken(NamedTuple):
    """What a process took: seconds of wall and CPU time, peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def taken_by(command: Sequence[str]) -> Taken:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} failed")
    return Taken(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def train(folder: Path) -> None:
    """Write a bundle, its booster for XGBoost, and the same as an MLflow model."""
    import mlflow.xgboost
    import xgboost
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
    from exodx.frozen import Forest, save_bundle
    from exodx.panel import Analyte, Panel, StudyPlan
    from exodx.training import train_model

    analytes = tuple(Analyte(name, "protein", "NPX", fraction="ev") for name in NAMES)
    panel = Panel("bench", "1", "A panel of no meaning", analytes, normalisation="none")
    cohort = frame_cohort(simulate(panel, SimulatedStudy(n=200, seed=SEED)), Intake(panel, "group", "case"))
    model = train_model(cohort, StudyPlan(outer_folds=3, repeats=1, inner_folds=2, search="minimal", seed=SEED))
    x = model.transform.apply(cohort.measurements).values
    classifier = xgboost.XGBClassifier(n_estimators=TREES, max_depth=3, learning_rate=0.1, n_jobs=1).fit(x, cohort.y)
    save_bundle(replace(model, forest=Forest(bytes(classifier.get_booster().save_raw("ubj")), x.shape[1])), folder / "bundle")
    classifier.get_booster().feature_names = NAMES
    classifier.save_model(folder / "booster.ubj")
    schema = Schema([ColSpec("double", name, required=False) for name in NAMES])
    mlflow.xgboost.save_model(classifier, folder / "mlflow", signature=ModelSignature(schema), pip_requirements=["xgboost"])


def write(path: Path, n: int) -> None:
    """Write a cohort of n specimens, in steps."""
    rng = np.random.default_rng(SEED)
    with path.open("w") as file:
        file.write("specimen_id," + ",".join(NAMES) + "\n")
        for start in range(0, n, 20_000):
            size = min(20_000, n - start)
            values = rng.normal(0, 1.2, (size, FEATURES)).round(4)
            gone = rng.random(values.shape) < MISSING
            for i, (row, blank) in enumerate(zip(values.tolist(), gone.tolist(), strict=True), start):
                cells = ("" if missing else repr(value) for value, missing in zip(row, blank, strict=True))
                file.write(f"S{i:08d}," + ",".join(cells) + "\n")


def ways(folder: Path, cohort: Path, ending: str) -> dict[str, list[str]]:
    python, booster = sys.executable, str(folder / "booster.ubj")
    model = str(folder / "mlflow")
    mlflow = [str(Path(python).parent / "mlflow"), "models", "predict", "-m", model, "-i", str(cohort), "-t", "csv"]
    predict = [python, "-m", "exodx", "predict", str(cohort), "--model", str(folder / "bundle"), "-o", str(folder / f"e.{ending}")]
    return {
        "exodx": predict,
        "exodx, no SHAP": [*predict[:-1], str(folder / f"f.{ending}"), "--explain", "none"],
        "notebook": [python, "-c", NOTEBOOK, str(cohort), booster, str(folder / f"n.{ending}")],
        "contribs": [python, "-c", CONTRIBS, str(cohort), booster, str(folder / f"c.{ending}")],
        "mlflow": [*mlflow, "-o", str(folder / "m.json"), "--env-manager", "local"],
    }


def compared(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Taken]:
    found: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(taken_by(command))
    return {name: Taken(*(median(numbers) for numbers in zip(*runs, strict=True))) for name, runs in found.items()}


def told(title: str, found: Mapping[str, Taken], ours: str) -> None:
    print(f"\n{title}\n{'':16}{'wall s':>9}{'CPU s':>9}{'MB':>7}   ratio of wall, of CPU time to {ours}")
    for name, t in found.items():
        ratios = f"{t.wall / found[ours].wall:8.1f} ×{t.cpu / found[ours].cpu:8.1f} ×"
        print(f"{name:16}{t.wall:9.2f}{t.cpu:9.2f}{t.memory:7.0f}{ratios}")


def main(rounds: int, sizes: Sequence[int], without: Sequence[str], *, as_csv: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [sys.executable, __file__, "--train", name], check=True
        )  # apart: a child's memory counts what it forked from
        for n in sizes:
            cohort = folder / f"{n}.csv"
            write(cohort, n)
            ending = "csv" if as_csv or n < FEW else "parquet"
            commands = {way: command for way, command in ways(folder, cohort, ending).items() if way not in without}
            told(f"{n:,} specimens × {FEATURES} analytes, CSV → {ending}", compared(commands, rounds), "exodx")
            cohort.unlink()
        small = folder / "100.csv"
        write(small, 100)
        python = sys.executable
        start = {
            "import numpy": [python, "-c", "import numpy"],
            "predict 100": ways(folder, small, "csv")["exodx"],
            "import click": [python, "-c", "import click"],
            "--help": [python, "-m", "exodx", "--help"],
        }
        found = compared(start, max(rounds, 5))
        told("Start-up", {name: found[name] for name in ("import numpy", "predict 100")}, "import numpy")
        told("Help", {name: found[name] for name in ("import click", "--help")}, "import click")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="100,10000,100000")
    parser.add_argument("--without", default="")
    parser.add_argument("--csv", action="store_true")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.train:
        train(Path(given.train))
    else:
        main(given.rounds, [int(n) for n in given.sizes.split(",")], given.without.split(","), as_csv=given.csv)
