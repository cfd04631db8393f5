"""A cohort scored by the workers of a Dask cluster: they score row groups, this machine writes what they give, in order.

So the output is the local engine's to the byte, appears whole or not at all, and an interrupted job is resumed as a local one is.
"""

from __future__ import annotations

import glob
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from dask import config
from distributed import CancelledError, Client, Future, KilledWorker, LocalCluster
from distributed.comm import CommClosedError, resolve_address

from exodx.errors import ModelRefused, Problem, UsageError
from exodx.scoring import run
from exodx.scoring.engine import Cluster, Files, is_address
from exodx.scoring.errand import Answer, Group, errand_of, handed, run_errand, versions_here
from exodx.scoring.job import Job, NotInPieces, Outcome
from exodx.scoring.journal import Partial
from exodx.scoring.plan import Plan, plan_of_files
from exodx.scoring.stored import Stored, fetch, is_alone, stored_files, unreadable
from exodx.scoring.stream import written

RETRIES = 2
"""How often a row group is tried again whose file could not be read."""
SETTINGS = {"distributed.admin.large-graph-warning-threshold": "1GB"}
"""A model is part of the work, and may be large."""


class _LostCluster(Exception):
    """The scheduler is gone, or workers keep dying."""


def on_cluster(job: Job, cohort: str, cluster: Cluster) -> Outcome:
    """Score a cohort on a cluster; see :func:`exodx.scoring.score_on_cluster`."""
    files = stored_files(cohort)
    with config.set(SETTINGS), _client(cluster) as client:
        if sum(file.size for file in files) < run.LARGE:
            return _here(job, cohort, files, "it is small")
        try:
            plan = None if job.joined else plan_of_files(job, files, alone=is_alone(cohort))
            outcome = None if plan is None else written(plan, partial(_fill, client, cluster.bundle))
        except NotInPieces:
            outcome = None
        except _LostCluster as error:
            fix = "See the workers' logs (memory?) and use --resume to go on from here."
            raise UsageError(Problem("CLUSTER_LOST", cluster.scheduler or "--engine dask", str(error), fix)) from None
        except OSError as error:
            raise unreadable(cohort, error) from None
    return outcome if outcome is not None else _here(job, cohort, files, "it must be looked at as a whole")


@contextmanager
def _client(cluster: Cluster) -> Iterator[Client]:
    with ExitStack() as stack:
        try:
            if cluster.scheduler is not None:
                resolve_address(cluster.scheduler)  # a client of an address that is none would hang
            where = cluster.scheduler or stack.enter_context(_workers_here(cluster.workers))
            client = stack.enter_context(Client(where, timeout=cluster.seconds, set_as_default=False))
            client.wait_for_workers(1, timeout=cluster.seconds)
        except (OSError, ValueError) as error:
            found = f"no scheduler with a worker answered ({str(error).splitlines()[0]})"
            fix = "Check the address and that workers run; without --scheduler workers are started here."
            raise UsageError(Problem("SCHEDULER_SILENT", cluster.scheduler or "--engine dask", found, fix)) from None
        yield client


def _workers_here(n: int) -> LocalCluster:
    """Start workers that an interruption at the terminal does not reach: it is meant for whoever started them."""
    at_terminal = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if at_terminal else None
    try:
        return LocalCluster(n, threads_per_worker=1, processes=True, dashboard_address=None)
    finally:
        if at_terminal:
            signal.signal(signal.SIGINT, before)


def _fill(client: Client, bundle: Files, plan: Plan, output: Partial, kind: str) -> None:
    """Have every row group scored that is not there yet, a few ahead of the one that is written next."""
    groups, done = _groups(plan), set(output.blocks)
    todo = [group for group in groups if not done.issuperset(range(group.number, group.number + group.n_blocks))]
    of = sum(group.n_blocks for group in groups)
    waiting: deque[tuple[Group, Future]] = deque()
    try:
        errand = client.submit(handed, errand_of(plan, bundle, kind), pure=False)
        for group in todo:
            waiting.append((group, client.submit(run_errand, errand, group, pure=False, retries=RETRIES)))
            if len(waiting) > 2 * sum(client.nthreads().values()):
                _take(plan.job, output, waiting, done, of)
        while waiting:
            _take(plan.job, output, waiting, done, of)
    finally:
        client.cancel([future for _, future in waiting])


def _groups(plan: Plan) -> list[Group]:
    groups, number, first = [], 0, 0
    for i, source in enumerate(plan.files):
        assert isinstance(source, Stored)
        for k, n in enumerate(source.groups()):
            groups.append(Group(source, k, i, number, -(-n // source.rows), first))
            number, first = number + groups[-1].n_blocks, first + n
    return groups


def _take(job: Job, output: Partial, waiting: deque[tuple[Group, Future]], done: set[int], of: int) -> None:
    group, future = waiting.popleft()
    answer = _answer(group, future)
    if answer.strange:
        raise _different(answer.strange)
    if answer.refused:
        raise ModelRefused(answer.refused)
    if answer.whole or len(answer.parts) != group.n_blocks:
        raise NotInPieces(answer.whole or "another number of blocks than announced")
    for number, part in enumerate(answer.parts, group.number):
        if number not in done:
            output.add(number, part)
    job.progress(group.number + group.n_blocks, of, output.tallies.n)


def _answer(group: Group, future: Future) -> Answer:
    try:
        answer: Answer = future.result()
    except KilledWorker as error:
        raise _LostCluster(str(error).splitlines()[0]) from None
    except (CancelledError, CommClosedError) as error:
        raise _LostCluster(f"the scheduler is gone ({error})") from None
    except OSError as error:
        raise unreadable(group.source.url, error) from None
    except (ImportError, RuntimeError) as error:  # Dask's, where the task itself cannot be read there
        raise _different(f"scheduler or workers cannot read the task ({_reason(error)})") from None
    return answer


def _different(found: str) -> UsageError:
    fix = f"Install {' and '.join(versions_here())} on the scheduler and all workers."
    return UsageError(Problem("WORKERS_DIFFER", "--engine dask", found, fix))


def _reason(error: BaseException) -> str:
    return str(error.__cause__ or error).strip().splitlines()[0]


def _here(job: Job, cohort: str, files: list[Stored], why: str) -> Outcome:
    """Score a cohort on this machine, as the local engine does; files of a store are fetched for it."""
    with tempfile.TemporaryDirectory() as scratch:
        if is_address(cohort):
            path = Path(scratch) / job.path.name
            in_folder = not is_alone(cohort) and not glob.has_magic(path.name)
            (path if in_folder else path.parent).mkdir(exist_ok=True)
            fetch(files, path if in_folder else path.parent)
            job = replace(job, path=path)
        outcome = run.as_a_whole(job)
    return replace(outcome, notes=(*outcome.notes, f"the cohort was scored on this machine: {why}"))
