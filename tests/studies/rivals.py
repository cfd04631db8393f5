"""What other tools do with the tables that exodx is made for: five questions, each asked by running them.

    python tests/studies/rivals.py exodx scikit-learn xgboost
    python tests/studies/rivals.py mljar            (with an interpreter that has mljar-supervised; so pycaret, autogluon)
    Rscript tests/studies/rivals.R FOLDER           (caret, on the tables that --tables FOLDER writes)

Every tool gets the same files and is called as its own first example does. This file imports neither exodx nor a rival before it is
asked for one, so that it runs in each one's environment. Nothing here is tuned, and nothing but what was asked is claimed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ABOUT = ["specimen_id", "subject_id", "site", "group"]
TARGET = "group"
ANALYTES = ["miR-126-3p", "miR-145-5p", "PD-L1", "miR-103a-3p", "miR-423-5p", "miR-23a-3p", "miR-451a"]
ROOT = Path(__file__).parents[2]


def values(rng: np.random.Generator, y: np.ndarray) -> pd.DataFrame:
    """Return Ct and pg/mL of as many specimens as there are labels, with a difference between the classes."""
    n, load = len(y), rng.normal(0, 0.7, len(y))
    frame = pd.DataFrame(
        {
            "miR-126-3p": 26 - 0.7 * y + load + rng.normal(0, 0.8, n),
            "miR-145-5p": 31 + 0.7 * y + load + rng.normal(0, 0.8, n),
            "PD-L1": np.exp(4.6 + 0.6 * y + rng.normal(0, 0.5, n)),
            "miR-103a-3p": 26.5 + load + rng.normal(0, 0.2, n),
            "miR-423-5p": 27 + load + rng.normal(0, 0.2, n),
            "miR-23a-3p": 26 + load + rng.normal(0, 0.3, n),
            "miR-451a": 22 + load + rng.normal(0, 0.8, n),
        }
    )
    return frame.round(3)


def cohort(rng: np.random.Generator, y: np.ndarray, prefix: str) -> pd.DataFrame:
    """Return a cohort of one specimen a subject at three sites."""
    ids = [f"{prefix}{i:04d}" for i in range(len(y))]
    about = pd.DataFrame({"specimen_id": ids, "subject_id": [f"P{i}" for i in ids], "site": rng.choice(list("ABC"), len(y))})
    return pd.concat([about.assign(group=np.where(y == 1, "case", "control")), values(rng, y)], axis=1)


def write_tables(folder: Path) -> None:
    """Write the files that every tool gets."""
    rng = np.random.default_rng(9)
    train = cohort(rng, rng.permutation(np.arange(150) % 2), "T")
    new = cohort(rng, rng.permutation(np.arange(60) % 2), "N")
    people = cohort(rng, np.zeros(100, int), "R").assign(group=rng.permutation(["case", "control"] * 50))
    repeated = people.loc[people.index.repeat(3)].reset_index(drop=True)
    repeated["specimen_id"] = [f"{i}-{n % 3}" for n, i in enumerate(repeated["specimen_id"])]
    repeated[ANALYTES] = (repeated[ANALYTES] * (1 + rng.normal(0, 0.002, (300, len(ANALYTES))))).round(3)
    repeated = repeated.sample(frac=1, random_state=0)
    undetermined = train.astype({"miR-145-5p": object})
    undetermined.loc[rng.permutation(150)[:9], "miR-145-5p"] = "Undetermined"
    tables = {
        "train": train,
        "undetermined": undetermined,
        "repeated": repeated,
        "new": new,
        "one": new.iloc[[7]],
        "unit": new.assign(**{"PD-L1": (new["PD-L1"] / 1000).round(6)}),
        "alias": new.rename(columns={"miR-126-3p": "hsa-miR-126"}),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)


@dataclass(frozen=True)
class Tool:
    """A tool: how it learns from a file (its model and its own first AUC), scores one, and what it took miR-145-5p for."""

    fit: Callable[[Path], tuple[Any, float | None]]
    score: Callable[[Any, Path], np.ndarray]
    taken_for: Callable[[Any], object] = lambda _: "a number with a state"


def features(path: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Read a file as a notebook does."""
    table = pd.read_csv(path)
    return table.drop(columns=ABOUT), (table[TARGET] == "case").astype(int)


def sklearn_like(make: Callable[[], Any]) -> Tool:
    """A classifier of scikit-learn's kind, validated as its guide begins: ``cross_val_score(…, cv=5)``."""

    def fit(path: Path) -> tuple[Any, float]:
        from sklearn.model_selection import cross_val_score

        X, y = features(path)
        auc = cross_val_score(make(), X, y, cv=5, scoring="roc_auc").mean()
        return make().fit(X, y), float(auc)

    return Tool(fit, lambda model, path: model.predict_proba(features(path)[0])[:, 1])


def scikit_learn() -> Tool:
    """Gradient boosting of scikit-learn's own."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return sklearn_like(lambda: HistGradientBoostingClassifier(random_state=0))


def xgboost() -> Tool:
    """XGBoost's classifier by default."""
    from xgboost import XGBClassifier

    return sklearn_like(lambda: XGBClassifier(random_state=0))


def mljar() -> Tool:
    """MLJAR's AutoML, mode Explain with its cross-validation, 60 seconds."""
    from supervised.automl import AutoML

    def fit(path: Path) -> tuple[Any, float | None]:
        X, y = features(path)
        model = AutoML(
            results_path=tempfile.mkdtemp(), total_time_limit=60, algorithms=["Xgboost"], eval_metric="auc", explain_level=0,
            verbose=0, validation_strategy={"validation_type": "kfold", "k_folds": 5, "shuffle": True, "stratify": True},
        )  # fmt: skip
        model.fit(X, y)
        return model, float(model.get_leaderboard()["metric_value"].abs().max())

    def taken_for(model: Any) -> object:
        return json.loads((Path(model._results_path) / "data_info.json").read_text())["columns_info"].get("miR-145-5p")

    return Tool(fit, lambda model, path: model.predict_proba(features(path)[0])[:, 1], taken_for)


def pycaret() -> Tool:
    """PyCaret's experiment: ``setup``, ``create_model``."""
    from pycaret.classification import ClassificationExperiment

    def fit(path: Path) -> tuple[Any, float]:
        X, y = features(path)
        experiment = ClassificationExperiment()
        experiment.setup(X.assign(target=y), target="target", session_id=0, verbose=False, html=False, n_jobs=1)
        model = experiment.create_model("gbc", verbose=False)
        return (experiment, model), float(experiment.pull().loc["Mean", "AUC"])

    def score(fitted: Any, path: Path) -> np.ndarray:
        experiment, model = fitted
        scored = experiment.predict_model(model, data=features(path)[0], raw_score=True, round=15, verbose=False)
        return scored["prediction_score_1"].to_numpy(float)

    def taken_for(fitted: Any) -> object:
        return fitted[0].get_config("X_train").dtypes["miR-145-5p"]

    return Tool(fit, score, taken_for)


def autogluon() -> Tool:
    """AutoGluon's tabular predictor, 60 seconds, bagged so that its score is out of fold."""
    from autogluon.tabular import TabularPredictor

    def fit(path: Path) -> tuple[Any, float]:
        X, y = features(path)
        predictor = TabularPredictor("target", eval_metric="roc_auc", path=tempfile.mkdtemp(), verbosity=0)
        predictor.fit(X.assign(target=y), time_limit=60, num_bag_folds=5, num_stack_levels=0, ag_args_ensemble={"fold_fitting_strategy": "sequential_local"})  # fmt: skip # noqa: E501
        return predictor, float(predictor.leaderboard()["score_val"].max())

    def taken_for(model: Any) -> object:
        return model.feature_metadata.type_map_raw.get("miR-145-5p")

    return Tool(fit, lambda model, path: model.predict_proba(features(path)[0])[1].to_numpy(float), taken_for)


def exodx() -> Tool:
    """The command line of exodx, on the same files."""

    def call(*words: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "exodx", *map(str, words)]
        return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)

    def refused(done: subprocess.CompletedProcess[str]) -> None:
        if done.returncode not in (0, 5):
            raise RuntimeError(" ".join(line for line in done.stderr.splitlines() if line.startswith("[")))

    def fit(path: Path) -> tuple[Any, float]:
        bundle = Path(tempfile.mkdtemp()) / "bundle"
        plan = bundle.with_name("plan.toml")
        plan.write_text('panel = "athero-3"\nlabel = "group"\npositive = "case"\nbudget = "minimal"\nrepeats = 1\n')
        done = call("train", path, "--plan", plan, "--no-track", "--json", "-o", bundle)
        refused(done)
        return bundle, float(json.loads(done.stdout)["estimates"]["auc"]["value"])

    def score(bundle: Any, path: Path) -> np.ndarray:
        out = Path(tempfile.mkdtemp()) / "scores.csv"
        refused(call("predict", path, "--model", bundle, "-o", out))
        return pd.read_csv(out)["probability"].to_numpy(float)

    return Tool(fit, score)


TOOLS: dict[str, Callable[[], Tool]] = {
    "exodx": exodx,
    "scikit-learn": scikit_learn,
    "xgboost": xgboost,
    "mljar": mljar,
    "pycaret": pycaret,
    "autogluon": autogluon,
}


def tried(act: Callable[[], str]) -> str:
    """Say what came of it: an answer, or the first words of a refusal."""
    try:
        return act()
    except Exception as refusal:
        words = " ".join(str(refusal).split())
        return f"refused, {type(refusal).__name__}: {words[:110]}"


def answers(tool: Tool, folder: Path) -> Iterator[tuple[str, str]]:
    """Ask a tool the questions."""
    started = time.perf_counter()
    model, auc = tool.fit(folder / "train.csv")
    yield "clean table", f"AUC {auc:.3f}, {time.perf_counter() - started:.0f} s" if auc is not None else "no AUC"
    whole = tool.score(model, folder / "new.csv")
    yield "one specimen alone, as in 60", f"difference {abs(tool.score(model, folder / 'one.csv')[0] - whole[7]):.1e}"

    def undetermined() -> str:
        learned, auc = tool.fit(folder / "undetermined.csv")
        return f"learned from as {tool.taken_for(learned)}, AUC {auc:.3f}"

    def moved(name: str) -> str:
        scores = tool.score(model, folder / f"{name}.csv")
        return f"scored; {int(((scores > 0.5) != (whole > 0.5)).sum())} of 60 cross 0.5"

    yield "9 Ct 'Undetermined'", tried(undetermined)
    yield "PD-L1 in ng/mL, model in pg/mL", tried(lambda: moved("unit"))
    yield "miR-126-3p called hsa-miR-126", tried(lambda: moved("alias"))
    yield "3 specimens a subject, labels by chance", tried(lambda: f"AUC {tool.fit(folder / 'repeated.csv')[1]:.3f}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what each tool answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tools", nargs="*", choices=[[], *TOOLS])
    parser.add_argument("--tables", type=Path, help="keep the tables here")
    chosen = parser.parse_args(arguments)
    folder = chosen.tables or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(folder)
    for name in chosen.tools:
        for question, answer in answers(TOOLS[name](), folder):
            print(f"{name:<13} {question:<40} {answer}", flush=True)


if __name__ == "__main__":
    main()
