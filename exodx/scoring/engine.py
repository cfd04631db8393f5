"""Which engine scores a cohort: this machine, or a Dask cluster, which comes with the extra ``dask``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exodx.errors import Problem, UsageError
from exodx.frozen.folder import COMPANIONS
from exodx.scoring import doors
from exodx.scoring.job import WHOLE, Job, Outcome

OF_DASK = ("dask", "distributed", "fsspec")

Files = tuple[tuple[str, bytes], ...]
"""A bundle's files: paths within it and contents, in order."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cohort is scored by many.

    Parameters
    ----------
    bundle : tuple of (str, bytes)
        The model's, as it travels; see :func:`bundle_files`.
    scheduler : str, optional
        Address of Dask's scheduler; without it workers are started on this machine for the time of the job.
    workers : int
        How many are started.
    seconds : float
        How long the scheduler and a first worker are waited for.
    """

    bundle: Files
    scheduler: str | None = None
    workers: int = 1
    seconds: float = 30.0


def bundle_files(folder: Path) -> Files:
    """Return a bundle's files as they travel; the report that lies beside them stays."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in COMPANIONS)
    return tuple((path.relative_to(folder).as_posix(), path.read_bytes()) for path in files)


def is_address(place: str) -> bool:
    """Say whether a place is one on a store (``s3://…``), not a path of this machine."""
    return "://" in place


def score_on_cluster(job: Job, cohort: str, cluster: Cluster) -> Outcome:
    """Score a cohort of Parquet files on a cluster, to the bytes that :func:`exodx.scoring.score_cohort` writes.

    Every row group is a task; one whose worker dies is done again by another. This machine writes the output, in order.

    Parameters
    ----------
    job : Job
        Its path is the cohort's, or ends like its address.
    cohort : str
        A path or an address: a file, a folder, or a pattern of files' names.
    cluster : Cluster

    Raises
    ------
    InputRefused
        As the local engine does; when the store cannot be read; when a file is no Parquet file.
    ModelRefused
        When a worker cannot use the model.
    UsageError
        When Dask is not installed, its scheduler does not answer, no worker is there or they keep dying.
    """
    if job.shard != WHOLE:
        found = "a cluster deals out a cohort by itself"
        raise UsageError(Problem("SHARD_UNAVAILABLE", "--engine dask", found, "Score it without --shard."))
    try:
        return doors.on_cluster(job, cohort, cluster)
    except ModuleNotFoundError as error:
        raise _missing(error) from None


def put_output(file: Path, url: str) -> None:
    """Put a finished output on a store, whole or not at all; see :func:`exodx.scoring.stored.put`."""
    try:
        doors.put(file, url)
    except ModuleNotFoundError as error:
        raise _missing(error) from None


def _missing(error: ModuleNotFoundError) -> Exception:
    if (error.name or "").partition(".")[0] not in OF_DASK:
        return error
    fix = "Install it: pip install 'exodx[dask]'."
    return UsageError(Problem("ENGINE_MISSING", "--engine dask", f"the package {error.name} is not installed", fix))
