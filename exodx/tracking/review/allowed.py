"""What a tracking server does not let a person do, and that it is gone, in words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow.exceptions import MlflowException

from exodx.errors import Problem, UsageError
from exodx.tracking.store import without_password

DENIED = "PERMISSION_DENIED"
GONE = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE")
"""What MLflow calls a server that does not answer, or errs, and a database that is locked."""

LONGEST = 300


@contextmanager
def if_allowed() -> Iterator[None]:
    """Say so where the server refuses a person, or is gone; every other failure is passed on.

    Raises
    ------
    UsageError
    """
    try:
        yield
    except MlflowException as error:
        where = without_password(mlflow.get_tracking_uri())
        if error.error_code in GONE:
            found = textwrap.shorten(without_password(str(error)), LONGEST, placeholder=" …")
            fix = "Look at the review log once it is back (exodx review log): what stands there is done; if not, do it again."
            raise UsageError(Problem("STORE_LOST", where, found, fix)) from None
        if error.error_code != DENIED:
            raise
        fix = "Log in (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD) as someone who may, or ask who runs the server."
        raise UsageError(Problem("NOT_ALLOWED", where, "the server does not let this account decide about models", fix)) from None
