"""Members as the reader sees them: on the page, in the terminal, for models of one booster as well."""

import re
from dataclasses import replace

import pytest

from exodx.evaluation import FoldResult, evaluate_classes_external
from exodx.report import evaluation_text, study_page
from exodx.report.class_page import class_evaluation_page
from exodx.report.members import learned, members_sentence
from tests.classes import class_cohort

MEMBERS = [
    {"kind": "extra-trees", "setting": "sub-forests × 25", "weight": 0.4, "share": 0.38, "inner_log_loss": 0.512},
    {"kind": "ridge", "setting": "ridge logistic × 0.1", "weight": 0.9, "share": 0.62, "inner_log_loss": 0.4996},
]


def fold(shares):
    return FoldResult(0, 0, shares, 0.5, 80, 20, 0.8)


def with_shares(study, *shares):
    return replace(study.evaluation, folds=tuple(fold(each) for each in shares))


def with_booster(study, booster):
    return replace(study.model, provenance=replace(study.model.provenance, booster=booster))


def test_the_member_with_the_largest_share_comes_first():
    first, second = learned({"members": MEMBERS}).members
    assert (first.kind, first.setting, first.share, first.inner_log_loss) == ("ridge", "ridge logistic × 0.1", "62 %", "0.500")
    assert (second.kind, second.of) == ("extra-trees", "")


def test_members_of_classes_say_of_which():
    rows = learned({"healthy: members": MEMBERS, "lung cancer: members": MEMBERS[:1], "healthy: other": 1})
    assert [(m.of, m.kind) for m in rows.members] == [
        ("healthy", "ridge"),
        ("healthy", "extra-trees"),
        ("lung cancer", "extra-trees"),
    ]
    assert rows.others == {"healthy: other": 1}


@pytest.mark.parametrize("booster", [{}, {"candidate": "stumps", "eta": 0.05, "max_depth": 1, "rounds": 300}])
def test_what_has_no_members_is_shown_as_it_is(booster):
    assert learned(booster).members == ()
    assert learned(booster).others == booster


def test_the_page_shows_a_table_of_members(study, fast_plan, figures):
    page = study_page(with_shares(study, {"ridge": 1.0}), with_booster(study, {"members": MEMBERS}), fast_plan, figures, "m")
    assert "<td>ridge</td><td>ridge logistic × 0.1</td>" in page
    assert page.index("<td>ridge</td>") < page.index("<td>extra-trees</td>")
    assert "Mean share over the outer folds (range): ridge 100 %." in page
    assert "inner_log_loss" not in page


def test_the_page_of_an_older_model_shows_its_booster(study, fast_plan, figures):
    older = with_booster(study, {"candidate": "stumps", "rounds": 300})
    page = study_page(study.evaluation, older, fast_plan, figures, "m")
    assert "<td>candidate</td><td>stumps</td>" in page
    assert "<td>rounds</td><td>300</td>" in page
    assert "The members of the model" not in page


def test_a_trained_model_shows_what_its_provenance_says(study, fast_plan, figures):
    page = study_page(study.evaluation, study.model, fast_plan, figures, "m")
    (member,) = study.model.provenance.booster["members"]
    assert f"<td>{member['kind']}</td><td>{member['setting']}</td>" in page


def test_shares_are_means_over_folds_with_their_range(study):
    found = members_sentence(
        with_shares(study, {"ridge": 0.5, "extra-trees": 0.5, "forest": 0.0}, {"ridge": 0.8, "extra-trees": 0.2, "forest": 0.0})
    )
    assert found == "ridge 65 % (50 to 80), extra-trees 35 % (20 to 50)"


def test_the_terminal_says_the_members(study):
    text = evaluation_text(with_shares(study, {"ridge": 0.7, "extra-trees": 0.3}, {"ridge": 0.6, "extra-trees": 0.4}))
    assert "Members: ridge 65 % (60 to 70), extra-trees 35 % (30 to 40)" in text
    assert "Members" not in evaluation_text(with_shares(study))


def test_several_classes_have_a_table_by_class(class_model):
    page = class_evaluation_page(evaluate_classes_external(class_model, class_cohort(seed=9, n=70)), class_model, "m")
    for name, part in zip(class_model.classes, class_model.parts, strict=True):
        (member,) = part.provenance.booster["members"]
        assert re.search(rf"<td>{name}</td><td>{member['kind']}</td><td>{member['setting']}</td>", page)
