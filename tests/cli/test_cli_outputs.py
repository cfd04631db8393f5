"""Where outputs go: never over a device, through a link, in UTF-8, as private as the user wants them."""

import os
import stat
import subprocess
import sys

import pytest

from tests.cli.calls import DATA

NEW = DATA / "new.csv"


def predict(trained, *more, **environment):
    """Call ``exodx predict`` as a process; return it with bytes."""
    call = [sys.executable, "-m", "exodx", "predict", str(NEW), "--model", str(trained.bundle), *map(str, more)]
    return subprocess.run(call, capture_output=True, env={**os.environ, **environment}, check=False)


@pytest.mark.parametrize("place", ["/dev/null", "."])
def test_what_is_no_regular_file_is_not_replaced(trained, cli, place):
    done = cli("predict", NEW, "--model", trained.bundle, "-o", place)
    assert done.code == 2
    assert "OUTPUT_UNWRITABLE" in done.err
    assert not os.path.isfile("/dev/null")


def test_a_link_stays_a_link(trained, cli, tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    assert cli("predict", NEW, "--model", trained.bundle, "-o", link).code in (0, 5)
    assert link.is_symlink()
    assert real.read_text().startswith("specimen_id")


def test_an_ending_that_is_not_written_is_refused(trained, cli, tmp_path):
    done = cli("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "x.xlsx")
    assert done.code == 2
    assert "OUTPUT_FORMAT" in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_user_s_mask_decides_who_may_read(trained, cli, tmp_path):
    before = os.umask(0o077)
    try:
        cli("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "x.csv")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.csv").stat().st_mode) == 0o600


def test_stdout_is_utf_8_in_any_language(trained):
    plain = predict(trained)
    ascii_only = predict(trained, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert b"Traceback" not in ascii_only.stderr
    assert ascii_only.stdout == plain.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_place_behind_stdout_is_told(trained):
    call = [sys.executable, "-m", "exodx", "predict", str(NEW), "--model", str(trained.bundle)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "OUTPUT_UNWRITABLE" in done.stderr
    assert "Traceback" not in done.stderr
