"""Outputs appear whole or not at all, and one writer holds a place."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from exodx import place
from exodx.errors import UsageError
from exodx.place import SCRATCH, folder_made, put_file, take


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_put_in_the_place_of_another_and_keeps_who_may_read_it(tmp_path):
    out = tmp_path / "below" / "o.txt"
    put_file(b"one", out)
    out.chmod(0o600)
    put_file(b"two", out)
    assert out.read_bytes() == b"two"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert names(out.parent) == ["o.txt"]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "real").write_bytes(b"one")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    put_file(b"two", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"two"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_what_fails_at_the_very_end_leaves_what_was_there(tmp_path, monkeypatch, number):
    out = tmp_path / "o.txt"
    put_file(b"old", out)

    def fail(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UsageError, match="OUTPUT_UNWRITABLE") as refused:
        put_file(b"new", out)
    assert ("Make room" in str(refused.value)) == (number == errno.ENOSPC)
    assert out.read_bytes() == b"old"
    with pytest.raises(UsageError), folder_made(tmp_path / "folder") as made:
        (made / "a").write_bytes(b"a")
    assert names(tmp_path) == ["o.txt"]


def test_a_folder_appears_with_all_that_is_in_it(tmp_path):
    out = tmp_path / "folder"
    for content in (b"one", b"two"):
        with folder_made(out) as made:
            (made / "sub").mkdir()
            (made / "sub" / "a").write_bytes(content)
            assert not out.exists() or (out / "sub" / "a").read_bytes() == b"one"
        assert (out / "sub" / "a").read_bytes() == content
    assert names(tmp_path) == ["folder"]


def test_what_is_raised_inside_leaves_what_was_there(tmp_path):
    with folder_made(tmp_path / "folder") as made:
        (made / "a").write_bytes(b"one")

    def interrupted():
        with folder_made(tmp_path / "folder") as made:
            (made / "b").write_bytes(b"two")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path / "folder") == ["a"]
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_many_writers_of_one_folder_leave_one_of_theirs(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(place, "_exchanged", lambda a, b: False)
    refused = []

    def write(k):
        for _ in range(20):
            try:
                with folder_made(tmp_path / "folder") as made:
                    for name in "ab":
                        (made / name).write_text(str(k))
            except UsageError as error:
                refused.append(error)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(tmp_path / "folder" / name).read_text() for name in "ab"}) == 1
    assert names(tmp_path) == ["folder"]
    assert not (can_exchange and refused)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone exchanges two folders in one step")
def test_a_folder_is_never_missing_while_it_is_replaced(tmp_path):
    out, over, missed = tmp_path / "folder", threading.Event(), []

    def look():
        while not over.is_set():
            if not (out / "a").exists():
                missed.append(1)

    with folder_made(out) as made:
        (made / "a").touch()
    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(100):
        with folder_made(out) as made:
            (made / "a").touch()
    over.set()
    looking.join()
    assert not missed


def test_what_a_killed_writer_left_goes_after_a_day(tmp_path):
    for name, days, inside in (("old", 2, "made"), ("recent", 0.5, "made"), ("precious", 2, "replaced")):
        (tmp_path / f"{SCRATCH}{name}" / inside).mkdir(parents=True)
        at = time.time() - days * 86400
        os.utime(tmp_path / f"{SCRATCH}{name}", (at, at))
    put_file(b"x", tmp_path / "o")
    assert names(tmp_path) == [f"{SCRATCH}precious", f"{SCRATCH}recent", "o"]


def test_a_folder_is_held_by_one_process_until_it_ends(tmp_path):
    folder = tmp_path / "held"
    script = "import sys, pathlib, exodx.place as p; p.take(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    assert take(folder) is None
    other.kill()
    other.communicate()
    handle = take(folder)
    assert handle is not None
    os.close(handle)


def test_a_folder_that_was_taken_away_is_made_again(tmp_path, monkeypatch):
    folder, flock, calls = tmp_path / "held", place.fcntl.flock, []

    def gone_meanwhile(handle, how):
        calls.append(1)
        if len(calls) == 1:
            folder.rmdir()  # its holder was done between the opening and the lock
        flock(handle, how)

    monkeypatch.setattr(place.fcntl, "flock", gone_meanwhile)
    handle = take(folder)
    assert handle is not None
    os.close(handle)
    assert len(calls) == 2
    assert folder.is_dir()
