"""The loader module of the pyfunc flavour: MLflow calls ``_load_pyfunc`` with the bundle's folder. No pickle, no code inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import AnyType

from exodx import __version__
from exodx.cohort import SimulatedStudy, simulate
from exodx.errors import InputRefused, Problem
from exodx.frozen import AnyModel, MulticlassModel, load_bundle
from exodx.frozen.ranges import training_of
from exodx.panel import Scale
from exodx.scoring import Explain, prediction_columns, read_specimens, score_specimens
from exodx.tables.table import TextTable, cell_text

LOADER_MODULE = __name__
EXAMPLE_ROWS = 3


class BundleModel:
    """What ``mlflow.pyfunc.load_model`` returns inside: the same reading and scoring as ``exodx predict``."""

    def __init__(self, folder: Path) -> None:
        self.model, self.model_hash = load_bundle(folder)

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """Score a DataFrame with the columns a cohort file would have.

        Cells may be numbers or the words a file may hold (``Undetermined``, ``<LOD``); blanks and NaN are not run.

        Returns
        -------
        DataFrame
            The columns of ``exodx predict``, with the index of the input.
        """
        specimens = read_specimens(frame_table(model_input, "model input"), self.model, None, keep_going=False)
        scores = score_specimens(specimens, self.model, self.model_hash, Explain.ALL)
        return pd.DataFrame(prediction_columns(scores, Explain.ALL), index=model_input.index)


def frame_table(frame: pd.DataFrame, source: str) -> TextTable:
    """Return a DataFrame as the table that a file of it would be.

    Raises
    ------
    InputRefused
        When a column is there twice.
    """
    repeated = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if repeated:
        raise InputRefused(Problem("HEADER_TWICE", source, f"columns {', '.join(repeated)}", "Name each column once."))
    cells = frame.astype(object).where(frame.notna(), None)
    columns = {str(name): [cell_text(cell).strip() for cell in cells[name]] for name in cells.columns}
    return TextTable(source, columns, list(range(1, len(frame) + 1)), place="row")


def _load_pyfunc(data_path: str) -> BundleModel:
    """Load the bundle; the name is MLflow's contract."""
    return BundleModel(Path(data_path))


def input_example(model: AnyModel) -> pd.DataFrame:
    """Return three rows of the model's panel: how its input is written, nobody's measurements.

    They are simulated, and where the model keeps the quartiles of its training values they are those: it would take others for
    another unit.
    """
    frame = simulate(model.panel, SimulatedStudy(n=EXAMPLE_ROWS, site_case_shares=(0.5,)))
    kept = {a.name: training_of(model.reference, a) for a in model.panel.analytes if a.scale is not Scale.COUNTS}
    for name, training in kept.items():
        if training is not None:
            frame[name] = [f"{quartile:.6g}" for quartile in (training.p25, training.p50, training.p75)]
    return frame[["specimen_id", *model.panel.names]]


def signature(model: AnyModel) -> ModelSignature:
    """Return the signature: every analyte a column of any type (numbers or words), matched by name; the outputs of predict."""
    inputs = Schema([ColSpec(AnyType(), "specimen_id", required=False), *(ColSpec(AnyType(), name) for name in model.panel.names)])
    texts = ("specimen_id", "status", "call", "threshold_id", "reasons", "model_id", "model_hash")
    numbers = ("probability", "margin", *_explained(model))
    outputs = Schema([*(ColSpec("string", t) for t in texts), *(ColSpec("double", n) for n in numbers)])
    return ModelSignature(inputs=inputs, outputs=outputs)


def _explained(model: AnyModel) -> list[str]:
    if not isinstance(model, MulticlassModel):
        return [*(f"shap:{name}" for name in model.features), "shap:base"]
    columns = [f"probability:{name}" for name in model.classes]
    for name, part in zip(model.classes, model.parts, strict=True):
        columns += [*(f"shap:{name}:{feature}" for feature in part.features), f"shap:{name}:base"]
    return columns


def log_bundle(bundle: Path) -> Any:
    """Log a bundle into the active run; explicit requirements and signature, so nothing is run or inferred."""
    model, _ = load_bundle(bundle)
    return mlflow.pyfunc.log_model(
        name="model",
        loader_module=LOADER_MODULE,
        data_path=str(bundle),
        signature=signature(model),
        input_example=input_example(model),
        pip_requirements=[f"exodx=={__version__}"],
    )
