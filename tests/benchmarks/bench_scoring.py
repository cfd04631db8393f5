"""``exodx predict`` against what people use instead, each a process of its own, in turn; medians of wall time, CPU time and memory.

    python tests/benchmarks/bench_scoring.py [--rounds 5] [--sizes 100,10000,1000000] [--analytes 3,30,500] [--inputs csv,parquet]
        [--most 50000000] [--without notebook,contribs,mlflow] [--csv] [--fasttreeshap PYTHON]

300 trees of depth 3, grown on 200 specimens with noise, with 3 % of the cells blank; one table for each number of specimens and of
analytes and each input. SHAP of every analyte out, to Parquet (to CSV where specimens are few, or with ``--csv``); ``mlflow models
predict`` gives probabilities alone, and reads CSV only. fasttreeshap takes part where the Python of an environment that has it (and
pandas, pyarrow and xgboost) is named. Tables of more than ``--most`` cells are left out, and said to be. Then the start-up: help
against click, 100 specimens against NumPy. Read the ratios, and CPU time before wall time where the machine is busy.
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

TREES, MISSING, SEED, FEW = 300, 0.03, 7, 1000
READ = """
import sys, pandas as pd, xgboost
frame = pd.read_parquet(sys.argv[1]) if sys.argv[1].endswith("parquet") else pd.read_csv(sys.argv[1])
"""
NOTEBOOK = (
    READ
    + """
import shap
x = frame.drop(columns="specimen_id")
model = xgboost.XGBClassifier(); model.load_model(sys.argv[2])
out = pd.DataFrame(shap.TreeExplainer(model).shap_values(x), columns=x.columns)
out.insert(0, "probability", model.predict_proba(x)[:, 1])
out.insert(0, "specimen_id", frame["specimen_id"])
out.to_parquet(sys.argv[3]) if sys.argv[3].endswith("parquet") else out.to_csv(sys.argv[3], index=False)
"""
)
FAST = NOTEBOOK.replace("import shap", "import fasttreeshap as shap")
CONTRIBS = (
    READ
    + """
x = frame.drop(columns="specimen_id")
model = xgboost.Booster(model_file=sys.argv[2])
matrix = xgboost.DMatrix(x)
out = pd.DataFrame(model.predict(matrix, pred_contribs=True), columns=[*x.columns, "base"])
out.insert(0, "probability", model.predict(matrix))
out.insert(0, "specimen_id", frame["specimen_id"])
out.to_parquet(sys.argv[3]) if sys.argv[3].endswith("parquet") else out.to_csv(sys.argv[3], index=False)
"""
)


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


def names(k: int) -> list[str]:
    return [f"P{i:03d}" for i in range(k)]


def train(folder: Path, k: int) -> None:
    """Write a bundle, its booster for XGBoost, and the same as an MLflow model."""
    import mlflow.xgboost
    import xgboost
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
    from exodx.frozen import Forest, save_bundle
    from exodx.panel import Analyte, Panel, StudyPlan
    from exodx.training import train_model

    analytes = tuple(Analyte(name, "protein", "NPX", fraction="ev") for name in names(k))
    panel = Panel("bench", "1", "A panel of no meaning", analytes, normalisation="none")
    cohort = frame_cohort(simulate(panel, SimulatedStudy(n=200, seed=SEED)), Intake(panel, "group", "case"))
    model = train_model(cohort, StudyPlan(outer_folds=3, repeats=1, budget="minimal", seed=SEED))
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(200, k))
    x[rng.random(x.shape) < MISSING] = np.nan
    a, b, c = np.nan_to_num(x[:, :3]).T
    y = a + 0.5 * b * c + 0.3 * b + rng.normal(size=200) > 0
    classifier = xgboost.XGBClassifier(n_estimators=TREES, max_depth=3, learning_rate=0.1, n_jobs=1).fit(x, y)
    save_bundle(replace(model, forest=Forest(bytes(classifier.get_booster().save_raw("ubj")), k)), folder / "bundle")
    classifier.get_booster().feature_names = names(k)
    classifier.save_model(folder / "booster.ubj")
    schema = Schema([ColSpec("double", name, required=False) for name in names(k)])
    mlflow.xgboost.save_model(classifier, folder / "mlflow", signature=ModelSignature(schema), pip_requirements=["xgboost"])


def write(path: Path, n: int, k: int) -> None:
    """Write a cohort of n specimens, in steps."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    rng = np.random.default_rng(SEED)
    schema = pa.schema([("specimen_id", pa.string()), *((name, pa.float64()) for name in names(k))])
    make = pyarrow.parquet.ParquetWriter if path.suffix == ".parquet" else pyarrow.csv.CSVWriter
    with make(path, schema) as file:
        for start in range(0, n, 20_000):
            size = min(20_000, n - start)
            values = rng.normal(0, 1.2, (k, size)).round(4)
            gone = rng.random(values.shape) < MISSING
            ids = pa.array([f"S{i:08d}" for i in range(start, start + size)])
            cells = [pa.array(column, mask=blank) for column, blank in zip(values, gone, strict=True)]
            file.write_table(pa.table([ids, *cells], schema=schema))


def ways(folder: Path, cohort: Path, ending: str, fast: str = "") -> dict[str, list[str]]:
    python, booster = sys.executable, str(folder / "booster.ubj")
    model = str(folder / "mlflow")
    mlflow = [str(Path(python).parent / "mlflow"), "models", "predict", "-m", model, "-i", str(cohort), "-t", "csv"]
    predict = [python, "-m", "exodx", "predict", str(cohort), "--model", str(folder / "bundle"), "-o", str(folder / f"e.{ending}")]
    ways_of_others = (
        {"mlflow": [*mlflow, "-o", str(folder / "m.json"), "--env-manager", "local"]} if cohort.suffix == ".csv" else {}
    )
    if fast:
        ways_of_others["fasttreeshap"] = [fast, "-c", FAST, str(cohort), booster, str(folder / f"t.{ending}")]
    return {
        "exodx": predict,
        "exodx, no SHAP": [*predict[:-1], str(folder / f"f.{ending}"), "--explain", "none"],
        "notebook": [python, "-c", NOTEBOOK, str(cohort), booster, str(folder / f"n.{ending}")],
        "contribs": [python, "-c", CONTRIBS, str(cohort), booster, str(folder / f"c.{ending}")],
        **ways_of_others,
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


def tables(folder: Path, k: int, given: argparse.Namespace) -> None:
    """Print a table for each number of specimens and each input."""
    python = [sys.executable, __file__, "--train", str(folder), "--analytes", str(k)]
    subprocess.run(python, check=True)  # apart: a child's memory counts what it forked from
    without = given.without.split(",")
    for n in map(int, given.sizes.split(",")):
        if n * k > given.most:
            print(f"\n{n:,} specimens × {k} analytes: left out, {n * k:,} cells are more than --most {given.most:,}")
            continue
        for kind in given.inputs.split(","):
            cohort = folder / f"{n}.{kind}"
            subprocess.run([*python, "--write", str(cohort), "--sizes", str(n)], check=True)
            ending = "csv" if given.csv or n < FEW else "parquet"
            commands = ways(folder, cohort, ending, given.fasttreeshap)
            found = compared({way: command for way, command in commands.items() if way not in without}, given.rounds)
            told(f"{n:,} specimens × {k} analytes, {kind} → {ending}", found, "exodx")
            cohort.unlink()


def start_up(folder: Path, rounds: int) -> None:
    """Print what it takes to start."""
    small, python = folder / "100.csv", sys.executable
    write(small, 100, 30)
    start = {
        "import numpy": [python, "-c", "import numpy"],
        "predict 100": ways(folder, small, "csv")["exodx"],
        "import click": [python, "-c", "import click"],
        "--help": [python, "-m", "exodx", "--help"],
    }
    found = compared(start, max(rounds, 5))
    told("Start-up", {name: found[name] for name in ("import numpy", "predict 100")}, "import numpy")
    told("Help", {name: found[name] for name in ("import click", "--help")}, "import click")


def main(given: argparse.Namespace) -> None:
    for k in map(int, given.analytes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            tables(Path(name), k, given)
            if k == 30:
                start_up(Path(name), given.rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="100,10000,1000000")
    parser.add_argument("--analytes", default="3,30,500")
    parser.add_argument("--inputs", default="csv,parquet")
    parser.add_argument("--most", type=int, default=50_000_000)
    parser.add_argument("--without", default="")
    parser.add_argument("--csv", action="store_true")
    parser.add_argument("--fasttreeshap", default="")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        write(Path(given.write), int(given.sizes), int(given.analytes))
    elif given.train:
        train(Path(given.train), int(given.analytes))
    else:
        main(given)
