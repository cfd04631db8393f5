"""Bundles on the shelf: verified when they are taken, whole when they appear, few."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exodx.frozen import load_bundle, save_bundle
from exodx.shelf import home_folder, keep_bundle, kept, kept_bundle


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))
    assert home_folder() == tmp_path / "home"
    return tmp_path / "home"


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "b"
    model_hash = save_bundle(model, folder)
    (folder / "report.html").write_text("a page")
    (folder / ".DS_Store").write_text("a file manager's")
    return folder, model_hash


def on_shelf(home):
    return sorted(path.name for path in (home / "cache" / "bundles").iterdir())


def test_what_is_kept_is_the_bundle_without_its_report(home, bundle):
    folder, model_hash = bundle
    assert kept_bundle(model_hash) is None
    keep_bundle(folder, model_hash)
    keep_bundle(folder, model_hash)
    place = kept_bundle(model_hash)
    assert place == home / "cache" / "bundles" / model_hash
    assert load_bundle(place)[1] == model_hash
    assert sorted(p.name for p in place.iterdir()) == sorted(
        p.name for p in folder.iterdir() if p.name not in ("report.html", ".DS_Store")
    )
    assert stat.S_IMODE(os.stat(home / "cache" / "bundles").st_mode) == 0o700
    assert on_shelf(home) == [model_hash]


def test_a_bundle_of_several_classes_is_kept_with_its_parts(home, class_model, tmp_path):
    model_hash = save_bundle(class_model, tmp_path / "c")
    keep_bundle(tmp_path / "c", model_hash)
    assert load_bundle(kept_bundle(model_hash))[1] == model_hash


@pytest.mark.parametrize("harm", ["changed", "missing", "foreign", "another bundle", "no manifest"])
def test_a_damaged_copy_is_taken_off_and_may_be_kept_anew(harm, home, bundle):
    folder, model_hash = bundle
    keep_bundle(folder, model_hash)
    place = kept_bundle(model_hash)
    if harm == "changed":
        content = (place / "forest.ubj").read_bytes()
        (place / "forest.ubj").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "missing":
        (place / "decision.json").unlink()
    elif harm == "foreign":
        (place / "code.py").write_text("print()")
    elif harm == "no manifest":
        (place / "manifest.json").unlink()
    else:
        model_hash = "0" * 64
        place = place.rename(place.with_name(model_hash))
    assert kept_bundle(model_hash) is None
    assert on_shelf(home) == []
    if harm != "another bundle":
        keep_bundle(folder, model_hash)
        assert kept_bundle(model_hash) is not None


@pytest.mark.parametrize("name", ["../../etc", "", "ABC", "g" * 64, "0" * 63, "/tmp", "0" * 64 + "\n"])
def test_a_name_that_is_no_hash_is_no_bundle(name, home, bundle):
    keep_bundle(bundle[0], name)
    assert kept_bundle(name) is None
    assert not home.exists()


def test_the_bundles_used_last_stay_and_what_was_left_half_made_goes(home, bundle):
    folder, model_hash = bundle
    keep_bundle(folder, model_hash)
    shelf = home / "cache" / "bundles"
    for i in range(kept.MOST + 3):
        other = shelf / f"{i:064x}"
        other.mkdir()
        os.utime(other, (1000 + i, 1000 + i))
    old, fresh = shelf / ".made-old", shelf / ".made-fresh"
    old.mkdir()
    fresh.mkdir()
    os.utime(old, (1000, 1000))
    os.utime(shelf / model_hash, (1000, 1000))
    assert kept_bundle(model_hash) is not None  # used now: it is the last to go
    removed = shelf / f"{kept.MOST + 2:064x}"
    removed.rmdir()
    keep_bundle(folder, removed.name)  # any name of a hash: room is made after it
    stay = on_shelf(home)
    assert len([name for name in stay if not name.startswith(".")]) == kept.MOST
    assert {model_hash, removed.name, ".made-fresh"} <= set(stay)
    assert f"{0:064x}" not in stay
    assert ".made-old" not in stay


def test_where_nothing_can_be_written_it_does_without(tmp_path, bundle, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "file" / "home"))
    keep_bundle(*bundle)
    assert kept_bundle(bundle[1]) is None


SCRIPT = """
import sys
from pathlib import Path
from exodx.frozen import load_bundle
from exodx.shelf import keep_bundle, kept_bundle
folder, model_hash, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(rounds):
    keep_bundle(folder, model_hash)
    place = kept_bundle(model_hash)
    if place is not None:
        assert load_bundle(place)[1] == model_hash
"""


def test_processes_that_keep_the_same_at_once_leave_one_whole_copy(home, bundle):
    folder, model_hash = bundle
    command = [sys.executable, "-c", SCRIPT, str(folder), model_hash, "20"]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda process: process.communicate("go\n"), processes))
    assert [process.returncode for process in processes] == [0, 0]
    assert kept_bundle(model_hash) is not None
    assert on_shelf(home) == [model_hash]


def test_threads_that_keep_and_take_never_see_half_a_bundle(home, bundle):
    folder, model_hash = bundle

    def both(_):
        keep_bundle(folder, model_hash)
        return kept_bundle(model_hash)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(both, range(24))) == {home / "cache" / "bundles" / model_hash}
    assert on_shelf(home) == [model_hash]
    before = (home / "cache" / "bundles").stat().st_mtime
    time.sleep(0.01)
    assert kept_bundle(model_hash) is not None
    assert (home / "cache" / "bundles").stat().st_mtime > before
