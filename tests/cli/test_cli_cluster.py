"""``exodx predict --engine dask``: the real command line with workers of its own, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("distributed", reason="Dask is an extra: pip install 'exodx[dask]'")

import pyarrow as pa
import pyarrow.parquet as pq

from tests.cli.calls import DATA, run
from tests.scoring.cluster_calls import cohort_table

NEW = DATA / "new.csv"


@pytest.fixture(scope="module")
def large(athero, tmp_path_factory):
    """Give two Parquet files of more than 4 MB together: a column of notes makes them large."""
    folder = tmp_path_factory.mktemp("cohort") / "parts"
    folder.mkdir()
    table = cohort_table(athero, 4000)
    notes = pa.array([os.urandom(600).hex() for _ in range(4000)])
    table = table.append_column("remark", notes)
    for i in range(2):
        pq.write_table(table.slice(2000 * i, 2000), folder / f"part-{i}.parquet", row_group_size=1200)
    assert sum(path.stat().st_size for path in folder.iterdir()) > 1 << 22
    return folder


def test_workers_started_for_the_job_give_the_local_engines_bytes(trained, large, tmp_path):
    local = run("predict", large, "--model", trained.bundle, "-o", tmp_path / "local.parquet")
    done = run("predict", large, "--model", trained.bundle, "-o", tmp_path / "far.parquet", "--engine", "dask", "--jobs", 2)
    assert done.code == local.code, done.err
    assert (tmp_path / "far.parquet").read_bytes() == (tmp_path / "local.parquet").read_bytes()
    assert done.err.replace("far.parquet", "local.parquet") == local.err
    put = run("predict", large.as_uri(), "--model", trained.bundle, "-o", (tmp_path / "on" / "s.csv").as_uri(), "--engine", "dask")
    assert put.code == local.code, put.err
    printed = run("predict", large, "--model", trained.bundle)
    assert (tmp_path / "on" / "s.csv").read_text() == printed.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far.parquet", "local.parquet", "on"]


def test_what_makes_no_sense_is_refused_at_once(trained, large, cli, tmp_path):
    base = ("predict", large, "--model", trained.bundle, "-o", tmp_path / "s.csv")
    for arguments, code, exit_code in (
        ((*base, "--scheduler", "tcp://127.0.0.1:8786"), "ENGINE_LOCAL", 2),
        (("predict", "s3://bucket/c", *base[2:]), "ENGINE_LOCAL", 2),
        ((*base[:4], "-o", "s3://bucket/s.csv"), "ENGINE_LOCAL", 2),
        ((*base[:4], "-o", "memory://b/s.csv", "--engine", "dask", "--resume"), "RESUME_UNAVAILABLE", 2),
        ((*base, "--engine", "dask", "--shard", "1/2"), "SHARD_UNAVAILABLE", 2),
        ((*base, "--engine", "dask", "--scheduler", "carrier-pigeon://loft"), "SCHEDULER_SILENT", 2),
        (("predict", NEW, *base[2:], "--engine", "dask"), "ENGINE_PARQUET", 3),
        (("predict", "nosuch://bucket/c", *base[2:], "--engine", "dask"), "STORE_UNREADABLE", 3),
    ):
        done = cli(*arguments)
        assert (done.code, code in done.err) == (exit_code, True), done.err
    assert cli(*base, "--engine", "abacus").code == 2
    assert list(tmp_path.iterdir()) == []


def test_without_dask_it_says_what_to_install(trained, large, tmp_path):
    """In a process in which Dask cannot be imported; the local engine works there as ever."""
    hide = "import sys; sys.modules['dask'] = sys.modules['distributed'] = None; from exodx.cli import main; main()"
    command = [sys.executable, "-c", hide, "predict", str(large), "--model", str(trained.bundle), "-o", str(tmp_path / "s.csv")]
    done = subprocess.run([*command, "--engine", "dask"], capture_output=True, text=True, check=False)
    assert (done.returncode, "[ENGINE_MISSING]" in done.stderr) == (2, True), done.stderr
    assert "pip install 'exodx[dask]'" in done.stderr
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode in (0, 5)
