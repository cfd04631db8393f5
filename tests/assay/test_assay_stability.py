"""geNorm and NormFinder against R and printed oracles; their laws; the choice of references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx.assay.stability import MAX_REFERENCES, choose_references, genorm, normfinder
from exodx.errors import InputRefused

# Ct of 8 specimens (rows) and 4 candidates, made up; the expected numbers below were worked out apart from exodx
ORACLE_CT = np.array(
    [
        [24.1, 22.3, 26.0, 27.9],
        [24.6, 22.9, 26.3, 28.9],
        [23.7, 21.8, 25.8, 27.1],
        [25.0, 23.3, 27.2, 29.6],
        [24.3, 22.4, 26.1, 27.2],
        [24.9, 23.2, 26.8, 29.9],
        [24.0, 22.1, 26.3, 27.5],
        [24.5, 22.7, 26.4, 28.3],
    ]
)
HALVES = [0] * 4 + [1] * 4
DIGITS = 5.1e-5  # four decimals are printed
SEEDS = st.integers(0, 10_000)
NAMES = ("miR-103a-3p", "miR-191-5p", "miR-423-5p", "miR-484", "miR-16-5p", "miR-21-5p")


def draw(seed, n=20, k=6):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (n, 1)) + rng.normal(0, rng.uniform(0.1, 1, k), (n, k))


def codes(caught):
    return [problem.code for problem in caught.value.problems]


class TestGeNorm:
    def test_oracle(self):
        found = genorm(-ORACLE_CT)  # in the oracle: M of all four, which goes first, M of the last pair, V
        assert found.ranking == (0, 1, 2, 3)  # D goes first, then C
        assert found.stability[3] == pytest.approx(0.6698, abs=DIGITS)
        assert found.stability[:2] == pytest.approx((0.0926, 0.0926), abs=DIGITS)
        assert found.variation == pytest.approx((0.0745, 0.1656), abs=DIGITS)
        assert found.m_of_all == pytest.approx((0.3278, 0.3143, 0.3925, 0.6698), abs=DIGITS)
        assert found.mean_m[-1] == pytest.approx(np.mean(found.m_of_all))
        assert (found.n_best, found.met) == (2, "homogeneous")

    def test_against_r(self, golden):
        for case in golden("stability")["cases"]:
            found, expected = genorm(case["y"]), case["genorm"]
            assert found.ranking == tuple(expected["ranking"])
            for field in ("stability", "mean_m", "variation"):
                assert getattr(found, field) == pytest.approx(expected[field], abs=1e-10), field

    @given(SEEDS)
    def test_a_constant_for_each_specimen_changes_nothing(self, seed):
        y = draw(seed)
        here, there = genorm(y), genorm(y + np.random.default_rng(seed).normal(0, 5, (len(y), 1)))
        assert there.ranking == here.ranking
        assert there.stability == pytest.approx(here.stability, abs=1e-9)

    @given(SEEDS)
    def test_order_of_candidates_permutes_the_result(self, seed):
        y, order = draw(seed), np.random.default_rng(seed).permutation(6)
        here, there = genorm(y), genorm(y[:, order])
        assert [int(order[at]) for at in there.ranking[2:]] == list(here.ranking[2:])
        assert {int(order[at]) for at in there.ranking[:2]} == set(here.ranking[:2])
        assert there.stability == pytest.approx(here.stability)
        assert there.variation == pytest.approx(here.variation)

    def test_what_equals_leaves_last_column_first(self):
        y = np.column_stack([np.zeros(4), [0, 1, 0, 1], [1, 0, 1, 0]])
        assert genorm(y).ranking == (0, 1, 2)
        assert genorm(y[:, [0, 2, 1]]).ranking == (0, 1, 2)

    @given(SEEDS)
    def test_rounding_does_not_decide_between_equals(self, seed):
        y = 0.7 * np.eye(9)[:, :4] + np.random.default_rng(seed).normal(0, 5, (9, 1))
        assert genorm(y).ranking == (0, 1, 2, 3)
        assert normfinder(y).ranking == (0, 1, 2, 3)

    def test_all_are_taken_where_variation_stays_high(self):
        found = genorm(np.random.default_rng(2).normal(0, 3, (30, 5)))
        assert min(found.variation) > 0.15
        assert (found.n_best, found.met) == (5, None)

    def test_two_candidates_cannot_be_ranked(self):
        found = genorm(ORACLE_CT[:, :2])
        assert (found.ranking, found.variation, found.n_best) == ((0, 1), (), 2)


class TestNormFinder:
    def test_oracle_one_group(self):
        found = normfinder(-ORACLE_CT)
        assert found.variance[0] == pytest.approx((0.0158, -0.0285, 0.0690, 0.4324), abs=DIGITS)
        assert found.stability == pytest.approx(np.sqrt(np.maximum(found.variance[0], 0)))
        assert (found.ranking, found.tau2, found.groups) == ((1, 0, 2, 3), None, (0,))

    def test_oracle_two_groups_with_the_trap(self):
        found = normfinder(-ORACLE_CT, HALVES)
        assert found.stability == pytest.approx((0.0653, 0, 0.1406, 0.3386), abs=DIGITS)
        assert found.tau2 == 0

    def test_oracle_two_groups_shifted(self):
        y = -ORACLE_CT
        y[4:] -= [0, 0, -1.2, 0.6]
        found = normfinder(y, HALVES)
        assert found.stability == pytest.approx((0.1988, 0.0844, 0.6397, 0.6180), abs=DIGITS)
        assert found.tau2 == pytest.approx(0.19529, abs=5.1e-6)

    def test_against_r(self, golden):
        cases = golden("stability")["cases"]
        for case in cases:
            found, alone = normfinder(case["y"], case["groups"]), normfinder(case["y"])
            assert found.stability == pytest.approx(case["normfinder"]["stability"], abs=1e-10)
            assert np.array(found.variance) == pytest.approx(np.array(case["normfinder"]["variance"]), abs=1e-10)
            assert found.tau2 == pytest.approx(case["normfinder"]["tau2"], abs=1e-10)
            assert alone.stability == pytest.approx(case["one_group"]["stability"], abs=1e-10)
        assert [case["normfinder"]["tau2"] > 0 for case in cases] == [True, False]
        assert any(value < 0 for case in cases for row in case["normfinder"]["variance"] for value in row)

    @given(SEEDS)
    def test_a_constant_for_each_specimen_changes_nothing(self, seed):
        y, groups = draw(seed), [0, 1] * 10
        here, there = normfinder(y, groups), normfinder(y + np.random.default_rng(seed).normal(0, 5, (len(y), 1)), groups)
        assert there.stability == pytest.approx(here.stability, abs=1e-6)  # a root of what is about 0 doubles the rounding

    @given(SEEDS)
    def test_order_of_candidates_and_names_of_groups_do_not_matter(self, seed):
        y, order = draw(seed), np.random.default_rng(seed).permutation(6)
        here, there = normfinder(y, [0, 1] * 10), normfinder(y[:, order], ["b", "a"] * 10)
        assert np.array(here.stability)[order] == pytest.approx(np.array(there.stability), abs=1e-9)

    def test_a_candidate_that_follows_the_groups_ranks_last(self):
        y = draw(3)
        y[:10, 2] += 3
        assert normfinder(y, [0] * 10 + [1] * 10).ranking[-1] == 2


@pytest.mark.parametrize("method", [genorm, normfinder])
@pytest.mark.parametrize(
    ("y", "code"),
    [
        ([1, 2], "CANDIDATES_TOO_FEW"),
        ([[1, 2, 3]], "CANDIDATES_TOO_FEW"),
        ([[1], [2]], "CANDIDATES_TOO_FEW"),
        ([[1, 2, 3], [1, np.nan, 3]], "CANDIDATES_MISSING"),
        ([[1, 2, 3], [1, np.inf, 3]], "CANDIDATES_MISSING"),
    ],
)
def test_what_cannot_be_compared_is_refused(method, y, code):
    with pytest.raises(InputRefused) as caught:
        method(y)
    assert codes(caught) == [code]


def test_normfinder_refuses_pairs_and_unfit_groups():
    for y, groups, code in (
        (ORACLE_CT[:, :2], None, "CANDIDATES_TOO_FEW"),
        (ORACLE_CT, [0, 1], "GROUPS_MISFIT"),
        (ORACLE_CT, [0] * 7 + [1], "SPECIMENS_TOO_FEW"),
    ):
        with pytest.raises(InputRefused) as caught:
            normfinder(y, groups)
        assert codes(caught) == [code]


class TestChoice:
    def test_the_steadiest_are_chosen(self):
        y = draw(1)
        assert choose_references(y, NAMES, "genorm", {}, n=3) == tuple(np.array(NAMES)[list(genorm(y).ranking[:3])])
        found = choose_references(y, NAMES, "normfinder", {})
        assert found == tuple(np.array(NAMES)[list(normfinder(y).ranking[:2])])

    @given(SEEDS, st.sampled_from(["genorm", "normfinder"]), st.sampled_from([None, 2, 3]))
    def test_no_two_of_one_family_and_order_does_not_matter(self, seed, method, n):
        y, groups = draw(seed), [0, 1] * 10
        families = {"miR-103a-3p": "a", "miR-191-5p": "a", "miR-16-5p": "b", "miR-21-5p": "b"}
        found = choose_references(y, NAMES, method, families, groups, n)
        assert len({families.get(name, name) for name in found}) == len(found)
        assert 2 <= len(found) <= MAX_REFERENCES
        order = np.random.default_rng(seed).permutation(6)
        rows = np.random.default_rng(seed).permutation(20)
        moved = y[np.ix_(rows, order)], [NAMES[at] for at in order], method, families, np.array(groups)[rows], n
        assert choose_references(*moved) == found

    def test_two_of_one_family_do_not_vouch_for_each_other(self):
        rng = np.random.default_rng(4)
        level, together = rng.normal(0, 1, (40, 1)), rng.normal(0, 0.5, (40, 1))
        noise = rng.normal(0, [0.02, 0.02, 0.3, 0.3, 0.3], (40, 5))
        y = level + noise + together * [1, 1, 0, 0, 0]  # the first two move together, away from the rest
        names = ("miR-103a-3p", "miR-107", "miR-191-5p", "miR-423-5p", "miR-484")
        assert set(choose_references(y, names, "genorm", {}, n=2)) == {"miR-103a-3p", "miR-107"}
        family = dict.fromkeys(("miR-103a-3p", "miR-107"), "miR-103/107")
        assert not set(choose_references(y, names, "genorm", family, n=2)) & set(family)

    def test_a_family_is_stood_for_by_its_steadiest(self):
        y = draw(9, k=4)
        y[:, 0] = y[:, 1] + np.random.default_rng(0).normal(0, 2, 20)
        found = choose_references(y, NAMES[:4], "genorm", {"miR-103a-3p": "f", "miR-191-5p": "f"}, n=3)
        assert "miR-191-5p" in found
        assert "miR-103a-3p" not in found

    def test_genorm_says_how_many(self):
        noisy = np.random.default_rng(2).normal(0, 3, (30, 6))
        assert len(choose_references(noisy, NAMES, "genorm", {})) == MAX_REFERENCES
        steady = np.random.default_rng(2).normal(0, 0.01, (30, 6))
        assert len(choose_references(steady, NAMES, "genorm", {})) == 2

    def test_equals_are_ordered_by_name(self):
        y = np.zeros((10, 4))
        for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
            names = [("d", "a", "c", "b")[at] for at in order]
            assert choose_references(y[:, order], names, "genorm", {}) == ("a", "b")
            assert choose_references(y[:, order], names, "normfinder", {}) == ("a", "b")

    def test_a_candidate_missing_in_more_than_5_percent_is_not_eligible(self):
        y = draw(1, n=40)
        best = NAMES.index(choose_references(y, NAMES, "genorm", {}, n=2)[0])
        y[:2, best] = np.nan  # 95 % measured: still eligible, and both specimens are left out
        assert choose_references(y, NAMES, "genorm", {}) == choose_references(y[2:], NAMES, "genorm", {})
        y[2, best] = np.nan
        assert NAMES[best] not in choose_references(y, NAMES, "genorm", {})

    def test_nothing_is_changed_in_place(self):
        y = draw(1)
        before = y.copy()
        choose_references(y, NAMES, "normfinder", {}, [0, 1] * 10)
        assert y.tobytes() == before.tobytes()

    def test_groups_that_differ_count_for_normfinder(self):
        y = draw(6, n=40)
        groups = [0] * 20 + [1] * 20
        steadiest = NAMES.index(choose_references(y, NAMES, "normfinder", {}, groups)[0])
        y[:20, steadiest] += 4
        assert NAMES[steadiest] not in choose_references(y, NAMES, "normfinder", {}, groups)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"method": "bestkeeper"}, ["METHOD_UNKNOWN"]),
            ({"n": 1}, ["REFERENCES_NUMBER"]),
            ({"n": 6}, ["REFERENCES_NUMBER"]),
            ({"n": 0, "method": "", "groups": [1]}, ["GROUPS_MISFIT", "METHOD_UNKNOWN", "REFERENCES_NUMBER"]),
            ({"names": NAMES[:5]}, ["CANDIDATES_MISFIT"]),
            ({"names": ("a",) * 6}, ["CANDIDATES_MISFIT"]),
            ({"log_quantity": np.zeros(6)}, ["CANDIDATES_MISFIT"]),
            ({"log_quantity": np.zeros((7, 6))}, ["SPECIMENS_TOO_FEW"]),
            ({"log_quantity": np.zeros((0, 6))}, ["CANDIDATES_TOO_FEW", "SPECIMENS_TOO_FEW"]),
            ({"groups": [0] * 13 + [1] * 7}, ["SPECIMENS_TOO_FEW"]),
            ({"families": dict.fromkeys(NAMES[1:], "f")}, ["CANDIDATES_TOO_FEW"]),
            ({"families": dict.fromkeys(NAMES[2:], "f"), "n": 4}, ["REFERENCES_NUMBER"]),
            ({"log_quantity": np.full((20, 6), np.nan)}, ["CANDIDATES_TOO_FEW"]),
            (
                {"log_quantity": np.where(np.arange(6) < 4, np.nan, np.zeros((7, 6)))},
                ["CANDIDATES_TOO_FEW", "SPECIMENS_TOO_FEW"],
            ),
        ],
    )
    def test_refusals(self, change, expected):
        given = {"log_quantity": draw(1), "names": NAMES, "method": "genorm", "families": {}} | change
        with pytest.raises(InputRefused) as caught:
            choose_references(**given)
        assert codes(caught) == expected
