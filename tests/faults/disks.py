"""Full, limited and read-only disks under every place that exodx writes to, with little room and more and more of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from tests.faults.rig import (
    NEW,
    TRAIN,
    Rig,
    Verdict,
    bundle_problems,
    bytes_of,
    disk,
    file_problems,
    leftovers,
    read_only,
    resize,
    used_kilobytes,
)
from tests.faults.sent import sent_problems

HOME = 7000
"""Kilobytes that a home takes with one study in it, and what is in the making."""
OLD = b"specimen_id\nwhat stood here before\n"
COLUMNS = ("--label", "group", "--positive", "case")


def steps(whole: int, n: int, step: int = 4) -> list[int]:
    """Return so many sizes from nothing to a little more than what is needed."""
    return sorted({max(step, round((whole + 12) * k / n / step) * step) for k in range(1, n + 1)})


def outputs(rig: Rig) -> dict[str, Sequence[object]]:
    """Commands that write one file, by its name."""
    model = ("--model", rig.bundle)
    return {
        "scores.csv": ("predict", NEW, *model, "-o"),
        "scores.parquet": ("predict", NEW, *model, "-o"),
        "scores.arrow": ("predict", NEW, *model, "-o"),
        "page.html": ("evaluate", TRAIN, *model, *COLUMNS, "--html"),
        "specimen.html": ("explain", NEW, *model, "--specimen", "SIM6-0001", "-o"),
        "simulated.csv": ("simulate", "--panel", "athero-3", "-n", "300", "-o"),
        "large.csv": ("predict", rig.large, *model, "--explain", "none", "--jobs", "2", "-o"),
        "large.parquet": ("predict", rig.large, *model, "--explain", "none", "--jobs", "2", "-o"),
        "large.arrow": ("predict", rig.large, *model, "--explain", "none", "--jobs", "2", "-o"),
    }


def whole_of(rig: Rig, name: str) -> bytes:
    """Return what a command writes where there is room."""
    place = rig.folder / "whole" / name
    if not place.exists():
        done = rig.run(*outputs(rig)[name], place)
        assert done.code in (0, 5), done.err
    return place.read_bytes()


def full_files(rig: Rig, names: Sequence[str], n: int) -> Iterator[Verdict]:
    """An output on a disk of each size, over an older one; then there is room, and large outputs are resumed."""
    for name in names:
        news, words = whole_of(rig, name), outputs(rig)[name]
        for size in steps(2 * len(news) // 1024, n):
            with disk(rig.folder / "disk", size + 8) as at:
                place = at / name
                place.write_bytes(OLD)
                done = rig.run(*words, place)
                problems, lost = file_problems(place, OLD, news, done)
                problems += done.problems(0, 2, 5) + leftovers(at)
                if done.code == 2 and name.startswith("large"):
                    resize(at, 100_000)
                    again = rig.run(*words, place, "--resume")
                    more, gone = file_problems(place, OLD, news, again)
                    problems, lost = problems + more + again.problems(0, 5), lost + gone
                    problems += [] if "--resume" in done.err else ["it does not say how to go on"]
                yield Verdict("disk full: output", f"{name}, {size} kB", tuple(problems), lost)


def limited_files(rig: Rig, names: Sequence[str], n: int) -> Iterator[Verdict]:
    """A limit on the size of files, which needs no root."""
    for name in names:
        news, words = whole_of(rig, name), outputs(rig)[name]
        for size in steps(len(news) // 1024, n, 1):
            place = rig.fresh() / name
            place.write_bytes(OLD)
            done = rig.run(*words, place, limit=size * 1024)
            problems, lost = file_problems(place, OLD, news, done)
            yield Verdict(
                "size limit: output", f"{name}, {size} kB", (*problems, *done.problems(0, 2, 5), *leftovers(place.parent)), lost
            )


def full_bundles(rig: Rig, n: int, before: bool, sizes: Sequence[int] = ()) -> Iterator[Verdict]:
    """A study whose folder is on a disk of each size, where a model stands already, or none."""
    whole = used_kilobytes(rig.bundle)
    home = rig.fresh("home")
    for size in sizes or steps(whole, n):
        with disk(rig.folder / "disk", size + (whole + 40 if before else 4)) as at:
            place = at / "model"
            if before:
                shutil.copytree(rig.bundle, place)
            done = rig.run(*rig.train(place, "--no-track"), home=home)
            problems, lost = bundle_problems(place, rig.bundle, done=done.code == 0, before=before)
            problems += done.problems(0, 2) + leftovers(at)
            what = f"train -o over {'a model' if before else 'nothing'}, {size} kB"
            yield Verdict("disk full: bundle and report", what, tuple(problems), lost)


def full_homes(rig: Rig, sizes: Sequence[int]) -> Iterator[Verdict]:
    """EXODX_HOME (store, artifacts, caches, unsent runs) on a disk of each size; then there is room, and what waits is sent."""
    for size in sizes:
        temporary, place = rig.fresh("tmp"), rig.fresh() / "model"
        with disk(rig.folder / "disk", size) as home:
            done = rig.run(*rig.train(place), home=home, TMPDIR=temporary)
            problems, lost = bundle_problems(place, rig.bundle, done=done.code in (0, 6), before=False)
            problems += done.problems(0, 2, 6) + leftovers(home, place.parent)
            if done.code == 6:
                resize(home, 200_000)
                problems += sent_problems(rig, done, home, TMPDIR=temporary)
            elif done.code == 2:
                resize(home, 200_000)
                again = rig.run(*rig.train(place), home=home)
                more, lost = bundle_problems(place, rig.bundle, done=True, before=False)
                problems += more + again.problems(0)
            yield Verdict("disk full: MLflow store, cache, unsent", f"train, {size} kB", tuple(problems), lost)


def full_shelves(rig: Rig, n: int) -> Iterator[Verdict]:
    """Scoring a registered model, or compiling its loops, where nothing can be kept: it is done all the same."""
    news = whole_of(rig, "scores.csv")
    for size in steps(used_kilobytes(rig.bundle), n):
        with disk(rig.folder / "disk", size) as home:
            place = rig.fresh() / "scores.csv"
            done = rig.run(*outputs(rig)["scores.csv"], place, home=home)
            problems, lost = file_problems(place, None, news, done)
            yield Verdict("disk full: caches", f"predict, {size} kB", (*problems, *done.problems(0, 5)), lost)
        with disk(rig.folder / "disk", size) as home:
            place = rig.fresh() / "model"
            done = rig.run(*rig.train(place, "--no-track"), home=home)
            problems, lost = bundle_problems(place, rig.bundle, done=True, before=False)
            yield Verdict("disk full: caches", f"train --no-track, {size} kB", (*problems, *done.problems(0)), lost)


def full_temporary(rig: Rig, n: int) -> Iterator[Verdict]:
    """The folder of temporary files is full."""
    for size in steps(used_kilobytes(rig.bundle), n):
        with disk(rig.folder / "disk", size) as temporary:
            home = rig.fresh("home")
            done = rig.run(*rig.train(), home=home, TMPDIR=temporary)
            problems = done.problems(0, 2, 6)
            if done.code == 6:
                resize(temporary, 200_000)
                problems += sent_problems(rig, done, home)
            yield Verdict("disk full: temporary files", f"train, {size} kB", tuple(problems))


def read_only_files(rig: Rig, names: Sequence[str]) -> Iterator[Verdict]:
    """Outputs on a read-only file system."""
    for name in names:
        news, words = whole_of(rig, name), outputs(rig)[name]
        with disk(rig.folder / "disk", 100_000) as at:
            (at / name).write_bytes(OLD)
            read_only(at)
            done = rig.run(*words, at / name)
            problems, lost = file_problems(at / name, OLD, news, done)
            yield Verdict("read-only: output", name, (*problems, *done.problems(2)), lost)


def read_only_places(rig: Rig) -> Iterator[Verdict]:
    """A bundle, the store and the caches on a read-only file system."""
    with disk(rig.folder / "disk", 100_000) as at:
        shutil.copytree(rig.bundle, at / "model")
        read_only(at)
        done = rig.run(*rig.train(at / "model", "--no-track"))
        problems, lost = bundle_problems(at / "model", rig.bundle, done=False, before=True)
        yield Verdict("read-only: bundle", "train -o", (*problems, *done.problems(2)), lost)
        done = rig.run(*rig.train(rig.fresh() / "model"), home=at)
        yield Verdict("read-only: store", "train with EXODX_HOME there", tuple(done.problems(2)))
        place = rig.fresh() / "model"
        done = rig.run(*rig.train(place, "--no-track"), home=at)
        problems, lost = bundle_problems(place, rig.bundle, done=True, before=False)
        yield Verdict("read-only: caches", "train --no-track with EXODX_HOME there", (*problems, *done.problems(0)), lost)


def forbidden_places(rig: Rig) -> Iterator[Verdict]:
    """Where modes forbid to write, as somebody who obeys them."""
    place = rig.fresh()
    shutil.copytree(rig.bundle, place / "model")
    (place / "scores.csv").write_bytes(OLD)
    before = bytes_of(place)
    home = rig.fresh("home")
    for folder in (place / "model", place, home):
        folder.chmod(0o555)
    for name, words in {
        "predict": (*outputs(rig)["scores.csv"], place / "scores.csv"),
        "train": rig.train(place / "model"),
    }.items():
        done = rig.run(*words, home=home, meek=True)
        yield Verdict("read-only: no permission", name, tuple(done.problems(2)), int(bytes_of(place) != before))
    for folder in (place / "model", place, home):
        folder.chmod(0o755)


def cases(rig: Rig, n: int, *, mounts: bool, names: Sequence[str] | None = None) -> Iterator[Verdict]:
    """Every class; ``n`` sizes of a disk each."""
    chosen = list(outputs(rig)) if names is None else list(names)
    yield from limited_files(rig, chosen, n)
    if mounts:
        yield from full_files(rig, chosen, n)
        yield from full_bundles(rig, n, before=False)
        yield from full_bundles(rig, n, before=True)
        yield from full_homes(rig, steps(HOME, n))
        yield from full_shelves(rig, max(1, n // 3))
        yield from full_temporary(rig, n)
        yield from read_only_files(rig, chosen)
        yield from read_only_places(rig)
        yield from forbidden_places(rig)
