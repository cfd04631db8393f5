"""MLFLOW: what a run is, where runs live, and the model in the registry."""

from exodx.shelf import home_folder
from exodx.tracking.class_record import class_record
from exodx.tracking.commits import commit_tags
from exodx.tracking.external import track_external
from exodx.tracking.log import LoggedRun, log_run
from exodx.tracking.recalibrated import register_recalibrated
from exodx.tracking.record import ChildRun, RunRecord
from exodx.tracking.registry import fetch_bundle
from exodx.tracking.store import LOOPBACK, Store, open_store, serve_ui
from exodx.tracking.study_record import study_record

__all__ = [
    "LOOPBACK",
    "ChildRun",
    "LoggedRun",
    "RunRecord",
    "Store",
    "class_record",
    "commit_tags",
    "fetch_bundle",
    "home_folder",
    "log_run",
    "open_store",
    "register_recalibrated",
    "serve_ui",
    "study_record",
    "track_external",
]
