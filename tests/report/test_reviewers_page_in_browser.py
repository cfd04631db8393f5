"""The reviewer's page in headless Chromium: sliders, MLflow's sandbox, keyboard, no script, print, both themes."""

from __future__ import annotations

import base64
import html
import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from exodx.report import evaluation_page, specimen_page, study_page
from exodx.report.threshold_panel import accuracy_at, threshold_panel
from exodx.report.words import sentence

pytestmark = pytest.mark.browser
NAMES = "['sensitivity', 'specificity', 'ppv', 'npv', 'indeterminate']"
SHOWN = f"return Object.fromEntries({NAMES}.map(n => [n, document.getElementById('at-' + n).textContent]))"
MOVE = (
    "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('input', {bubbles: true}))"
)


@pytest.fixture(scope="module")
def report(study, figures, fast_plan):
    return study_page(study.evaluation, study.model, fast_plan, figures, "athero-3-0123abcd")


@pytest.fixture
def opened(report, browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(report, encoding="utf-8")
    browser.get(path.as_uri())
    return browser


@pytest.fixture(scope="module")
def axe():
    path = Path(os.environ.get("EXODX_AXE", "no-such-file"))
    if not path.is_file():
        pytest.skip("axe-core is not here: .ci/run fetches it and names it in EXODX_AXE")
    return path.read_text(encoding="utf-8")


def expected(study, lower, upper, prevalence):
    found = accuracy_at(study.evaluation.threshold_steps, lower, upper, prevalence)
    return {name: sentence(estimate) for name, estimate in found.items()}


def test_before_anything_is_moved_the_page_shows_the_models_threshold_at_the_stated_prevalence(opened, study):
    at = study.model.threshold.value
    shown = opened.execute_script(SHOWN)
    assert shown == expected(study, at, at, 0.2)
    assert "of 1000 subjects, 20 % of them" in opened.execute_script("return document.getElementById('told').textContent")
    assert not opened.execute_script("return document.getElementById('row-indeterminate').checkVisibility()")


@pytest.mark.parametrize(
    ("lower", "upper", "place"), [(0, 199, 0), (10, 60, 5), (40, 40, 70), (80, 150, 130), (199, 199, 20), (0, 0, 60)]
)
def test_the_sliders_show_what_python_computes(opened, study, lower, upper, place):
    for name, value in (("upper", 199), ("lower", lower), ("upper", upper), ("prevalence", place)):
        opened.execute_script(MOVE, name, value)
    panel = threshold_panel(study.evaluation, study.model.threshold)
    steps = study.evaluation.threshold_steps.threshold
    assert opened.execute_script(SHOWN) == expected(study, steps[lower], steps[upper], panel.data["prevalence"][place])
    assert opened.execute_script("return document.getElementById('row-indeterminate').checkVisibility()") == (lower < upper)


def test_keys_move_a_slider_the_zone_never_turns_over_and_there_is_a_way_back(opened, study):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    before = opened.execute_script(SHOWN)
    upper, lower = opened.find_element(By.ID, "upper"), opened.find_element(By.ID, "lower")
    upper.send_keys(*[Keys.ARROW_LEFT] * 3)
    assert upper.get_attribute("value") == lower.get_attribute("value"), "the lower end gives way"
    assert upper.get_attribute("aria-valuetext").startswith("positive from ")
    lower.send_keys(*[Keys.ARROW_RIGHT] * 9)
    assert upper.get_attribute("value") == lower.get_attribute("value"), "and so does the upper"
    assert opened.execute_script(SHOWN) != before
    told = opened.find_element(By.ID, "told")
    assert told.get_attribute("aria-live") == "polite"
    assert upper.get_attribute("aria-valuetext").removeprefix("positive from ") in told.text
    opened.find_element(By.ID, "reset").send_keys(Keys.ENTER)
    assert opened.execute_script(SHOWN) == before


def test_the_page_works_in_mlflows_sandbox_without_a_request_or_a_complaint(report, study, browser, tmp_path):
    sandbox = 'id="f" sandbox="allow-scripts" width="1200" height="800"'
    frame = f'<!DOCTYPE html><title>x</title><iframe {sandbox} srcdoc="{html.escape(report)}"></iframe>'
    path = tmp_path / "mlflow.html"
    path.write_text(frame, encoding="utf-8")
    browser.execute_cdp_cmd("Network.enable", {})
    browser.get_log("browser")
    browser.get(path.as_uri())
    browser.switch_to.frame("f")
    try:
        browser.execute_script(MOVE, "upper", 150)
        shown = browser.execute_script(SHOWN)
        fetched = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    finally:
        browser.switch_to.default_content()
    at = study.model.threshold.value
    assert shown == expected(study, at, study.evaluation.threshold_steps.threshold[150], 0.2)
    assert [name for name in fetched if not name.startswith("data:")] == []
    assert browser.get_log("browser") == []


def test_no_other_script_runs_in_the_page(report, browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(report.replace("</main>", "<script>document.title = 'taken'</script></main>"), encoding="utf-8")
    browser.get(path.as_uri())
    assert browser.title != "taken"


def test_without_scripts_the_table_stands_at_the_models_threshold_and_nothing_can_be_moved(report, study, browser, tmp_path):
    from selenium.webdriver.common.by import By

    path = tmp_path / "report.html"
    path.write_text(report, encoding="utf-8")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(path.as_uri())
        text = browser.find_element(By.TAG_NAME, "body").text
        controls = browser.find_element(By.ID, "controls").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    at = study.model.threshold.value
    told = expected(study, at, at, 0.2)
    assert all(told[name] in text for name in ("sensitivity", "specificity", "ppv", "npv"))
    assert not controls


def test_the_printed_page_holds_the_verdict_and_the_methods_on_several_sheets(opened):
    pdf = base64.b64decode(opened.execute_cdp_cmd("Page.printToPDF", {})["data"])
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        controls, text = opened.execute_script(
            "return [document.getElementById('controls').checkVisibility(), document.body.innerText]"
        )
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 3
    assert not controls
    assert "The number to quote" in text
    assert "Methods, in words" in text


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["study", "specimen", "evaluation"])
def test_axe_finds_no_serious_violation(name, theme, report, study, browser, axe, tmp_path):
    pages = {
        "study": lambda: report,
        "specimen": lambda: specimen_page(study.model, study.scores, study.features, study.cohort.measurements, 5),
        "evaluation": lambda: evaluation_page(replace(study.evaluation, folds=()), study.model, "athero-3-0123abcd"),
    }
    path = tmp_path / "page.html"
    path.write_text(pages[name](), encoding="utf-8")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})
    try:
        browser.get(path.as_uri())
        browser.execute_script(axe)
        found = browser.execute_async_script("const done = arguments[0]; axe.run().then(r => done(JSON.stringify(r.violations)))")
        paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert [(v["id"], v["nodes"][0]["html"]) for v in json.loads(found) if v["impact"] in ("serious", "critical")] == []
    assert paper == ("rgb(255, 255, 255)" if theme == "light" else "rgb(18, 23, 29)")


def test_headings_are_in_order_and_every_picture_and_header_is_named(opened):
    levels = opened.execute_script("return [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert opened.execute_script("return [...document.querySelectorAll('th:not([scope])')].length") == 0
    unnamed = "figure img:not([alt]), figure > svg:not([aria-label]):not([aria-labelledby])"
    assert opened.execute_script("return document.querySelectorAll(arguments[0]).length", unnamed) == 0
    ids = opened.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
