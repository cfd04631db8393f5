"""A frozen model in use: the same answer by file, DataFrame, folder and registry, and an evaluation that the gate counts."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import exodx
from exodx import review
from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.errors import RUO, InputRefused, ModelRefused, UsageError
from exodx.frozen import Conditions
from exodx.scoring import Explain, prediction_columns, score_file
from exodx.study import silent

pytestmark = pytest.mark.filterwarnings("ignore:Operation with range is deprecated")  # mlflow 3.17 with pandas 3


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of its own: versions are counted from 1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXODX_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def study(store, make_cohort, fast_plan, tmp_path_factory):
    cohort = make_cohort(n=90, effect=1.5, seed=4)
    made = exodx.run_study(cohort, fast_plan, out=tmp_path_factory.mktemp("models") / "1", progress=silent)
    assert made.unsent is None
    return made


@pytest.fixture(scope="module")
def table(athero):
    return simulate(athero, SimulatedStudy(n=12, seed=5)).drop(columns="group")


def test_a_file_and_a_dataframe_are_scored_alike_and_as_the_scorer_does(study, table, tmp_path):
    table.to_csv(tmp_path / "new.csv", index=False)
    by_file, by_frame = exodx.predict(tmp_path / "new.csv", study.bundle), exodx.predict(table, study.bundle)
    scores = score_file(tmp_path / "new.csv", study.model, study.model_hash, Explain.ALL)
    assert by_file.equals(pd.DataFrame(prediction_columns(scores, Explain.ALL)))
    assert by_frame.equals(by_file)
    assert by_file.attrs == {"notes": list(scores.notes), "notice": RUO}


def test_rows_keep_their_index_and_one_alone_gets_the_bits_of_the_batch(study, table):
    turned = table.set_axis([f"tube {n}" for n in range(len(table))]).iloc[::-1]
    scores = exodx.predict(turned, study.bundle)
    assert list(scores.index) == list(turned.index)
    alone = exodx.predict(turned.loc[["tube 3"]], study.bundle)
    pd.testing.assert_frame_equal(alone, scores.loc[["tube 3"]], check_exact=True)


@pytest.mark.parametrize(("explain", "columns"), [("all", 4), ("top3", 7), ("none", 0)])
def test_as_much_is_explained_as_is_asked_for(study, table, explain, columns):
    scores = exodx.predict(table, study.bundle, explain=explain)
    assert sum(name.startswith(("shap:", "top")) for name in scores) == columns


def test_a_cell_that_cannot_be_read_stops_the_table_or_marks_its_row(study, table):
    spoilt = table.assign(**{"PD-L1": ["a note", *table["PD-L1"][1:]]})
    with pytest.raises(InputRefused, match=r"DataFrame, row 1, column 'PD-L1'"):
        exodx.predict(spoilt, study.bundle)
    scores = exodx.predict(spoilt, study.bundle, keep_going=True)
    assert scores["status"][0] == "INVALID"
    assert len(scores) == len(table)
    pd.testing.assert_frame_equal(scores[1:], exodx.predict(table, study.bundle)[1:], check_exact=True)


def test_a_column_that_stands_twice_and_another_fluid_are_refused(study, table):
    with pytest.raises(InputRefused, match="HEADER_TWICE"):
        exodx.predict(pd.concat([table, table[["PD-L1"]]], axis=1), study.bundle)
    with pytest.raises(InputRefused, match="FLUID_MISMATCH"):
        exodx.predict(table, study.bundle, conditions=Conditions(specimen_type="urine"))


def test_a_model_is_opened_by_folder_and_by_every_kind_of_uri(study, table):
    uris = [study.run.model_uri, "models:/athero-3@challenger", f"runs:/{study.run.run_id}"]
    assert {exodx.open_model(model)[1] for model in (study.bundle, str(study.bundle), *uris)} == {study.model_hash}
    assert exodx.predict(table, uris[1]).equals(exodx.predict(table, study.bundle))
    with pytest.raises(ModelRefused, match="MODEL_UNKNOWN"):
        exodx.open_model("models:/athero-3/99")


def test_a_tracked_evaluation_is_one_that_the_gate_counts_and_its_view_tells_every_rule(study, athero):
    intake = Intake(label="group").for_model(study.model)
    new = frame_cohort(simulate(athero, SimulatedStudy(n=60, effect=1.5, seed=6)), intake)
    rules, uri = review.read_rules(), study.run.model_uri
    before = review.check_version(uri, rules, "E. Nagy")
    exodx.track_evaluation(study.model, study.model_hash, new, exodx.evaluate_external(study.model, new, None))
    after = review.check_version(uri, rules, "E. Nagy")
    verdicts = [{answer.rule.name: answer.verdict for answer in decision.gate.answers} for decision in (before, after)]
    assert [found["external_validation"] for found in verdicts] == ["not met", "met"]
    shown = after._repr_html_()
    assert all(answer.rule.name in shown for answer in after.gate.answers)
    assert f"{len(after.gate.missing)} of {len(rules)} rules stand in the way" in shown
    assert RUO in shown


def test_answers_are_asked_for_and_taken_back_as_a_file(study, tmp_path):
    uri = study.run.model_uri
    form = review.answers_form(uri)
    assert '# "17" = ""' in form
    (tmp_path / "answers.toml").write_text('[tripod_ai]\n17 = "All gave written consent."\n')
    done = review.answer_sheets(uri, tmp_path / "answers.toml", "A. Kiss")
    assert (done.entry.action, done.entry.by, done.version.uri) == ("answered", "A. Kiss", uri)
    assert '# "17" = ""' not in review.answers_form(uri).split("[stard]")[0]
    assert not review.log_problems("athero-3")
    (tmp_path / "wrong.toml").write_text('[tripod_ai]\n99 = "?"\n')
    with pytest.raises(InputRefused, match="KEY_UNKNOWN"):
        review.answer_sheets(uri, tmp_path / "wrong.toml", "A. Kiss")
    with pytest.raises(UsageError, match="--by"):
        review.answer_sheets(uri, tmp_path / "answers.toml", " ")


def test_an_intake_for_a_model_keeps_what_was_named(study):
    named = Intake(label="group", positive="patient", columns={"site": "centre"})
    asked = named.for_model(study.model)
    assert (asked.panel, asked.reference, asked.rules) == (
        study.model.panel,
        study.model.reference,
        study.model.transform.gate.rules,
    )
    assert (asked.label, asked.positive, asked.columns) == ("group", "patient", {"site": "centre"})
    assert Intake(label="group").for_model(study.model).positive == "case"
    nameless = replace(study.model, provenance=replace(study.model.provenance, positive_label=""))
    assert Intake().for_model(nameless).positive is None
