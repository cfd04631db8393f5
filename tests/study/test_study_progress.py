"""Progress of a study: a bar in a notebook, a line on a terminal, nothing in a log."""

from __future__ import annotations

import io
import sys
import types

import pytest

from exodx.study import progress
from exodx.study.progress import Bar, silent, watched


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes two seconds each time it is looked at."""
    now = iter(range(0, 10**6, 2))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(now)))


def test_a_terminal_sees_one_line_that_goes_away(monkeypatch, clock):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with watched(3) as tick:
        for _ in range(3):
            tick()
    shown = terminal.getvalue()
    assert "validating: 1 of 3 fits" in shown
    assert " s left" in shown
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")


def test_a_log_sees_nothing(monkeypatch, clock):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with watched(50) as tick:
        for _ in range(50):
            tick()
    with silent(3) as tick:
        tick()
    assert log.getvalue() == ""


def test_quick_work_leaves_a_terminal_alone(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with watched(2) as tick:
        tick()
    assert "validating" not in terminal.getvalue()


def kernel(seen):
    """IPython as a notebook's kernel has it, as far as it is asked for."""

    class Handle:
        def update(self, bar):
            seen.append(bar._repr_html_())

    def display(bar, display_id):
        assert display_id is True
        seen.append(bar._repr_html_())
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    return types.SimpleNamespace(get_ipython=lambda: shell, display=types.SimpleNamespace(display=display))


def test_a_notebook_sees_one_bar_that_fills(monkeypatch, clock):
    seen = []
    monkeypatch.setitem(sys.modules, "IPython", kernel(seen))
    with watched(4) as tick:
        for _ in range(4):
            tick()
    assert len(seen) == 5
    assert "width:0%" in seen[0]
    assert "width:50%" in seen[2]
    assert "width:100%" in seen[4]
    assert "validated: 4 fits in" in seen[4]


def test_many_quick_fits_do_not_flood_a_notebook(monkeypatch):
    seen = []
    monkeypatch.setitem(sys.modules, "IPython", kernel(seen))
    with watched(10_000) as tick:
        for _ in range(10_000):
            tick()
    assert len(seen) < 50
    assert "width:100%" in seen[-1]


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch, clock):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace()))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with watched(1) as tick:
        tick()
    assert "validated: 1 fits" in terminal.getvalue()


def test_the_line_is_taken_away_when_a_study_fails(monkeypatch, clock):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    def broken():
        with watched(2) as tick:
            tick()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_nothing_to_do_is_no_division_by_zero():
    assert "100" not in Bar(0)._repr_html_().split("width:")[1]
    assert repr(Bar(0)).startswith("validated: 0 fits")
