"""``exodx train`` killed in the middle: the second call goes on where the first one stopped, to the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from exodx.training import nested
from tests.cli.calls import DATA

FITS = 3 + 3  # random folds, and sites


def train(plan, bundle):
    return ["train", str(DATA / "train.csv"), "--plan", str(plan), "-o", str(bundle), "--no-track", "--json", "--jobs", "1"]


def killed(plan, tmp_path, home, after=2):
    """Start a study, kill it once some folds are finished, and return how many were."""
    study = subprocess.Popen(
        [sys.executable, "-m", "exodx", *train(plan, tmp_path / "first")],
        env={**os.environ, "EXODX_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 120
    while len(list(home.rglob("*.fold"))) < after and study.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    study.send_signal(signal.SIGKILL)
    assert study.wait() == -signal.SIGKILL, "the study was over before it was killed"
    return len(list(home.rglob("*.fold")))


def test_a_killed_study_goes_on_where_it_stopped_and_gives_the_same_bytes(trained, cli, tmp_path, monkeypatch):
    home = tmp_path / "home"
    finished = killed(trained.plan, tmp_path, home)
    assert 2 <= finished < FITS
    assert not (tmp_path / "first").exists()
    damaged = min(home.rglob("*.fold"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    fits = []
    fit = nested.fit_procedure
    monkeypatch.setattr(nested, "fit_procedure", lambda data, plan: (fits.append(1), fit(data, plan))[1])
    monkeypatch.setenv("EXODX_HOME", str(home))
    done = cli(*train(trained.plan, tmp_path / "second"))
    assert done.code == 0, done.err
    assert len(fits) == FITS - finished + 1  # all but what was finished, and the damaged one
    answer = json.loads(done.out)
    assert answer["model_hash"] == trained.answer["model_hash"]
    assert answer["estimates"] == trained.answer["estimates"]
    for file in sorted(path for path in trained.bundle.rglob("*") if path.is_file()):
        name = file.relative_to(trained.bundle)
        assert (tmp_path / "second" / name).read_bytes() == file.read_bytes(), name
    assert not list((home / "cache").iterdir())  # the study is finished: nothing of the cohort stays


def test_a_refused_study_and_a_finished_one_leave_nothing(trained, cli, tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))
    refused = cli(*train(trained.plan, tmp_path / "b"), "--label", "nonesuch")
    assert refused.code == 3
    assert not list((tmp_path / "home").rglob("*.fold"))


@pytest.mark.parametrize("option", [("--monotone",), ("--selection", "stability")])
def test_restrictions_are_options_of_train(trained, cli, tmp_path, option):
    done = cli(*train(trained.plan, tmp_path / "b"), *option)
    assert done.code == 0, done.err
    names = {"--monotone": "unconstrained", "--selection": "full_panel"}
    found = json.loads(done.out)["estimates"]
    assert {f"auc_{names[option[0]]}", f"auc_minus_{names[option[0]]}"} <= set(found)


def test_another_selection_is_refused_with_the_valid_ones(trained, cli, tmp_path):
    done = cli(*train(trained.plan, tmp_path / "b"), "--selection", "stabilty")
    assert done.code == 3
    assert "'stability'" in done.err
