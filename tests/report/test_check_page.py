"""The page of a check: self-contained, escaped, readable, with figures that show what the numbers say."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import Intake, frame_cohort
from exodx.errors import RUO
from exodx.evaluation import Finding
from exodx.evaluation.check import FlaggedSpecimen, check_cohort
from exodx.evaluation.check_tables import AnalyteRow, PlateRow, ReferenceRow, Spread
from exodx.panel import Analyte, Panel
from exodx.report.check_figures import detection_figure, plates_figure, references_figure, spread_figure, states_figure
from exodx.report.check_page import check_page

EVIL = "<img src=x onerror=alert(1)>"
BANNED = re.compile(r"\bsamples?\b|\bpatients?\b|diagnosed", re.IGNORECASE)
DATA = "data:image/png;base64,"


@pytest.fixture(scope="module")
def check(cohort):
    return check_cohort(cohort)


@pytest.fixture(scope="module")
def page(check):
    return check_page(check)


def analyte(name, detected=1.0, **states):
    cells = dict.fromkeys(("measured", "below_lod", "undetermined", "not_run", "failed_qc", "above_loq"), 0) | states
    return AnalyteRow(
        name,
        name,
        None,
        "Ct",
        "target",
        **cells,
        detected=detected,
        detected_positive=None,
        detected_negative=None,
        median=30.0,
        lower=29.0,
        upper=31.0,
    )


def spread(values, kind="haemolysis_ct", flag=(5.0,), refuse=(7.0,)):
    return Spread(kind, kind, values, flag, refuse, 0, 0, "source")


def bars(figure):
    return [p for p in figure.axes[0].patches if p.get_width() > 0]


def test_the_page_is_self_contained_and_says_research_use_only(page):
    assert page.count(RUO) >= 2
    assert page.index(RUO) < page.index("<h2>")
    assert "<script" not in page.lower()
    assert not re.search(r"\son\w+\s*=", page)
    links = re.findall(r"""(?:src|href|action|data)\s*=\s*["']?([^"'\s>]+)""", page)
    assert links
    assert all(link.startswith(DATA) for link in links)
    assert "@import" not in page
    assert "Simulated specimens: no number here is evidence of performance." in page
    assert not BANNED.search(re.sub(re.escape(DATA) + r"[^\"]+", "", page))


def test_verdict_findings_tables_and_figures_are_on_the_page(page, check):
    assert check.verdict in page
    for finding in check.findings:
        assert f"<code>{finding.code}</code>" in page
    for row in check.analytes:
        assert f'<td class="name">{row.label}</td>' in page
    for step in check.quality.flow:
        assert f"<td>{step.step}</td>" in page
    for specimen in check.not_ok:
        assert specimen.specimen_id in page
    assert "decided again inside every training fold" in page
    assert page.count("<img") >= 3
    assert "reference standard" in page


def test_what_users_write_is_escaped(check):
    evil = replace(
        check,
        cohort=EVIL,
        findings=(Finding("x", "note", EVIL),),
        not_ok=(FlaggedSpecimen(EVIL, "WARN", EVIL),),
        analytes=(analyte(EVIL, measured=3),),
        notes=(EVIL,),
    )
    page = check_page(evil)
    assert EVIL not in page
    assert page.count("&lt;img src=x") >= 5


def test_a_blocked_cohort_says_so_in_red_and_long_lists_are_cut(check):
    many = tuple(Finding("missingness_confounded", "blocking", f"a{i} was not run for all.") for i in range(40))
    specimens = tuple(FlaggedSpecimen(f"S{i:03d}", "WARN", "few reads") for i in range(100))
    page = check_page(replace(check, findings=many, ready=False, verdict="Do not train yet.", not_ok=specimens))
    assert '<div class="verdict stop">Do not train yet.</div>' in page
    assert "… and 37 more of this kind" in page
    assert "… and 40 more;" in page
    assert "S059" in page
    assert "S060" not in page


def test_only_states_that_occur_have_a_column(check):
    rows = (analyte("a", measured=3), analyte("b", measured=1, above_loq=2))
    page = check_page(replace(check, analytes=rows))
    assert "&gt;LOQ" in page
    assert "&lt;LOD" not in page


def test_two_thousand_analytes_make_a_page_of_two_megabytes_at_most():
    rng = np.random.default_rng(0)
    panel = Panel("wide", "1", "t", tuple(Analyte(f"miR-{i + 1}", "mirna", "count") for i in range(2000)), normalisation="none")
    table = pd.DataFrame(rng.poisson(rng.lognormal(2, 2.5, 2000), (60, 2000)).astype(float), columns=list(panel.names))
    check = check_cohort(frame_cohort(table.assign(group=["case", "control"] * 30), Intake(panel, "group", "case")))
    page = check_page(check)
    assert len(page.encode()) < 2_000_000
    assert "… and 1800 more" in page
    assert "Library sizes" not in page  # a word of the figure, not of the page
    assert page.count("<img") >= 2


def test_a_row_of_the_states_figure_is_a_share_of_all_specimens(check):
    rows = (analyte("a", 0.5, measured=4, undetermined=4, not_run=2), analyte("b", 1.0, measured=9, above_loq=1))
    figure = states_figure(replace(check, analytes=rows))
    total, widths = np.zeros(2), {}
    for container in figure.axes[0].containers:
        shares = np.array([p.get_width() for p in container])
        widths[container.get_label()] = shares
        total += shares
    assert total == pytest.approx([1.0, 1.0])
    assert widths["detected"] == pytest.approx([0.4, 0.9])
    assert widths["undetermined"] == pytest.approx([0.4, 0.0])
    assert widths["not run"] == pytest.approx([0.2, 0.0])
    assert widths["above LOQ"] == pytest.approx([0.0, 0.1])
    assert "failed quality control" not in widths


def test_of_many_analytes_the_worst_are_drawn_and_all_are_in_a_histogram(check):
    rows = tuple(analyte(f"a{i:03d}", i / 100, measured=i, undetermined=100 - i) for i in range(100))
    figure = states_figure(replace(check, analytes=rows))
    names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert names == [f"a{i:03d}" for i in range(30)]
    histogram = detection_figure(replace(check, analytes=rows))
    assert sum(p.get_height() for p in histogram.axes[0].patches) == 100
    assert detection_figure(check) is None


def test_a_histogram_holds_every_specimen_and_shows_the_limits():
    values = {"positive": [3.0, 4.0, 5.5, 7.5], "negative": [2.0, 3.0]}
    ax = spread_figure(spread(values)).axes[0]
    top = ax.containers[-1]
    assert sum(p.get_y() + p.get_height() for p in top) == 6
    assert {line.get_xdata()[0] for line in ax.lines} == {5.0, 7.0}
    low, high = ax.get_xlim()
    assert low < 2.0
    assert high > 7.5


def test_library_sizes_stand_on_a_log_axis_with_plain_numbers():
    figure = spread_figure(spread({"all": [0.0, 1e3, 1e4, 3e5]}, "depth", (1e6,), ()))
    ax = figure.axes[0]
    assert ax.get_xscale() == "log"
    figure.canvas.draw()
    assert not any("$" in t.get_text() or "\\" in t.get_text() for t in ax.get_xticklabels())
    assert ax.get_xlim()[1] > 1e6


@pytest.mark.parametrize("values", [{"all": []}, {"all": [3.0]}, {"positive": [2.0, 2.0], "negative": [2.0]}])
def test_nothing_is_drawn_where_there_is_nothing_to_see(values):
    assert spread_figure(spread(values)) is None


def test_plates_are_drawn_with_their_means(check):
    plates = (PlateRow("p1", 10, 4, -0.5, 0.2), PlateRow("p2", 12, None, 0.7, None), PlateRow("empty", 1, 0, None, None))
    figure = plates_figure(replace(check, plates=plates))
    assert list(figure.axes[0].lines[1].get_xdata()) == [-0.5, 0.7]
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["p1  (n = 10, 4 +)", "p2  (n = 12)"]
    assert plates_figure(replace(check, plates=plates[:1])) is None
    many = tuple(PlateRow(f"plate {i}", 3, 1, 0.1 * i, 0.1) for i in range(60))
    assert "40 of 60" in plates_figure(replace(check, plates=many)).axes[0].get_title(loc="left")


def overlapping(figure):
    """Return the tick labels of a figure that lie on one another."""
    figure.canvas.draw()
    renderer, found = figure.canvas.get_renderer(), []
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        texts = [t for t in axis.get_ticklabels() if t.get_text() and t.get_visible()]
        boxes = [t.get_window_extent(renderer) for t in texts]
        found += [
            (a.get_text(), b.get_text()) for a, b, x, y in zip(texts, texts[1:], boxes, boxes[1:], strict=False) if x.overlaps(y)
        ]
    return found


def test_no_labels_lie_on_one_another(check):
    rng = np.random.default_rng(0)
    long = tuple(analyte(f"hsa-miR-{i}-3p, an analyte with a very long name", measured=5) for i in range(60))
    plates = tuple(PlateRow(f"a plate with a long name {i}", 3, 1, 0.1 * i, 0.1) for i in range(40))
    figures = [
        states_figure(replace(check, analytes=long)),
        plates_figure(replace(check, plates=plates)),
        spread_figure(spread({"positive": rng.normal(4, 1, 50).tolist(), "negative": rng.normal(4, 1, 50).tolist()})),
        spread_figure(spread({"all": rng.lognormal(9, 2, 80).tolist()}, "depth", (1e6,), ())),
    ]
    assert [overlapping(figure) for figure in figures] == [[]] * 4


def test_references_are_drawn_steadiest_first_and_what_else_they_tell_of_is_said(check):
    rows = (
        ReferenceRow("miR-16-5p", 90, 0.9, 0.4, haemolysis_marker=True, disease_marker=True, small_nuclear=False),
        ReferenceRow("miR-423-5p", 90, 0.5, 0.1, haemolysis_marker=False, disease_marker=False, small_nuclear=False),
        ReferenceRow("RNU6B", 90, 0.7, 0.2, haemolysis_marker=False, disease_marker=False, small_nuclear=True),
        ReferenceRow("never measured", 0, None, None, haemolysis_marker=False, disease_marker=False, small_nuclear=False),
    )
    figure = references_figure(replace(check, references=rows))
    left, right = figure.axes
    assert [t.get_text() for t in left.get_yticklabels()] == [
        "miR-423-5p",
        "RNU6B (small nuclear)",
        "miR-16-5p (haemolysis, disease)",
    ]
    for ax, steadiest, others in ((left, [0.5], [0.7, 0.9]), (right, [0.1], [0.2, 0.4])):
        plain, tagged = (
            dots.get_offsets()[:, 0].tolist() for dots in ax.collections if len(dots.get_offsets()) and dots.get_label()[0] != "_"
        )
        assert (plain, tagged) == (steadiest, others)
    assert references_figure(replace(check, references=rows[:1])) is None


def test_two_references_have_no_normfinder_and_are_drawn_by_genorm_alone(check):
    assert {row.rho for row in check.references} == {None}
    left, right = references_figure(check).axes
    assert sum(len(dots.get_offsets()) for dots in left.collections if dots.get_label()[0] != "_") == len(check.references)
    assert not [dots for dots in right.collections if dots.get_label()[0] != "_"]


def test_limits_are_written_with_as_many_digits_as_mean_something():
    values = {"all": [20.0, 21.0, 24.5]}
    figure = spread_figure(Spread("cel-miR-39-3p", "spike", values, (19.535182, 22.212818), (), 1, 0, "source"))
    assert "flags (19.54/22.21)" in [text.get_text() for text in figure.legends[0].get_texts()]
