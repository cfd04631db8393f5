"""Pages in headless Chromium: nothing is wider than a phone but what scrolls by itself."""

from __future__ import annotations

import pytest

from exodx.evaluation import evaluate_external
from exodx.evaluation.check import check_cohort
from exodx.report import benefit_figure, evaluation_page, picture, specimen_page, stability_figure, study_page
from exodx.report.check_page import check_page

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
DRAWN = (
    "[...[...document.images].map(i => i.naturalWidth), ...[...document.querySelectorAll('figure svg')].map(s => s.clientWidth)]"
)
SEEN = f"return [document.documentElement.scrollWidth, {DRAWN}]"


@pytest.fixture(scope="module")
def pages(study, figures, fast_plan, make_cohort):
    evaluation = study.evaluation
    final = {f.feature: f.mean_abs_shap for f in evaluation.features}
    drawn = figures | {
        "decision_curve": picture(benefit_figure(evaluation.benefit_curve)),
        "shap_stability": picture(stability_figure(evaluation.explanation_stability, final)),
    }
    other = make_cohort(n=80, site_case_shares=(0.3, 0.3), seed=71)
    return {
        "study": study_page(evaluation, study.model, fast_plan, drawn, "athero-3-0123abcd"),
        "evaluation": evaluation_page(evaluate_external(study.model, other, 0.1), study.model, "athero-3-0123abcd"),
        "specimen": specimen_page(study.model, study.scores, study.features, study.cohort.measurements, 5),
        "check": check_page(check_cohort(study.cohort)),
    }


@pytest.mark.parametrize("name", ["study", "evaluation", "specimen", "check"])
def test_a_page_fits_a_phone(pages, browser, name, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(pages[name], encoding="utf-8")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        browser.get(path.as_uri())
        width, images = browser.execute_script(SEEN)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= PHONE["width"]
    assert images
    assert min(images) > 200
