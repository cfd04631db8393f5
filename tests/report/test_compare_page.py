"""The comparison as text and as a page: what is there is told, what is not is said, nothing runs, a phone shows it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from exodx.errors import RUO
from exodx.evaluation import evaluate_external
from exodx.evaluation.audits import Finding
from exodx.evaluation.paired import compare_models
from exodx.evaluation.side_by_side import NOT_PAIRED, side_by_side
from exodx.report.compare_page import comparison_page
from exodx.report.compare_text import comparison_text
from exodx.training import train_model

NAMES = ("models:/m/1", "models:/m/<b>2</b>")
PHONE = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}


@pytest.fixture(scope="module")
def parts(model, make_cohort, fast_plan):
    other, new = train_model(make_cohort(n=150, seed=23), fast_plan), make_cohort(n=120, seed=31)
    first, second = (evaluate_external(each, new, None) for each in (model, other))
    second = replace(second, findings=(*second.findings, Finding("only_in_b", "blocking", "a <script>alert(1)</script> site")))
    stored = side_by_side(first, second, ({"plan.seed": "1"}, {"plan.seed": "2"}), True)
    return stored, compare_models((model, new), (other, new), None)


def test_the_text_tells_of_both_and_of_the_difference(parts):
    stored, paired = parts
    text = comparison_text(NAMES, stored, paired)
    for said in ("A − B, paired", "McNemar's exact p", "plan.seed: 1 → 2", "the same cohort", "only_in_b", "Simulated", RUO):
        assert said in text
    assert NOT_PAIRED not in text
    assert text.count("no prevalence of use is stated") == 1
    assert max(map(len, text.splitlines())) <= 110


def test_without_a_cohort_text_and_page_say_so(parts):
    stored, _ = parts
    text, page = comparison_text(NAMES, stored, None), comparison_page(NAMES, stored, None)
    assert " ".join(NOT_PAIRED.split()) in " ".join(text.split())
    assert NOT_PAIRED in page
    assert "A − B, paired" not in text
    assert "<svg" not in page


def test_a_model_that_has_seen_the_cohort_is_told_first_in_text_and_page(parts):
    stored, paired = parts
    told = "A: The model was trained on these <specimens>."
    text, page = (make(NAMES, stored, replace(paired, apparent=(told,))) for make in (comparison_text, comparison_page))
    assert text.index(told) < text.index("A − B, paired")
    escaped = told.replace("<", "&lt;").replace(">", "&gt;")
    assert page.index(f'<div class="banner red">{escaped}</div>') < page.index('<div class="headline">')
    assert "banner red" not in comparison_page(NAMES, stored, paired)


def test_without_a_store_only_the_cohort_speaks(parts):
    _, paired = parts
    text, page = comparison_text(NAMES, None, paired), comparison_page(NAMES, None, paired)
    assert "plan.seed" not in text + page
    assert page.count('<svg role="img" aria-label=') == 3
    assert "var(--plot-case)" in page.split("<svg", 1)[1]  # drawn in the page's colours, in either scheme


def test_the_page_is_self_contained_and_escaped(parts):
    page = comparison_page(NAMES, *parts)
    assert "<script" not in page
    assert "<b>2</b>" not in page
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)
    assert page.count("prefers-color-scheme: dark") == 2  # the base's, and the colour of B as text
    assert not set(re.findall(r"var\((--[\w-]+)\)", page)) - set(re.findall(r"(--[\w-]+):", page))  # no colour without a meaning
    assert page.count(RUO) == 2
    assert page == comparison_page(NAMES, *parts)


def test_models_that_order_alike_have_a_reason_instead_of_an_interval(model, make_cohort):
    new = make_cohort(n=100, seed=5)
    same = compare_models((model, new), (model, new), None)
    assert "no interval:" in comparison_page(NAMES, None, same)
    assert "none" in comparison_text(NAMES, None, same).split("Calls that differ")[1]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_is_readable_in_either_scheme(parts, browser, tmp_path, scheme):
    path = tmp_path / "page.html"
    path.write_text(comparison_page(NAMES, *parts), encoding="utf-8")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        browser.get(path.as_uri())
        width = browser.execute_script("return document.documentElement.scrollWidth")
        ink, paper = browser.execute_script("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert width <= PHONE["width"]
    assert contrast(ink, paper) > 7
    assert (luminance(paper) < 0.1) is (scheme == "dark")


def luminance(colour):
    """Return WCAG's relative luminance of rgb(…)."""
    parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
