"""``exodx predict`` on what counts as large: the same words, files and exit codes, in pieces; resuming, shards and progress."""

from __future__ import annotations

import csv
import io

import pytest

from exodx.cli import progress
from exodx.scoring import blocks, plan, run
from tests.cli.calls import DATA

NEW = DATA / "new.csv"


@pytest.fixture
def large(monkeypatch):
    """Make the example large, and cut it into a dozen blocks."""
    monkeypatch.setattr(run, "LARGE", 0)
    monkeypatch.setattr(blocks, "BLOCK", 600)
    monkeypatch.setattr(plan, "HEAD", 600)


def written(path, *changes):
    rows = list(csv.reader(NEW.read_text().splitlines()))
    for row, column, cell in changes:
        rows[row][rows[0].index(column)] = cell
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_stdout_talk_and_exit_code_are_the_same_as_of_a_small_table(trained, cli, tmp_path, monkeypatch):
    path = written(tmp_path / "c.csv", (9, "miR-103a-3p", "Undetermined"), (9, "miR-423-5p", "Undetermined"))
    small = cli("predict", path, "--model", trained.bundle)
    monkeypatch.setattr(run, "LARGE", 0)
    monkeypatch.setattr(blocks, "BLOCK", 600)
    pieces = cli("predict", path, "--model", trained.bundle, "--jobs", 2)
    assert pieces == small
    assert small.code == 5


def test_a_refusal_says_the_same_and_leaves_nothing(trained, cli, tmp_path, large):
    path = written(tmp_path / "c.csv", (50, "miR-145-5p", "high"), (51, "specimen_id", "SIM6-0001"))
    done = cli("predict", path, "--model", trained.bundle, "-o", tmp_path / "out" / "s.csv")
    assert done.code == 3
    assert "line 51, column 'miR-145-5p': 'high'" in done.err
    assert "lines 2, 52: specimen id 'SIM6-0001'" in done.err
    assert list(tmp_path.rglob("*s.csv*")) == []


def test_shards_put_together_are_the_whole(trained, cli, tmp_path, large):
    cli("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "whole.csv")
    lines = []
    for number in (1, 2, 3):
        done = cli("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "s.csv", "--shard", f"{number}/3")
        assert done.code == 0
        lines += (tmp_path / "s.csv").read_text().splitlines()[1:]
    assert lines == (tmp_path / "whole.csv").read_text().splitlines()[1:]


def test_shards_and_resuming_that_make_no_sense_are_wrong_usage(trained, cli, tmp_path):
    base = ("predict", NEW, "--model", trained.bundle)
    for options, code in (
        (("--shard", "1/2"), "OUTPUT_MISSING"),
        (("--resume",), "OUTPUT_MISSING"),
        (("--shard", "3/2", "-o", tmp_path / "s.csv"), "SHARD_INVALID"),
        (("--shard", "one", "-o", tmp_path / "s.csv"), "SHARD_INVALID"),
        (("--shard", "1/2", "--specimens", NEW, "-o", tmp_path / "s.csv"), "SHARD_UNAVAILABLE"),
    ):
        done = cli(*base, *options)
        assert (done.code, code in done.err) == (2, True), done.err
    assert cli(*base, "--jobs", 0).code == 2
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_no_file_and_tells_how_to_go_on(trained, cli, tmp_path, large, monkeypatch):
    out, base = tmp_path / "s.csv", ("predict", NEW, "--model", trained.bundle)
    cli(*base, "-o", tmp_path / "whole.csv")

    def stop(self, done, of, specimens):
        if done > 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(progress.Meter, "show", stop)
        done = cli(*base, "-o", out)
    assert done.code == 1
    assert "--resume" in done.err
    assert not out.exists()
    done = cli(*base, "-o", out, "--resume")
    assert "resumed after" in done.err
    assert "60 specimens" in done.err
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.csv", "whole.csv"]


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal_after_a_second_and_taken_away(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    for screen, shown in ((Screen(), True), (io.StringIO(), False)):
        now[0] = 0.0
        meter = progress.Meter(screen)
        now[0] = 0.5
        meter.show(1, 8, 1000)
        assert screen.getvalue() == ""
        now[0] = 2.0
        meter.show(2, 8, 20_000)
        meter.show(3, 8, 20_000)  # at once: not drawn again
        assert screen.getvalue().count("20,000 specimens, 10,000 a second, 25 %, 6 s left") == shown
        now[0] = 3.0
        meter.show(4, None, 30_000)
        assert ("30,000 specimens, 10,000 a second" in screen.getvalue()) is shown
        meter.clear()
        assert screen.getvalue().endswith("\r\x1b[K") is shown
