"""A cohort scored by the workers of a cluster is the local engine's to the byte, whatever happens to the workers."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("distributed", reason="Dask is an extra: pip install 'exodx[dask]'")

from exodx.errors import InputRefused, ModelRefused, Problem, UsageError
from exodx.frozen import save_bundle
from exodx.scoring import Cluster, Explain, Job, Shard, bundle_files, engine, partial_folder, run, score_cohort, score_on_cluster
from tests.scoring.cluster_calls import cohort_table, two_workers, write_parts

SIZES = (2500, 1, 1999, 1500)
N = sum(SIZES)


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Make the cohort large; workers cut it as they always do: into row groups, and these into 1024 rows or more."""
    monkeypatch.setattr(run, "LARGE", 0)


@pytest.fixture(scope="module")
def workers():
    with two_workers() as (address, client):
        yield address, client


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "bundle"
    return folder, save_bundle(model, folder)


@pytest.fixture(scope="module")
def table(athero):
    return cohort_table(athero, N)


@pytest.fixture(scope="module")
def parts(table, tmp_path_factory):
    return write_parts(table, tmp_path_factory.mktemp("cohort") / "parts", SIZES, 700)


@pytest.fixture
def job(parts, model, bundle, tmp_path):
    return Job(parts, model, bundle[1], Explain.ALL, tmp_path / "local.csv", threads=2)


@pytest.fixture
def cluster(bundle, workers):
    return Cluster(bundle_files(bundle[0]), workers[0], seconds=20)


def assert_same(job, cluster, cohort=None):
    """Score with both engines; return the cluster's outcome."""
    local = score_cohort(job)
    other = replace(job, out=job.out.with_name(f"cluster{job.out.suffix}"))
    outcome = score_on_cluster(other, str(cohort or job.path), cluster)
    assert other.out.read_bytes() == job.out.read_bytes()
    assert (outcome.model_id, outcome.calls) == (local.model_id, local.calls)
    assert not partial_folder(other.out).exists()
    return local, outcome


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("explain", [Explain.ALL, Explain.TOP3])
def test_every_format_is_the_same_to_the_byte(kind, explain, job, cluster):
    local, outcome = assert_same(replace(job, out=job.out.with_suffix(f".{kind}"), explain=explain), cluster)
    assert outcome.notes == local.notes
    assert outcome.calls.total() == N


def test_a_file_and_a_pattern_of_files_are_cohorts_too(job, cluster):
    for cohort in (job.path / "part-02.parquet", job.path / "part-0[13].parquet"):
        local, outcome = assert_same(replace(job, path=cohort), cluster)
        assert outcome.notes == local.notes


def test_several_classes_and_specimens_without_ids(class_model, table, cluster, tmp_path):
    folder = tmp_path / "bundle"
    model_hash = save_bundle(class_model, folder)
    panel = class_model.panel
    wide = cohort_table(panel, 3000, seed=2).drop_columns("specimen_id")
    parts = write_parts(wide, tmp_path / "parts", (1000, 2000), 600)
    job = Job(parts, class_model, model_hash, Explain.ALL, tmp_path / "local.csv")
    assert_same(job, replace(cluster, bundle=bundle_files(folder)))
    ids = {line.split(",")[0] for line in job.out.read_text().splitlines()[1:]}
    assert ids == {f"row-{i}" for i in range(1, 3001)}


def test_a_worker_killed_in_the_middle_changes_nothing(job, bundle, tmp_path):
    """One of two workers gets SIGKILL while row groups are worked on; they are done again elsewhere."""
    score_cohort(job)
    killed = []
    with two_workers() as (address, client):
        victims = list(client.run(os.getpid).values())

        def kill(done, of, specimens):
            if not killed:
                assert specimens < N / 2
                os.kill(victims[0], signal.SIGKILL)
                killed.append(victims[0])

        other = replace(job, out=tmp_path / "cluster.csv", progress=kill)
        score_on_cluster(other, str(job.path), Cluster(bundle_files(bundle[0]), address))
        client.wait_for_workers(2, timeout=30)
        assert victims[0] not in client.run(os.getpid).values()
    assert killed
    assert other.out.read_bytes() == job.out.read_bytes()


def test_an_interrupted_job_goes_on_to_the_same_bytes(job, cluster, tmp_path):
    def stop(done, of, specimens):
        if specimens > 1400:
            raise KeyboardInterrupt

    score_cohort(job)
    other = replace(job, out=tmp_path / "cluster.csv", progress=stop)
    with pytest.raises(KeyboardInterrupt):
        score_on_cluster(other, str(job.path), cluster)
    assert not other.out.exists()
    outcome = score_on_cluster(replace(job, out=other.out, resume=True), str(job.path), cluster)
    assert "resumed after 2" in outcome.notes[-1]
    assert other.out.read_bytes() == job.out.read_bytes()


def test_what_only_the_whole_can_tell_is_told_from_the_whole(table, job, cluster, tmp_path):
    """An id that stands in two files, a cell that cannot be read, values in another unit: refused as by the local engine."""
    ids = table["specimen_id"].to_pylist()
    twice = table.set_column(table.column_names.index("specimen_id"), "specimen_id", pa.array([*ids[:-1], ids[3]]))
    cells = table["miR-145-5p"].cast(pa.string()).to_pylist()
    unread = table.set_column(
        table.column_names.index("miR-145-5p"), "miR-145-5p", pa.array([*cells[:4100], "high", *cells[4101:]])
    )
    large = [
        f"{1e6 * float(cell)}" if cell and cell[0].isdigit() else cell for cell in table["PD-L1"].cast(pa.string()).to_pylist()
    ]
    shifted = table.set_column(table.column_names.index("PD-L1"), "PD-L1", pa.array(large))
    for i, wrong in enumerate((twice, unread, shifted)):
        wrong_job = replace(job, path=write_parts(wrong, tmp_path / f"parts{i}", SIZES, 700))
        with pytest.raises(InputRefused) as local:
            score_cohort(wrong_job)
        with pytest.raises(InputRefused) as far:
            score_on_cluster(wrong_job, str(wrong_job.path), cluster)
        assert far.value.problems == local.value.problems
    going_on = replace(job, path=tmp_path / "parts1", keep_going=True)
    assert_same(going_on, cluster)
    assert "high" in job.out.read_text()


def test_a_small_cohort_is_scored_here_and_says_so(job, cluster, monkeypatch):
    monkeypatch.setattr(run, "LARGE", 1 << 22)
    _, outcome = assert_same(job, cluster)
    assert outcome.notes[-1] == "the cohort was scored on this machine: it is small"


def test_a_worker_refuses_another_model_and_a_damaged_one(job, cluster):
    with pytest.raises(ModelRefused, match="HASH_DIFFERS"):
        score_on_cluster(replace(job, model_hash="f" * 64), str(job.path), cluster)
    damaged = tuple((name, data[:-1] if name == "forest.ubj" else data) for name, data in cluster.bundle)
    with pytest.raises(ModelRefused) as refused:
        score_on_cluster(job, str(job.path), replace(cluster, bundle=damaged))
    assert [problem.code for problem in refused.value.problems] == ["FILE_CHANGED"]
    assert not job.out.exists()


def test_a_file_that_vanishes_from_a_worker_is_a_refusal_of_the_store(job, cluster, tmp_path):
    """What the client can read a worker may not: the file goes once it was planned."""
    gone = write_parts(pq.read_table(job.path), tmp_path / "gone", SIZES, 700)

    def remove(done, of, specimens):
        (gone / "part-03.parquet").unlink(missing_ok=True)

    with pytest.raises(InputRefused, match="STORE_UNREADABLE"):
        score_on_cluster(replace(job, path=gone, progress=remove), str(gone), cluster)
    assert not job.out.exists()


def test_refusals_before_any_work(job, cluster, tmp_path, monkeypatch):
    cohort = str(job.path)
    with pytest.raises(UsageError, match="SHARD_UNAVAILABLE"):
        score_on_cluster(replace(job, shard=Shard(1, 2)), cohort, cluster)
    for address in ("tcp://127.0.0.1:1", "nonsense://x", "tcp://127.0.0.1:no"):
        with pytest.raises(UsageError, match="SCHEDULER_SILENT"):
            score_on_cluster(job, cohort, replace(cluster, scheduler=address, seconds=0.5))
    (tmp_path / "c.csv").write_text("specimen_id\nA\n")
    for cohort_, code in (
        (str(tmp_path / "c.csv"), "ENGINE_PARQUET"),
        (str(tmp_path / "none"), "FILE_MISSING"),
        ("nosuch://bucket/x", "STORE_UNREADABLE"),
        ("memory://empty/*.parquet", "FILE_MISSING"),
    ):
        with pytest.raises(InputRefused, match=code):
            score_on_cluster(job, cohort_, cluster)
    assert not job.out.exists()


def test_without_dask_it_says_what_to_install(job, cluster, monkeypatch):
    def missing(*arguments):
        raise ModuleNotFoundError("No module named 'distributed'", name="distributed")

    monkeypatch.setattr(engine.doors, "on_cluster", missing)
    with pytest.raises(UsageError, match=r"ENGINE_MISSING.*pip install 'exodx\[dask\]'"):
        score_on_cluster(job, str(job.path), cluster)

    def broken(*arguments):
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr(engine.doors, "on_cluster", broken)
    with pytest.raises(ModuleNotFoundError, match="numpy"):
        score_on_cluster(job, str(job.path), cluster)


def test_a_refusal_travels_between_processes():
    import pickle

    problems = (Problem("A", "b", "c", "d"), Problem("E", "f", "g", "h"))
    for kind in (InputRefused, ModelRefused, UsageError):
        back = pickle.loads(pickle.dumps(kind(problems)))
        assert (type(back), back.problems, str(back)) == (kind, problems, str(kind(problems)))


def test_row_groups_are_numbered_as_the_local_engine_numbers_blocks(job, monkeypatch):
    from exodx.scoring import cluster as of_dask
    from exodx.scoring.blocks import cohort_blocks
    from exodx.scoring.plan import plan_of, plan_of_files
    from exodx.scoring.stored import stored_files

    local = plan_of(job)
    plan = plan_of_files(job, stored_files(str(job.path)), alone=False)
    blocks = list(cohort_blocks(local.files, [local.columns] * len(local.files)))
    groups = of_dask._groups(plan)
    numbers = np.concatenate([np.arange(g.number, g.number + g.n_blocks) for g in groups])
    assert numbers.tolist() == [block.number for block in blocks]
    firsts = {block.number: block.first for block in blocks}
    assert [g.first for g in groups] == [firsts[g.number] for g in groups]
