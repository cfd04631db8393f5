"""Pages: self-contained, escaped, honest about what must not be claimed, and without a specimen on the study's page."""

import re
from dataclasses import replace

import numpy as np
import pytest

from exodx.errors import RUO
from exodx.evaluation import Finding, SiteResult
from exodx.frozen import State
from exodx.panel.markers import read_markers
from exodx.report import Answers, StudyMaterial, specimen_page, study_page, study_sheets

EVIL = "<img src=x onerror=alert(1)>"
BANNED = ("diagnosed", "patient has")


@pytest.fixture(scope="module")
def page(study, fast_plan, figures):
    return study_page(study.evaluation, study.model, fast_plan, figures, "athero-3-0123abcd")


@pytest.fixture(scope="module")
def one(study):
    return specimen_page(study.model, study.scores, study.features, study.cohort.measurements, 5)


def links(html):
    html = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    return re.findall(r"""(?:src|href|action|data)\s*=\s*["']?([^"'\s>]+)""", html) + re.findall(r"url\(([^)]*)\)|@import", html)


@pytest.mark.parametrize("which", ["page", "one"])
def test_a_page_is_self_contained_and_says_research_use_only(which, request):
    html = request.getfixturevalue(which)
    assert html.count(RUO) >= 2
    assert html.index(RUO) < html.index("<h2>" if which == "page" else "<table>")
    assert html.lower().count("<script") == (2 if which == "page" else 0)
    assert not re.search(r"\son\w+\s*=", html)
    assert "default-src 'none'" in html
    assert not re.search(r"https?://(?!www\.w3\.org/)", html)
    assert links(html)
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links(html))
    assert not any(word in html.lower() for word in BANNED)
    assert "Simulated specimens: no number here is evidence of performance." in html


def test_the_headline_estimates_sites_and_figures_are_on_the_page(page, study, figures):
    assert f'<div class="number">AUC {study.evaluation.headline.value:.3f}</div>' in page
    assert "random CV" in page
    assert page.count("<figure") == len(figures) + 1, "and the flow"
    assert page.count("<img") == sum(name in ("shap", "analytes", "dependence") for name in figures)
    for estimate in study.evaluation.estimates:
        assert f"{estimate.value:.3f}".replace("-", "−") in page
    assert all(site.site in page for site in study.evaluation.sites)
    assert "the site holds one class only" in page
    assert f"<b>{study.model.threshold.value:.4f}</b>" in page


def test_panel_learning_plan_and_provenance_are_on_the_page(page, study, fast_plan):
    for analyte in study.model.panel.analytes:
        assert re.search(
            rf"<td>{re.escape(read_markers().label(analyte))}</td><td>{analyte.unit}</td><td>{analyte.role}</td><td>{analyte.accession}</td>",
            page,
        )
    for summary in study.evaluation.features:
        assert f"<td>{summary.declared}</td><td>{summary.direction}</td>" in page
    provenance = study.model.provenance
    learned = provenance.booster["members"][0]["setting"]
    for text in (provenance.cohort_fingerprint, provenance.panel_fingerprint, learned, str(fast_plan.seed)):
        assert text in page
    assert study.model.panel.intended_use in page


def test_sheets_and_model_card_are_named_with_their_counts_and_without_a_link(study, fast_plan, figures, page):
    material = StudyMaterial(study.cohort, study.model, "0123abcd" * 8, fast_plan, study.evaluation)
    sheets = study_sheets(material, Answers()).sheets
    named = study_page(study.evaluation, study.model, fast_plan, figures, "athero-3-0123abcd", sheets)
    for sheet in sheets:
        counts = "".join(f'<td class="n">{n}</td>' for n in sheet.counts.values())
        assert f"<tr><td>{sheet.title}</td><td><code>sheets/{sheet.name}.html</code></td>{counts}</tr>" in named
    assert "<code>model_card.md</code>" in named
    assert "sheets/" not in page  # where there are none
    assert links(named) == links(page)  # a relative link fails in MLflow's frame


def test_without_a_column_of_subjects_the_flow_says_so(study, fast_plan, figures, page):
    said = "every specimen is counted as one"
    assert said not in page
    told = replace(study.evaluation, findings=(Finding("subjects_not_stated", "note", "None."),))
    assert said in study_page(told, study.model, fast_plan, figures, "id")


def test_no_specimen_is_on_the_study_page(page, study):
    assert not [i for i in study.cohort.ids if i in page]
    assert not [s for s in study.cohort.specimens["subject"] if re.search(rf"\b{re.escape(str(s))}\b", page)]


def test_findings_are_sorted_and_a_blocking_one_forbids_the_headline_by_name(study, fast_plan, figures):
    findings = (Finding("small", "note", "A note."), Finding("site_confounded", "blocking", "Site tells all."))
    html = study_page(study.with_findings(*findings), study.model, fast_plan, figures, "m")
    banner = re.search(r'<div class="banner red">(.*?)</div>', html, re.DOTALL).group(1)
    assert "must not be claimed" in banner
    assert "Site tells all." in banner
    assert html.index(banner) < html.index('class="number"')
    assert html.index('<li class="blocking">') < html.index('<li class="note">')
    calm = study_page(study.with_findings(findings[0]), study.model, fast_plan, figures, "m")
    assert "banner red" not in calm


def test_simulated_specimens_are_called_so_when_the_model_or_the_cohort_is(study, fast_plan):
    real = replace(study.model, provenance=replace(study.model.provenance, synthetic=False))
    assert "Simulated specimens" in study_page(study.evaluation, real, fast_plan, {}, "m")
    assert "Simulated specimens" in study_page(study.with_findings(), study.model, fast_plan, {}, "m")
    assert "Simulated specimens" not in study_page(study.with_findings(), real, fast_plan, {}, "m")


def test_whatever_a_user_names_is_escaped(study, fast_plan, figures):
    panel = replace(study.model.panel, title=EVIL, evidence=EVIL, intended_use=EVIL)
    model = replace(study.model, panel=panel, provenance=replace(study.model.provenance, positive_label=EVIL))
    site = SiteResult(EVIL, 3, 1, study.evaluation.sites[0].auc)
    evaluation = replace(
        study.with_findings(Finding("x", "blocking", EVIL)), title=EVIL, sites=(site,), flow=study.evaluation.flow | {EVIL: 1}
    )
    plan = replace(fast_plan, label=EVIL, positive=EVIL)
    ids = tuple(EVIL for _ in study.cohort.ids)
    scores = replace(study.scores, prediction=replace(study.scores.prediction, specimen_ids=ids))
    for html in (
        study_page(evaluation, model, plan, figures, EVIL),
        specimen_page(model, scores, study.features, study.cohort.measurements, 5),
    ):
        assert "<img src=x" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_the_specimens_page_shows_its_call_values_shap_and_place(one, study):
    prediction = study.scores.prediction
    assert prediction.specimen_ids[5] in one
    assert not [i for i in study.cohort.ids if i in one and i != prediction.specimen_ids[5]]
    assert f'<div class="number">{prediction.call[5]}</div>' in one
    assert f"probability {prediction.probability[5]:.3f}" in one
    assert "SHAP values are contributions to the log-odds of the model; they are not causes." in one
    values, states = study.cohort.measurements.column("PD-L1")
    assert states[5] == State.MEASURED
    j = study.features.names.index("PD-L1")
    row = re.search(r"<tr><td>PD-L1</td>(.*?)</tr>", one).group(1)
    assert f"{values[5]:.4g} pg/mL" in row
    assert f"{study.explanation.values[5, j]:.3f}".replace("-", "−") in row
    low, high = map(float, re.search(r"([\d.]+)–([\d.]+) % of training", row).groups())
    column = study.features.values[:, j]
    share = 100 * np.nanmean(column[~np.isnan(column)] <= study.features.values[5, j])
    assert low - 2 <= share <= high + 2


def test_a_cell_without_a_number_names_its_state(study):
    row = int(np.flatnonzero(study.cohort.measurements.column("PD-L1")[1] == State.NOT_RUN)[0])
    html = specimen_page(study.model, study.scores, study.features, study.cohort.measurements, row)
    assert "<tr><td>PD-L1</td><td>not run</td>" in html
    assert "no value" in html


def test_a_specimen_that_was_not_scored_says_why_and_has_no_figure(study):
    m = study.cohort.measurements
    states, values = m.states.copy(), m.values.copy()
    states[0], values[0] = State.NOT_RUN, np.nan
    spoilt = replace(m, states=states, values=values)
    scores = replace(
        study.scores,
        prediction=study.model.predict(spoilt, study.cohort.ids),
        explanation=study.model.explain(spoilt),
    )
    html = specimen_page(study.model, scores, study.model.transform.apply(spoilt), spoilt, 0)
    assert '<div class="number">not reported</div>' in html
    assert "status QC_FAIL" in html
    assert "no reference analyte was detected" in html
    assert "<img" not in html
    assert "<svg" not in html.split("Every feature")[0]


def test_scores_without_an_explanation_are_refused(study):
    with pytest.raises(ValueError, match="no explanation"):
        specimen_page(study.model, replace(study.scores, explanation=None), study.features, study.cohort.measurements, 0)


@pytest.mark.browser
def test_a_browser_shows_the_page_with_every_image_and_no_squeezed_column(study, fast_plan, figures, browser, tmp_path):
    from selenium.webdriver.common.by import By

    reason = "no prevalence of use is stated (plan or panel: prevalence = …); a case-control share is not a prevalence"
    estimates = tuple(
        replace(e, value=None, lower=None, upper=None, reason=reason) if e.name in ("ppv", "npv") else e
        for e in study.evaluation.estimates
    )
    html = study_page(replace(study.evaluation, estimates=estimates), study.model, fast_plan, figures, "athero-3-0123abcd")
    file = tmp_path / "report.html"
    file.write_text(html, encoding="utf-8")
    browser.get(file.as_uri())
    text = browser.find_element(By.TAG_NAME, "body").text
    widths = [i.size["width"] for i in browser.find_elements(By.CSS_SELECTOR, "figure img, figure svg")]
    cells = browser.find_elements(By.CSS_SELECTOR, "tr:first-child > th:first-child")
    narrowest = min(cell.size["width"] for cell in cells if cell.is_displayed())
    page_width, window_width = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert RUO in text
    assert f"AUC {study.evaluation.headline.value:.3f}" in text
    assert reason in text
    assert len(widths) == len(figures) + 1
    assert min(widths) > 0
    assert narrowest > 60
    assert page_width <= window_width
