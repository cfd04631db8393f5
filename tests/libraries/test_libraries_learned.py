"""What is stored of the training libraries, against DESeq2, edgeR and limma; never a specimen itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.errors import InputRefused
from exodx.libraries.median_of_ratios import geometric_means, median_of_ratios
from exodx.libraries.quantiles import quantile_target, to_quantiles
from exodx.libraries.sizes import library_sizes
from exodx.libraries.tmm import reference_library, tmm_factors


@pytest.fixture(scope="module")
def r(golden):
    content = golden("normalisation")
    values = np.array([[np.nan if v == "NA" else v for v in row] for row in content["values"]])
    train = np.array(content["counts"])[: content["train"]]
    return content | {"values": values, "training": train}


def draw(seed, n=12, p=30):
    rng = np.random.default_rng(seed)
    return rng.poisson(rng.lognormal(3, 1, p) * rng.lognormal(0, 0.5, (n, 1))).astype(float)


def codes(caught):
    return [problem.code for problem in caught.value.problems]


def test_against_r(r):
    assert geometric_means(r["training"]) == pytest.approx(np.array(r["geometric_means"]), rel=1e-12)
    assert reference_library(r["training"]) == pytest.approx(np.array(r["pseudo_library"]), rel=1e-12)
    assert quantile_target(r["values"]) == pytest.approx(np.array(r["quantile_target"]), rel=1e-12)


def test_learning_and_applying_is_what_the_packages_do_at_once(r):
    counts = np.array(r["counts"])
    assert median_of_ratios(counts, geometric_means(r["training"])) == pytest.approx(np.array(r["size_factors"]), rel=1e-12)
    assert tmm_factors(counts, reference_library(r["training"])) == pytest.approx(np.array(r["tmm_pseudo"]), rel=1e-9)
    normalised = np.array([[np.nan if v == "NA" else v for v in row] for row in r["quantile_normalised"]])
    np.testing.assert_allclose(to_quantiles(r["values"], quantile_target(r["values"])), normalised, rtol=1e-12)


def test_geometric_means_of_the_oracle():
    counts = np.array([[100, 200, 50], [30, 60, 15], [500, 1000, 250], [10, 22, 4]]).T
    assert geometric_means(counts) == pytest.approx([100, 30, 500, 9.5828], abs=5e-5)


def test_an_analyte_that_any_specimen_lacks_is_not_used():
    assert geometric_means([[4, 0, 3], [9, 5, np.nan]]).tolist() == pytest.approx([6.0, 0.0, 0.0])


@given(st.integers(0, 1000), st.integers(1, 50))
def test_depth_does_not_change_the_reference_composition(seed, k):
    counts = draw(seed)
    deeper = counts.copy()
    deeper[3] *= k
    here, there = reference_library(counts), reference_library(deeper)
    assert there / there.sum() == pytest.approx(here / here.sum(), rel=1e-9)
    assert there.sum() == pytest.approx(library_sizes(deeper).mean())


def test_specimens_without_reads_take_no_part():
    counts = draw(5)
    assert reference_library(np.vstack([counts, np.zeros(30)])).tolist() == reference_library(counts).tolist()


def test_an_unmeasured_cell_is_no_zero():
    assert reference_library([[10, 10], [10, 10], [20, np.nan]])[1] == pytest.approx(20 * 0.5)


@given(st.integers(0, 1000))
def test_no_specimen_is_stored(seed):
    counts = draw(seed)
    library, target = reference_library(counts), quantile_target(np.log2(counts + 1))
    assert not any(np.allclose(row / row.sum(), library / library.sum()) for row in counts)
    assert (np.diff(target) >= 0).all()


@given(st.integers(0, 1000))
def test_order_of_specimens_does_not_matter(seed):
    counts = draw(seed) + 1
    order = np.random.default_rng(seed).permutation(len(counts))
    for learn in (geometric_means, reference_library, quantile_target):
        assert learn(counts[order]) == pytest.approx(learn(counts), rel=1e-12)


@pytest.mark.parametrize("learn", [geometric_means, reference_library, quantile_target])
@pytest.mark.parametrize(
    ("counts", "code"),
    [([1, 2, 3], "SHAPE_WRONG"), (np.ones((1, 5)), "SPECIMENS_TOO_FEW"), (np.ones((0, 5)), "SPECIMENS_TOO_FEW")],
)
def test_what_cannot_be_learned_from_is_refused(learn, counts, code):
    with pytest.raises(InputRefused) as caught:
        learn(counts)
    assert codes(caught) == [code]


@pytest.mark.parametrize("learn", [geometric_means, reference_library])
def test_impossible_counts_are_refused(learn):
    with pytest.raises(InputRefused, match="2 negative or infinite") as caught:
        learn([[1, -1], [np.inf, 2]])
    assert codes(caught) == ["COUNTS_IMPOSSIBLE"]


def test_too_sparse_too_empty_too_little():
    with pytest.raises(InputRefused, match="COUNTS_TOO_SPARSE"):
        geometric_means([[1, 0], [0, 1]])
    with pytest.raises(InputRefused, match="1 specimens with reads"):
        reference_library([[0, 0], [3, 4]])
    with pytest.raises(InputRefused, match="1 specimens with two numbers"):
        quantile_target([[np.nan, 3.0], [1.0, 2.0]])
