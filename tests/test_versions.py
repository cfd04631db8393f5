"""A version read off a record's name is the one that Python's own reader of records gives."""

from __future__ import annotations

import sys
from importlib.metadata import distributions

import exodx
from exodx.versions import version_of


def test_every_installed_package_has_the_version_that_python_gives():
    first = {}
    for each in distributions():
        first.setdefault(each.metadata["Name"], each.version)
    assert len(first) > 20
    assert {name: version_of(name) for name in first} == first


def test_the_first_record_on_the_path_counts_and_another_name_does_not(tmp_path, monkeypatch):
    for place, record in (
        ("a", "some.thing_else-9.dist-info"),
        ("b", "Some_Thing-1.2.dist-info"),
        ("c", "some_thing-3-py3.11.egg-info"),
    ):
        (tmp_path / place / record).mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / place) for place in ("missing", "a", "b", "c")])
    assert version_of.__wrapped__("some-thing") == "1.2"
    monkeypatch.setattr(sys, "path", [str(tmp_path / "c")])
    assert version_of.__wrapped__("some-thing") == "3"
    assert version_of.__wrapped__("thing") is None


def test_exodx_says_its_own():
    assert exodx.__version__ == version_of("exodx")
