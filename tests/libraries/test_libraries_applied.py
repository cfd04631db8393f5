"""Library normalisation against edgeR, DESeq2 and limma, and its laws: a specimen alone gets the bits it gets in a batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.libraries.median_of_ratios import median_of_ratios
from exodx.libraries.quantiles import to_quantiles
from exodx.libraries.sizes import MIN_USABLE, library_sizes
from exodx.libraries.tmm import tmm_factors
from exodx.libraries.upper_quartile import upper_quartile_factors

P = 41
SEEDS = st.integers(0, 10_000)
RTOL = 1e-12  # the same formula in double precision: only the rounding of log2 and of sums differs


@pytest.fixture(scope="module")
def r(golden):
    """Give the golden arrays, NA as NaN."""
    content = golden("normalisation")
    plain = {k: v for k, v in content.items() if k not in ("made_by", "values", "quantile_normalised")}
    lists = {k: [[np.nan if v == "NA" else v for v in row] for row in content[k]] for k in ("values", "quantile_normalised")}
    return {k: np.array(v) for k, v in (plain | lists).items()}


def simulate(seed, n=9, p=P):
    """Return counts with zeros, ties, unmeasured cells, an empty library and one that is alone in its analyte."""
    rng = np.random.default_rng(seed)
    counts = rng.negative_binomial(1.5, 0.02, (n, p)).astype(float) * rng.lognormal(0, 1, (n, 1)).round(1)
    counts[rng.random((n, p)) < 0.15] = 0
    counts[rng.random((n, p)) < 0.05] = np.nan
    counts[0], counts[1] = 0, np.where(np.arange(p) == 3, 7, 0)
    stored = np.where(rng.random(p) < 0.2, 0.0, rng.lognormal(3, 1, p))
    stored[3] = 0
    return counts, stored


FUNCTIONS = {
    "sizes": lambda counts, stored: library_sizes(counts),
    "ratios": lambda counts, stored: median_of_ratios(counts, stored, minimum=5),
    "tmm": tmm_factors,
    "upper quartile": lambda counts, stored: upper_quartile_factors(counts, np.where(stored > 0, 0.02, 0.0)),
    "quantiles": lambda counts, stored: to_quantiles(counts, np.sort(stored)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(SEEDS, st.sampled_from([1, 2, 3, 8, 17]), st.sampled_from([1, 2, 7, 8, 40, 41, 64, 129]))
def test_a_specimen_alone_gets_the_bits_it_gets_in_a_batch(name, seed, n, p):
    function = FUNCTIONS[name]
    counts, stored = simulate(seed, n + 2, p + 4)
    batch = function(counts, stored)
    order = np.random.default_rng(seed).permutation(len(counts))
    assert function(counts[order], stored).tobytes() == batch[order].tobytes()
    assert function(np.asfortranarray(counts), stored).tobytes() == batch.tobytes()
    assert function(counts[::2], stored).tobytes() == batch[::2].tobytes()
    for at in range(len(counts)):
        assert function(counts[at : at + 1], stored).tobytes() == batch[at : at + 1].tobytes()


@given(SEEDS)
def test_order_of_analytes_does_not_matter(seed):
    counts, stored = simulate(seed)
    order = np.random.default_rng(seed).permutation(P)
    moved = counts[:, order], stored[order]
    assert library_sizes(moved[0]) == pytest.approx(library_sizes(counts), rel=1e-14)
    assert median_of_ratios(*moved, minimum=5).tobytes() == median_of_ratios(counts, stored, minimum=5).tobytes()
    assert tmm_factors(*moved) == pytest.approx(tmm_factors(counts, stored), rel=1e-9, nan_ok=True)
    target = np.sort(stored)
    assert to_quantiles(moved[0], target).tobytes() == to_quantiles(counts, target)[:, order].tobytes()


def test_library_sizes_are_sums(r):
    assert library_sizes(r["counts"]).tolist() == r["counts"].sum(axis=1).tolist()


class TestMedianOfRatios:
    def test_against_deseq2(self, r):
        found = median_of_ratios(r["counts"], r["geometric_means"])
        assert found == pytest.approx(r["size_factors"], rel=RTOL)
        assert found / np.exp(np.log(found).mean()) == pytest.approx(r["size_factors_deseq2_frozen"], rel=RTOL)
        assert found[: r["train"]] == pytest.approx(r["size_factors_deseq2_trained"], rel=RTOL)

    def test_oracle(self):
        counts = np.array([[100, 200, 50], [30, 60, 15], [500, 1000, 250], [10, 22, 4]]).T
        means = [100, 30, 500, 9.5828]
        assert median_of_ratios(counts, means, minimum=4) == pytest.approx([1, 2, 0.5], rel=1e-12)
        with_a_zero = median_of_ratios([[150, 45, 0, 12]], means, minimum=3)
        assert with_a_zero == pytest.approx([1.5], rel=1e-12)  # 1.376 with the zero in

    def test_middle_two_are_averaged_on_the_log_scale(self):
        assert median_of_ratios([[1, 4, 16, 100]], np.ones(4), minimum=1) == pytest.approx([8.0])

    @given(SEEDS, st.floats(1e-3, 1e3))
    def test_deeper_sequencing_scales_the_factor(self, seed, k):
        counts, stored = simulate(seed)
        here, there = median_of_ratios(counts, stored, minimum=5), median_of_ratios(k * counts, stored, minimum=5)
        assert there == pytest.approx(k * here, rel=1e-12, nan_ok=True)

    @pytest.mark.parametrize(("usable", "given"), [(MIN_USABLE - 1, False), (MIN_USABLE, True)])
    def test_too_few_usable_analytes_give_no_factor(self, usable, given):
        counts = np.concatenate([np.full(usable, 3.0), [0.0, np.nan, 5.0]])[None, :]
        means = np.concatenate([np.full(usable, 2.0), [2.0, 2.0, 0.0]])
        assert np.isfinite(median_of_ratios(counts, means)).tolist() == [given]

    def test_nothing_usable_gives_no_factor_whatever_the_minimum(self):
        assert np.isnan(median_of_ratios(np.zeros((2, 3)), np.ones(3), minimum=0)).all()
        assert np.isnan(median_of_ratios(np.zeros((2, 0)), np.ones(0))).all()


class TestTmm:
    def test_against_edger(self, r):
        assert tmm_factors(r["counts"], r["pseudo_library"]) == pytest.approx(r["tmm_pseudo"], rel=RTOL)

    def test_against_edger_with_ties(self, r):
        specimen = r["counts"][r["reference_specimen"] - 1]
        assert tmm_factors(r["counts"], specimen) == pytest.approx(r["tmm_specimen"], rel=RTOL)
        assert tmm_factors(r["few"], r["few"][0]) == pytest.approx(r["tmm_few"], rel=RTOL)

    def test_golden_libraries_are_dominated_and_differ(self, r):
        shares = r["counts"] / r["counts"].sum(axis=1, keepdims=True)
        assert shares.max() > 0.8
        assert np.ptp(np.log2(r["tmm_pseudo"])) > 1

    @given(SEEDS, st.floats(1e-2, 1e3))
    def test_a_library_of_the_references_composition_has_factor_1(self, seed, k):
        _, stored = simulate(seed)
        assert tmm_factors(k * stored[None, :], stored) == pytest.approx([1.0], abs=1e-6)

    @given(SEEDS, st.integers(-6, 6))
    def test_scaling_specimen_and_reference_together_changes_no_bit(self, seed, power):
        counts, stored = simulate(seed)
        scaled = tmm_factors(2.0**power * counts, 2.0**power * stored)
        assert scaled.tobytes() == tmm_factors(counts, stored).tobytes()

    @given(SEEDS, st.integers(-3, 6))
    def test_scaling_the_specimen_alone_keeps_what_is_trimmed(self, seed, power):
        # the weights move with the depth, so the factor may: never beyond the log ratios that trimming leaves
        counts, stored = simulate(seed)
        here, there = tmm_factors(counts, stored), tmm_factors(2.0**power * counts, stored)
        for row, factors in zip(counts, zip(here, there, strict=True), strict=True):
            shared = (row > 0) & (stored > 0)
            if shared.sum() > 3:
                ratios = np.sort(np.log2((row / np.nansum(row))[shared] / (stored / stored.sum())[shared]))
                cut = int(0.3 * ratios.size)
                assert (np.log2(factors) >= ratios[cut] - 1e-9).all()
                assert (np.log2(factors) <= ratios[-cut - 1] + 1e-9).all()

    def test_nothing_shared_gives_no_factor(self):
        assert np.isnan(tmm_factors([[0, 0, 5], [0, 0, 0], [np.nan, 0, 1]], [4, 4, 0])).all()

    def test_one_giant_analyte_does_not_move_the_others(self):
        reference = np.arange(10.0, 70.0)
        swollen = np.append(reference[:-1], 5000)
        size, factor = library_sizes(swollen[None, :])[0], tmm_factors(swollen[None, :], reference)[0]
        assert size * factor == pytest.approx(reference.sum(), rel=1e-9)

    def test_where_trimming_leaves_nothing_the_factor_is_1(self):  # two pairs of ties: ranks 1.5, 1.5, 3.5, 3.5
        assert tmm_factors([[1, 1, 2, 2]], [1, 1, 1, 1]).tolist() == [1.0]


class TestQuantiles:
    def test_against_limma(self, r):
        found = to_quantiles(r["values"], r["quantile_target"])
        assert np.isnan(found).any()
        np.testing.assert_allclose(found, r["quantile_normalised"], rtol=1e-12)

    @given(SEEDS)
    def test_a_complete_specimen_without_ties_takes_the_target(self, seed):
        rng = np.random.default_rng(seed)
        target = np.sort(rng.normal(size=P))
        found = to_quantiles(rng.permutation(P)[None, :].astype(float), target)
        assert np.sort(found[0]).tolist() == target.tolist()

    @given(SEEDS)
    def test_only_ranks_count(self, seed):
        counts, stored = simulate(seed)
        target = np.sort(stored)
        assert to_quantiles(np.log2(counts + 1), target).tobytes() == to_quantiles(counts, target).tobytes()

    def test_one_number_has_no_rank(self):
        assert np.isnan(to_quantiles([[np.nan, 3.0], [np.inf, 2.0]], [0.0, 1.0])).all()

    @pytest.mark.parametrize("target", [[1.0], [2.0, 1.0], [np.nan, 1.0], [[1.0, 2.0]]])
    def test_a_target_ascends(self, target):
        with pytest.raises(ValueError, match="ascending"):
            to_quantiles([[1.0, 2.0]], target)


@pytest.mark.parametrize("function", [median_of_ratios, tmm_factors])
def test_stored_numbers_belong_to_the_same_analytes(function):
    with pytest.raises(ValueError, match="3 analytes were given where numbers are stored for shape"):
        function([[1, 2, 3]], [1, 2])


def test_counts_are_specimens_by_analytes():
    with pytest.raises(ValueError, match="specimens by analytes"):
        library_sizes([1, 2, 3])
