"""Figures are drawn from the data, leave no global state behind, and are the same bytes each time."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from exodx.frozen import Explanation, Features
from exodx.report import analyte_figure, beeswarm_figure, calibration_figure, png, roc_figure, sites_figure, waterfall_figure

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def draw(study):
    names = [f.feature for f in study.evaluation.features]
    row = int(np.flatnonzero(study.scores.prediction.is_scored)[0])
    return {
        "roc": lambda: roc_figure(study.evaluation),
        "calibration": lambda: calibration_figure(study.evaluation),
        "sites": lambda: sites_figure(study.evaluation),
        "shap": lambda: beeswarm_figure(study.explanation, study.features),
        "analytes": lambda: analyte_figure(study.features, study.cohort.y, "case", names),
        "waterfall": lambda: waterfall_figure(study.explanation, study.features, row),
    }


def texts(ax):
    return [t.get_text() for t in ax.texts]


@pytest.mark.parametrize("name", ["roc", "calibration", "sites", "shap", "analytes", "waterfall"])
def test_a_figure_is_the_same_png_each_time(draw, name):
    first = png(draw[name]())
    assert first.startswith(PNG)
    assert first == png(draw[name]())
    assert b"Software" not in first


def test_a_users_matplotlib_settings_neither_change_a_figure_nor_are_changed(draw):
    plain = png(draw["roc"]())
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "savefig.dpi": 20, "axes.facecolor": "red"}):
        before = dict(matplotlib.rcParams)
        assert png(draw["roc"]()) == plain
        assert dict(matplotlib.rcParams) == before


def test_a_new_process_draws_the_same_bytes_without_pyplot_or_shap():
    code = (
        "import sys, hashlib, numpy as np; from exodx.frozen import Explanation, Features;"
        "from exodx.report import beeswarm_figure, png; v = np.sin(np.arange(60.0)).reshape(20, 3);"
        "e, f = Explanation(('a', 'b', 'c'), v, 0.1), Features(('a', 'b', 'c'), v, np.zeros(20, np.uint32));"
        "assert not {'matplotlib.pyplot', 'shap'} & set(sys.modules);"
        "sys.stdout.write(hashlib.sha256(png(beeswarm_figure(e, f))).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2)}
    v = np.sin(np.arange(60.0)).reshape(20, 3)
    here = png(beeswarm_figure(Explanation(("a", "b", "c"), v, 0.1), Features(("a", "b", "c"), v, np.zeros(20, np.uint32))))
    assert runs == {hashlib.sha256(here).hexdigest()}


def test_the_roc_curve_is_the_evaluations(study):
    ax = roc_figure(study.evaluation).axes[0]
    curve = next(line for line in ax.lines if line.get_label() == "ROC curve")
    np.testing.assert_array_equal(curve.get_xdata()[1:], study.evaluation.roc.one_minus_specificity)
    np.testing.assert_array_equal(curve.get_ydata()[1:], study.evaluation.roc.sensitivity)
    head = study.evaluation.headline
    assert any(f"{head.value:.3f}" in t and head.design in t and "this curve" in t for t in texts(ax))
    assert str(study.evaluation.flow["scored"]) in ax.get_title(loc="left")


def test_the_calibration_points_bars_and_sizes_are_the_evaluations(study):
    upper, lower = calibration_figure(study.evaluation).axes
    bins = study.evaluation.calibration
    points = upper.containers[0].lines[0]
    np.testing.assert_allclose(points.get_xydata(), [(b.probability, b.observed) for b in bins])
    bars = upper.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([s[:, 1] for s in bars], [(b.lower, b.upper) for b in bins], atol=1e-9)
    assert [s[1, 1] for s in lower.collections[0].get_segments()] == [b.n for b in bins]


def test_every_site_has_its_row_and_one_without_auc_says_why(study):
    ax = sites_figure(study.evaluation).axes[0]
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert [site.site in text for site, text in zip(study.evaluation.sites, labels, strict=False)] == [True] * 3
    assert labels[3:] == ["pooled over sites, random effects", "random cross-validation"]
    drawn = [float(line.get_xdata()[0]) for line in ax.lines[1:]]
    expected = [s.auc.value for s in study.evaluation.sites if s.auc.value is not None]
    expected += [study.evaluation.estimate("auc_leave_one_site_out").value, study.evaluation.estimate("auc").value]
    np.testing.assert_allclose(drawn, expected)
    assert any("one class only" in t for t in texts(ax))
    assert sites_figure(replace(study.evaluation, sites=())) is None


def test_the_beeswarm_shows_every_scored_value_and_orders_by_importance(study):
    ax = beeswarm_figure(study.explanation, study.features, top=2).axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == [f.feature for f in study.evaluation.features[:2]]
    scored = study.explanation.values[np.isfinite(study.explanation.values).all(axis=1)]
    j = study.features.names.index(study.evaluation.features[0].feature)
    shown = np.concatenate([np.asarray(c.get_offsets())[:, 0] for c in ax.collections[:2]])
    np.testing.assert_allclose(np.sort(shown), np.sort(scored[:, j]))


def test_a_feature_without_any_value_or_spread_is_drawn_without_a_warning():
    values = np.column_stack([np.full(30, np.nan), np.ones(30), np.arange(30.0)])
    shap = np.column_stack([np.zeros(30), np.zeros(30), np.arange(30.0) - 15])
    names = ("empty", "flat", "fine")
    features = Features(names, values, np.zeros(30, np.uint32))
    assert png(beeswarm_figure(Explanation(names, shap, 0.0), features)).startswith(PNG)
    y = (np.arange(30) % 2).astype(np.int8)
    assert png(analyte_figure(features, y, "case", names)).startswith(PNG)


def test_names_that_are_not_plain_text_are_drawn_without_a_warning():
    names = ("$\\frac{", "血液", "a\nb" + "x" * 200)
    values = np.arange(60.0).reshape(20, 3)
    explanation, features = Explanation(names, values, 0.0), Features(names, values, np.zeros(20, np.uint32))
    y = (np.arange(20) % 2).astype(np.int8)
    for figure in (
        beeswarm_figure(explanation, features),
        waterfall_figure(explanation, features, 0),
        analyte_figure(features, y, "$x", names),
    ):
        assert png(figure).startswith(PNG)


def test_analytes_are_shown_in_the_given_order_at_most_twelve_each_value_once():
    names = tuple(f"a{i}" for i in range(15))
    values = np.random.default_rng(0).normal(size=(40, 15))
    y = (np.arange(40) % 4 == 0).astype(np.int8)
    figure = analyte_figure(Features(names, values, np.zeros(40, np.uint32)), y, "case", names[::-1])
    assert [ax.get_title(loc="left") for ax in figure.axes] == list(names[::-1][:12])
    cases, others = (np.asarray(c.get_offsets())[:, 1] for c in figure.axes[1].collections[0::2][:2])
    np.testing.assert_allclose(cases, np.sort(values[y == 1, 13]))
    np.testing.assert_allclose(others, np.sort(values[y == 0, 13]))


def test_an_indicator_is_shown_as_a_share():
    names, y = ("m__nd",), np.array([1, 1, 1, 1, 0, 0], np.int8)
    values = np.array([[1.0], [1.0], [1.0], [0.0], [0.0], [np.nan]])
    ax = analyte_figure(Features(names, values, np.zeros(6, np.uint32)), y, "case", names).axes[0]
    assert [p.get_height() for p in ax.patches] == [0.75, 0.0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["", "1 no value"]


@pytest.mark.parametrize("top", [1, 3, 12])
def test_the_waterfall_leads_from_the_base_to_the_margin(top):
    rng = np.random.default_rng(1)
    names = tuple(f"a{i}" for i in range(7))
    shap = rng.normal(size=(3, 7))
    explanation = Explanation(names, shap, -0.4)
    ax = waterfall_figure(explanation, Features(names, shap, np.zeros(3, np.uint32)), 2, top).axes[0]
    widths, starts = [p.get_width() for p in ax.patches], [p.get_x() for p in ax.patches]
    assert len(widths) == min(top, 7) + (top < 7)
    ends = np.add(starts, widths)
    np.testing.assert_allclose(starts, [-0.4, *ends[:-1]])
    np.testing.assert_allclose(ends[-1], -0.4 + shap[2].sum())
    assert sum(widths) == pytest.approx(shap[2].sum())


def test_a_specimen_that_was_not_scored_has_no_waterfall():
    explanation = Explanation(("a",), np.array([[np.nan]]), 0.0)
    with pytest.raises(ValueError, match="not scored"):
        waterfall_figure(explanation, Features(("a",), np.array([[1.0]]), np.zeros(1, np.uint32)), 0)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # shap 0.51 on matplotlib 3.11, on import
def test_explanations_become_shaps_own(study):
    from exodx.report.interop import shap_explanation

    theirs = shap_explanation(study.explanation, study.features)
    np.testing.assert_array_equal(theirs.values, study.explanation.values)
    np.testing.assert_array_equal(theirs.data, study.features.values)
    assert theirs.feature_names == list(study.features.names)
