"""What a tracking server does not let a person do, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow.exceptions import MlflowException

from exodx.errors import Problem, UsageError
from exodx.tracking.store import without_password

DENIED = "PERMISSION_DENIED"


@contextmanager
def if_allowed() -> Iterator[None]:
    """Say so where the server refuses a person; every other failure is passed on.

    Raises
    ------
    UsageError
    """
    try:
        yield
    except MlflowException as error:
        if error.error_code != DENIED:
            raise
        fix = "Log in (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD) as someone who may, or ask who runs the server."
        where = without_password(mlflow.get_tracking_uri())
        raise UsageError(Problem("NOT_ALLOWED", where, "the server does not let this account decide about models", fix)) from None
