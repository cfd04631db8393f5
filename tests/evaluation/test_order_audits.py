"""A change down the file is told from the order of rows, within classes and sites; a shuffled file tells nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort
from exodx.evaluation.order_audits import audit_order
from exodx.panel import Analyte, Panel

N, P = 100, 8
NAMES = [f"protein {j}" for j in range(P)]
PANEL = Panel("p", "1", "t", tuple(Analyte(n, "protein", "log2", fraction="ev") for n in NAMES))


def values(seed=0):
    rng = np.random.default_rng(seed)
    return 8 + rng.normal(size=(N, 1)) + rng.normal(size=(N, P))


def found(table, y=None, site=None, labelled=True):
    frame = pd.DataFrame(table, columns=NAMES).assign(group=["x", "y"] * (N // 2) if y is None else y)
    if site is not None:
        frame["site"] = site
    intake = Intake(PANEL, "group", "x") if labelled else Intake(PANEL)
    return audit_order(frame_cohort(frame if labelled else frame.drop(columns="group"), intake))


def test_a_file_in_the_order_of_chance_is_hardly_ever_named():
    """Once in a thousand times by its limit."""
    assert not any(found(values(seed)) for seed in range(30))


@pytest.mark.parametrize(("what", "alter"), [("level", lambda v: v + 3), ("spread", lambda v: 8 + 0.2 * (v - 8))])
@pytest.mark.parametrize("labelled", [True, False])
def test_one_column_that_changes_halfway(what, alter, labelled):
    table = values()
    table[N // 2 :, 3] = alter(table[N // 2 :, 3])
    (finding,) = found(table, labelled=labelled)
    assert (finding.code, finding.severity) == ("step_in_file", "warning")
    assert f"protein 3 ({what})" in finding.message
    assert found(table[np.random.default_rng(1).permutation(N)], labelled=labelled) == []


def test_batches_are_told_as_one():
    table = values()
    table[N // 2 :, :] += 3
    (finding,) = found(table)
    assert (finding.code, finding.severity) == ("batches_in_order", "note")


def test_a_file_sorted_by_class_or_by_site_is_none_to_mind():
    table, half = values(), np.arange(N) < N // 2
    table[half] += 3
    assert found(table, y=np.where(half, "x", "y")) == []
    assert found(table, site=np.where(half, "A", "B")) == []


def test_few_values_and_scores_tell_nothing():
    table = values()
    table[:, 3] = np.where(np.arange(N) < N // 2, 1.0, 2.0)
    table[20:, 4] = np.nan
    assert found(table) == []
