"""Every figure is in one list, shows itself in a notebook, and keeps to one style."""

from __future__ import annotations

import inspect
import re

import pytest
from matplotlib.figure import Figure

import exodx
from exodx import report
from exodx.report import plots
from exodx.report.style import CASE, OTHER

FIGURES = [name for name in plots.__all__ if name != "typical_examples"]


def test_every_figure_of_the_room_is_in_the_list():
    drawn = {
        function
        for module in vars(report).values()
        if inspect.ismodule(module) and module.__name__.startswith("exodx.report.")
        for name, function in vars(module).items()
        if name.endswith("_figure") and inspect.isfunction(function)
    }
    assert drawn == {getattr(plots, name) for name in FIGURES}


def test_the_list_of_the_docstring_is_that_of_the_module():
    told = re.findall(r"^:func:`(\w+)`", plots.__doc__, re.MULTILINE)
    assert sorted(told) == sorted(FIGURES)
    assert exodx.plots is plots


@pytest.mark.parametrize("name", FIGURES)
def test_each_says_what_it_draws_and_returns_a_figure(name):
    function = getattr(plots, name)
    assert function.__doc__.startswith("Draw ")
    assert "Figure" in str(inspect.signature(function).return_annotation)


def test_a_figure_shows_itself_without_pyplot(study):
    figure = plots.roc(study.evaluation)
    assert isinstance(figure, Figure)
    shown = figure._repr_png_()
    assert shown.startswith(b"\x89PNG")
    assert shown == plots.roc(study.evaluation)._repr_png_()


def luminance(colour, seen):
    """Return a colour's relative luminance, and its place between blue and yellow, as a dichromat sees it (Viénot 1999)."""
    red, green, blue = (((int(colour[i : i + 2], 16) / 255 + 0.055) / 1.055) ** 2.4 for i in (1, 3, 5))
    if seen == "deuteranope":
        red = green = 0.29275 * red + 0.70725 * green
    if seen == "protanope":
        red = green = 0.11238 * red + 0.88762 * green
    return red, green, blue


@pytest.mark.parametrize("seen", ["usual", "deuteranope", "protanope"])
def test_cases_and_controls_are_told_apart_by_everyone(seen):
    one, other = luminance(CASE, seen), luminance(OTHER, seen)
    assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.3
