"""What can be learned from decides everything that is kept of the training cohort: shares, margins, thresholds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort
from exodx.errors import InputRefused
from exodx.frozen import Measurements, State
from exodx.frozen.measurements import BLOCKING
from exodx.panel import Analyte, Panel, StudyPlan
from exodx.training import prepare, train_model
from exodx.training.multiclass import check_classes
from tests.classes import class_cohort

PLAN = StudyPlan(inner_folds=2, budget="minimal")


def thinned(cohort):
    """The cohort with nothing measured in six of ten controls."""
    m = cohort.measurements
    values, states = m.values.copy(), m.states.copy()
    controls = np.flatnonzero(cohort.y == 0)
    gone = controls[: int(0.6 * len(controls))]
    values[gone], states[gone] = np.nan, State.NOT_RUN
    return replace(cohort, measurements=Measurements(m.names, values, states, m.flags)), len(controls) - len(gone)


def test_probabilities_are_those_of_the_specimens_that_could_be_learned_from(make_cohort):
    cohort, left = thinned(make_cohort(n=120, seed=4))
    model = train_model(cohort, PLAN)
    data = prepare(cohort.sorted(), PLAN)
    assert (data.y == 0).sum() <= left
    assert model.provenance.n_specimens == 120
    assert model.provenance.share_positive == pytest.approx(data.y.mean())
    assert model.provenance.share_positive > model.provenance.n_positive / 120 + 0.1


def test_the_specimens_left_can_all_be_scored_by_what_is_learned_from_them():
    """A global mean over analytes found in most: without the poorest specimens more analytes count, and others fall."""
    rng = np.random.default_rng(0)
    names = [f"miR-{i}" for i in range(1, 51)]
    panel = Panel("p", "1", "t", tuple(Analyte(n, "other", "Ct") for n in names), normalisation="global_mean")
    values = rng.normal(28, 1, (100, 50))
    values[:4, 20:] = np.nan
    values[:4, 9:20] = np.nan
    values[4:6, 20:] = np.nan
    frame = dict(zip(names, values.T, strict=True)) | {"group": np.tile(["a", "b"], 50)}
    cohort = frame_cohort(pd.DataFrame(frame), Intake(panel, "group", "a"))
    data = prepare(cohort, PLAN)
    flags = data.transform.apply(cohort.measurements[data.rows]).flags
    assert not (flags & BLOCKING).any()
    train_model(cohort, PLAN)


def test_several_classes_have_no_one_share_of_cases(class_model):
    assert class_model.provenance.learned_share is None
    assert all(0 < part.provenance.learned_share < 1 for part in class_model.parts)


@pytest.mark.parametrize("asked", [{"temporal": True}, {"permutations": 2}])
def test_designs_that_several_classes_do_not_have_are_refused(asked):
    with pytest.raises(InputRefused, match="PLAN_OF_TWO_CLASSES"):
        check_classes(class_cohort(), replace(PLAN, **asked))
