"""Which commit of git code comes from: exodx' own, and that of the folder a study is run in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import exodx

SECONDS = 5
_ASK = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")
_COMMIT = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def commit_of(folder: Path) -> str:
    """Return the commit of a folder's work tree, with ``-dirty`` where tracked files differ from it.

    Empty where the folder is in no work tree, is itself ignored by it, or git is not there, is refused, or is slow to answer.
    """
    ignored = _ask(folder, "check-ignore", "-q", ".")
    if ignored is None or ignored.returncode == 0:
        return ""
    said = _ask(folder, *_COMMIT)
    return said.stdout.strip() if said is not None and said.returncode == 0 else ""


def commit_tags(study: Path) -> dict[str, str]:
    """Return the tags that say which code a study was run with; none where it is not known.

    Parameters
    ----------
    study : Path
        Folder that the study is run in.
    """
    found = {"exodx.git_commit": commit_of(Path(exodx.__file__).parent), "exodx.study_commit": commit_of(study)}
    return {tag: commit for tag, commit in found.items() if commit}


def _ask(folder: Path, *words: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run([*_ASK, *words], cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
