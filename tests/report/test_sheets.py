"""Reporting sheets: every published item once, four statuses, nothing claimed that the study does not hold."""

from __future__ import annotations

import json
import re
import time
from dataclasses import fields, replace

import numpy as np
import pytest

from exodx.cohort import Cohort
from exodx.errors import RUO, InputRefused
from exodx.evaluation import Evaluation, evaluate_inside
from exodx.evaluation.audits import Finding
from exodx.evaluation.designs import temporal_estimates
from exodx.frozen import DiagnosticModel, Measurements, State
from exodx.panel import Panel, StudyPlan
from exodx.report.sheets import SHEETS, STATUSES, Answers, StudyMaterial, fill_sheet, read_answers, sheet_text, study_sheets
from exodx.report.sheets.facts import FACTS, gather_facts
from exodx.report.sheets.material import joined, listed
from exodx.stats import Estimate
from exodx.training import Validation, cross_validate


def numbered(words: str) -> list[str]:
    return words.split()


TRIPOD = numbered(
    "1 2 3a 3b 3c 4 5a 5b 6a 6b 6c 7 8a 8b 8c 9a 9b 9c 10 11 12a 12b 12c 12d 12e 12f 12g 13 14 15 16 17 18a 18b 18c 18d 18e 18f 19 "
    "20a 20b 20c 21 22 23a 23b 24 25 26 27a 27b 27c"
)
STARD = numbered("1 2 3 4 5 6 7 8 9 10a 10b 11 12a 12b 13a 13b 14 15 16 17 18 19 20 21a 21b 22 23 24 25 26 27 28 29 30")
DOMAINS = ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "3.1", "3.2", "3.3", "3.4"]
PROBAST = [
    *(f"dev {i}" for i in (*DOMAINS, "4.1", "4.2", "4.3", "4.4", "4.5")),
    *(f"eval {i}" for i in (*DOMAINS, "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7")),
]
REFORMS = [f"{module}{letter}" for module, n in enumerate((3, 5, 7, 3, 6, 3, 3, 2), start=1) for letter in "abcdefg"[:n]]
PUBLISHED = {"tripod_ai": TRIPOD, "stard": STARD, "probast_ai": PROBAST, "reforms": REFORMS}
COUNTS = {"tripod_ai": 52, "stard": 34, "probast_ai": 34, "reforms": 32, "mi_claim": 19}
AUTHOR_ALONE = {
    "tripod_ai": ["3a", "3c", "8b", "8c", "9c", "18a", "18b", "18d", "19", "25", "27c"],
    "stard": ["5", "7", "9", "11", "13b", "21a", "22", "25", "27", "28", "30"],
}
"""What no table can tell: funding, conflicts, ethics, registration, recruitment, severity, harm, interpretation."""


@pytest.fixture(scope="module")
def material(study, fast_plan):
    plan = replace(fast_plan, outer_folds=3, repeats=1, label="reference_standard", positive="case")
    return StudyMaterial(study.cohort, study.model, "0123abcd" * 8, plan, study.evaluation)


@pytest.fixture(scope="module")
def made(material):
    return study_sheets(material, Answers())


def items(made, name):
    return {item.item: item for sheet in made.sheets if sheet.name == name for item in sheet.items}


def filled(material, name, answers=None):
    sheet = fill_sheet(sheet_text(name), gather_facts(material), answers or Answers(), material.model_id)
    return {item.item: item for item in sheet.items}


def with_columns(material, **columns):
    cohort = material.cohort
    return replace(material, cohort=replace(cohort, specimens=cohort.specimens.assign(**columns)))


# what is asked


@pytest.mark.parametrize("name", SHEETS)
def test_every_item_stands_once_in_the_published_order(name):
    numbers = [question.item for question in sheet_text(name).questions]
    assert len(numbers) == len(set(numbers)) == COUNTS[name]
    assert numbers == PUBLISHED.get(name, numbers)


def test_every_fact_is_asked_for_and_every_fact_asked_for_is_told():
    asked = {fact for name in SHEETS for q in sheet_text(name).questions for fact in (*q.facts, *q.also)}
    assert asked <= set(FACTS)
    assert set(FACTS) - asked == {"findings"}  # of the model card alone


@pytest.mark.parametrize("name", SHEETS)
def test_an_item_that_may_need_the_author_says_for_what(name):
    for question in sheet_text(name).questions:
        drafted = question.status == "draft" and not question.not_applicable
        assert bool(question.needs) >= drafted, question.item
        assert not (question.not_applicable and (question.facts or question.also))
        assert question.asks.strip()
        assert question.section.strip()


# how it is filled


def test_statuses_are_those_four_and_filled_items_say_what_and_from_where(made):
    for sheet in made.sheets:
        for item in sheet.items:
            assert item.status in STATUSES
            assert bool(item.value) == (item.status != "author needed"), item
            assert bool(item.source) == bool(item.value), item
            assert bool(item.needs) == (item.status in ("draft", "author needed")), item
        assert sum(sheet.counts.values()) == len(sheet.items)
        assert all(n == sum(i.status == status for i in sheet.items) for status, n in sheet.counts.items())


def test_every_source_exists(made, material):
    for sheet in made.sheets:
        for item in sheet.items:
            for place in filter(None, item.source.split("; ")):
                assert exists(place, material), f"{sheet.name} {item.item}: {place}"


def exists(place: str, material: StudyMaterial) -> bool:
    root, _, rest = place.partition(".")
    part, _, name = rest.partition(".")
    if root == "exodx":
        return not rest
    if root == "evaluation" and name:
        known = {
            "estimates": {e.name for e in material.evaluation.estimates},
            "findings": {f.code for f in material.evaluation.findings},
        }
        return name in known[part]
    if root == "cohort" and part in material.cohort.specimens:
        return True
    kinds = {"plan": StudyPlan, "panel": Panel, "evaluation": Evaluation, "model": DiagnosticModel, "cohort": Cohort}
    return part in {f.name for f in fields(kinds[root])} or part in ("features",)


@pytest.mark.parametrize("name", sorted(AUTHOR_ALONE))
def test_what_no_table_tells_needs_the_author(made, name):
    found = items(made, name)
    assert {number: found[number].status for number in AUTHOR_ALONE[name]} == dict.fromkeys(AUTHOR_ALONE[name], "author needed")


def test_numbers_are_those_of_the_study(made, material):
    tripod, stard = items(made, "tripod_ai"), items(made, "stard")
    evaluation = material.evaluation
    assert f"AUC: {evaluation.estimate('auc').value:.3f}" in tripod["23a"].value
    assert f"{evaluation.flow['positive']} with the target condition" in tripod["5a"].value
    threshold = material.model.threshold
    assert f"{threshold.value:.4f}" in stard["12a"].value
    assert f"learned from {threshold.n_positive + threshold.n_negative} of {len(material.cohort)}" in tripod["21"].value
    assert material.model_hash in tripod["22"].value
    right, spared = evaluation.estimate("sensitivity"), evaluation.estimate("specificity")
    counts = [float(n) for n in re.findall(r"(\d+\.\d) (?:called|missed)", stard["23"].value)]
    assert counts == pytest.approx(
        [right.value * right.n, (1 - right.value) * right.n, spared.value * spared.n, (1 - spared.value) * spared.n], abs=0.051
    )
    assert sum(counts) == pytest.approx(right.n + spared.n, abs=0.2)


def test_a_threshold_found_in_the_data_is_called_exploratory_and_one_by_cost_is_not(material):
    assert "exploratory" in filled(material, "stard")["12a"].value
    cost = replace(material.model, threshold=replace(material.model.threshold, criterion="cost", target=0.2))
    told = filled(replace(material, model=cost), "stard")["12a"].value
    assert "exploratory" not in told
    assert "harm ratio" in told


def test_sites_come_from_the_study_and_without_them_nothing_is_said_to_be_examined(material):
    found = filled(material, "tripod_ai")
    assert all(site.site in found["23b"].value for site in material.evaluation.sites)
    assert (found["23b"].status, found["6a"].status) == ("filled", "draft")
    cohort = replace(material.cohort, specimens=material.cohort.specimens.drop(columns="site"))
    alone = replace(material, cohort=cohort, evaluation=replace(material.evaluation, sites=()))
    found = filled(alone, "tripod_ai")
    assert (found["23b"].status, found["6a"].status) == ("not applicable", "author needed")
    assert "fewer than two sites" in found["12d"].value
    assert "what a new site costs is not known" in found["26"].value


def test_parts_say_of_how_many_specimens_their_auc_is(material):
    found, evaluation = filled(material, "tripod_ai"), material.evaluation
    assert any(site.auc.n < site.n for site in evaluation.sites), "some specimens must not be scored"
    for site in evaluation.sites:
        told = f"{site.n_positive} of {site.n} positive, {site.auc.n} scored"
        assert told in found["23b"].value
        assert f"{site.site}, {told}" in found["21"].value
    for part in evaluation.subgroups:
        assert f"{part.n_positive} of {part.n} positive, {part.auc.n} scored" in found["23a"].value


def test_later_subjects_are_told_of_where_the_plan_asked(material, fast_plan):
    assert "later" not in filled(material, "tripod_ai")["12a"].value.casefold()
    held = Estimate("auc_temporal", 0.71, 0.6, 0.8, method="within-fold pairs", n=33)
    evaluation = replace(material.evaluation, estimates=(*material.evaluation.estimates, held))
    found = filled(replace(material, evaluation=evaluation, plan=replace(fast_plan, temporal=True)), "tripod_ai")
    assert "later subjects were also held out" in found["12a"].value
    assert "Later subjects: 33 specimens" in found["21"].value
    assert "0.710" in found["23a"].value


def test_a_real_temporal_design_reaches_the_sheets(material, study, fast_plan):
    plan = replace(fast_plan, temporal=True)
    later = np.where(np.arange(len(study.cohort)) % 3 == 0, 0, -2)[None]
    runs = cross_validate(study.cohort, plan, later, "later held out", 1, lambda: None)
    auc = material.evaluation.estimate("auc")
    estimates = temporal_estimates(study.cohort, runs, runs, auc, None)
    evaluation = replace(material.evaluation, estimates=(*material.evaluation.estimates, *estimates))
    found = filled(replace(material, evaluation=evaluation, plan=plan), "reforms")
    assert f"{evaluation.estimate('auc_temporal').value:.3f}" in found["8a"].value


def test_a_grey_zone_and_conformal_sets_change_what_is_said_of_indeterminate_calls(material):
    assert "No grey zone" in filled(material, "stard")["15"].value
    zone = replace(material.model.threshold, criterion="conformal", target=0.9, value=0.3, lower=0.3, upper=0.6)
    share = Estimate("indeterminate", 0.2, 0.1, 0.3, method="Wilson", n=100)
    covered = Estimate("conformal_coverage_positive", 0.91, 0.8, 0.97, method="Wilson", n=60)
    evaluation = replace(material.evaluation, estimates=(*material.evaluation.estimates, share, covered))
    found = filled(replace(material, model=replace(material.model, threshold=zone), evaluation=evaluation), "stard")
    assert "Share called indeterminate: 0.200" in found["15"].value
    assert "both labels kept" in found["12a"].value
    assert "Coverage of conformal sets" in found["24"].value
    assert "missed or indeterminate" in found["23"].value


def test_without_a_column_of_subjects_no_sheet_says_that_subjects_stay_together(material):
    assert "no subject's specimens stand on both sides" in filled(material, "tripod_ai")["12a"].value
    cohort = replace(material.cohort, specimens=material.cohort.specimens.assign(subject=material.cohort.specimens.index))
    alone = replace(material, cohort=cohort)
    for name in SHEETS:
        for item in filled(alone, name).values():
            assert "no subject's specimens stand on both sides" not in item.value
    assert "two specimens of one person may" in filled(alone, "probast_ai")["eval 4.5"].value


def test_preprocessing_before_the_table_is_not_claimed_for_values_already_normalised(material):
    assert filled(material, "tripod_ai")["7"].status == "filled"
    panel = material.model.panel
    analytes = tuple(replace(a, unit="log2") if a.kind == "protein" else a for a in panel.analytes)
    normalised = replace(material, model=replace(material.model, panel=replace(panel, analytes=analytes)))
    found = filled(normalised, "tripod_ai")["7"]
    assert (found.status, found.needs) == ("draft", "what was done to the values before the table was written")


def test_units_of_something_computed_are_not_called_an_instruments(material):
    panel = material.model.panel
    for unit, status in (("pg/mL", "filled"), ("intensity", "draft"), ("pg/ug EV protein", "draft")):
        analytes = tuple(replace(a, unit=unit) if a.kind == "protein" else a for a in panel.analytes)
        model = replace(material.model, panel=replace(panel, analytes=analytes))
        assert filled(replace(material, model=model), "tripod_ai")["7"].status == status


def test_values_standardised_upstream_are_a_leak_and_no_sheet_calls_learning_clean(material):
    assert filled(material, "reforms")["6a"].status == filled(material, "probast_ai")["eval 4.6"].status == "filled"
    finding = Finding("standardised_upstream", "warning", "They were standardised before they came here.")
    panel = material.model.panel
    analytes = tuple(replace(a, unit="log2") if a.kind == "protein" else a for a in panel.analytes)
    model = replace(material.model, panel=replace(panel, analytes=analytes))
    evaluation = replace(material.evaluation, findings=(*material.evaluation.findings, finding))
    told = replace(material, model=model, evaluation=evaluation)
    for sheet, number in (("reforms", "6a"), ("probast_ai", "eval 4.6"), ("probast_ai", "eval 2.2"), ("tripod_ai", "7")):
        item = filled(told, sheet)[number]
        assert (item.status, finding.message in item.value) == ("draft", True), number
        assert "before the table was written" in item.needs
    assert finding.message in filled(told, "probast_ai")["eval 4.5"].value


def test_other_values_of_the_label_are_told_by_counts_and_rare_ones_are_not_shown(material):
    assert "'control' means that it is not" in filled(material, "stard")["10b"].value
    assert filled(material, "stard")["21b"].status == "author needed"  # one word for all says nothing of what they had
    several = replace(material.cohort, negative_labels=(("benign", 30), ("other cancer", 7), ("of subject 7", 1)))
    found = filled(replace(material, cohort=several), "stard")
    assert found["21b"].value.endswith("without the target condition are: 'benign' 30, 'other cancer' 7, other values 1.")
    assert found["21b"].status == "draft"
    assert "every other value" in found["10b"].value
    assert "of subject" not in json.dumps([item.value for item in found.values()])


def test_quality_is_counted_in_every_class_and_held_out_site(material):
    text = filled(material, "tripod_ai")["7"].value
    told = dict(re.findall(r"(positive|negative|at [^:;]+): ((?:[a-z ]+ \d+(?:, )?)+)", text.partition("By group: ")[2]))
    counts = {name: sum(map(int, re.findall(r"\d+", said))) for name, said in told.items()}
    assert counts["positive"] + counts["negative"] == len(material.cohort)
    assert {f"at {site.site}" for site in material.evaluation.sites} <= set(counts)
    assert sum(n for name, n in counts.items() if name.startswith("at ")) == len(material.cohort)


def test_gaps_are_told_by_class_and_a_table_without_gaps_says_so(material):
    y, m = material.cohort.y, material.cohort.measurements
    states = m.states.copy()
    states[:] = State.MEASURED
    whole = replace(material, cohort=replace(material.cohort, measurements=replace(m, states=states)))
    assert "every target was measured in every specimen" in filled(whole, "tripod_ai")["11"].value
    assert "Without a number" not in filled(whole, "reforms")["3f"].value
    states = states.copy()
    target = next(i for i, a in enumerate(material.cohort.panel.analytes) if a.role == "target")
    states[y == 1, target] = State.NOT_RUN
    gaps = replace(material, cohort=replace(material.cohort, measurements=replace(m, states=states)))
    share = 100 / len(material.cohort.panel.with_role("target"))
    assert f"Without a number: {share:.1f} % in positive and 0.0 % in negative specimens." in filled(gaps, "reforms")["3f"].value
    assert "every target was measured" not in filled(gaps, "tripod_ai")["11"].value


def test_settings_that_were_tried_are_named(material):
    told = replace(material, tried=("shallow trees: stumps × 50, 100",))
    assert "Tried: shallow trees: stumps × 50, 100." in filled(told, "tripod_ai")["12c"].value
    assert "Tried" not in filled(material, "tripod_ai")["12c"].value


def test_several_centres_are_asked_for_where_no_column_names_sites(material):
    assert filled(material, "tripod_ai")["12d"].status == "filled"
    cohort = replace(material.cohort, specimens=material.cohort.specimens.drop(columns="site"))
    alone = replace(material, cohort=cohort, evaluation=replace(material.evaluation, sites=()))
    assert filled(alone, "tripod_ai")["12d"].status == "draft"
    assert "Sites held out whole" not in filled(alone, "tripod_ai")["16"].value
    assert all(f"{s.site} {s.n_positive} of {s.n}" in filled(material, "tripod_ai")["16"].value for s in material.evaluation.sites)


def test_ages_that_are_no_years_say_so_beside_their_subgroups(material):
    assert "no years" not in filled(material, "tripod_ai")["23a"].value
    finding = Finding("age_not_years", "warning", "No years.")
    told = replace(material, evaluation=replace(material.evaluation, findings=(finding,)))
    assert "These ages are no years." in filled(told, "tripod_ai")["23a"].value


def test_what_was_inferred_is_not_called_stated_in_the_panel(material):
    panel = replace(material.model.panel, platform="mass spectrometry")
    model = replace(material.model, panel=panel)
    assert "Stated in the panel: " in filled(replace(material, model=model), "tripod_ai")["9b"].value
    found = replace(material.evaluation, findings=(Finding("panel_inferred", "note", "Look."),))
    told = filled(replace(material, model=model, evaluation=found), "tripod_ai")["9b"].value
    assert "Stated in the panel" not in told
    assert "inferred from the columns" in told


def test_why_a_target_was_chosen_only_the_author_can_say(material):
    for sheet, number in (("stard", "12a"), ("tripod_ai", "15")):
        assert filled(material, sheet)[number].status == "draft"
    assert "exodx.threshold_chosen_at" in filled(material, "stard")["12a"].value


def test_columns_of_the_manifest_fill_drafts_by_counts(material):
    n = len(material.cohort)
    half = ["healthy" if i % 2 else "benign_disease" for i in range(n)]
    told = with_columns(material, control_type=half, blinded=["yes"] * n, statin=["no"] * n, consent_for_use=["yes"] * n)
    assert "benign_disease" in filled(told, "stard")["21b"].value
    assert filled(told, "stard")["13a"].value == f"By the table: blinded 'yes' {n}."
    assert filled(told, "tripod_ai")["6c"].source == "cohort.statin"
    assert filled(told, "tripod_ai")["17"].status == "draft"
    assert filled(material, "stard")["21b"].status == "author needed"
    assert filled(told, "tripod_ai")["8c"].status == "author needed"  # a blinded laboratory is no blinded reference standard


def test_a_value_of_few_specimens_is_counted_and_not_shown(material):
    n = len(material.cohort)
    lots = ["A"] * (n - 2) + ["of subject 7", "of subject 8"]
    text = filled(with_columns(material, kit_lot=lots), "tripod_ai")["9b"].value
    assert f"kit_lot 'A' {n - 2}, other values 2" in text
    assert "of subject" not in text
    long = filled(with_columns(material, kit_lot=["x" * 500] * n), "tripod_ai")["9b"].value
    assert f"'{'x' * 59}…' {n}" in long


def test_findings_become_limits_by_severity_and_a_blocking_one_stands_beside_the_headline(material):
    found = (Finding("site_confounded", "blocking", "The site tells."), Finding("columns_not_used", "note", "Some columns."))
    found += (Finding("logistic_not_beaten", "note", "As good."),)
    blocked = replace(material, evaluation=replace(material.evaluation, findings=found))
    assert "[blocking: site_confounded] The site tells." in filled(blocked, "tripod_ai")["26"].value
    assert "columns_not_used" not in filled(blocked, "tripod_ai")["26"].value
    assert "[note: logistic_not_beaten] As good." in filled(blocked, "stard")["26"].value
    assert "must not be claimed" in filled(blocked, "stard")["1"].value
    assert "must not be claimed" in study_sheets(blocked, Answers()).files["model_card.md"].decode()
    assert "site_confounded" in filled(blocked, "probast_ai")["dev 2.2"].value


def test_sample_size_is_told_as_afterwards_and_where_it_is_impossible_says_so(material):
    assert "no reason for the size" in filled(material, "tripod_ai")["10"].value
    perfect = Estimate("auc", 1.0, 0.97, 1.0, n=100)
    others = tuple(e for e in material.evaluation.estimates if e.name != "auc")
    told = replace(material, evaluation=replace(material.evaluation, estimates=(perfect, *others)))
    assert "give no number here" in filled(told, "tripod_ai")["10"].value
    assert filled(told, "probast_ai")["eval 4.2"].status == "draft"


def test_subgroups_are_of_held_out_specimens(study, material):
    parts = material.evaluation.subgroups
    assert {part.column for part in parts} == {"sex", "age"}
    for column in ("sex", "age"):
        assert sum(part.n for part in parts if part.column == column) == len(study.cohort)
    assert "Subgroups, out of fold, as the table writes them: sex" in filled(material, "tripod_ai")["23a"].value
    none = replace(material, evaluation=replace(material.evaluation, subgroups=()))
    assert filled(none, "tripod_ai")["23a"].status == "draft"


def test_subgroups_inside_are_pairs_within_folds(make_cohort, fast_plan):
    from exodx.evaluation.subgroups import held_out_subgroups, subgroups

    cohort = make_cohort(n=80, seed=4)
    margin = np.random.default_rng(2).normal(size=80) + cohort.y
    folds = np.arange(80)[None] % 2
    apart = margin + 100.0 * folds[0]  # the second fold's model is on another scale
    whole = {p.group: p.auc.value for p in subgroups(cohort, apart)}
    within = {p.group: p.auc.value for p in held_out_subgroups(cohort, apart[None], folds)}
    unmoved = {p.group: p.auc.value for p in held_out_subgroups(cohort, margin[None], folds)}
    assert within == unmoved
    assert any(abs(within[g] - whole[g]) > 0.05 for g in within)


# the author's answers


def test_answers_fill_what_needs_the_author_and_stand_beside_what_the_program_knows(material):
    answers = read_answers(
        {"tripod_ai": {"17": "Board A,\n  number 12.", "4": "Ours.", "3a": "Because."}, "stard": {"5": "Before."}}, "a.toml"
    )
    found = filled(material, "tripod_ai", answers)
    assert (found["17"].status, found["17"].value, found["17"].source) == ("filled", "Board A, number 12.", "author")
    assert (found["3a"].status, found["3a"].needs) == ("filled", "")
    assert found["4"].author == "Ours."
    assert found["4"].value.startswith("To develop")
    assert found["4"].source != "author"
    drafted = filled(material, "tripod_ai", read_answers({"tripod_ai": {"5a": "A registry."}}, "a.toml"))["5a"]
    assert (drafted.status, drafted.value, drafted.source) == ("filled", "A registry.", "author")
    assert "with the target condition" in drafted.draft
    assert filled(material, "stard", answers)["5"].value == "Before."


def test_answers_change_no_count_of_items_and_only_to_filled(material, made):
    answers = read_answers({"stard": {number: "Said." for number in STARD}}, "a.toml")
    sheet = next(s for s in study_sheets(material, answers).sheets if s.name == "stard")
    assert sheet.counts == {"filled": 34, "draft": 0, "author needed": 0, "not applicable": 0}


def test_answers_to_nothing_that_is_asked_are_refused_all_at_once():
    table = {
        "tripodai": {"1": "x"},
        "stard": {"31": "x", "5": "", "7": 3},
        "reforms": "x",
        "model_card": {"license": "MIT"},
    }
    with pytest.raises(InputRefused) as refused:
        read_answers(table, "answers.toml")
    problems = refused.value.problems
    assert [p.code for p in problems] == [
        "KEY_UNKNOWN",
        "KEY_UNKNOWN",
        "VALUE_INVALID",
        "VALUE_INVALID",
        "TABLE_INVALID",
        "KEY_UNKNOWN",
    ]
    assert "tripod_ai" in problems[0].fix
    assert "licence" in problems[-1].fix


# files


def test_files_are_pages_and_json_with_items_and_counts(made, material):
    names = {f"sheets/{name}.{kind}" for name in SHEETS for kind in ("html", "json")}
    assert set(made.files) == names | {"model_card.md", "model_card.json"}
    for name in SHEETS:
        table = json.loads(made.files[f"sheets/{name}.json"])
        assert {"item", "status", "value", "source"} <= set(table["items"][0])
        assert set(table["counts"]) == set(STATUSES)
        assert table["doi"].startswith("10.")
        page = made.files[f"sheets/{name}.html"].decode()
        assert page.count('<section class="item') == COUNTS[name]
        assert not re.search(r"<script|<link|src=|url\(|https?://", page)


def test_every_file_says_research_use_and_none_says_compliant_or_speaks_of_an_id(made, material):
    ids = [*material.cohort.ids, *map(str, material.cohort.specimens["subject"])]
    for name, content in made.files.items():
        text = content.decode()
        assert RUO in text, name
        assert not re.search(r"complian|\bdiagnosed\b|\bpatient has\b", text, re.IGNORECASE), name
        assert not any(re.search(rf"\b{re.escape(one)}\b", text) for one in ids), name


def test_a_canary_among_ids_and_cells_is_in_no_file(material):
    cohort = material.cohort
    named = cohort.specimens.rename(index=lambda _: "canary-7f3a").assign(subject="canary-7f3a", operator="canary-7f3a")
    named.index = [f"canary-7f3a-{i}" for i in range(len(named))]
    files = study_sheets(replace(material, cohort=replace(cohort, specimens=named)), Answers()).files
    assert not [name for name, content in files.items() if b"canary" in content]


def test_what_users_wrote_is_escaped(material):
    title = 'A <script>alert("x")</script> | *title*'
    panel = replace(material.model.panel, title=title)
    answers = read_answers({"stard": {"5": "<b>bold</b>"}}, "a.toml")
    files = study_sheets(replace(material, model=replace(material.model, panel=panel)), answers).files
    assert b"<script" not in files["sheets/stard.html"]
    assert b"&lt;b&gt;bold" in files["sheets/stard.html"]
    card = files["model_card.md"].decode()
    assert "# A \\<script\\>" in card
    assert "\\| \\*title\\*" in card


def test_counts_go_to_tags_and_metrics(made):
    stard = next(s for s in made.sheets if s.name == "stard")
    assert made.tags["exodx.sheets.stard"] == stard.counts_line
    assert re.fullmatch(r"\d+ filled, \d+ draft, \d+ author needed, \d+ not applicable", stard.counts_line)
    assert made.metrics["sheets/stard/author_needed"] == stard.counts["author needed"]
    assert len(made.metrics) == 4 * len(SHEETS)


def test_the_model_card_tells_panel_performance_limits_and_what_the_author_still_owes(made, material):
    card = json.loads(made.files["model_card.json"])
    assert card["model_hash"] == material.model_hash
    assert {a["name"]: a["declared"] for a in card["panel"]["analytes"]}["miR-145-5p"] == "down"
    assert [e["name"] for e in card["estimates"]] == [e.name for e in material.evaluation.estimates]
    assert card["author"]["licence"] == "author needed"
    assert card["plan"]["outer_folds"] == 3
    told = {part["section"]: part["facts"] for part in card["sections"]}
    assert all(told[section] for section in ("Training data", "Performance", "Calibration", "Threshold", "Findings", "Limits"))
    answers = read_answers({"model_card": {"licence": "CC BY 4.0", "contact": "lab@example.org"}}, "a.toml")
    text = study_sheets(material, answers).files["model_card.md"].decode()
    assert "licence: CC BY 4.0" in text
    assert "| miR-126-3p | Ct | target | up |" in text


def test_the_same_study_gives_the_same_bytes_and_in_time(material):
    started = time.perf_counter()
    first = study_sheets(material, Answers()).files
    assert time.perf_counter() - started < 3  # about 0.1 s; generous for a busy machine
    assert first == study_sheets(material, Answers()).files


def test_counts_are_told_with_their_zeros_and_filtered_by_counts(material):
    assert "zero" not in filled(material, "tripod_ai")["20b"].value
    panel = material.cohort.panel
    analytes = tuple(replace(a, unit="count", direction=None) if a.role == "target" else a for a in panel.analytes)
    counted = replace(panel, analytes=analytes)
    values = material.cohort.measurements.values.copy()
    values[:, panel.names.index("PD-L1")] = 0
    measured = Measurements(panel.names, values, material.cohort.measurements.states)
    told = replace(
        material,
        cohort=replace(material.cohort, panel=counted, measurements=measured),
        model=replace(material.model, panel=counted),
    )
    assert "Of the counts 33.3 % are zero." in filled(told, "tripod_ai")["20b"].value
    assert "per million" in filled(told, "tripod_ai")["9a"].value
    assert "indicator alone" not in filled(told, "tripod_ai")["9a"].value


def test_pieces():
    assert joined([None, None]) is None
    assert listed(["a"], 1, "x") == "a"


def test_an_evaluation_without_sites_or_age_still_fills_every_sheet(make_cohort, fast_plan, study):
    cohort = study.cohort
    bare = replace(cohort, specimens=cohort.specimens.drop(columns=["site", "age", "sex", "date", "plate"]))
    random = cross_validate(bare, fast_plan, np.arange(len(bare))[None] % 3, "3-fold", 1, lambda: None)
    evaluation = evaluate_inside(bare, study.model, Validation(random), None, 0)
    made = study_sheets(StudyMaterial(bare, study.model, "f" * 64, fast_plan, evaluation), Answers())
    stard = items(made, "stard")
    assert {stard[n].status for n in ("8", "20")} == {"author needed"}
    assert "table gives neither age nor sex" in items(made, "tripod_ai")["14"].value
