"""Boosters of any shape for the tests of the compiled forest."""

import numpy as np
import xgboost


def specimens(n, k, missing=0.1, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k)).astype(np.float32).astype(np.float64)
    x[rng.random(x.shape) < missing] = np.nan
    return x


def grown(n=150, k=5, rounds=10, missing=0.1, seed=0, **params):
    """Grow trees on n random specimens; the outcome needs the first features together."""
    x = specimens(n, k, missing, seed)
    known = np.nan_to_num(x)
    y = (known[:, 0] + known[:, -1] * known[:, k // 2] + np.random.default_rng(seed + 1).normal(size=n) > 0.2).astype(int)
    settings = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "seed": seed, "verbosity": 0, **params}
    return xgboost.train(settings, xgboost.DMatrix(x, y, missing=np.nan, nthread=1), rounds)


def raw(booster):
    return bytes(booster.save_raw("ubj"))


def flat(loop):
    """Return a loop for the interpreter: it takes arrays of any shape, and writes into those that it is given."""
    return lambda *given: loop(*(value.reshape(-1) if isinstance(value, np.ndarray) else value for value in given))
