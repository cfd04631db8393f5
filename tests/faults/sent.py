"""A run that was kept: what it holds, and that sending it, twice, gives one run and one version."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.faults.rig import NEW, Ended, Rig

_KEPT = re.compile(r"It is kept in (\S+)")
_TAGGED = """
    SELECT COUNT(*) FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid
    WHERE t.key = '{}' AND r.lifecycle_stage = 'active'"""
_RUNS = _TAGGED.format("exodx.record")
_ENDED = f"{_RUNS} AND r.status = 'FINISHED'"
_VERSIONS = "SELECT COUNT(*) FROM model_versions"
_CHILDREN = _TAGGED.format("mlflow.parentRunId")


def counted(home: Path) -> tuple[int, int, int, int]:
    """Return how many runs the embedded store holds, how many of them ended well, versions, and child runs."""
    with closing(sqlite3.connect(home / "mlflow.db")) as store:
        return tuple(store.execute(query).fetchone()[0] for query in (_RUNS, _ENDED, _VERSIONS, _CHILDREN))


def kept_folder(done: Ended) -> Path:
    """Return where a command says that its run is kept."""
    found = _KEPT.search(done.err)
    assert found, done.err
    return Path(found.group(1))


def parcel_problems(folder: Path) -> list[str]:
    """Say what is wrong with a kept run: parts missing, or a specimen's id in it."""
    problems = [
        f"{name} is missing"
        for name in ("record.json", "files/report.html", "bundle/manifest.json")
        if not (folder / name).exists()
    ]
    ids = {
        line.split(",")[0].encode() for source in (NEW, NEW.with_name("train.csv")) for line in source.read_text().splitlines()[1:]
    }
    for path in (each for each in folder.rglob("*") if each.is_file()):
        content = path.read_bytes()
        problems += [f"{path.name} holds an id of a specimen" for each in ids if each in content][:1]
        problems += [f"{path.name} may be read by others"] if folder.stat().st_mode & 0o77 else []
    return problems


def sent_problems(rig: Rig, done: Ended, home: Path, children: int = 6, versions: int = 1, **env: object) -> list[str]:
    """Send what a command kept, twice, to the embedded store of a home; say what is wrong then."""
    if "could not be kept" in done.err:
        return []  # told, and the bundle stands; there was no room anywhere
    folder = kept_folder(done)
    problems = parcel_problems(folder)
    words = ("send", "--json", "--anywhere", folder)
    first = rig.run(*words, home=home, **env)
    problems += first.problems(0)
    if first.code == 0:
        problems += [] if json.loads(first.out)[0]["run_id"] else ["it was not sent"]
        problems += ["it still waits"] if folder.exists() else []
        second = rig.run("send", home=home, **env)
        problems += second.problems(0)
        found = counted(home)
        problems += [f"runs, ended, versions, children: {found}"] if found != (1, 1, versions, children) else []
    return problems
