"""Archive a bundle of the current format version: a model trained on simulated specimens, with its answers on others."""

import json
from pathlib import Path

import numpy as np

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.frozen import save_bundle
from exodx.frozen.bundle import FORMAT_VERSION
from exodx.panel import StudyPlan, load_panel
from exodx.training import train_model

folder = Path(__file__).parent / f"format-{FORMAT_VERSION}"
if folder.exists():
    raise SystemExit(f"{folder} is archived already and stays as it is")
panel = load_panel("athero-3")
intake = Intake(panel, "group", "case")
model = train_model(frame_cohort(simulate(panel, SimulatedStudy(n=120, seed=1)), intake), StudyPlan(budget="minimal", seed=1))
frame = simulate(panel, SimulatedStudy(n=24, not_run_share=0.2, seed=2))[["specimen_id", "group", *panel.names]]
new = frame_cohort(frame, intake)
prediction, explanation = model.predict(new.measurements, new.ids), model.explain(new.measurements)
expected = {
    "rows": {name: frame[name].tolist() for name in ("specimen_id", *panel.names)},
    "model_hash": save_bundle(model, folder / "bundle"),
    "status": prediction.status,
    "call": prediction.call,
    "margin": [None if np.isnan(m) else m for m in prediction.margin.tolist()],
    "shap": [[None if np.isnan(v) else v for v in row] for row in explanation.values.tolist()],
}
(folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
