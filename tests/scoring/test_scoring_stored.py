"""Cohorts and outputs on stores: what is found there, and that an output appears whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("fsspec", reason="fsspec comes with Dask, an extra: pip install 'exodx[dask]'")

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

from exodx.errors import InputRefused, UsageError
from exodx.frozen import save_bundle
from exodx.scoring import Cluster, Explain, Job, bundle_files, put_output, run, score_cohort, score_on_cluster
from exodx.scoring.stored import fetch, is_alone, stored_files
from tests.scoring.cluster_calls import cohort_table, two_workers, write_parts


@pytest.fixture
def memory():
    """Give an empty store in memory."""
    store = MemoryFileSystem()
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    return store


@pytest.fixture
def filled(memory, tmp_path):
    small = pa.table({"specimen_id": ["A", "B", "C"], "x": [1.0, 2.0, 3.0]})
    for name in ("part-1", "part-0", "part-10", ".hidden"):
        pq.write_table(small, tmp_path / "one.parquet", row_group_size=2)
        memory.pipe_file(f"/bucket/c/{name}.parquet", (tmp_path / "one.parquet").read_bytes())
    return memory


def test_files_are_those_of_a_folder_a_pattern_or_one_by_name(filled, tmp_path):
    folder = stored_files("memory://bucket/c")
    assert [file.path.name for file in folder] == ["part-0.parquet", "part-1.parquet", "part-10.parquet"]
    assert folder == stored_files("memory://bucket/c/") == stored_files("memory://bucket/c/*.parquet")
    assert [file.path.name for file in stored_files("memory://bucket/c/part-1*.parquet")] == ["part-1.parquet", "part-10.parquet"]
    (one,) = stored_files("memory://bucket/c/part-0.parquet")
    assert one.groups() == [2, 1]
    assert [len(batch) for batch in one.blocks(["x"])] == [2, 1]
    assert is_alone(one.url)
    assert not is_alone("memory://bucket/c")
    fetch([one], tmp_path)
    assert pq.read_table(tmp_path / "part-0.parquet")["specimen_id"].to_pylist() == ["A", "B", "C"]


def test_a_changed_file_has_another_fingerprint(tmp_path):
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"x": [1.0, 2.0]}), path)
    (before,) = stored_files(path.as_uri())
    was = before.fingerprint()
    assert was == stored_files(path.as_uri())[0].fingerprint()
    pq.write_table(pa.table({"x": [1.0, 3.0]}), path)
    assert stored_files(path.as_uri())[0].fingerprint() != was


def test_every_file_that_is_no_parquet_is_named_at_once(filled):
    filled.pipe_file("/bucket/c/_SUCCESS", b"")
    filled.pipe_file("/bucket/c/notes.txt", b"specimen_id,x\nA,1\n")
    with pytest.raises(InputRefused) as refused:
        stored_files("memory://bucket/c")
    assert [problem.where for problem in refused.value.problems] == ["memory:///bucket/c/_SUCCESS", "memory:///bucket/c/notes.txt"]
    filled.pipe_file("/bucket/d/broken.parquet", b"PAR1 and nothing else")
    with pytest.raises(InputRefused, match="STORE_UNREADABLE"):
        stored_files("memory://bucket/d")


def test_an_output_is_put_whole_and_replaces_what_was_there(memory, tmp_path):
    file = tmp_path / "s.csv"
    for content in (b"first", b"the second one"):
        file.write_bytes(content)
        put_output(file, "memory://results/new/s.csv")
        assert memory.cat_file("/results/new/s.csv") == content
        assert memory.find("/results") == ["/results/new/s.csv"]


@pytest.mark.parametrize("step", ["put_file", "info", "mv"])
def test_a_store_that_fails_on_the_way_keeps_what_was_there(step, memory, tmp_path, monkeypatch):
    file = tmp_path / "s.csv"
    file.write_bytes(b"new")
    memory.pipe_file("/results/s.csv", b"old")

    def fail(self, path, *arguments, **options):
        if step == "info":
            return {"size": 1, "type": "file", "name": path}
        raise PermissionError("the store says no")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, step, fail)
        with pytest.raises(UsageError, match="OUTPUT_UNWRITABLE"):
            put_output(file, "memory://results/s.csv")
    assert memory.cat_file("/results/s.csv") == b"old"
    assert memory.find("/results") == ["/results/s.csv"]
    with pytest.raises(UsageError, match="OUTPUT_UNWRITABLE"):
        put_output(file, "nosuch://results/s.csv")


def test_a_package_that_a_store_needs_is_named(monkeypatch):
    def missing(url, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(UsageError, match=r"STORE_PACKAGE_MISSING.*Install s3fs"):
        stored_files("s3://bucket/c")


def test_a_cohort_by_address_is_scored_as_the_folder_is(model, athero, tmp_path, monkeypatch):
    """In pieces on the workers, and where the whole must be looked at, fetched and scored here."""
    monkeypatch.setattr(run, "LARGE", 0)
    model_hash = save_bundle(model, tmp_path / "bundle")
    table = cohort_table(athero, 1500)
    parts = write_parts(table, tmp_path / "parts", (900, 600), 400)
    twice = table.set_column(0, "specimen_id", pa.array([*table["specimen_id"].to_pylist()[:-1], "SIM11-0001"]))
    assert table.column_names[0] == "specimen_id"
    wrong = write_parts(twice, tmp_path / "wrong", (900, 600), 400)
    job = Job(parts, model, model_hash, Explain.NONE, tmp_path / "local.csv")
    with two_workers() as (address, _):
        cluster = Cluster(bundle_files(tmp_path / "bundle"), address)
        for path in (parts, parts / "part-00.parquet", parts / "part-*.parquet"):
            score_cohort(replace(job, path=path))
            far = replace(job, path=path, out=tmp_path / "far.csv")
            score_on_cluster(far, f"file://{path}", cluster)
            assert far.out.read_bytes() == job.out.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(run, "LARGE", 1 << 22)
            for path in (parts, parts / "part-00.parquet", parts / "part-*.parquet"):
                score_cohort(replace(job, path=path))
                score_on_cluster(replace(far, path=path), f"file://{path}", cluster)
                assert far.out.read_bytes() == job.out.read_bytes()
        with pytest.raises(InputRefused) as local:
            score_cohort(replace(job, path=wrong))
        with pytest.raises(InputRefused) as refused:
            score_on_cluster(replace(far, path=wrong), f"file://{wrong}", cluster)
    assert [(p.code, p.found) for p in refused.value.problems] == [(p.code, p.found) for p in local.value.problems]
