"""Pages in headless Chromium: nothing is wider than a phone but what scrolls by itself."""

from __future__ import annotations

import pytest

from exodx.evaluation import evaluate_external
from exodx.evaluation.check import check_cohort
from exodx.report import benefit_figure, evaluation_page, picture, specimen_page, stability_figure, study_page
from exodx.report.check_page import check_page
from exodx.report.sheets import SHEETS, Answers, StudyMaterial, sheet_text, study_sheets

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


def test_a_page_of_long_names_fits_a_phone(study, browser, tmp_path):
    """Protein groups are names without a blank in them, and stand in lists too."""
    name = ";".join(f"A0A087WX{k}7" for k in range(9))
    model, features, scores = study.model, study.features, study.scores
    page = specimen_page(model, scores, features, study.cohort.measurements, 5).replace("PD-L1", name)
    page = page.replace("</h1>", f" {name}</h1><ul><li>{name}: not run</li></ul>", 1)
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        browser.get(path.as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE["width"]
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture(scope="module")
def sheet_pages(study, fast_plan):
    material = StudyMaterial(study.cohort, study.model, "0123abcd" * 8, fast_plan, study.evaluation)
    files = study_sheets(material, Answers()).files
    return {name: content.decode() for name, content in files.items() if name.endswith(".html")}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_fits_a_phone_in_light_and_dark_without_errors(sheet_pages, browser, name, scheme, tmp_path):
    browser.get("about:blank")
    browser.get_log("browser")  # what other pages left
    path = tmp_path / "sheet.html"
    path.write_text(sheet_pages[f"sheets/{name}.html"], encoding="utf-8")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        browser.get(path.as_uri())
        width, items = browser.execute_script(
            "return [document.documentElement.scrollWidth, document.querySelectorAll('.item').length]"
        )
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert width <= PHONE["width"]
    assert items == len(sheet_text(name).questions)
    assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 25, 30)"}[scheme]
    assert browser.get_log("browser") == []
