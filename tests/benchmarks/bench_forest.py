"""Exact SHAP per row and core: the compiled forest against XGBoost's ``pred_contribs``, medians of interleaved runs.

    python tests/benchmarks/bench_forest.py [rounds of the benchmark]

CPU time of one thread, so that a busy machine disturbs less; read the ratios, not the times.
"""

import os
import sys
import time
from collections.abc import Callable
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import xgboost

from exodx.frozen.archive import write_compiled
from exodx.frozen.boosters import compile_boosters
from exodx.frozen.compiled import CompiledForest
from exodx.frozen.kernels import native_kernel, numpy_kernel

FEATURES = 30


def specimens(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, FEATURES))
    x[rng.random(x.shape) < 0.03] = np.nan
    return x


def grown(n: int, depth: int, trees: int = 300, max_bin: int = 256) -> xgboost.Booster:
    """Grow trees on n specimens, half of whose signal needs two features together."""
    x = specimens(n, seed=1)
    a, b, c, d = np.nan_to_num(x[:, :4]).T
    y = (a + 0.5 * b * c + 0.3 * d + np.random.default_rng(2).normal(size=n) > 0).astype(int)
    params = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.1, "nthread": 1, "max_bin": max_bin}
    return xgboost.train(params, xgboost.QuantileDMatrix(x, y, max_bin=max_bin), trees)


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def ways(booster: xgboost.Booster, forest: CompiledForest, scale: float) -> dict[str, tuple[Callable[[], object], int]]:
    """Return what is measured and on how many rows: XGBoost gets fewer, and a new DMatrix each time (predictions are cached)."""
    booster.set_param({"nthread": 1})
    few, many = specimens(max(200, int(3000 * scale)), 3), specimens(int(41_000 * scale), 4)
    both = {"numpy": numpy_kernel(), "native": native_kernel()}
    found: dict[str, tuple[Callable[[], object], int]] = {
        "pred_contribs": (lambda: booster.predict(xgboost.DMatrix(few, nthread=1), pred_contribs=True), len(few)),
        "margin, XGBoost": (lambda: booster.inplace_predict(many, predict_type="margin"), len(many)),
    }
    for name, kernel in both.items():
        if kernel:
            found[name] = (lambda kernel=kernel: forest.contributions(many, kernel=kernel), len(many))
            found[f"margin, {name}"] = (lambda kernel=kernel: forest.margin(many, kernel=kernel), len(many))
    return found


def main(rounds: int) -> None:
    for name, n, depth, max_bin, scale in (
        ("stumps, 200 specimens", 200, 1, 32, 1.0),
        ("depth 3, 200 specimens", 200, 3, 256, 1.0),
        ("depth 3, 200 specimens, 32 bins", 200, 3, 32, 1.0),
        ("depth 6, 200 specimens", 200, 6, 256, 1.0),
        ("depth 3, 20,000 specimens", 20_000, 3, 256, 1.0),
        ("depth 6, 20,000 specimens", 20_000, 6, 256, 0.1),
    ):
        booster = grown(n, depth, max_bin=max_bin)
        ubjson = bytes(booster.save_raw("ubj"))
        start = time.process_time()
        forest = compile_boosters([(ubjson, 1.0)])
        built = time.process_time() - start
        measured = ways(booster, forest, scale)
        for work, _ in measured.values():
            work()
        times: dict[str, list[float]] = {key: [] for key in measured}
        for _ in range(rounds):
            for key, (work, rows) in measured.items():
                times[key].append(1e6 * seconds(work) / rows)
        medians = {key: median(values) for key, values in times.items()}
        print(f"{name}: {len(write_compiled(forest)) / 1e3:.0f} kB, compiled in {1e3 * built:.0f} ms")
        for key, value in medians.items():
            against = medians["margin, XGBoost" if key.startswith("margin") else "pred_contribs"]
            print(f"    {key:18} {value:9.2f} µs a row {against / value:7.1f}×", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
