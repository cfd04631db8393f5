"""Writing predictions: whole files or none, and numbers that survive the text."""

from __future__ import annotations

import io
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exodx.errors import UsageError
from exodx.frozen import Explanation, Prediction
from exodx.scoring import Explain, Scores, prediction_columns, write_scores


def make(probabilities: list[float], ids: list[str] | None = None) -> Scores:
    n = len(probabilities)
    p = np.array(probabilities, float)
    known = np.isfinite(p)
    prediction = Prediction(
        specimen_ids=tuple(ids or [f"s{i}" for i in range(n)]),
        status=tuple("OK" if k else "QC_FAIL" for k in known),
        call=tuple("positive" if k else "not_reported" for k in known),
        reasons=("",) * n,
        margin=p,
        probability=p,
        threshold_id="sensitivity>=0.90@0.5",
    )
    shap = np.column_stack([p, -2 * p, 3 * p, p * 0])
    return Scores(prediction, Explanation(("a", "b", "c", "d"), shap, 0.25), "m-1", "f" * 64)


@given(st.lists(st.floats(-50, 50) | st.just(math.nan), min_size=1, max_size=8))
@settings(max_examples=50, deadline=None)
def test_csv_gives_every_bit_back_and_blanks_for_what_is_not_reported(values):
    text = io.StringIO()
    write_scores(make(values), Explain.ALL, text)
    back = pd.read_csv(io.StringIO(text.getvalue()), dtype=str)
    np.testing.assert_array_equal(list(map(float, back["margin"])), np.array(values))
    np.testing.assert_array_equal(list(map(float, back["shap:b"])), -2 * np.array(values))
    assert back["shap:base"].isna().tolist() == [math.isnan(v) for v in values]


def test_ids_with_commas_quotes_and_line_breaks_stay_one_cell():
    ids = ["a,b", 'say "no"', "two\nlines", "#hash", "007"]
    text = io.StringIO()
    write_scores(make([0.1] * 5, ids), Explain.NONE, text)
    assert pd.read_csv(io.StringIO(text.getvalue()), dtype=str)["specimen_id"].tolist() == ids


def test_top3_names_the_largest_contributions_by_size():
    columns = prediction_columns(make([1.0, math.nan]), Explain.TOP3)
    assert [columns[f"top{k}:feature"] for k in (1, 2, 3)] == [["c", None], ["b", None], ["a", None]]
    assert columns["top2:shap"] == [-2.0, None]


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    import os

    target = tmp_path / "scores.csv"
    target.write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(UsageError, match="No space left"):
        write_scores(make([0.5]), Explain.ALL, target)
    assert [p.name for p in tmp_path.iterdir()] == ["scores.csv"]
    assert target.read_text() == "old"
