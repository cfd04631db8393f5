"""A study that was trained once is trained again elsewhere: not a byte of bundle, report and sheets may differ."""

import os
from datetime import UTC, datetime
from pathlib import Path

from tests.studies.same_bytes import ELSEWHERE, PLAN, contents, train


def test_threads_hash_seed_time_zone_language_and_folder_change_no_byte(trained, tmp_path):
    assert trained.plan.read_text() == PLAN.format("minimal")
    expected = contents(trained.bundle)
    found = train(trained.plan, tmp_path / "elsewhere", *ELSEWHERE["four threads, four jobs, everything else"])
    assert sorted(found) == sorted(expected)
    assert len(found) > 15
    assert [file for file in found if found[file] != expected[file]] == []


def test_no_file_of_a_bundle_holds_a_time_or_a_place(trained):
    """There is no block of times to except: a bundle says what was learned, not when or where."""
    today = datetime.now(UTC)
    for word in (today.strftime("%Y-%m-%d"), str(trained.bundle), os.uname().nodename, str(Path.home() / ".exodx")):
        if len(word) > 6:
            assert [name for name, data in contents(trained.bundle).items() if word.encode() in data] == [], word
