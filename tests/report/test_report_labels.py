"""What an analyte also tells of stands beside its name in every figure and page."""

import numpy as np
import pytest

from exodx.frozen import Explanation, Features
from exodx.panel.markers import read_markers
from exodx.report import analyte_figure, beeswarm_figure, specimen_page, study_page, waterfall_figure
from exodx.report.words import feature_label

NAMES = ("miR-126-3p", "miR-451a__nd", "PD-L1")
LABELS = ("miR-126-3p (platelet, drug)", "miR-451a__nd (haemolysis)", "PD-L1")


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(size=20), rng.integers(0, 2, 20), rng.normal(size=20)])
    features = Features(NAMES, values, np.zeros(20, np.uint32))
    return features, Explanation(NAMES, rng.normal(size=(20, 3)), 0.1)


def test_features_are_labelled_by_their_analyte():
    assert tuple(feature_label(read_markers(), name) for name in NAMES) == LABELS


def test_labels_stand_in_the_figures(drawn):
    features, explanation = drawn
    swarm = {t.get_text() for t in beeswarm_figure(explanation, features).axes[0].get_yticklabels()}
    assert set(LABELS) <= swarm
    steps = [t.get_text() for t in waterfall_figure(explanation, features, 0).axes[0].get_yticklabels()]
    assert all(any(text.startswith(f"{label} = ") for text in steps) for label in LABELS)
    y = np.arange(20) % 2
    titles = {ax.get_title(loc="left") for ax in analyte_figure(features, y.astype(np.int8), "case", NAMES).axes}
    assert {"miR-126-3p (platelet, drug)", "miR-451a (haemolysis)", "PD-L1"} <= titles


def test_beside_long_names_the_label_of_the_axis_stays_in_the_picture():
    rng = np.random.default_rng(0)
    names = tuple(f"A0A087WU43;A0A087WX17;A0A087WXI5;P128{k:02d}" for k in range(12))
    features = Features(names, rng.normal(size=(3, 12)), np.zeros(3, np.uint32))
    explanation = Explanation(names, rng.normal(size=(3, 12)), 0.1)
    figure = waterfall_figure(explanation, features, 0, measured=["1.243e+05 intensity"] * 12)
    figure.draw_without_rendering()
    box, page = figure.axes[0].xaxis.label.get_window_extent(), figure.bbox
    assert page.x0 <= box.x0
    assert box.x1 <= page.x1


def test_labels_stand_on_the_pages(study, fast_plan, figures):
    page = study_page(study.evaluation, study.model, fast_plan, figures, "athero-3-0123abcd")
    assert "<td>miR-126-3p (platelet, drug)</td>" in page
    assert "<td>miR-451a (haemolysis)</td>" in page
    one = specimen_page(study.model, study.scores, study.features, study.cohort.measurements, 0)
    assert "<td>miR-126-3p (platelet, drug)</td>" in one
