"""The page of an external evaluation: self-contained, and with everything that the terminal tells."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from exodx.cohort import Cohort
from exodx.errors import RUO
from exodx.evaluation import Evaluation, evaluate_external
from exodx.evaluation.shift import FeatureShift
from exodx.report import evaluation_page
from exodx.report.evaluation_page import MOST_FEATURES
from exodx.report.words import sentence


@pytest.fixture(scope="module")
def new(make_cohort) -> Cohort:
    return make_cohort(n=90, site_case_shares=(0.3, 0.3), seed=71)


@pytest.fixture(scope="module")
def found(model, new) -> Evaluation:
    return evaluate_external(model, new, 0.1)


@pytest.fixture(scope="module")
def page(model, found) -> str:
    return evaluation_page(found, model, "athero-3-0123abcd")


def test_it_is_self_contained_and_says_research_use_only(page):
    assert page.count(RUO) >= 2
    assert "<script" not in page.lower()
    sources = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page)
    assert len(sources) == 3
    assert "Decision curve:" in page
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "Simulated specimens" in page


def test_estimates_parts_findings_and_shift_are_on_it(page, found, new):
    for estimate in (*found.estimates, *(part.auc for part in (*found.sites, *found.subgroups))):
        assert sentence(estimate) in page
    for finding in found.findings:
        assert f"<code>{finding.code}</code>" in page
    for feature in found.shift.features:
        assert f"<td>{feature.feature}</td>" in page
    assert "prevalence_shift" in page
    assert not any(f"<td>{name}</td>" in page for name in new.ids)


def test_names_are_escaped_and_long_tables_are_cut(model, found):
    evil = "<img src=x onerror=alert(1)>"
    row = found.shift.features[0]
    many: tuple[FeatureShift, ...] = tuple(replace(row, feature=f"{evil}{i}") for i in range(MOST_FEATURES + 7))
    page = evaluation_page(replace(found, shift=replace(found.shift, features=many)), model, evil)
    assert evil not in page
    assert "7 more, less apart" in page


def test_an_older_models_page_says_what_is_missing(model, new):
    old = replace(model, reference={k: v for k, v in model.reference.items() if k not in ("distribution", "margin")})
    page = evaluation_page(evaluate_external(old, new, None), old, "m")
    assert "did not keep" in page
    assert "no prevalence of use is stated" in page
