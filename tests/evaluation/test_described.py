"""The description of a cohort: its flow and its table are counts of the specimens themselves, and of nobody alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from exodx.cohort import quality_report
from exodx.evaluation import CohortDescription
from exodx.evaluation.described import FEWEST, describe_cohort
from exodx.frozen import State
from exodx.training import train_model


@pytest.fixture(scope="module")
def described(make_cohort, fast_plan):
    cohort = replace(make_cohort(n=90, site_case_shares=(0.5, 0.3), repeated_share=0.2, not_run_share=0.05, seed=11), left_out=7)
    gate = train_model(cohort, fast_plan).transform.gate
    report = quality_report(cohort, gate)
    refused = {f.specimen for f in report.findings if f.action == "refuse"}
    scored = np.array([name not in refused for name in cohort.ids])
    scored[np.flatnonzero(scored)[:2]] = False
    positive = np.zeros((2, len(cohort)), bool)
    positive[:, ::3] = True
    negative = ~positive
    negative[1, 1::3] = False
    return cohort, scored, positive, negative, describe_cohort(cohort, report, scored, positive, negative)


def test_the_flow_loses_no_specimen(described):
    cohort, scored, *_, found = described
    kept = [box for box in found.boxes if not box.out]
    left = [box for box in found.boxes if box.out]
    assert kept[0].specimens == len(cohort) + 7
    assert kept[0].subjects is None, "nobody knows whose the unlabelled ones are"
    assert kept[0].specimens - sum(box.specimens for box in left) == kept[-1].specimens == int(scored.sum())
    assert kept[-1].subjects == len(set(cohort.specimens["subject"][scored]))
    assert {box.what.partition(":")[0] for box in left} == {
        "without a reference standard",
        "quality control",
        "not scored in every outer fold",
    }


def test_the_arms_count_calls_as_means_over_repeats(described):
    cohort, scored, positive, negative, found = described
    for label, arm in zip((1, 0), found.arms, strict=True):
        rows = scored & (cohort.y == label)
        assert arm.specimens == int(rows.sum())
        assert arm.positive == pytest.approx(positive[:, rows].sum() / 2)
        assert arm.negative == pytest.approx(negative[:, rows].sum() / 2)
        assert arm.indeterminate == pytest.approx(arm.specimens - arm.positive - arm.negative)
    assert sum(arm.indeterminate for arm in found.arms) > 0


def test_the_table_has_a_row_for_all_each_class_and_each_site(described):
    cohort, *_, found = described
    assert [(g.kind, g.name) for g in found.groups] == [
        ("all", "all"),
        ("class", "positive"),
        ("class", "negative"),
        ("site", "site A"),
        ("site", "site B"),
    ]
    everyone, cases, controls, *sites = found.groups
    assert everyone.specimens == cases.specimens + controls.specimens == sum(s.specimens for s in sites) == len(cohort)
    assert everyone.positive == cases.specimens == int(cohort.y.sum())
    first = cohort.specimens.drop_duplicates("subject")
    assert everyone.age == pytest.approx(np.quantile(first["age"], (0.5, 0.25, 0.75)))
    assert dict(everyone.sex) == first["sex"].value_counts().to_dict()
    targets = [cohort.panel.names.index(a.name) for a in cohort.panel.analytes if a.role == "target"]
    assert everyone.not_run == pytest.approx((cohort.measurements.states[:, targets] == State.NOT_RUN).mean())


def test_age_and_sex_of_few_subjects_are_not_told(described):
    cohort, scored, positive, negative, _ = described
    specimens = cohort.specimens.copy()
    subjects = list(dict.fromkeys(specimens["subject"]))
    specimens["site"] = np.where(specimens["subject"].isin(subjects[: FEWEST - 1]), "small", "large")
    small = replace(cohort, specimens=specimens)
    report = quality_report(small, train_gate(small))
    row = next(g for g in describe_cohort(small, report, scored, positive, negative).groups if g.name == "small")
    assert row.subjects == FEWEST - 1
    assert row.age is None
    assert row.sex == ()


def train_gate(cohort):
    from exodx.assay import learn_transform

    return learn_transform(cohort.panel, cohort.measurements, cohort.y).gate


def test_a_cohort_without_age_and_sex_says_so(described):
    cohort, scored, positive, negative, _ = described
    bare = replace(cohort, specimens=cohort.specimens.drop(columns=["age", "sex"]))
    everyone = describe_cohort(bare, quality_report(bare, train_gate(bare)), scored, positive, negative).groups[0]
    assert (everyone.age, everyone.age_known, everyone.sex) == (None, 0, ())


def test_the_description_can_be_rebuilt_from_json_and_names_nobody(described):
    cohort, *_, found = described
    from dataclasses import asdict

    text = json.dumps(asdict(found))
    assert CohortDescription.from_dict(json.loads(text)) == found
    assert not [name for name in cohort.ids if name in text]
