"""Which commit a study is run from, asked of real work trees."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from exodx.tracking.commits import commit_of, commit_tags

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *words):
    named = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    return subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    git(tmp_path, "init", "-q")
    (tmp_path / "plan.toml").write_text("seed = 1\n")
    (tmp_path / ".gitignore").write_text("ignored/\n")
    (tmp_path / "ignored").mkdir()
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "plan")
    return tmp_path


def test_a_clean_tree_is_its_commit_and_a_changed_one_says_so(tree):
    head = git(tree, "rev-parse", "HEAD")
    assert commit_of(tree) == head
    assert commit_tags(tree)["exodx.study_commit"] == head
    (tree / "plan.toml").write_text("seed = 2\n")
    assert commit_of(tree) == f"{head}-dirty"


def test_a_tag_of_the_tree_does_not_stand_for_the_commit(tree):
    git(tree, "tag", "-a", "v1", "-m", "one")
    assert commit_of(tree) == git(tree, "rev-parse", "HEAD")


def test_no_tree_an_ignored_folder_and_an_empty_tree_have_no_commit(tree, tmp_path_factory):
    alone = tmp_path_factory.mktemp("alone")
    assert commit_of(alone) == ""
    assert "exodx.study_commit" not in commit_tags(alone)
    assert commit_of(tree / "ignored") == ""  # e.g. a virtual environment inside of someone's project
    git(alone, "init", "-q")
    assert commit_of(alone) == ""
    assert commit_of(tree / "not there") == ""


def test_without_git_there_is_no_commit(tree, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit_of(tree) == ""
