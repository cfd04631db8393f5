"""The parts of the reviewer's page: flow, cohort table, threshold, cards, methods, limits, examples, figures as files."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from exodx.evaluation import CohortDescription, Finding, FlowArm, FlowBox
from exodx.report import dependence_figure, figure_files, picture, roc_figure, study_page, typical_examples
from exodx.report.cards import analyte_cards
from exodx.report.cohort_table import cohort_rows
from exodx.report.examples import FIFTHS, MOST_PANELS
from exodx.report.flow_chart import WIDTH, flow_chart, flow_svg
from exodx.report.methods import limits, methods
from exodx.report.rendering import inline_svg
from exodx.report.threshold_panel import threshold_panel
from exodx.report.words import sentence

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(study, fast_plan, figures):
    return study_page(study.evaluation, study.model, fast_plan, figures, "athero-3-0123abcd")


def test_the_flow_is_valid_svg_whose_boxes_neither_overlap_nor_leave_the_picture(study):
    long = "a reason that takes several lines because it says exactly which rule of the panel refused the specimens"
    boxes = (
        FlowBox("read", 1000, None),
        FlowBox(long, 12, 9, out=True),
        FlowBox(EVIL, 3, 3, out=True),
        FlowBox("analysed", 985, 900),
    )
    arms = tuple(FlowArm(f"target condition {w}", 400, 390, 300.25, 90.5, 9.25) for w in ("present", "absent"))
    described = CohortDescription(boxes, arms, ())
    for each in (described, study.evaluation.described):
        chart = flow_chart(each)
        ET.fromstring(flow_svg(each))
        for i, a in enumerate(chart.boxes):
            assert 0 <= a.x < a.x + a.width <= WIDTH
            assert 0 <= a.y < a.y + a.height <= chart.height
            assert all(len(line) <= a.width / 6 for line in a.lines), "lines fit their box"
            for b in chart.boxes[i + 1 :]:
                apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
                assert apart
    assert EVIL not in flow_svg(described)
    words = flow_chart(described).words
    assert "left out, " + long + ": 12 specimens of 9 subjects" in words
    assert "9.2 called indeterminate" in words


def test_flow_and_table_stand_on_the_page_in_numbers(page, study):
    described = study.evaluation.described
    for arm in described.arms:
        assert f"{arm.specimens} specimens of {arm.subjects} subjects" in page
    for group in described.groups:
        name = f"site: {group.name}" if group.kind == "site" else group.name
        row = re.search(rf'<tr><th scope="row">{re.escape(name)}</th>(.*?)</tr>', page).group(1)
        assert f">{group.specimens}</td>" in row
        assert f"{group.age[0]:.3g} (" in row
    assert " p value" not in page.lower()
    assert [row.specimens for row in cohort_rows(described)] == [g.specimens for g in described.groups]


def test_a_group_of_unknown_age_or_of_few_subjects_has_no_number_for_it(study):
    described = study.evaluation.described
    bare = replace(described.groups[0], age=None, sex=())
    few = replace(bare, subjects=3)
    some = replace(described.groups[0], age_known=described.groups[0].subjects - 4, sex=(("female", 10),))
    unknown, hidden, partly = cohort_rows(replace(described, groups=(bare, few, some)))
    assert (unknown.age, unknown.sex) == ("not stated", "not stated")
    assert (hidden.age, hidden.sex) == ("–", "–")
    assert partly.age.endswith(", 4 not stated")
    assert partly.sex.endswith(f"{some.subjects - 10} not stated")


def test_the_threshold_panel_holds_counts_alone_and_starts_where_the_model_calls(study):
    panel = threshold_panel(study.evaluation, study.model.threshold)
    assert panel.data["threshold"][panel.data["upper"]] == study.model.threshold.positive_from
    assert panel.data["prevalence"][panel.data["start"]] == 0.2
    assert len(panel.data["threshold"]) <= 201
    assert set(panel.data) == {
        "threshold", "casesAbove", "controlsAbove", "cases", "controls", "prevalence", "lower", "upper", "start", "z",
    }  # fmt: skip
    assert panel.stated
    assert "not estimated" in dict(threshold_panel(replace(study.evaluation, prevalence=None), study.model.threshold).rows)["ppv"]


def test_a_grey_zone_is_where_the_sliders_start(study):
    steps = study.evaluation.threshold_steps
    zone = replace(study.model.threshold, value=steps.threshold[20], lower=steps.threshold[20], upper=steps.threshold[90])
    panel = threshold_panel(study.evaluation, zone)
    assert (panel.data["lower"], panel.data["upper"]) == (20, 90)
    assert dict(panel.rows)["indeterminate"].startswith("0.")


def test_a_page_of_an_older_evaluation_leaves_out_what_it_cannot_show(study, fast_plan):
    older = replace(study.evaluation, described=None, threshold_steps=None)
    html = study_page(older, study.model, fast_plan, {}, "m")
    assert "<script" not in html
    assert "script-src" not in html
    assert "Flow of specimens" not in html
    assert "The number to quote" in html


def test_cards_tell_rank_direction_and_what_else_an_analyte_tells_of(study, page):
    cards = analyte_cards(study.evaluation, study.model)
    assert [c.rank for c in cards] == sorted(c.rank for c in cards)
    by_name = {c.name: c for c in cards}
    tagged = by_name["miR-126-3p"]
    assert any(tag.startswith("platelet: ") for tag in tagged.tags)
    assert tagged.accession == "MIMAT0000445"
    features = {f.feature: f for f in study.evaluation.features}
    for card in cards:
        f = features[card.name]
        same = f.declared == f.direction
        assert card.verdict == (
            "" if "none" in (f.declared or "none", f.direction) else "as expected" if same else "against expectation"
        )
        assert f"{card.rank}. {card.name}</h3>" in page
    turned = tuple(replace(f, declared="up", direction="down") for f in study.evaluation.features)
    against = analyte_cards(replace(study.evaluation, features=turned), study.model)
    assert {c.verdict for c in against} == {"against expectation"}


def test_the_methods_say_what_was_done_with_the_studys_numbers(study, fast_plan):
    text = " ".join(methods(study.evaluation, study.model, fast_plan))
    flow = study.evaluation.flow
    csf = replace(study.model, panel=replace(study.model.panel, specimen_type="csf"))
    assert " CSF specimens of " in methods(study.evaluation, csf, fast_plan)[0]
    assert f"{flow['specimens']} plasma specimens of {flow['subjects']} subjects" in text
    assert f"−ΔCt against the mean of {', '.join(study.model.transform.references)}" in text
    assert "concentrations and intensities were taken as log2" in text
    assert "reads" not in text
    assert "shallow boosted trees (XGBoost) alone" in text
    assert "2 inner folds" in text
    assert "3 outer folds (1 repeat)" in text
    assert "Each of 3 sites was also held out whole" in text
    assert "keeps sensitivity at 0.900 or more" in text
    monotone = " ".join(methods(study.evaluation, study.model, replace(fast_plan, monotone=True, budget="quick")))
    assert "held to the directions" in monotone
    assert "extra-trees" in monotone


def test_the_methods_claim_nothing_that_this_study_did_not_do(study, fast_plan):
    """No column of subjects, no mean over sites, no prevalence, a threshold that was not learned: none is said to be there."""
    told = study.evaluation
    gone = ("auc_leave_one_site_out", "ppv", "npv")
    bare = replace(
        told,
        findings=(*told.findings, Finding("subjects_not_stated", "note", "x")),
        estimates=tuple(e for e in told.estimates if e.name not in gone),
    )
    cost = replace(study.model, threshold=replace(study.model.threshold, criterion="cost", target=0.2))
    whole = " ".join(methods(told, study.model, fast_plan))
    text = " ".join(methods(bare, cost, fast_plan))
    claims = ("subjects never on both sides", " subjects had a ref", "pooled by random effects", "Mercaldo", "or more out of fold")
    for claim in claims:
        assert claim in whole
        assert claim not in text
    assert "every specimen taken as a subject of its own" in text
    assert "not learned." in text


def test_a_site_says_of_how_many_specimens_its_auc_is(study, fast_plan):
    page = study_page(study.evaluation, study.model, fast_plan, {}, "m")
    assert any(site.auc.n < site.n for site in study.evaluation.sites), "some specimens must not be scored"
    assert sum(site.auc.n for site in study.evaluation.sites) == study.evaluation.flow["scored"]
    for site in study.evaluation.sites:
        cells = "".join(f'<td class="n">{n}</td>' for n in (site.n, site.n_positive, site.auc.n))
        assert f"<tr><td>{site.site}</td>{cells}<td>{sentence(site.auc)}</td></tr>" in page


def test_a_threshold_by_cost_is_not_said_to_be_found_among_specimens(study, fast_plan):
    cost = replace(study.model, threshold=replace(study.model.threshold, criterion="cost", target=0.2))
    page = study_page(study.evaluation, cost, fast_plan, {}, "m")
    assert "not learned. Calibration" in " ".join(page.split())
    assert "not learned among" not in page
    assert "out-of-fold probabilities of" not in page


def test_the_limits_name_what_is_missing(study):
    told = " ".join(limits(study.evaluation, study.model))
    assert "simulated" in told
    assert "at a prevalence of 0.2" in told
    flow = {key: n for key, n in study.evaluation.flow.items() if key != "sites"}
    alone = " ".join(limits(replace(study.evaluation, prevalence=None, flow=flow), study.model))
    assert "No prevalence of use is stated" in alone
    assert "what a new site costs cannot be told" in alone


def test_examples_are_of_the_four_kinds_and_their_contributions_sum_to_the_margin(study):
    y, runs = study.cohort.y, study.validation.random
    examples = typical_examples(y, runs)
    assert len(examples) == len({e.what for e in examples}) == 4
    for example in examples:
        assert example.base + example.shap.sum() == pytest.approx(example.margin)
        label, positive = ("positive" in example.what) == ("true" in example.what), "positive" in example.what
        kind = (y == label) & (runs.positive[0] == positive) & np.isfinite(runs.margin[0])
        assert example.margin in runs.margin[0][kind]
        assert (
            abs(example.margin - np.median(runs.margin[0][kind]))
            == np.abs(runs.margin[0][kind] - np.median(runs.margin[0][kind])).min()
        )
        assert set(example.levels) <= {*FIFTHS, "no value", "detected", "not detected"}


def test_a_kind_of_call_that_never_happened_has_no_example(study):
    runs = study.validation.random
    always = replace(runs, positive=np.ones_like(runs.positive))
    assert [e.what.split(" near")[0] for e in typical_examples(study.cohort.y, always)] == ["a true positive", "a false positive"]


def test_dependence_shows_the_most_important_features_and_every_scored_value(study):
    figure = dependence_figure(study.explanation, study.features, study.cohort.y, "case")
    panels = [ax for ax in figure.axes if ax.axison]
    assert len(panels) == min(MOST_PANELS, len(study.features.names))
    scored = np.isfinite(study.explanation.values).all(axis=1)
    name = study.evaluation.features[0].feature
    j = study.features.names.index(name)
    points = np.concatenate([np.asarray(c.get_offsets()) for c in panels[0].collections])
    known = scored & ~np.isnan(study.features.values[:, j])
    np.testing.assert_allclose(np.sort(points[:, 1]), np.sort(study.explanation.values[known, j]))
    flat = replace(study.explanation, values=np.zeros_like(study.explanation.values))
    assert dependence_figure(flat, study.features, study.cohort.y, "case") is None


def test_figures_are_files_of_both_kinds_the_same_bytes_each_time(study, figures):
    files = figure_files(figures, study.evaluation)
    assert set(files) == {f"{name}.{kind}" for name in figures for kind in ("png", "svg")} | {"flow.svg"}
    for name, content in files.items():
        if name.endswith(".svg"):
            ET.fromstring(content)
            assert b"<dc:date>" not in content
        else:
            assert content.startswith(b"\x89PNG")
    again = picture(roc_figure(study.evaluation))
    assert (again.png, again.svg) == (figures["roc"].png, figures["roc"].svg)
    assert sum(map(len, files.values())) < 3_000_000


def test_an_svg_in_the_page_takes_the_pages_colours_and_ids_of_its_own(figures):
    svg = str(inline_svg(figures["roc"].svg, "roc", 'a "name" <b>'))
    assert "#1d2733" not in svg
    assert "var(--ink)" in svg
    assert "<style" not in svg
    assert 'aria-label="a &quot;name&quot; &lt;b&gt;"' in svg
    ids = re.findall(r' id="([^"]*)"', svg)
    assert ids
    assert all(i.startswith("roc-") for i in ids)
    assert {ref for ref in re.findall(r'(?:url\(#|href="#)([^)"]*)', svg)} <= set(ids)


def test_the_page_is_small_enough_and_holds_no_measured_value_of_an_example(page, study):
    assert len(page.encode()) < 3_000_000
    part = page[page.index("Four kinds of calls") : page.index("The analytes behind it")]
    told = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", part))
    assert "fifth" in told
    values = np.concatenate([study.cohort.measurements.values.ravel(), study.features.values.ravel()])
    assert not [v for v in values[np.isfinite(values)] if f"{v:.4g}" in told and len(f"{v:.4g}") > 4]
