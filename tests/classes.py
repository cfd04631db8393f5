"""A simulated cohort of three classes: cases, and controls of which some have another condition that triples PD-L1."""

import numpy as np
import pandas as pd

from exodx.cohort import ClassChoice, Cohort, Intake, SimulatedStudy, frame_cohort, simulate
from exodx.panel import load_panel

NAMES = ("athero", "healthy", "other")
ALL = ClassChoice()


def class_frame(names: tuple[str, str, str] = NAMES, permute: bool = False, **study) -> pd.DataFrame:
    """Return the cohort as a file would have it; with ``permute`` its classes mean nothing."""
    study = SimulatedStudy(**{"n": 90, "effect": 2.0, **study})
    frame = simulate(load_panel("athero-3"), study)
    rng = np.random.default_rng(study.seed)
    who = np.where(frame["group"] == "case", 0, 1 + (rng.random(study.n) < 0.5))
    cells = frame["PD-L1"].tolist()
    frame["PD-L1"] = [f"{3 * float(c):.2f}" if k == 2 and c and c[0] != "<" else c for c, k in zip(cells, who, strict=True)]
    who = rng.permutation(who) if permute else who
    return frame.assign(group=[names[k] for k in who])


def class_cohort(**study) -> Cohort:
    return frame_cohort(class_frame(**study), Intake("athero-3", "group", classes=ALL)).sorted()
