"""Outer folds side by side: each is fitted on one thread, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from exodx.errors import InputRefused
from exodx.panel import StudyPlan
from exodx.training.fold_store import NOT_KEPT, FoldStore

Result = TypeVar("Result")

Fit = Callable[[int, int], Result | InputRefused]
"""Of repeat and fold; returns the refusal where too little is left to learn from."""


def run_folds(
    fit: Fit[Result], folds: NDArray[np.intp], plan: StudyPlan, jobs: int, tick: Callable[[], None], kept: FoldStore = NOT_KEPT
) -> list[tuple[int, int, Result]]:
    """Run every fold of every repeat and return (repeat, fold, result) in order; folds that were refused are left out.

    Parameters
    ----------
    fit : callable
    folds : ndarray of int, shape (R, n)
    plan : StudyPlan
        Fits of a ``minimal`` budget are over before a process has started: they share one.
    jobs : int
        How many at a time; changes the time only. Under ``joblib.parallel_config`` the work goes wherever that says.
    tick : callable
        Called as each is done.
    kept : FoldStore, optional
        What is there is not fitted again; what is not is kept there once it is fitted.

    Raises
    ------
    InputRefused
        When all are refused, with the first one's problems.
    """
    tasks = [(r, f) for r in range(len(folds)) for f in range(int(folds[r].max()) + 1)]
    prefer = "threads" if plan.budget == "minimal" else "processes"
    running = Parallel(n_jobs=min(jobs, len(tasks)), prefer=prefer, return_as="generator")(
        delayed(_fitted_once)(fit, kept, r, f) for r, f in tasks
    )
    done, refusals = [], []
    for (repeat, fold), result in zip(tasks, running, strict=True):
        tick()
        if isinstance(result, InputRefused):
            refusals.append(result)
        else:
            done.append((repeat, fold, result))
    if not done:
        raise InputRefused(refusals[0].problems)
    return done


def _fitted_once(fit: Fit[Result], kept: FoldStore, repeat: int, fold: int) -> Result | InputRefused:
    found: Result | None = kept.fetch(repeat, fold)
    if found is not None:
        return found
    with threadpool_limits(1):
        result = fit(repeat, fold)
    if not isinstance(result, InputRefused):
        kept.keep(repeat, fold, result)
    return result
