"""What objects show of themselves: escaped, short, without a specimen's id, on light and dark pages, at no cost to scoring."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx import markup
from exodx.assay import learn_transform
from exodx.cohort import quality_report
from exodx.errors import RUO
from exodx.evaluation import Finding, evaluate_classes_external, evaluate_external
from exodx.evaluation.check import check_cohort
from exodx.frozen import save_bundle
from exodx.study import ClassStudy, Study
from tests.classes import class_cohort

EVIL = "<script>alert('x')</script> & \"q\""


def parsed(html):
    """Read a view as XML: every tag closed, every quote and ampersand escaped."""
    return ElementTree.fromstring(f"<page>{html}</page>")


def words(html):
    return " ".join("".join(parsed(html).itertext()).split())


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")))
def test_any_text_comes_out_as_it_went_in(text):
    html = markup.card(
        text, [(text, text)], markup.table([text], [[text]], text), markup.bars([(text, 1.0, text)], text, signed=True)
    )
    shown = "".join(parsed(html).itertext())
    assert shown.count(text) >= (7 if text not in ("",) else 0)
    assert "script" not in {element.tag for element in parsed(html).iter()}


def test_a_fact_that_says_nothing_is_left_out():
    assert "empty" not in markup.card("t", [("empty", ""), ("none", None), ("zero", 0)])
    assert "zero" in markup.card("t", [("zero", 0)])
    assert markup.table(["a"], []) == ""
    assert markup.bars([], "nothing", signed=False) == ""


def test_long_tables_are_counted():
    html = markup.table(["n"], [[n] for n in range(40)])
    assert "… and 28 more" in html
    assert html.count("<tr>") == 13
    assert html.count("text-align:right") == 13
    assert "… and 8 more" in markup.bars([(str(n), n, "") for n in range(20)], "", signed=False)


def test_bars_run_from_the_middle_where_they_have_a_sign():
    html = markup.bars([("a", 2.0, "+2"), ("b", -1.0, "−1")], "c", signed=True)
    assert re.findall(r"left:([\d.]+)%;width:([\d.]+)%;height:100%;background:(#\w+)", html) == [
        ("50.0", "50.0", markup.UP),
        ("25.0", "25.0", markup.DOWN),
    ]
    assert "width:100.0%" in markup.bars([("a", 2.0, "2")], "c", signed=False)


@pytest.fixture(scope="module")
def shown(cohort, model, class_model):
    """One object of each kind, by name."""
    gate = learn_transform(cohort.panel, cohort.measurements, cohort.y).gate
    evaluation = evaluate_external(model, cohort, 0.2)
    classes = class_cohort(seed=5)
    class_evaluation = evaluate_classes_external(class_model, classes)
    measured = cohort.measurements
    return {
        "panel": cohort.panel,
        "cohort": cohort,
        "unlabelled": replace(cohort, reference_standard=None),
        "classes": classes,
        "quality": quality_report(cohort, gate),
        "model": model,
        "class model": class_model,
        "prediction": model.predict(measured, cohort.ids),
        "explanation": model.explain(measured),
        "one explanation": model.explain(measured[:1]),
        "check": check_cohort(cohort),
        "check by model": check_cohort(cohort, model),
        "evaluation": evaluation,
        "class evaluation": class_evaluation,
        "study": Study(model, "0" * 64, evaluation, "<html>" * 10_000, None, None),
        "class study": ClassStudy(class_model, "0" * 64, class_evaluation, "<html>" * 10_000, None, None),
    }


NAMES = (
    "panel", "cohort", "unlabelled", "classes", "quality", "model", "class model", "prediction", "explanation", "one explanation",
    "check", "check by model", "evaluation", "class evaluation", "study", "class study",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_object_has_a_short_line_and_a_whole_view(shown, cohort, name):
    one = shown[name]
    line, html = repr(one), one._repr_html_()
    assert "\n" not in line
    assert len(line) < (400 if name.endswith("study") else 220)
    assert line.startswith(f"{type(one).__name__}(")
    assert parsed(html) is not None
    assert RUO in html
    assert len(html) < 40_000
    assert not [specimen for specimen in cohort.ids if specimen in html or specimen in line]
    assert not re.search(r"<(script|style|link|img|iframe)|https?://|\bon\w+=|\bid=|\bclass=", html)


def test_the_lines_say_what_matters(shown, cohort):
    subjects, positive = len(np.unique(cohort.subjects)), int(cohort.y.sum())
    assert repr(shown["panel"]) == "Panel('athero-3', version '1': 3 targets, 2 references, 2 haemolysis; plasma)"
    assert f"{len(cohort)} specimens of {subjects} subjects; {positive} positive (case), {len(cohort) - positive} negative" in repr(
        cohort
    )
    assert "no reference standard" in repr(shown["unlabelled"])
    assert "athero" in repr(shown["classes"])
    assert repr(shown["model"]).endswith(f"trained on {len(cohort)} specimens of {subjects} subjects, simulated)")
    assert "AUC 0." in repr(shown["evaluation"])
    assert "95 % CI" in repr(shown["evaluation"])
    assert repr(shown["one explanation"]).startswith("Explanation(1 specimen × 3 features, base ")
    assert repr(cohort[np.arange(1)]).startswith("Cohort(DataFrame: 1 specimen of 1 subject;")


def test_the_views_say_what_matters(shown, cohort, model):
    said = {name: words(shown[name]._repr_html_()) for name in NAMES}
    assert "miR-451amirnaCthaemolysis" in said["panel"]  # a row, its cells side by side
    assert "simulated specimens: no number here is evidence of performance" in said["cohort"]
    assert "manifest_incomplete" in said["quality"]
    assert f"positive from probability {model.threshold.value:.4f}" in said["model"]
    assert "ridge" not in said["model"]  # minimal: shallow trees alone
    assert "shallow trees" in said["model"]
    assert "mean |SHAP value|" in said["explanation"]
    assert "margin" in said["one explanation"]
    assert "they are not causes" in said["explanation"]
    assert "verdictReady to train, 3 warnings." in said["check"]
    assert "haemolysis_ct> 7refused" in said["check"]
    assert "modelathero-3" in said["check by model"]
    assert "training_cohort" in said["check by model"]
    assert "to quote" in said["evaluation"]
    assert "further" in said["evaluation"]
    for name in shown["class evaluation"].classes:
        assert name in said["class evaluation"]


def test_explanations_are_ordered_by_what_they_move(shown):
    explanation = shown["explanation"]
    mean = np.nanmean(np.abs(explanation.values), axis=0)
    said = words(explanation._repr_html_())
    expected = [f"{explanation.features[j]}{mean[j]:.3f}" for j in np.argsort(-mean)]
    assert [said.replace(" ", "").index(one.replace(" ", "")) for one in expected] == sorted(
        said.replace(" ", "").index(one.replace(" ", "")) for one in expected
    )
    nothing = replace(explanation, values=np.full_like(explanation.values, np.nan))
    assert "0 explained" in words(nothing._repr_html_())


def test_what_blocks_is_said_first(shown):
    blocked = replace(shown["evaluation"], findings=(Finding("site_confounded", "blocking", EVIL), Finding("n", "note", "quiet")))
    said = words(blocked._repr_html_())
    assert "must not be claimed" in said
    assert EVIL in said
    assert "quiet" not in said  # a note's code is enough
    assert "1 blocking, 1 note" in repr(blocked)


def test_a_check_says_what_blocks_and_a_note_by_its_code(shown):
    findings = (Finding("spike_confounded", "blocking", EVIL), Finding("missingness", "note", "quiet"))
    blocked = replace(shown["check"], ready=False, findings=findings)
    said = words(blocked._repr_html_())
    assert EVIL in said
    assert "missingness" in said
    assert "quiet" not in said
    assert repr(blocked).startswith("CohortCheck(DataFrame: not ready to train; 1 blocking, 1 note; ")
    assert "not ready to score with athero-3; " in repr(replace(shown["check by model"], ready=False))


def test_names_from_a_file_cannot_write_html(cohort, shown):
    panel = replace(cohort.panel, title=EVIL, analytes=(replace(cohort.panel.analytes[0], name=EVIL), *cohort.panel.analytes[1:]))
    measurements = replace(cohort.measurements, names=panel.names)
    evil = replace(cohort, panel=panel, measurements=measurements, source=EVIL, positive_label=EVIL)
    for one in (panel, evil, replace(shown["explanation"], features=(EVIL, "b", "c"))):
        html = one._repr_html_()
        assert "<script" not in html
        assert EVIL in words(html)


def test_a_model_shows_itself_without_pandas_or_scikit_learn(model, tmp_path):
    save_bundle(model, tmp_path / "bundle")
    code = (
        "import sys; from pathlib import Path; from exodx.frozen import load_bundle;"
        f"model = load_bundle(Path({str(tmp_path / 'bundle')!r}))[0]; print(repr(model), model._repr_html_()[:5]);"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'pandas', 'sklearn', 'html', 'jinja2', 'scipy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("DiagnosticModel('athero-3'")
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.browser
@pytest.mark.parametrize(("paper", "ink"), [("#fff", "#111"), ("#111", "#e6e6e6")])
def test_on_a_narrow_light_or_dark_page_nothing_is_cut_off_or_invisible(browser, shown, paper, ink):
    body = "".join(shown[name]._repr_html_() for name in NAMES)
    page = f"<!DOCTYPE html><meta charset=utf-8><body style='background:{paper};color:{ink};max-width:38em'>{body}"
    browser.get("data:text/html;base64," + base64.b64encode(page.encode()).decode())
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    colours = browser.execute_script(
        "return [...new Set([...document.querySelectorAll('body *')].map(e => getComputedStyle(e).color))]"
    )
    assert len(colours) == 1, colours  # the page's own ink, whatever it is
    backgrounds = browser.execute_script(
        "return [...new Set([...document.querySelectorAll('body *')].map(e => getComputedStyle(e).backgroundColor))].sort()"
    )
    assert set(backgrounds) <= {"rgba(0, 0, 0, 0)", "rgb(0, 114, 178)", "rgb(213, 94, 0)"}
