"""A few faults of each class through the real command line; ``python -m tests.faults.run`` tries them by the hundred."""

from __future__ import annotations

import random

import pytest

from tests.faults import clocks, disks, kills, stores, writers
from tests.faults.rig import Rig, Verdict, can_mount
from tests.faults.run import table
from tests.studies import soak

MOUNTS = pytest.mark.skipif(not can_mount(), reason="only root may mount small disks")


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    made = Rig(tmp_path_factory.mktemp("faults"))
    yield made
    made.close()


def survived(verdicts) -> int:
    """Return how many faults there were; all were survived."""
    seen = list(verdicts)
    assert not [each for each in seen if not each.survived]
    return len(seen)


def test_a_limit_on_the_size_of_files_leaves_what_was_there(rig):
    assert survived(disks.limited_files(rig, ["scores.csv", "page.html", "large.csv", "large.arrow"], 2)) >= 6


@MOUNTS
def test_full_disks_under_outputs_and_then_room(rig):
    assert survived(disks.full_files(rig, ["scores.csv", "large.parquet"], 2)) >= 3


@MOUNTS
def test_a_full_disk_leaves_the_model_that_was_there(rig):
    assert survived(disks.full_bundles(rig, 1, before=True, sizes=[500])) == 1


@MOUNTS
def test_a_full_store_costs_nothing_and_the_run_is_sent_later(rig):
    verdicts = list(disks.full_homes(rig, [2400]))
    assert survived(verdicts) == 1


@MOUNTS
def test_read_only_disks_are_told(rig):
    assert survived(disks.read_only_files(rig, ["scores.csv", "large.csv"])) == 2
    assert survived(disks.forbidden_places(rig)) == 2


def test_killed_scorings_are_gone_on_with(rig):
    assert survived(kills.in_predict(rig, random.Random(3), 1)) == 1


def test_a_locked_database_is_waited_for(rig):
    assert survived(stores.locked_from_the_start(rig, 1.0)) == 1


def test_a_server_that_answers_nonsense_is_refused(rig):
    assert survived(stores.never_there(rig)) == 1


def test_two_scorings_to_one_output_are_never_mixed(rig):
    assert survived(writers.two_scorings(rig, 1)) == 1


def test_two_who_send_one_run_send_it_once(rig):
    assert survived(writers.two_senders(rig, 1)) == 1


@pytest.mark.slow
def test_killed_studies_evaluations_and_reviews(rig):
    rng = random.Random(4)
    assert survived(kills.in_train(rig, rng, 3)) == 3
    assert survived(kills.in_evaluate(rig, rng, 3)) == 3
    assert survived(kills.in_review(rig, rng, 3)) == 3


@pytest.mark.slow
def test_two_studies_and_two_reviewers(rig):
    assert survived(writers.two_studies(rig, 2)) == 2
    assert survived(writers.two_reviewers(rig, 2)) == 2


@pytest.mark.slow
@pytest.mark.skipif(clocks.LIBRARY is None, reason="Debian's libfaketime is not installed")
def test_clocks_that_jump(rig):
    assert survived(clocks.cases(rig, 1)) == 5


@pytest.mark.server
def test_servers_that_are_lost(rig):
    assert survived(stores.cases(rig, 8)) > 10


def test_the_table_counts_what_was_lost():
    seen = [Verdict("a", "1"), Verdict("a", "2", ("half written",), 7), Verdict("b", "1")]
    lines = [line.split() for line in table(seen).splitlines()]
    assert lines[1:] == [["a", "2", "1", "7"], ["b", "1", "1", "0"], ["all", "3", "2", "7"]]


def left_nothing(done, left):
    assert all(each.code == 0 and each.times > 0 for each in done)
    assert all(each.samples[-1]["fds"] <= each.samples[0]["fds"] + 2 for each in done)
    assert (left["temporary files left"], left["hidden files left"], left["runs that wait"], left["folds left"]) == (0, 0, 0, 0)


def test_a_short_soak_leaves_nothing_behind(rig, tmp_path):
    done, left = soak.soak(tmp_path / "soak", 0.1, ("score",), rig.bundle)
    left_nothing(done, left)
    assert done[0].times >= 1


@pytest.mark.slow
def test_a_soak_of_everything_leaves_nothing_behind(rig, tmp_path):
    done, left = soak.soak(tmp_path / "soak", 1, soak.WORKERS, rig.bundle)
    left_nothing(done, left)


def test_growth_is_seen():
    samples = [{"t": 10.0 * k, "n": k, "rss": 100 + 0.1 * k, "fds": 5, "threads": 2} for k in range(100)]
    grown = soak.Soaked("score", 0, samples)
    assert soak.slope(samples, "rss") == pytest.approx(36)
    assert not grown.is_level()
    assert soak.Soaked("score", 0, [{**each, "rss": 100.0} for each in samples]).is_level()
    assert "36.0" in soak.table([grown], {"left": 0})
