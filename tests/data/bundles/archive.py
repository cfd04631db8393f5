"""Archive bundles of the current format versions: models trained on simulated specimens, with their answers on others.

python tests/data/bundles/archive.py binary | multiclass
"""

import json
import sys
from pathlib import Path

import numpy as np

from exodx.cohort import ClassChoice, Intake, SimulatedStudy, frame_cohort, simulate
from exodx.frozen import class_bundle, load_bundle, save_bundle
from exodx.frozen.bundle import FORMAT_VERSION
from exodx.panel import StudyPlan, load_panel
from exodx.training import train_classes, train_model

HERE = Path(__file__).parent
PANEL = load_panel("athero-3")
PLAN = StudyPlan(budget="minimal", seed=1)
BINARY = Intake(PANEL, "group", "case")


def numbers(values):
    return [[None if np.isnan(v) else v for v in row] for row in np.atleast_2d(values).tolist()]


def archive(model, folder):
    if folder.exists():
        raise SystemExit(f"{folder} is archived already and stays as it is")
    frame = simulate(PANEL, SimulatedStudy(n=24, not_run_share=0.2, seed=2))[["specimen_id", "group", *PANEL.names]]
    new = frame_cohort(frame, BINARY)
    model_hash = save_bundle(model, folder / "bundle")
    expected = {
        "rows": {name: frame[name].tolist() for name in ("specimen_id", *PANEL.names)},
        "model_hash": model_hash,
        **answers(load_bundle(folder / "bundle")[0], new),
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def answers(model, new):
    prediction = model.predict(new.measurements, new.ids)
    told = {"status": list(prediction.status), "call": list(prediction.call), "margin": numbers(prediction.margin)[0]}
    explained = model.explain(new.measurements)
    if isinstance(explained, list | tuple):
        return told | {"probabilities": numbers(prediction.probabilities), "shap": [numbers(e.values) for e in explained]}
    return told | {"shap": numbers(explained.values)}


def three_classes():
    """Give controls of whom every other has another condition, which triples PD-L1."""
    frame = simulate(PANEL, SimulatedStudy(n=90, effect=2.0, seed=1))
    odd = np.arange(len(frame)) % 2 == 1
    control = frame["group"] == "control"
    frame.loc[control & odd, "group"] = "other"
    tripled = [f"{3 * float(c):.2f}" if o and c and c[0] != "<" else c for c, o in zip(frame["PD-L1"], control & odd, strict=True)]
    return frame_cohort(frame.assign(**{"PD-L1": tripled}), Intake(PANEL, "group", classes=ClassChoice()))


if __name__ == "__main__":
    if sys.argv[1:] == ["multiclass"]:
        archive(train_classes(three_classes(), PLAN), HERE / f"multiclass-{class_bundle.FORMAT_VERSION}")
    elif sys.argv[1:] == ["binary"]:
        cohort = frame_cohort(simulate(PANEL, SimulatedStudy(n=120, seed=1)), BINARY)
        archive(train_model(cohort, PLAN), HERE / f"format-{FORMAT_VERSION}")
    else:
        raise SystemExit(__doc__)
