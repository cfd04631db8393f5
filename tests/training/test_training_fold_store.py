"""Finished folds on disk: the same bits come back, damaged files are fitted again, other inputs have files of their own."""

import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exodx.errors import InputRefused
from exodx.training import (
    FoldStore,
    class_folds,
    cross_validate,
    cross_validate_classes,
    fold_store,
    multiclass,
    nested,
    panel_size,
    repeated_folds,
    run_panel_sizes,
    study_store,
)
from tests.classes import class_cohort


@pytest.fixture
def fits(monkeypatch):
    """Count outer folds that are really fitted."""
    seen = []
    for module in (nested, multiclass, panel_size):
        monkeypatch.setattr(module, "fit_procedure", _watched(module.fit_procedure, seen))
    return seen


def _watched(fit, seen):
    def watch(data, plan):
        seen.append(1)
        return fit(data, plan)

    return watch


def counted(fits, work):
    fits.clear()
    return work(), len(fits)


def same(one, other):
    """Whether two results are the same to the bit, types of numbers included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(same(getattr(one, f), getattr(other, f)) for f in one.__dataclass_fields__)
    return one == other


@pytest.fixture
def validate(cohort, fast_plan, tmp_path):
    def work(cohort=cohort, plan=fast_plan, jobs=1, folds=None):
        folds = repeated_folds(cohort, plan) if folds is None else folds
        kept = study_store(tmp_path / "cache", cohort, plan)
        return cross_validate(cohort, plan, folds, "d", jobs, lambda: None, kept)

    return work


def files(tmp_path):
    return sorted((tmp_path / "cache").rglob("*.fold"))


def test_what_is_read_is_what_was_fitted_to_the_bit(validate, fits, cohort, fast_plan, tmp_path):
    plain = cross_validate(cohort, fast_plan, repeated_folds(cohort, fast_plan), "d", 1, lambda: None)
    first, n_first = counted(fits, validate)
    again, n_again = counted(fits, lambda: validate(jobs=2))
    assert (n_first, n_again) == (3, 0)
    assert same(plain, first)
    assert same(first, again)
    assert len(files(tmp_path)) == 3


def test_zones_selections_and_refused_folds_come_back_too(fits, cohort, fast_plan, tmp_path):
    plan = replace(fast_plan, grey_zone=True, selection="stability")
    folds = repeated_folds(cohort, plan)
    folds[0, (cohort.y == 1) & (folds[0] != 0)] = -1  # without fold 0 no case is left to learn from
    folds[0, np.flatnonzero((cohort.y == 1) & (folds[0] == -1))[:30]] = 1
    kept = FoldStore(tmp_path / "cache")
    runs = [counted(fits, lambda: cross_validate(cohort, plan, folds, "d", 1, lambda: None, kept)) for _ in range(2)]
    assert same(runs[0][0], runs[1][0])
    assert runs[1][1] == 0
    assert runs[0][0].choices[0].zone is not None
    assert runs[0][0].choices[0].selected
    one_class = np.where(cohort.y == 1, 0, 1)[None]
    for _ in range(2):
        with pytest.raises(InputRefused, match="both classes"):
            cross_validate(cohort, plan, one_class, "d", 1, lambda: None, kept)


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "of another file"])
def test_a_damaged_file_is_fitted_again_and_mended(validate, fits, tmp_path, damage):
    whole = validate()
    first, second, _ = files(tmp_path)
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    broken = {
        "cut": first.read_bytes()[:-7],
        "flipped": bytes(content),
        "emptied": b"",
        "of another file": second.read_bytes()[:64] + first.read_bytes()[64:],
    }
    first.write_bytes(broken[damage])
    again, n = counted(fits, validate)
    assert n == 1
    assert same(again, whole)
    assert counted(fits, validate)[1] == 0


def test_other_plans_cohorts_subjects_and_folds_are_fitted_for_themselves(validate, fits, cohort, fast_plan, tmp_path):
    validate()
    measured = cohort.measurements.values.copy()
    measured[0, 0] += 1e-9
    subject = cohort.specimens["subject"].to_numpy().copy()
    subject[-1] = "somebody else"
    others = {
        "plan": {"plan": replace(fast_plan, target_value=0.8)},
        "folds": {"folds": np.roll(repeated_folds(cohort, fast_plan), 1)},
        "value": {"cohort": replace(cohort, measurements=replace(cohort.measurements, values=measured))},
        "subject": {"cohort": replace(cohort, specimens=cohort.specimens.assign(subject=subject))},
    }
    for what, changed in others.items():
        assert counted(fits, lambda changed=changed: validate(**changed))[1] == 3, what
    assert counted(fits, validate)[1] == 0


def test_sizes_and_classes_go_on_as_well(fits, cohort, fast_plan, tmp_path):
    kept = FoldStore(tmp_path / "cache")
    folds = repeated_folds(cohort, fast_plan)
    runs = [counted(fits, lambda: run_panel_sizes(cohort, fast_plan, folds, 3, 1, lambda: None, kept)) for _ in range(2)]
    assert [n for _, n in runs] == [3, 0]
    assert same(runs[0][0], runs[1][0])
    several = class_cohort()
    by_class = class_folds(several, fast_plan)
    runs = [counted(fits, lambda: cross_validate_classes(several, fast_plan, by_class, "d", 1, lambda: None, kept)) for _ in (0, 1)]
    assert [n for _, n in runs] == [9, 0]
    assert same(runs[0][0], runs[1][0])


def test_files_are_their_owner_s_alone_hold_no_ids_and_go_when_the_study_is_done(validate, cohort, fast_plan, tmp_path):
    validate()
    folder = files(tmp_path)[0].parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    content = b"".join(file.read_bytes() for file in files(tmp_path))
    assert not any(str(name).encode() in content for name in (*cohort.specimens.index, *cohort.specimens["subject"]))
    study_store(tmp_path / "cache", cohort, fast_plan).forget()
    assert not folder.exists()


def test_what_nobody_took_up_for_a_month_is_removed(cohort, fast_plan, tmp_path):
    for name, days in (("old", 31), ("recent", 29)):
        (tmp_path / name).mkdir()
        at = (tmp_path / name).stat().st_mtime - days * 86400
        os.utime(tmp_path / name, (at, at))
    study_store(tmp_path, cohort, fast_plan)
    assert [path.name for path in tmp_path.iterdir()] == ["recent"]


@pytest.mark.parametrize("days", [-400, 400])
def test_nothing_is_removed_because_the_clock_jumped(days, cohort, fast_plan, tmp_path, monkeypatch):
    (tmp_path / "kept").mkdir()
    now = time.time()
    for at in (now + days * 86400, now, now + 86400):
        monkeypatch.setattr(time, "time", lambda at=at: at)
        study_store(tmp_path, cohort, fast_plan)
        assert (tmp_path / "kept").is_dir()
    monkeypatch.undo()
    for left in (tmp_path / "kept", tmp_path):
        os.utime(left, (now + 440 * 86400, now + 440 * 86400))
    monkeypatch.setattr(time, "time", lambda: now + 460 * 86400)
    os.utime(tmp_path / "kept", (now, now))
    study_store(tmp_path, cohort, fast_plan)
    assert not (tmp_path / "kept").exists()


def test_a_full_disk_leaves_no_half_of_a_fold(tmp_path, monkeypatch):
    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    FoldStore(tmp_path / "study").keep(0, 0, (1, 2))
    assert list((tmp_path / "study").iterdir()) == []


def test_where_nothing_can_be_written_the_study_goes_on_without(cohort, fast_plan, fits):
    kept = FoldStore(Path("/proc/none/cache"))
    folds = repeated_folds(cohort, fast_plan)
    for _ in range(2):
        assert counted(fits, lambda: cross_validate(cohort, fast_plan, folds, "d", 1, lambda: None, kept))[1] == 3


def test_what_is_no_plain_result_is_not_kept(tmp_path):
    with pytest.raises(TypeError, match="set cannot be kept"):
        FoldStore(tmp_path).keep(0, 0, (1, {2}))
    with pytest.raises(TypeError, match="ndarray cannot be kept"):
        FoldStore(tmp_path).keep(0, 0, np.array([object()]))


@pytest.mark.parametrize("changed", ["_code_digest", "version_of"])
def test_other_code_or_another_library_is_another_study(cohort, fast_plan, tmp_path, monkeypatch, changed):
    before = study_store(tmp_path, cohort, fast_plan).folder
    assert study_store(tmp_path, cohort, fast_plan).folder == before
    monkeypatch.setattr(fold_store, changed, lambda *_: "another")
    assert study_store(tmp_path, cohort, fast_plan).folder != before
