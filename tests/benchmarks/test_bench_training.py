"""The benchmark of training at a tiny size: that both searches give the same, and that it would be seen if they did not."""

from dataclasses import replace

import numpy as np
import pytest
from bench_training import PAIRS, STUMPS, bins, check, compare, drawn, grid_search, main, staged, study, train

from exodx.training.boosting import MAX_BIN, Boosting

FEW = (Boosting("depth 1", (5, 10), STUMPS), Boosting("depth 2", (5, 10), PAIRS))


@pytest.fixture(scope="module")
def found():
    x, y = drawn(60, 4, 0)
    return [study(way, x, y, FEW) for way in (staged, grid_search)]


def test_the_staged_search_gives_what_a_grid_search_gives(found):
    ours, theirs = found
    check(ours, theirs)
    assert ours[0].scores.shape == (4, 4)
    assert sum(len(one.held) for one in ours) == 60
    assert len({float(one.scores.min()) for one in ours}) == 5


@pytest.mark.parametrize("field", ["held", "scores", "out_of_fold"])
def test_a_difference_is_seen(found, field):
    ours, theirs = found
    moved = [replace(ours[0], **{field: getattr(ours[0], field) + 1e-3}), *ours[1:]]
    with pytest.raises(AssertionError, match="Not equal"):
        check(moved, theirs)


def test_both_are_timed():
    assert min(compare(40, 3, 1, FEW)) > 0


def test_bins_give_a_time_and_an_auc_of_each_cohort():
    found = bins(3, 2, n=60, tested=200)
    assert set(found) == {MAX_BIN, 256}
    for seconds, aucs in found.values():
        assert seconds > 0
        assert 0.4 < np.mean(aucs) < 1
        assert len(aucs) == 2


def test_a_whole_study_is_timed(tmp_path):
    wall, cpu = train("minimal", tmp_path, n=60, p=3, repeats=1)
    assert (tmp_path / "minimal" / "report.html").exists()
    assert cpu > 0
    assert wall > 0


def test_rows_are_printed(capsys, monkeypatch):
    monkeypatch.setattr("bench_training.WIDTHS", (3,))
    monkeypatch.setattr("bench_training.N", 40)
    monkeypatch.setattr("bench_training.CANDIDATES", FEW)
    monkeypatch.setattr("bench_training.LADDERS", FEW)
    main(["search", "1"])
    assert capsys.readouterr().out.count("same margins") == 2
