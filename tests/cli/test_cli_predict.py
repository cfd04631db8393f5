"""``exodx predict``: its columns, its refusals, its exit codes, and that batches do not matter."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import subprocess
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest

from exodx.errors import RUO
from tests.cli.calls import DATA, run

HEAD = ["specimen_id", "status", "call", "probability", "margin", "threshold_id", "reasons"]
NEW = DATA / "new.csv"


def rows_of(text: str) -> dict[str, list[str]]:
    return {row[0]: row for row in csv.reader(io.StringIO(text))}


def table() -> list[list[str]]:
    return list(csv.reader(NEW.read_text().splitlines()))


def write(path, rows, delimiter=",", encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def test_columns_stand_in_the_order_of_the_contract(trained, cli):
    done = cli("predict", NEW, "--model", trained.bundle)
    header = next(csv.reader(io.StringIO(done.out)))
    shap = [name for name in header if name.startswith("shap:")]
    assert header[:7] == HEAD
    assert header[7 : 7 + len(shap)] == shap
    assert shap[-1] == "shap:base"
    assert header[7 + len(shap) :] == ["model_id", "model_hash", RUO]


def test_every_input_row_is_there_in_order_and_shap_values_sum_to_the_margin(trained, cli, tmp_path):
    done = cli("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "scores.csv")
    assert done.code == 0, done.err
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert scores["specimen_id"].tolist() == [row[0] for row in table()[1:]]
    shap = scores[[c for c in scores if c.startswith("shap:")]].sum(axis=1)
    assert (shap - scores["margin"]).abs().max() < 1e-4
    assert set(scores["call"]) == {"positive", "negative"}
    assert RUO in done.err


def test_one_specimen_equals_its_row_in_the_batch_bit_for_bit(trained, cli, tmp_path):
    batch = rows_of(cli("predict", NEW, "--model", trained.bundle).out)
    rows = table()
    for pick in (1, 17, 60):
        alone = write(tmp_path / "one.csv", [rows[0], rows[pick]])
        assert rows_of(cli("predict", alone, "--model", trained.bundle).out)[rows[pick][0]] == batch[rows[pick][0]]


def test_order_of_rows_and_columns_does_not_matter(trained, cli, tmp_path):
    batch = rows_of(cli("predict", NEW, "--model", trained.bundle).out)
    rows = table()
    columns = list(range(1, len(rows[0])))
    random.Random(4).shuffle(columns)
    body = rows[1:]
    random.Random(5).shuffle(body)
    shuffled = write(tmp_path / "shuffled.tsv", [[r[0], *(r[j] for j in columns)] for r in [rows[0], *body]], delimiter="\t")
    assert rows_of(cli("predict", shuffled, "--model", trained.bundle).out) == batch


def test_parquet_holds_the_same_numbers_and_the_notice(trained, cli, tmp_path):
    cli("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "scores.parquet")
    cli("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "scores.csv")
    stored = pq.read_table(tmp_path / "scores.parquet")
    assert stored.schema.metadata[b"notice"].decode() == RUO
    text = pd.read_csv(tmp_path / "scores.csv", keep_default_na=False, dtype=str)
    assert stored.to_pandas()["probability"].tolist() == list(map(float, text["probability"]))
    assert [*stored.column_names, RUO] == list(text.columns)


def test_explain_top3_and_none(trained, cli):
    everything = pd.read_csv(io.StringIO(cli("predict", NEW, "--model", trained.bundle).out))
    top = pd.read_csv(io.StringIO(cli("predict", NEW, "--model", trained.bundle, "--explain", "top3").out))
    nothing = cli("predict", NEW, "--model", trained.bundle, "--explain", "none").out
    first = everything.filter(regex="^shap:(?!base)").iloc[0]
    assert top["top1:feature"][0] == first.abs().idxmax().removeprefix("shap:")
    assert abs(top["top1:shap"][0]) == first.abs().max()
    assert "shap:" not in nothing


def spoil(kind, rows):
    j = rows[0].index("miR-145-5p")
    if kind == "missing analyte":
        return [r[:j] + r[j + 1 :] for r in rows]
    if kind == "text cell":
        rows[3][j] = "high"
    if kind == "duplicated id":
        rows[5][0] = rows[4][0]
    if kind == "ragged":
        rows[6] = rows[6][:-2]
    if kind == "above the range":
        rows[2][j] = "55.5"
    if kind == "header only":
        return rows[:1]
    return rows


REFUSALS = {
    "missing analyte": "'miR-145-5p'",
    "text cell": "line 4, column 'miR-145-5p'",
    "duplicated id": "lines 5, 6",
    "ragged": "line 7",
    "above the range": "a Ct outside 0 to 50",
    "header only": "no row",
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_spoilt_table_is_refused_naming_the_place_and_nothing_is_written(kind, trained, cli, tmp_path):
    bad = write(tmp_path / "bad.csv", spoil(kind, table()))
    done = cli("predict", bad, "--model", trained.bundle, "-o", tmp_path / "out" / "scores.csv")
    assert done.code == 3
    assert REFUSALS[kind] in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_wrong_delimiter_empty_and_latin1_files_are_refused(trained, cli, tmp_path):
    rows = table()
    rows[2][2] = "Zürich"
    files = {
        "cells seem to be separated by '|'": write(tmp_path / "pipe.csv", rows, delimiter="|"),
        "line 3, column 'site': byte 0xfc is not UTF-8": write(tmp_path / "latin.csv", rows, encoding="latin-1"),
        "the file is empty": write(tmp_path / "empty.csv", []),
        "Check the path": tmp_path / "absent.csv",
    }
    for words, file in files.items():
        done = cli("predict", file, "--model", trained.bundle, "-o", tmp_path / "scores.csv")
        assert (done.code, words in done.err) == (3, True), done.err
        assert not (tmp_path / "scores.csv").exists()


def test_keep_going_scores_the_rest_and_says_what_is_wrong_with_the_row(trained, cli, tmp_path):
    bad = write(tmp_path / "bad.csv", spoil("text cell", table()))
    done = cli("predict", bad, "--model", trained.bundle, "--keep-going")
    assert done.code == 5
    kept, clean = rows_of(done.out), rows_of(cli("predict", NEW, "--model", trained.bundle).out)
    spoilt = table()[3][0]
    assert kept[spoilt][1:5] == ["INVALID", "not_reported", "", ""]
    assert "'high': text where a number belongs" in kept[spoilt][6]
    assert {k: v for k, v in kept.items() if k != spoilt} == {k: v for k, v in clean.items() if k != spoilt}


def test_a_specimen_without_references_keeps_its_row_unscored(trained, cli, tmp_path):
    rows = table()
    for name in ("miR-103a-3p", "miR-423-5p"):
        rows[1][rows[0].index(name)] = "Undetermined"
    done = cli("predict", write(tmp_path / "c.csv", rows), "--model", trained.bundle)
    assert done.code == 5
    row = rows_of(done.out)[rows[1][0]]
    assert row[1:5] == ["QC_FAIL", "not_reported", "", ""]
    assert "REFERENCES_UNDETECTED" in row[6]
    assert "1 not reported" in done.err


def test_a_changed_byte_in_the_bundle_is_refused(trained, cli, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained.bundle, copy)
    content = bytearray((copy / "forest.ubj").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "forest.ubj").write_bytes(content)
    done = cli("predict", NEW, "--model", copy)
    assert done.code == 4
    assert "forest.ubj" in done.err
    assert cli("predict", NEW, "--model", tmp_path / "absent").code == 4


def test_wrong_usage_is_exit_code_2(trained, cli):
    assert cli("predict", NEW).code == 2
    assert cli("predict", NEW, "--model", trained.bundle, "--explain", "some").code == 2
    assert cli("nonesuch").code == 2
    assert cli("predict", NEW, "--model", trained.bundle, "-o", "/proc/none/scores.csv").code == 2


HEAVY = {"mlflow", "shap", "matplotlib", "numba", "xgboost", "sklearn", "pandas", "scipy", "pyarrow", "python_calamine", "joblib"}


def loaded_by(*arguments) -> set[str]:
    code = (
        "import sys, json; from exodx.cli import app;"
        "app(sys.argv[1:], standalone_mode=False);"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_predict_on_a_small_table_imports_numpy_and_little_else(trained, tmp_path):
    loaded = loaded_by("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "s.csv")
    assert not loaded & (HEAVY | {"numpy.ma", "numpy.random", "exodx.tables.exports", "exodx.tables.instruments"})
    assert loaded >= {"numpy", "exodx.scoring.levels"}  # the check sees imports


def test_predict_on_a_large_table_imports_arrow_and_neither_pandas_nor_scipy(trained, tmp_path):
    header, *rows = NEW.read_text().splitlines()
    path = tmp_path / "large.csv"
    path.write_text("\n".join([header, *(f"C{i}-{row}" for i in range(700) for row in rows)]) + "\n")
    for ending in ("csv", "parquet"):
        loaded = loaded_by("predict", path, "--model", trained.bundle, "-o", tmp_path / f"s.{ending}")
        assert loaded & HEAVY == {"pyarrow"}


def test_pieces_read_by_machine_code_and_written_as_parquet_need_nothing_of_arrow_that_is_slow_to_load():
    """``pyarrow.compute`` and ``pyarrow.parquet`` take 30 ms each: as long as scoring 20,000 specimens."""
    code = (
        "import sys, exodx.scoring.stream; from exodx.scoring.cut import _is_bare; from exodx.scoring.encode import texts;"
        "print([_is_bare(texts(ids)) for ids in (['a', 'b c'], ['a', ''], ['a', ' b'], ['a', 'b\\u00a0'], ['\\t'])]);"
        "print({'pyarrow.compute', 'pyarrow.parquet', 'pyarrow.fs', 'pyarrow.lib'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[True, False, False, False, False]", "{'pyarrow.lib'}"]


def test_predict_to_parquet_imports_arrow_and_help_not_even_numpy(trained, tmp_path):
    loaded = loaded_by("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "s.parquet")
    assert loaded & HEAVY == {"pyarrow"}
    assert not loaded_by("--help") & (HEAVY | {"numpy", "tempfile"})


def test_predict_runs_as_a_process_with_data_on_stdout_and_talk_on_stderr(trained):
    done = run("predict", NEW, "--model", trained.bundle)
    assert done.code == 0
    assert done.out.startswith("specimen_id,")
    assert "60 specimens" in done.err
    assert "60 specimens" not in done.out


def test_the_input_is_never_overwritten(trained, cli, tmp_path):
    copy = tmp_path / "new.csv"
    copy.write_bytes(NEW.read_bytes())
    for command in (
        ["predict", copy, "--model", trained.bundle],
        ["explain", copy, "--model", trained.bundle, "--specimen", "SIM6-0001"],
    ):
        done = cli(*command, "-o", copy)
        assert done.code == 2
        assert "OUTPUT_IS_INPUT" in done.err
        assert copy.read_bytes() == NEW.read_bytes()


def test_one_specimen_in_the_long_layout_equals_its_row_in_the_batch(trained, cli, tmp_path):
    batch = rows_of(cli("predict", NEW, "--model", trained.bundle).out)
    header, first = table()[:2]
    long = [
        ["specimen_id", "analyte", "value"],
        *([first[0], name, cell] for name, cell in zip(header[9:], first[9:], strict=True)),
    ]
    done = cli("predict", write(tmp_path / "long.csv", long), "--model", trained.bundle)
    assert done.code == 0, done.err
    assert rows_of(done.out)[first[0]] == batch[first[0]]
    assert len(done.out.splitlines()) == 2


def test_what_was_recognised_is_told(trained, cli, tmp_path):
    rows = table()
    rows[0][0] = "Barcode"
    done = cli("predict", write(tmp_path / "barcode.csv", rows), "--model", trained.bundle)
    assert "no specimen column was recognised" in done.err
    assert "trained on simulated specimens" in done.err


def test_a_number_too_large_to_compute_with_is_a_cell_problem(trained, cli, tmp_path):
    rows = table()
    rows[2][rows[0].index("PD-L1")] = "1e39"
    bad = write(tmp_path / "huge.csv", rows)
    done = cli("predict", bad, "--model", trained.bundle)
    assert (done.code, "too large" in done.err) == (3, True)
    assert cli("predict", bad, "--model", trained.bundle, "--keep-going").code == 5


def test_thousands_separators_between_tabs_are_not_taken_for_decimals(trained, cli, tmp_path):
    rows = [row[:1] + ["12,345"] * (len(row) - 1) if i else row for i, row in enumerate(table())]
    rows[1][1] = "150,000"
    done = cli("predict", write(tmp_path / "t.tsv", rows, delimiter="\t"), "--model", trained.bundle)
    assert (done.code, "DECIMAL_AMBIGUOUS" in done.err) == (3, True)


def test_columns_in_each_others_place_are_named_on_stderr_and_one_specimen_loads_nothing_for_it(trained, cli, tmp_path):
    a, b = "miR-126-3p", "miR-145-5p"
    rows = table()
    assert len(rows) > 20
    exchanged = [[{a: b, b: a}.get(name, name) for name in rows[0]], *rows[1:]]
    right = cli("predict", NEW, "--model", trained.bundle, "-o", tmp_path / "a.csv")
    wrong = cli("predict", write(tmp_path / "new.csv", exchanged), "--model", trained.bundle, "-o", tmp_path / "b.csv", "--json")
    assert "training specimens had each other" not in right.err
    assert f"· columns {a!r} and {b!r} lie where the model's training specimens had each other" in wrong.err
    assert any("exodx check --model" in note for note in json.loads(wrong.out)["notes"])
    one = write(tmp_path / "one.csv", exchanged[:2])
    code = (
        "import sys; from pathlib import Path\n"
        "from exodx.frozen import load_bundle; from exodx.scoring import Explain, score_file\n"
        "model, model_hash = load_bundle(Path(sys.argv[1])); score_file(Path(sys.argv[2]), model, model_hash, Explain.NONE)\n"
        "print([m for m in sys.modules if m in ('exodx.scoring.levels', 'scipy')])"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code, trained.bundle, path], capture_output=True, text=True, check=True
        ).stdout.strip()
        for path in (one, tmp_path / "new.csv")
    ]
    assert found == ["[]", "['exodx.scoring.levels']"]
