"""MLFLOW: what a run is, where runs live, and the model in the registry."""

import exodx.tracking.settings as settings
from exodx.shelf import home_folder
from exodx.tracking import review
from exodx.tracking.class_record import class_record
from exodx.tracking.commits import commit_tags
from exodx.tracking.delivery import Unsent, deliver, send_parcel
from exodx.tracking.external import external_record
from exodx.tracking.locked import Tell, silence
from exodx.tracking.log import ALIAS, LoggedRun, log_run
from exodx.tracking.parcel import Registration, parcels, read_parcel
from exodx.tracking.recalibrated import register_recalibrated
from exodx.tracking.record import ChildRun, RunRecord
from exodx.tracking.registry import fetch_bundle
from exodx.tracking.store import LOOPBACK, Store, open_store, serve_ui
from exodx.tracking.study_record import study_record

__all__ = [
    "ALIAS",
    "LOOPBACK",
    "ChildRun",
    "LoggedRun",
    "Registration",
    "RunRecord",
    "Store",
    "Tell",
    "Unsent",
    "class_record",
    "commit_tags",
    "deliver",
    "external_record",
    "fetch_bundle",
    "home_folder",
    "log_run",
    "open_store",
    "parcels",
    "read_parcel",
    "register_recalibrated",
    "review",
    "send_parcel",
    "serve_ui",
    "settings",
    "silence",
    "study_record",
]
