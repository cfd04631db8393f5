"""The compiled forest: XGBoost's margins and SHAP values, nearer to the float64 truth than its own; the same bits in any batch."""

import io
import os
import subprocess
import sys
import warnings
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import ModelRefused
from exodx.frozen import Forest, lanes, loops, native
from exodx.frozen.archive import read_compiled, write_compiled
from exodx.frozen.boosters import compile_boosters
from exodx.frozen.kernels import looped_kernel, native_kernel, numpy_kernel
from exodx.frozen.parts import Linear
from exodx.frozen.shapley import leaf_shapley, quadrature
from tests.frozen.boosters import flat, grown, raw, specimens
from tests.frozen.treeshap import reference


def compiled(booster):
    return compile_boosters([(raw(booster), 1.0)])


def interpreted():
    """The loops as they stand, without a compiler: slow, and they must run without numba."""
    return looped_kernel("interpreter", 7, {loop: flat(loop) for loop in loops.LOOPS})


def kernels():
    found = [numpy_kernel(), interpreted(), native_kernel()]
    return [kernel for kernel in found if kernel]


def at_the_thresholds(booster, n, seed=0):
    """Rows that stand on the thresholds, one float32 below or above them, anywhere, or nowhere."""
    rng = np.random.default_rng(seed)
    rows = specimens(n, booster.num_features(), 0.15, seed)
    table = booster.trees_to_dataframe()
    for name, splits in table[table.Feature != "Leaf"].groupby("Feature"):
        at = rng.choice(splits.Split.to_numpy(np.float32), n)
        near = [np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf)), rows[:, int(name[1:])]]
        rows[:, int(name[1:])] = np.choose(rng.integers(0, 4, n), near)
    return rows


def assert_equals_xgboost(booster, rows, tolerance=1e-5):
    forest, matrix = compiled(booster), xgboost.DMatrix(rows, missing=np.nan, nthread=1)
    shap, base = forest.contributions(rows)
    margin, expected = booster.predict(matrix, output_margin=True), booster.predict(matrix, pred_contribs=True)
    scale = max(1.0, float(np.abs(margin).max()))
    np.testing.assert_allclose(forest.margin(rows), margin, rtol=0, atol=tolerance * scale)
    np.testing.assert_allclose(np.column_stack([shap, base]), expected, rtol=0, atol=tolerance * scale)
    np.testing.assert_allclose(shap.sum(axis=1) + base, forest.margin(rows), rtol=0, atol=2e-6 * scale)


shapes = st.fixed_dictionaries(
    {
        "n": st.sampled_from([20, 60, 150, 400]),
        "k": st.integers(1, 12),
        "rounds": st.integers(1, 25),
        "missing": st.sampled_from([0.0, 0.1, 0.6]),
        "seed": st.integers(0, 1000),
        "max_depth": st.integers(1, 10),
        "eta": st.sampled_from([0.05, 0.3, 1.0]),
        "min_child_weight": st.sampled_from([0.01, 1.0, 5.0]),
        "gamma": st.sampled_from([0.0, 1.0]),
        "num_parallel_tree": st.sampled_from([1, 3]),
        "subsample": st.sampled_from([0.6, 1.0]),
        "colsample_bynode": st.sampled_from([0.5, 1.0]),
        "base_score": st.sampled_from([0.1, 0.5]),
    }
)


@given(shapes)
def test_any_forest_gives_xgboosts_margins_and_shap_values(shape):
    booster = grown(**shape)
    assert_equals_xgboost(booster, at_the_thresholds(booster, 60))


@given(shapes)
def test_any_forest_is_within_1e_6_of_float64_treeshap(shape):
    booster = grown(**{**shape, "rounds": min(shape["rounds"], 8), "max_depth": min(shape["max_depth"], 7)})
    rows = at_the_thresholds(booster, 4)
    expected, expected_base, expected_margin = reference(booster, rows)
    shap, base = compiled(booster).contributions(rows)
    scale = max(1.0, np.abs(expected_margin).max())
    np.testing.assert_allclose(shap, expected, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(base, expected_base, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(compiled(booster).margin(rows), expected_margin, rtol=0, atol=1e-6 * scale)


@given(shapes, st.integers(0, 100))
def test_kernels_give_the_same_bits(shape, seed):
    booster = grown(**shape)
    forest, rows = compiled(booster), specimens(40, shape["k"], 0.2, seed)
    results = [(forest.margin(rows, kernel=k).tobytes(), forest.contributions(rows, kernel=k)[0].tobytes()) for k in kernels()]
    assert len(set(results)) == 1


@pytest.mark.parametrize(
    "shape",
    [
        {"k": 1, "max_depth": 1},
        {"k": 600, "n": 120, "max_depth": 6, "rounds": 40},
        {"k": 30, "n": 1500, "max_depth": 6, "rounds": 60},
        {"k": 30, "n": 3000, "max_depth": 12, "rounds": 2, "min_child_weight": 0.1},
        {"k": 8, "n": 3000, "max_depth": 12, "rounds": 3, "min_child_weight": 0.1},
        {"k": 3, "rounds": 300, "max_depth": 1, "eta": 0.05},
        {"k": 7, "rounds": 5, "max_depth": 6, "num_parallel_tree": 30, "subsample": 0.63, "colsample_bynode": 0.4},
        {"k": 5, "gamma": 1e6},
        {"k": 5, "objective": "reg:squarederror"},
        {"k": 6, "grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0},
    ],
    ids=str,
)
def test_forests_of_every_size_give_xgboosts_numbers(shape):
    booster = grown(**shape)
    assert_equals_xgboost(booster, at_the_thresholds(booster, 100))


def test_deep_leaves_take_the_general_algorithm_and_are_as_exact():
    booster = grown(n=2000, k=20, max_depth=11, rounds=2, min_child_weight=0.1)
    forest = compiled(booster)
    assert len(forest.parts.leaves.value) > 50
    assert np.diff(forest.parts.leaves.start).max() > 8
    rows = at_the_thresholds(booster, 3)
    expected, _, margin = reference(booster, rows)
    np.testing.assert_allclose(forest.contributions(rows)[0], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(forest.margin(rows), margin, rtol=0, atol=1e-6)


def test_forests_of_single_leaves_have_a_margin_and_no_contributions():
    booster = grown(gamma=1e6, rounds=4, base_score=0.3)
    forest = compiled(booster)
    shap, base = forest.contributions(specimens(3, 5))
    np.testing.assert_allclose(base, booster.predict(xgboost.DMatrix(specimens(3, 5)), output_margin=True), atol=1e-6)
    assert not shap.any()
    np.testing.assert_array_equal(forest.margin(specimens(3, 5)), base)


def test_it_equals_shap_tree_explainer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import, shap builds colour maps in a way that matplotlib is about to retire
        from shap import TreeExplainer
    for shape in ({"max_depth": 3, "k": 8, "rounds": 50}, {"max_depth": 9, "n": 800, "k": 12, "min_child_weight": 0.1}):
        booster = grown(**shape)
        rows = at_the_thresholds(booster, 50)
        np.testing.assert_allclose(compiled(booster).contributions(rows)[0], TreeExplainer(booster).shap_values(rows), atol=1e-5)


def test_sums_are_nearer_to_the_truth_than_xgboosts_on_a_big_forest():
    booster = grown(n=600, k=20, rounds=400, max_depth=4, eta=0.3)
    rows = at_the_thresholds(booster, 5)
    expected, _, margin = reference(booster, rows)
    forest, matrix = compiled(booster), xgboost.DMatrix(rows)
    scale = max(1.0, np.abs(margin).max())
    ours = [np.abs(forest.contributions(rows)[0] - expected).max(), np.abs(forest.margin(rows) - margin).max()]
    theirs = [
        np.abs(booster.predict(matrix, pred_contribs=True)[:, :-1] - expected).max(),
        np.abs(booster.predict(matrix, output_margin=True) - margin).max(),
    ]
    assert max(ours) < 1e-6 * scale
    assert max(ours) < max(theirs)


def test_extreme_values_take_the_side_that_float32_gives_them():
    """Infinite ones stand beyond every threshold; XGBoost itself refuses them, so values near the end of float32 are the oracle."""
    booster = grown(k=3, rounds=20, max_depth=4, missing=0.2)
    forest, big = compiled(booster), float(np.finfo(np.float32).max)
    for sign in (1, -1):
        expected = booster.predict(xgboost.DMatrix(np.full((1, 3), sign * big)), pred_contribs=True)
        for value in (np.inf, 1e300, big):
            np.testing.assert_allclose(forest.contributions(np.full((1, 3), sign * value))[0], expected[:, :-1], atol=1e-5)


def test_tiny_values_and_both_zeros_compare_as_xgboost_compares_them():
    tiny = np.array([0.0, -0.0, 1e-45, -1e-45, 1.2e-38, -1.2e-38, 1e-50, -1e-50, 3e-45, np.nan])
    rows = np.array(np.meshgrid(tiny, tiny)).reshape(2, -1).T
    y = (rows[:, 0] > 0) ^ (rows[:, 1] >= 1e-45)
    booster = xgboost.train(
        {"max_depth": 4, "tree_method": "exact", "nthread": 1, "min_child_weight": 0}, xgboost.DMatrix(rows, y), 10
    )
    thresholds = compiled(booster).parts.splits.threshold
    assert {0.0, float(np.float32(1e-45))} <= {float(t) for t in thresholds}
    assert_equals_xgboost(booster, rows)


def test_a_value_that_float32_rounds_onto_the_threshold_does_not_go_left():
    booster = grown(k=1, max_depth=1, rounds=1, missing=0.0)
    threshold = float(compiled(booster).parts.splits.threshold[0])
    just_below = np.nextafter(threshold, -np.inf)
    assert just_below < threshold
    margin = compiled(booster).margin(np.array([[threshold], [just_below], [threshold - 1e-3]]))
    assert margin[0] == margin[1] != margin[2]
    assert_equals_xgboost(booster, np.array([[threshold], [just_below]]))


@pytest.fixture(scope="module")
def forest():
    return compiled(grown(n=1500, k=12, rounds=40, max_depth=8, min_child_weight=0.1))


@pytest.fixture(scope="module")
def batch(forest):
    rows = specimens(5000, 12, 0.2, seed=5)
    return rows, forest.margin(rows), forest.contributions(rows)[0]


@given(st.lists(st.integers(0, 4999), min_size=1, max_size=30))
def test_any_rows_alone_have_the_bits_they_have_in_the_batch(forest, batch, chosen):
    rows, margin, shap = batch
    for some in (chosen, chosen[:1]):
        np.testing.assert_array_equal(forest.margin(rows[some]), margin[some])
        np.testing.assert_array_equal(forest.contributions(rows[some])[0], shap[some])


def test_threads_kernels_block_sizes_and_layout_change_no_bit(forest, batch):
    rows, margin, shap = batch
    for kernel in (numpy_kernel(), native_kernel()):
        if kernel is None:
            continue
        for size in (1, 333, kernel.rows):
            part = slice(0, 40 if size == 1 else len(rows))
            for threads in (1, 3):
                sized = kernel._replace(rows=size)
                np.testing.assert_array_equal(forest.margin(rows[part], threads, sized), margin[part])
                np.testing.assert_array_equal(forest.contributions(rows[part], threads, sized)[0], shap[part])
    np.testing.assert_array_equal(forest.contributions(np.asfortranarray(rows))[0], shap)
    assert forest.margin(rows[:0]).shape == (0,)
    assert [part.shape for part in forest.contributions(rows[:0])] == [(0, 12), (0,)]


def test_many_rows_have_the_bits_of_few_and_are_scored_by_machine_code(forest, batch):
    rows, margin, shap = batch
    many = np.resize(rows, (110_001, 12))
    assert forest.kernel_for(1).name == forest.kernel_for(500).name == "numpy"
    assert forest.kernel_for(len(many)).name == ("native" if native_kernel() else "numpy")
    assert forest.kernel_for(500, beside=10**8).name == ("native" if native_kernel() else "numpy")
    np.testing.assert_array_equal(forest.margin(many), np.resize(margin, len(many)))
    np.testing.assert_array_equal(forest.contributions(many)[0], np.resize(shap, (len(many), 12)))


@pytest.mark.parametrize("gone", ["numba", "llvmlite"])
def test_without_numba_many_rows_are_scored_by_numpy(forest, batch, monkeypatch, tmp_path, gone):
    rows, margin, _ = batch
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, gone, None)
    native_kernel.cache_clear()
    native.native_loops.cache_clear()
    try:
        assert native_kernel() is None
        assert forest.kernel_for(10**9).name == "numpy"
        np.testing.assert_array_equal(forest.margin(np.resize(rows, (110_001, 12)))[:5000], margin)
    finally:
        native_kernel.cache_clear()
        native.native_loops.cache_clear()


@pytest.mark.parametrize("needed", [lanes.NEEDED, "a processor that nobody has"])
def test_with_and_without_sixteen_look_ups_at_once_the_bits_are_the_same(tmp_path, monkeypatch, needed):
    """Units of one to eight bits, and rows that are no whole number of sixteens."""
    pytest.importorskip("numba")
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    monkeypatch.setattr(lanes, "NEEDED", needed)
    native.native_loops.cache_clear()
    try:
        kernel = looped_kernel("anew", 333, native.native_loops(loops))
    finally:
        native.native_loops.cache_clear()
    sizes = set()
    for depth, k in ((1, 9), (2, 3), (3, 8), (4, 2)):
        forest, rows = compiled(grown(n=300, k=k, rounds=20, seed=depth, max_depth=depth)), specimens(1003, k, 0.2, depth)
        margin, shap = forest.both(rows, 1, kernel)
        wanted = forest.both(rows, 1, numpy_kernel())
        assert margin.tobytes() == wanted[0].tobytes()
        assert shap.tobytes() == wanted[1].tobytes()
        sizes.update(np.diff(forest.parts.units.start).tolist())
    assert sizes == set(range(1, 9))


KEPT = """
import sys
import numpy as np
from exodx.frozen import loops
from exodx.frozen.kernels import native_kernel
assert native_kernel().name == "native"
made = native_kernel().place
one, ints, squared = np.ones((1, 1)), np.zeros((3, 5), np.int32), np.zeros(5)
lines, limits, scratch = (0 * one, 0 * one, one), (3.0, 10.0, 6.0), np.zeros((2, 5))
made(5, 2, 1, 1, *lines, np.arange(5.0), *limits, 0 * one, 1, 0 * one, 2.0, *scratch, squared, *ints)
assert squared.tolist() == [0.0, 0.5, 2.0, 4.5, 8.0] and ints[1].tolist() == [0, 0, 0, 0, 1]
print("numba" in sys.modules)
"""


def test_machine_code_is_kept_and_loaded_without_numba_and_damage_is_noticed(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))

    def needs_numba():
        done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)
        return done.stdout.strip() == "True"

    assert not native.is_kept(loops)
    assert needs_numba()
    assert native.is_kept(loops)
    assert not needs_numba()
    (kept,) = (tmp_path / "loops").iterdir()
    whole = kept.read_bytes()
    for damaged in (whole[:-1], b"another machine" + whole, b"", whole.replace(whole[-9:], bytes(9))):
        kept.write_bytes(damaged)
        assert needs_numba()
        assert kept.read_bytes() == whole


@pytest.mark.parametrize("told", ["NUMBA_CPU_NAME=generic", "NUMBA_ENABLE_AVX=0"])
def test_where_numba_is_told_to_compile_for_a_lesser_processor_the_plain_loop_is_compiled(told, tmp_path, monkeypatch):
    """LLVM ends the whole process over an instruction that the processor it is told of does not have."""
    pytest.importorskip("numba")
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    monkeypatch.setenv(*told.split("="))
    assert subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True).stdout.strip() == "True"


def test_where_numba_is_told_not_to_compile_it_is_all_done_without(tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    script = "from exodx.frozen.kernels import native_kernel; print(native_kernel())"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "None"


@pytest.mark.parametrize("module", [loops, lanes, native])
def test_machine_code_of_another_text_is_not_looked_for(module, tmp_path, monkeypatch):
    """Of the loops, of what stands in their place, and of how they are put together."""
    pytest.importorskip("numba")
    kept, other = native.kept_at(loops), tmp_path / "other.py"
    other.write_bytes(Path(module.__file__).read_bytes())
    monkeypatch.setattr(module, "__file__", str(other))
    assert native.kept_at(loops) == kept
    other.write_bytes(other.read_bytes() + b"\n")
    assert native.kept_at(loops) != kept


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners here")
def test_machine_code_that_others_could_have_written_is_not_run(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    native.native_loops.cache_clear()
    try:
        assert native.native_loops(loops)
    finally:
        native.native_loops.cache_clear()
    (kept,) = (tmp_path / "loops").iterdir()
    assert native._kept(kept, kept.read_bytes().split(b"\n", 1)[0])
    for place, mode in ((kept, 0o620), (kept, 0o602), (kept.parent, 0o770), (kept.parent, 0o707)):
        before = place.stat().st_mode
        place.chmod(mode)
        assert not native.is_kept(loops)
        assert native._kept(kept, kept.read_bytes().split(b"\n", 1)[0]) is None
        place.chmod(before)
    assert native.is_kept(loops)
    monkeypatch.setattr(os, "geteuid", lambda: kept.stat().st_uid + 1)
    assert native.is_kept(loops) == (kept.stat().st_uid == 0)


def test_where_nothing_can_be_kept_the_loops_are_compiled_all_the_same(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    (tmp_path / "file").touch()
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "file"))
    assert subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True).stdout.strip() == "True"


def test_both_gives_the_bits_of_margin_and_contributions(forest, batch):
    rows, margin, shap = batch
    for kernel in kernels():
        few = slice(0, 50 if kernel.name == "interpreter" else None)
        for threads in (1, 2):
            both = forest.both(rows[few], threads, kernel)
            np.testing.assert_array_equal(both[0], margin[few])
            np.testing.assert_array_equal(both[1], shap[few])
    assert [part.shape for part in forest.both(rows[:0])] == [(0,), (0, 12)]


def test_weighted_boosters_and_a_linear_member_add_up():
    a, b = grown(k=4, seed=1, rounds=30), grown(k=4, seed=2, max_depth=9, min_child_weight=0.1, base_score=0.2)
    coefficient, mean = np.array([0.5, -2.0, 0.0, 1e-3]), np.array([0.1, 0.2, -3.0, 100.0])
    lower, upper = np.full(4, -1.0), np.array([0.5, 1.0, 1.0, 200.0])
    linear = Linear(coefficient, mean, lower, upper, np.array([0.25]))
    forest = compile_boosters([(raw(a), 0.75), (raw(b), 0.2)], linear)
    rows = at_the_thresholds(a, 200)
    line = coefficient * np.where(np.isnan(rows), 0.0, np.clip(rows, lower, upper) - mean)
    one, two = (compiled(booster) for booster in (a, b))
    shap, base = forest.contributions(rows)
    margin = 0.75 * one.margin(rows) + 0.2 * two.margin(rows) + line.sum(axis=1) + 0.25
    np.testing.assert_allclose(forest.margin(rows), margin, atol=1e-6)
    np.testing.assert_allclose(shap, 0.75 * one.contributions(rows)[0] + 0.2 * two.contributions(rows)[0] + line, atol=1e-6)
    np.testing.assert_allclose(shap.sum(axis=1) + base, margin, atol=2e-6)
    again = read_compiled(write_compiled(forest), [raw(a), raw(b)], 4, linear)
    for kernel in kernels():
        np.testing.assert_array_equal(again.contributions(rows, kernel=kernel)[0], shap)
        np.testing.assert_array_equal(again.margin(rows, kernel=kernel), forest.margin(rows))


def test_members_on_other_features_are_refused():
    with pytest.raises(ModelRefused, match="FOREST_MISMATCH"):
        compile_boosters([(raw(grown(k=3)), 1.0), (raw(grown(k=4)), 1.0)])
    with pytest.raises(ModelRefused, match="FOREST_MISMATCH"):
        compile_boosters([(raw(grown(k=3)), 1.0)], Linear(*np.zeros((4, 2)), np.zeros(1)))


@pytest.mark.parametrize("d", range(1, 9))
def test_the_tables_and_the_general_algorithm_are_the_same_mathematics(d):
    """Sums over all subsets against the integral of a polynomial, for every pattern of d features."""
    ratios = np.random.default_rng(d).uniform(0.01, 1, (5, d))
    table = leaf_shapley(ratios)
    nodes, weights = quadrature(d - 1)
    taken = ((np.arange(2**d)[:, None] >> np.arange(d)) & 1).astype(float)
    for g, z in enumerate(ratios):
        for i in range(d):
            others = np.arange(d) != i
            integral = sum(w * (t * taken + (1 - t) * z)[:, others].prod(axis=1) for t, w in zip(nodes, weights, strict=True))
            np.testing.assert_allclose(table[i, g], (taken[:, i] - z[i]) * integral, rtol=1e-12, atol=1e-15)
    efficiency = table.sum(axis=0)
    np.testing.assert_allclose(efficiency, (taken.all(axis=1)) - ratios.prod(axis=1)[:, None], atol=1e-14)


@pytest.mark.parametrize("degree", range(0, 40))
def test_the_quadrature_is_exact_for_every_power(degree):
    nodes, weights = quadrature(degree)
    for power in range(degree + 1):
        assert sum(w * t**power for t, w in zip(nodes, weights, strict=True)) == pytest.approx(1 / (power + 1), abs=1e-14)
    beyond = 2 * len(nodes)
    assert abs(sum(w * t**beyond for t, w in zip(nodes, weights, strict=True)) - 1 / (beyond + 1)) > 0


@pytest.fixture(scope="module")
def stored():
    booster = grown(n=800, k=9, max_depth=9, min_child_weight=0.1)
    return raw(booster), write_compiled(compiled(booster))


def test_the_file_is_small_undated_and_the_same_bytes_each_time(stored):
    ubjson, data = stored
    assert write_compiled(compile_boosters([(ubjson, 1.0)])) == data
    assert write_compiled(read_compiled(data, [ubjson], 9)) == data
    code = "import sys; from exodx.frozen.archive import *; from exodx.frozen.boosters import *; from hashlib import sha256;"
    code += "print(sha256(write_compiled(compile_boosters([(sys.stdin.buffer.read(), 1.0)]))).hexdigest())"
    other = subprocess.run([sys.executable, "-c", code], input=ubjson, capture_output=True, check=True)
    assert other.stdout.decode().strip() == sha256(data).hexdigest()
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert {(entry.date_time, entry.compress_type) for entry in file.infolist()} == {((1980, 1, 1, 0, 0, 0), 0)}
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        assert {file[name].dtype.kind for name in file.files} <= set("iuf")


def rewritten(data, name, change):
    """Forge one array of the file."""
    with np.load(io.BytesIO(data)) as file:
        arrays = {key: file[key] for key in file.files}
    arrays[name] = change(arrays[name].copy())
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def put(place, value):
    def change(array):
        array[place] = value
        return array

    return change


@pytest.mark.parametrize(
    "name", ["splits.feature", "conditions.split", "units.bit", "columns.feature", "leaves.bit", "leaves.feature"]
)
@pytest.mark.parametrize("value", [-1, 10**6])
def test_a_forged_index_is_refused_before_anything_looks_it_up(stored, name, value):
    ubjson, data = stored
    with pytest.raises(ModelRefused, match=r"FOREST_DAMAGED.*not there"):
        read_compiled(rewritten(data, name, put(-1, value)), [ubjson], 9)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("splits.threshold", lambda a: a[:-1]),
        ("splits.default", put(0, 2)),
        ("splits.feature", lambda a: a.astype(np.int64)),
        ("conditions.start", put(0, 1)),
        ("conditions.below", put(0, 7)),
        ("units.start", put(1, 0)),
        ("units.start", put(-1, 10**6)),
        ("units.start", lambda a: a[:0]),
        ("units.value", lambda a: a[:-1]),
        ("units.value", put(0, np.nan)),
        ("columns.start", lambda a: a[:-1]),
        ("columns.table", lambda a: np.append(a, a[:1])),
        ("columns.table", put(3, np.inf)),
        ("leaves.start", put(1, 0)),
        ("leaves.ratio", lambda a: a[:-1]),
        ("leaves.value", lambda a: a[:-1]),
        ("leaves.value", lambda a: a.reshape(-1, 1)),
        ("linear.mean", lambda a: np.zeros(9)),
        ("linear.intercept", lambda a: a[:0]),
        ("whole.constants", lambda a: a[:1]),
        ("whole.constants", put(0, np.nan)),
        ("another", lambda a: a),
    ],
)
def test_a_forged_file_is_refused(stored, name, change):
    ubjson, data = stored
    if name == "another":
        buffer = io.BytesIO(data)
        with zipfile.ZipFile(buffer, "a") as file:
            file.writestr("another.npy", b"")
        forged = buffer.getvalue()
    else:
        forged = rewritten(data, name, change)
    with pytest.raises(ModelRefused, match="FOREST_DAMAGED"):
        read_compiled(forged, [ubjson], 9)


@pytest.mark.parametrize("data", [b"", b"PK", b"junk", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'", "cut", "pickle"])
def test_a_damaged_file_is_refused(stored, data):
    ubjson, whole = stored
    if data == "cut":
        data = whole[: len(whole) // 2]
    if data == "pickle":
        buffer = io.BytesIO()
        np.savez(buffer, **{"splits.feature": np.array([{}], object)}, allow_pickle=True)
        data = buffer.getvalue()
    with pytest.raises(ModelRefused, match="FOREST_DAMAGED"):
        read_compiled(data, [ubjson], 9)


def test_a_file_made_from_other_boosters_is_refused(stored):
    ubjson, data = stored
    with pytest.raises(ModelRefused, match="FOREST_MISMATCH"):
        read_compiled(data, [raw(grown(k=9))], 9)
    with pytest.raises(ModelRefused, match="FOREST_DAMAGED"):
        Forest(ubjson, 3, data).margin(np.zeros((1, 3)))
    assert Forest(ubjson, 9, data) == Forest(ubjson, 9)


def test_a_bundle_scores_without_xgboost_scipy_pandas_or_numba(model, tmp_path):
    from exodx.frozen import save_bundle

    save_bundle(model, tmp_path / "bundle")
    code = f"""
import sys
from pathlib import Path
import numpy as np
from exodx.frozen import Measurements, State, load_bundle
model, _ = load_bundle(Path({str(tmp_path / "bundle")!r}))
k = len(model.panel.names)
m = Measurements(model.panel.names, np.full((100, k), 25.0), np.full((100, k), State.MEASURED, np.uint8))
assert np.isfinite(model.predict(m, [""] * 100).margin).all() and np.isfinite(model.explain(m).values).all()
print(sorted({{"xgboost", "scipy", "pandas", "sklearn", "numba", "shap", "mlflow", "matplotlib"}} & {{*sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
