"""UBJSON and the trees in it: the same as XGBoost's own JSON, and anything else is refused with the reason."""

import json
import struct
from contextlib import suppress

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import ModelRefused
from exodx.frozen import Forest
from exodx.frozen.trees import read_trees
from exodx.frozen.ubjson import read_ubjson
from tests.frozen.boosters import grown, raw, specimens


def length(n):
    return b"L" + struct.pack(">q", n)


def refusal(act, *args):
    with pytest.raises(ModelRefused) as caught:
        act(*args)
    return caught.value.problems[0]


@pytest.fixture(scope="module")
def booster():
    return grown(rounds=5)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"max_depth": 8, "min_child_weight": 0},
        {"num_parallel_tree": 4, "subsample": 0.5},
        {"gamma": 3.0, "max_depth": 6},
        {"tree_method": "exact", "gamma": 1.0, "max_depth": 6},
        {"grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0},
        {"base_score": 0.2},
    ],
    ids=str,
)
def test_it_reads_what_xgboost_writes_as_json(params):
    booster = grown(**params)
    found, expected = read_ubjson(raw(booster)), json.loads(booster.save_raw("json"))

    def compare(a, b, where):
        if isinstance(b, dict):
            assert list(a) == list(b), where
            for key in b:
                compare(a[key], b[key], f"{where}.{key}")
        elif isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, np.array(b, a.dtype), err_msg=where)
        elif isinstance(b, list):
            assert len(a) == len(b), where
            for i, (x, y) in enumerate(zip(a, b, strict=True)):
                compare(x, y, f"{where}[{i}]")
        else:
            assert a == b, where

    compare(found, expected, "model")


def test_every_kind_of_value_is_read():
    members = {
        b"none": b"Z",
        b"yes": b"T",
        b"no": b"F",
        b"small": b"i\xff",
        b"byte": b"U\xff",
        b"short": b"I\x01\x00",
        b"word": b"l\xff\xff\xff\xfe",
        b"long": b"L" + struct.pack(">q", 2**40),
        b"single": b"d" + struct.pack(">f", 0.5),
        b"double": b"D" + struct.pack(">d", 1e300),
        b"text": b"S" + length(2) + "é".encode(),
        b"open": b"[i\x01Z]",
        b"counted": b"[#i\x02i\x01S" + length(1) + b"a",
        b"typed": b"[$I#i\x02\x00\x01\xff\xff",
        b"inner": b"{}",
    }
    data = b"{" + b"".join(length(len(key)) + key + value for key, value in members.items()) + b"}"
    found = read_ubjson(data)
    assert found.pop("typed").tolist() == [1, -1]
    assert found == {
        "none": None, "yes": True, "no": False, "small": -1, "byte": 255, "short": 256, "word": -2, "long": 2**40, "single": 0.5,
        "double": 1e300, "text": "é", "open": [1, None], "counted": [1, "a"], "inner": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"{}x",
        b"{" + length(1) + b"aQ}",
        b"{" + length(1) + b"aZ" + length(1) + b"aZ}",
        b"{" + length(-1) + b"aZ}",
        b"{" + length(2**40) + b"aZ}",
        b"{" + length(1) + b"\xffZ}",
        b"{" + length(1) + b"a[$Z#i\x01}",
        b"{" + length(1) + b"a[$D#i\x05}",
        b"{" + length(1) + b"a[$l]}",
        b"{" + length(1) + b"ad\x00}",
        b"{" + length(1) + b"a" + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b"{" + (length(1) + b"a{") * 10_000,
    ],
    ids=range(15),
)
def test_anything_else_is_refused(data):
    assert refusal(read_ubjson, data).code == "FOREST_DAMAGED"


@given(st.data())
def test_a_model_with_bytes_cut_or_changed_is_read_or_refused_and_nothing_else(data):
    content = bytearray(raw(grown(n=40, k=2, rounds=1, max_depth=2)))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(0, len(content)))]) if data.draw(st.booleans()) else bytes(content)
    with suppress(ModelRefused):
        trees = read_trees(content)
        Forest(content, trees.n_features).margin(np.zeros((1, trees.n_features)))


def test_the_trees_are_xgboosts(booster):
    trees = read_trees(raw(booster))
    table = booster.trees_to_dataframe()
    assert len(trees.roots) == 5
    assert len(trees.left) == len(table)
    inner = trees.left >= 0
    splits = table[table.Feature != "Leaf"]
    assert [f"f{f}" for f in trees.feature[inner]] == splits.Feature.tolist()
    np.testing.assert_array_equal(trees.threshold[inner], splits.Split.to_numpy(np.float32))
    np.testing.assert_array_equal(trees.default_left[inner], (splits.Missing == splits.Yes).to_numpy())
    np.testing.assert_allclose(trees.cover, table.Cover, rtol=1e-6)
    np.testing.assert_array_equal(trees.threshold[~inner], table[table.Feature == "Leaf"].Gain.to_numpy(np.float32))


@pytest.mark.parametrize("score", [0.5, 0.01, 0.37, 0.999])
def test_the_base_score_becomes_the_margin_of_no_tree(score):
    booster = grown(rounds=3, base_score=score)
    stump = booster.predict(xgboost.DMatrix(specimens(4, 5)), output_margin=True, iteration_range=(0, 1))
    trees = booster.predict(xgboost.DMatrix(specimens(4, 5), base_margin=np.zeros(4)), output_margin=True, iteration_range=(0, 1))
    np.testing.assert_allclose(read_trees(raw(booster)).offset, stump - trees, atol=1e-6)


def test_the_base_score_of_other_versions_is_read_too(booster):
    """Up to 3.0 a number in a string, since 3.1 a vector in a string."""
    vector = json.loads(booster.save_raw("json"))["learner"]["learner_model_param"]["base_score"]
    assert vector.startswith("[")
    old = raw(booster).replace(
        b"L" + struct.pack(">q", len(vector)) + vector.encode(), length(len(vector) - 2) + vector[1:-1].encode()
    )
    assert old != raw(booster)
    assert read_trees(old).offset == read_trees(raw(booster)).offset


def test_a_margin_objective_has_its_base_score_as_it_is():
    assert read_trees(raw(grown(objective="reg:squarederror", base_score=0.25))).offset == 0.25


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"booster": "dart", "rate_drop": 0.5}, "dart"),
        ({"booster": "gblinear"}, "gblinear"),
        ({"objective": "multi:softprob", "num_class": 3}, "several outputs"),
        ({"objective": "count:poisson"}, "count:poisson"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_the_reason(params, reason):
    problem = refusal(read_trees, raw(grown(**params)))
    assert problem.code == "FOREST_UNSUPPORTED"
    assert reason in problem.found


def test_categorical_splits_are_refused():
    x = np.random.default_rng(0).integers(0, 6, (200, 2)).astype(float)
    matrix = xgboost.DMatrix(x, np.isin(x[:, 0], (0, 3, 5)), feature_types=["c", "q"], enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_cat_to_onehot": 1, "nthread": 1}, matrix, 2)
    assert "categorical" in refusal(read_trees, raw(booster)).found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"left_children", b"left_childrem"),
        (b"sum_hessian", b"sum_hessiam"),
        (b"base_score", b"base_scorf"),
        (b"num_featureSL" + struct.pack(">q", 1) + b"5", b"num_featureSL" + struct.pack(">q", 1) + b"1"),
    ],
)
def test_a_model_without_what_it_needs_is_refused(booster, old, new):
    content = raw(booster)
    assert old in content
    assert refusal(read_trees, content.replace(old, new)).code == "FOREST_DAMAGED"


def with_nodes(booster, key, values):
    """Forge the first tree: change one of its columns."""
    content = raw(booster)
    code = {"left_children": ">i4", "right_children": ">i4", "split_conditions": ">f4", "sum_hessian": ">f4"}[key]
    at = content.index(key.encode() + b"[$") + len(key) + 4 + 9
    size = struct.unpack(">q", content[at - 8 : at])[0]
    column = np.frombuffer(content, code, size, at).copy()
    for node, value in values.items():
        column[node] = value
    return content[:at] + column.tobytes() + content[at + column.nbytes :]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("left_children", {0: 0}),
        ("left_children", {0: 2}),
        ("right_children", {0: 999}),
        ("right_children", {0: -1}),
        ("split_conditions", {0: np.nan}),
        ("split_conditions", {-1: np.inf}),
        ("sum_hessian", {0: 0}),
        ("sum_hessian", {1: 0}),
        ("sum_hessian", {1: -1}),
        ("sum_hessian", {1: np.nan}),
    ],
    ids=str,
)
def test_forged_nodes_are_refused(booster, key, values):
    assert refusal(read_trees, with_nodes(booster, key, values)).code == "FOREST_DAMAGED"
    assert len(read_trees(with_nodes(booster, key, {})).roots) == 5
