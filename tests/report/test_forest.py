"""Estimates beside each other: every number at its place, in its series, written out."""

from __future__ import annotations

import pytest

from exodx.evaluation import Headline
from exodx.report.forest import LONGEST, forest_figure
from exodx.stats import Estimate

ONE = Estimate("auc", 0.8, 0.7, 0.88)
HEAD = Headline("AUC", 0.6, 0.4, 0.75, "leave-one-site-out")
NONE = Estimate("auc", None, None, None, reason="no controls")


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def points(figure):
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in figure.axes[0].lines if len(line.get_xdata()) == 1]


def test_each_row_has_a_mark_and_an_interval_for_each_series():
    figure = forest_figure({"both": {"sites": HEAD, "random": ONE}, "naive": {"random": 0.95}}, "title")
    ax = figure.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["both", "naive"]
    assert texts(figure) == ["0.600 (0.400 to 0.750)", "0.800 (0.700 to 0.880)", "0.950"]
    found = dict(points(figure))
    assert found[0.6] < 0 < found[0.8] < 0.5 < 1 < found[0.95]  # the first series above, the second below its row's line
    spans = [tuple(segment[:, 0].tolist()) for lines in ax.collections for segment in lines.get_segments()]
    assert spans == [(0.4, 0.75), (0.7, 0.88)]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sites", "random"]


def test_of_several_numbers_all_are_drawn_and_the_median_is_written():
    figure = forest_figure({"trap": {"naive": [0.9, 0.7, 0.8, 0.6]}}, "title")
    assert texts(figure) == ["median 0.750"]
    assert [0.9, 0.7, 0.8, 0.6] in [list(line.get_xdata()) for line in figure.axes[0].lines]
    assert not figure.legends  # one series needs none


def test_what_is_not_estimated_says_so():
    figure = forest_figure({"a": {"site": NONE, "random": ONE}}, "title")
    assert "not estimated" in texts(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["site: not estimated", "random"]


def test_names_are_cut_and_drawn_as_they_are():
    figure = forest_figure({"$x$" + 60 * "y": {"s": 0.5}}, "title")
    label = figure.axes[0].get_yticklabels()[0].get_text()
    assert label.startswith("$x$y")
    assert len(label) == LONGEST
    assert figure._repr_png_()


@pytest.mark.parametrize("rows", [{}, {"a": {}}, {"a": dict.fromkeys("wxyz", 0.5)}])
def test_nothing_and_too_much_are_refused(rows):
    with pytest.raises(ValueError, match="series"):
        forest_figure(rows, "title")
