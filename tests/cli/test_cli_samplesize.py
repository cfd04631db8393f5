"""``exodx samplesize``: numbers, which criterion decides, and refusals together."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from exodx.errors import RUO

ASKED = ("samplesize", "--prevalence", 0.5, "--auc", 0.8, "--parameters", 30)


def test_says_how_many_and_what_decides(cli):
    done = cli(*ASKED)
    assert (done.code, done.err) == (0, "")
    assert "877 specimens of as many subjects, 439 cases and 438 controls" in done.out
    decides = [line for line in done.out.splitlines() if "← decides" in line]
    assert [line.split()[0] for line in decides] == ["shrinkage", "calibration"]
    assert "14.6 cases per parameter" in done.out
    assert done.out.rstrip().endswith(RUO)


def test_json_holds_the_same(cli):
    answer = json.loads(cli(*ASKED, "--json").out)
    assert answer["develop"]["n"] == answer["develop"]["criteria"][0]["n"] == 877
    assert answer["develop"]["deciding"] == "shrinkage"
    assert (answer["validate"]["n"], answer["validate"]["deciding"]) == (1914, "calibration slope")
    assert answer["precision"]["n"] == 302
    assert answer["asked"]["auc"] == 0.8
    assert answer["notice"] == RUO
    for part in ("develop", "validate"):
        assert answer[part]["cases"] + answer[part]["controls"] == answer[part]["n"]


def test_r2_is_that_of_pmsampsize(cli):
    answer = json.loads(cli("samplesize", "--prevalence", 0.174, "--r2", 0.288, "--parameters", 24, "--json").out)
    assert [c["n"] for c in answer["develop"]["criteria"]] == [623, 662, 221]
    assert answer["validate"] is answer["precision"] is None


def test_without_parameters_only_validating(cli):
    done = cli("samplesize", "--prevalence", 0.2, "--auc", 0.8)
    assert "To develop a model: give --parameters." in done.out
    assert "To validate a frozen model" in done.out


def test_strong_models_are_told(cli):
    done = cli("samplesize", "--prevalence", 0.5, "--auc", 0.92, "--parameters", 30)
    assert "multiplied by 2" in done.out


def test_margin_of_the_auc(cli):
    wide = json.loads(cli(*ASKED, "--json", "--auc-margin", 0.1).out)
    assert wide["precision"]["n"] < 100


def test_all_that_is_wrong_is_told_at_once(cli):
    done = cli("samplesize", "--prevalence", 1.5, "--auc", 0.4, "--parameters", 0, "--shrinkage", 1, "--auc-margin", 0)
    assert (done.code, done.out) == (3, "")
    for name in ("--prevalence", "--auc", "--parameters", "--shrinkage", "--auc-margin"):
        assert f"{name}: " in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--parameters", 5), "Give the AUC (or --r2) to expect"),
        (("--r2", 0.2), "give the parameters too"),
        (("--r2", 0.74, "--parameters", 5, "--shrinkage", 0.5), "SAMPLE_SIZE_IMPOSSIBLE"),
        (("--auc", "nan"), "above 0.5 and below 1"),
    ],
)
def test_what_cannot_be_answered_is_refused(cli, options, said):
    done = cli("samplesize", "--prevalence", 0.5, *options)
    assert done.code == 3
    assert said in done.err
    assert done.out == ""


def test_a_word_is_wrong_usage(cli):
    assert cli("samplesize", "--prevalence", "half").code == 2
    assert cli("samplesize").code == 2


def test_is_quick_and_needs_no_learning_library():
    code = (
        "import sys; sys.argv = ['exodx', 'samplesize', '--prevalence', '.5', '--auc', '.8', '--parameters', '5']\n"
        "from exodx.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "loaded = {'mlflow', 'shap', 'matplotlib', 'xgboost', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'imported {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_says_what_it_is_for(cli):
    done = cli("samplesize", "--help")
    assert RUO in " ".join(done.out.split())
    assert "Riley" in done.out
