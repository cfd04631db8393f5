"""A frozen model in use: opened by folder or registry, scoring a table, its evaluation written to MLflow."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from exodx.cohort import Cohort
from exodx.errors import RUO
from exodx.evaluation import Evaluation
from exodx.frozen import NOTHING_SAID, AnyModel, Conditions, DiagnosticModel, load_bundle
from exodx.frozen.bundle import model_id
from exodx.report import evaluation_page
from exodx.scoring import Explain, prediction_columns, read_specimens, score_specimens
from exodx.tables.reader import read_table
from exodx.tracking import LoggedRun, Tell, Unsent, deliver, external_record, fetch_bundle, open_store, silence
from exodx.tracking.flavour import frame_table

SCHEMES = ("models:/", "runs:/")


def open_model(model: str | Path) -> tuple[AnyModel, str]:
    """Return a model and its hash, every byte checked.

    Parameters
    ----------
    model : str or Path
        Folder of a bundle, or an MLflow URI: ``models:/name@alias``, ``models:/name/version``, ``runs:/run_id``.

    Raises
    ------
    ModelRefused
        When there is none, or it is not the one that was saved and registered.
    """
    if not str(model).startswith(SCHEMES):
        return load_bundle(Path(model))
    with TemporaryDirectory() as folder:
        return load_bundle(fetch_bundle(str(model), Path(folder)))


def predict(
    cohort: str | Path | pd.DataFrame,
    model: str | Path,
    *,
    explain: str = Explain.ALL,
    specimen: str | None = None,
    keep_going: bool = False,
    conditions: Conditions = NOTHING_SAID,
) -> pd.DataFrame:
    """Score a cohort with a frozen model, as ``exodx predict`` does: a row for every specimen, in order.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        A file, or a table with the columns that a file would have. For a file that is larger than memory:
        :func:`exodx.scoring.score_cohort`.
    model : str or Path
        As :func:`open_model` takes it.
    explain : str
        ``all`` SHAP values, the ``top3``, or ``none``.
    specimen : str, optional
        Column of specimen ids.
    keep_going : bool
        Unreadable cells make their row ``INVALID`` instead of refusing the table.
    conditions : Conditions
        What is said of the specimens, and which differences are allowed.

    Returns
    -------
    DataFrame
        ``specimen_id, status, call, probability, margin, threshold_id, reasons``, SHAP values, ``model_id, model_hash``; numbers
        that are not reported are missing. Of a DataFrame it has the index. ``attrs`` holds ``notes``, what was recognised on
        reading, and ``notice``.

    Raises
    ------
    InputRefused
        With all that is wrong with the table.
    ModelRefused
        As :func:`open_model`.
    """
    frozen, model_hash = open_model(model)
    if isinstance(cohort, (str, Path)):
        table, index = read_table(Path(cohort)), None
    else:
        table, index = frame_table(cohort, "DataFrame"), cohort.index
    specimens = read_specimens(table, frozen, specimen, keep_going=keep_going, conditions=conditions)
    scores = score_specimens(specimens, frozen, model_hash, Explain(explain))
    frame = pd.DataFrame(prediction_columns(scores, Explain(explain)), index=index)
    frame.attrs = {"notes": list(scores.notes), "notice": RUO}
    return frame


def track_evaluation(
    model: DiagnosticModel, model_hash: str, cohort: Cohort, evaluation: Evaluation, tell: Tell = silence
) -> LoggedRun | Unsent:
    """Write the evaluation of a frozen model on another cohort as an MLflow run, with its page: a review counts it.

    Parameters
    ----------
    model, model_hash
        As :func:`open_model` returned them.
    cohort : Cohort
        Its fingerprint is kept, none of its specimens.
    evaluation : Evaluation
        As :func:`exodx.evaluate_external` returned it.
    tell : callable
        Is told what a person waits for.

    Raises
    ------
    UsageError
        When MLflow's store cannot be used. A store that is lost later costs nothing: the run is kept, see :class:`Unsent`.
    """
    store = open_store(model.name, tell)
    page = evaluation_page(evaluation, model, model_id(model, model_hash))
    return deliver(external_record(model, model_hash, cohort, evaluation, page), None, store, tell)
