"""The embedded store appears whole: MLflow makes its tables in dozens of steps; one that was interrupted is refused for good."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from exodx.place import SCRATCH, settle

DATABASE, ARTIFACTS = "mlflow.db", "artifacts"


def make_store(home: Path) -> Path:
    """Make the database of a home's embedded store, unless it is there; return its path.

    Two processes may do so at once: the first one to be done makes it, and the other takes that.

    Raises
    ------
    OSError
        When nothing can be written there.
    """
    database = home / DATABASE
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=home, prefix=SCRATCH) as scratch:  # also asks whether anything can be written there
        if not database.exists():
            made = Path(scratch) / DATABASE
            SqlAlchemyStore(f"sqlite:///{made}", (home / ARTIFACTS).as_uri()).engine.dispose()
            settle(made)
            _put(made, database)
    return database


def _put(made: Path, database: Path) -> None:
    """Put it there, but never over another's: that may hold runs already."""
    try:
        os.link(made, database)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not database.exists():
            made.rename(database)
