"""Figures of shift and of changes draw what was measured, tell what is beyond chance, and refuse where there is nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.colors import to_hex

from exodx.assay import learn_transform
from exodx.cohort import Intake, frame_cohort
from exodx.errors import InputRefused
from exodx.evaluation import Spreads, evaluate_external, measure_shift, monitor
from exodx.report import plots
from exodx.report.style import CASE, OTHER
from tests.evaluation.test_monitoring import PANEL, table


def words(figure):
    texts = [*figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    return [text.get_text() for text in texts if text.get_text()]


def marks(ax, symbol):
    return [line for line in ax.lines if line.get_marker() == symbol and len(line.get_xdata())]


def moved(cohort, analyte, by):
    """Return a cohort in which one analyte's cells read otherwise, those without a number as they were."""
    values = cohort.measurements.values.copy()
    values[:, cohort.measurements.names.index(analyte)] += by
    return replace(cohort, measurements=replace(cohort.measurements, values=values))


@pytest.mark.parametrize(("n", "kind"), [(80, "Kolmogorov"), (260, "stability index")])
def test_a_moved_feature_stands_first_and_is_marked(model, make_cohort, n, kind):
    found = measure_shift(model, moved(make_cohort(n=n, seed=31), "miR-126-3p", -4.0))
    figure = plots.shift(found)
    ax = figure.axes[0]
    assert ax.get_yticklabels()[0].get_text() == "miR-126-3p"
    shifted, usual = marks(ax, "D"), marks(ax, "o")
    assert shifted[0].get_ydata()[0] == 0
    assert {to_hex(line.get_color()) for line in shifted} == {CASE}
    assert {to_hex(line.get_color()) for line in usual} == {OTHER}
    top = max(found.features, key=lambda f: f.psi or f.distance or 0)
    assert shifted[0].get_xdata()[0] == (top.psi if n >= 200 else top.distance)
    assert any(text.startswith(kind) for text in words(figure))
    assert bool(marks(ax, "|")) == (n >= 200)


def test_a_shift_is_told_of_labels_or_not_as_an_evaluation_tells_it(model, make_cohort):
    cohort = make_cohort(n=90, seed=32)
    assert measure_shift(model, cohort) == evaluate_external(model, cohort, None).shift
    bare = measure_shift(model, replace(cohort, reference_standard=None, positive_label="", negative_labels=()))
    assert bare.share_positive.value is None
    assert bare.features == measure_shift(model, cohort).features
    shown = moved(cohort, "miR-126-3p", -4.0)
    html = measure_shift(model, shown)._repr_html_()
    assert "feature_shift" in html
    assert not any(name in html for name in cohort.ids)


def test_few_features_are_drawn_where_few_are_asked_for_and_none_is_refused(model, make_cohort):
    found = measure_shift(model, make_cohort(n=80, seed=33))
    assert len(plots.shift(found, top=2).axes[0].get_yticklabels()) == 2
    with pytest.raises(InputRefused, match="an older model"):
        plots.shift(replace(found, features=(), reason="an older model"))


@pytest.fixture(scope="module")
def watched():
    """One subject's VEGF rises tenfold at its third visit; nothing else changes."""
    frame = table(seed=3, n=20)
    frame.loc[(frame["subject_id"] == "p4") & (frame["collection_date"] == "2024-03-10"), "VEGF"] *= 10
    cohort = frame_cohort(frame, Intake(PANEL))
    return monitor(cohort, learn_transform(PANEL, cohort.measurements, None), Spreads(cv_analytical=0.1, cv_within=0.2))


def test_a_change_beyond_the_limits_is_marked_where_it_lies(watched):
    figure = plots.changes(watched, "p4")
    by_title = {ax.get_title(loc="left"): ax for ax in figure.axes}
    assert list(by_title) == [limit.analyte for limit in watched.limits]
    beyond = {name: [x for line in marks(ax, "D") for x in line.get_xdata()] for name, ax in by_title.items()}
    told = [c.date for c in watched.changes if c.subject == "p4" and c.analyte == "VEGF" and c.finding == "rise"]
    assert told == ["2024-03-10"]
    assert beyond["VEGF"] == [2]
    trace = marks(by_title["VEGF"], "o")[0]
    own = [c.difference for c in watched.changes if c.subject == "p4" and c.analyte == "VEGF"]
    assert list(trace.get_ydata()) == [0.0, *own]
    assert {"+85 %", "−46 %"} <= set(words(figure))


def test_a_subject_without_a_later_specimen_is_refused(watched):
    with pytest.raises(InputRefused, match="SUBJECT_UNKNOWN"):
        plots.changes(watched, "p99")


def test_many_analytes_stand_in_rows_and_a_gap_is_no_point(watched):
    limits = tuple(replace(watched.limits[0], analyte=f"a{n}", limit=None, fall=None, rise=None) for n in range(5))
    changes = tuple(
        replace(watched.changes[0], subject="p", analyte=f"a{n}", difference=None, finding="no value") for n in range(5)
    )
    figure = plots.changes(replace(watched, limits=limits, changes=changes), "p")
    assert sum(ax.get_visible() for ax in figure.axes) == 5
    assert not any(marks(ax, "D") for ax in figure.axes)


def test_a_monitoring_shows_limits_and_counts_without_an_id(watched):
    html, line = watched._repr_html_(), repr(watched)
    beyond = sum(c.finding in ("rise", "fall") for c in watched.changes)
    assert line == f"Monitoring(40 later specimens of 20 subjects; {beyond} changes beyond the limits)"
    assert "+85 %" in html
    assert "−46 %" in html
    assert ">p4<" not in html
    assert "s4-2-0" not in html
