"""The upper quartile against edgeR, what it learns and refuses, and that every way to measure a library is in the registry."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exodx import libraries
from exodx.assay import learn_transform
from exodx.errors import InputRefused
from exodx.frozen import FrozenTransform, LibraryScaling, Measurements, State
from exodx.libraries.names import method_names
from exodx.libraries.registry import METHODS
from exodx.libraries.sizes import Method
from exodx.libraries.upper_quartile import quartile_means, upper_quartile_factors
from exodx.panel import Analyte, Panel
from exodx.report.methods import METHODS as TOLD

RTOL = 1e-12  # the same formula in double precision


@pytest.fixture(scope="module")
def r(golden):
    content = golden("normalisation")
    return {key: np.array(content[key]) for key in ("counts", "train", "upper_quartile")}


def counts_of(seed, n=12, p=40):
    return np.random.default_rng(seed).negative_binomial(2, 0.02, (n, p)).astype(float) + 1


def test_training_and_later_specimens_have_edgers_factors(r):
    """A later specimen is related to the training mean alone: edgeR was given the training specimens and that one."""
    stored = quartile_means(r["counts"][: r["train"]])
    assert upper_quartile_factors(r["counts"], stored) == pytest.approx(r["upper_quartile"], rel=RTOL)
    assert np.exp(np.log(r["upper_quartile"][: r["train"]]).mean()) == pytest.approx(1.0, rel=RTOL)
    assert np.ptp(np.log2(r["upper_quartile"])) > 1  # the libraries differ


@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_deeper_sequencing_leaves_the_factor_and_scales_the_reads(seed, k):
    counts = counts_of(seed)
    stored = quartile_means(counts)
    assert upper_quartile_factors(k * counts, stored) == pytest.approx(upper_quartile_factors(counts, stored), rel=1e-9)
    reads = METHODS["upper_quartile"].reads
    assert reads(k * counts, stored, 0.0) == pytest.approx(k * reads(counts, stored, 0.0), rel=1e-9)


@given(st.integers(0, 10_000))
def test_a_flooding_mirna_takes_no_reads_from_the_others_as_it_does_by_cpm(seed):
    """What haemolysis does: one miRNA takes most reads of a library that is otherwise the same."""
    counts = counts_of(seed)
    stored, flooded = quartile_means(counts), counts[:1].copy()
    flooded[0, np.argmax(flooded)] *= 50  # it stood above the quartile, and does so still
    for method, same in (("upper_quartile", True), ("cpm", False)):
        reads = METHODS[method].reads
        before, after = (reads(c, stored, 0.0)[0] for c in (counts[:1], flooded))
        assert bool(after == pytest.approx(before, rel=1e-9)) is same


def test_cells_that_were_not_measured_and_analytes_nobody_has_take_no_part():
    counts = counts_of(1)
    with_more = np.column_stack([counts, np.zeros(12), np.full(12, np.nan)])
    stored = quartile_means(with_more)
    assert stored[-2:].tolist() == [0.0, 0.0]
    assert upper_quartile_factors(with_more, stored).tolist() == upper_quartile_factors(counts, quartile_means(counts)).tolist()


def test_a_training_specimen_without_a_quartile_takes_no_part_and_rare_analytes_neither():
    counts = counts_of(6)
    with_more = np.column_stack([counts, np.r_[np.ones(5), np.zeros(7)]])  # in 5 of 12
    assert quartile_means(with_more)[-1] == 0
    poor = counts.copy()
    poor[0, 5:] = 0
    assert quartile_means(poor)[0] == pytest.approx(quartile_means(counts[1:])[0])


def test_what_cannot_be_compared_gets_no_factor():
    rows = [[0, 0, 0, 0, 0, 0], [9, 0, 0, 0, 0, 0], [np.nan] * 6]
    assert np.isnan(upper_quartile_factors(rows, np.full(6, 0.3))).all()
    assert np.isnan(upper_quartile_factors([[1, 2, 3, 4]], np.zeros(4))).all()
    with pytest.raises(ValueError, match="4 analytes were given where numbers are stored for shape"):
        upper_quartile_factors([[1, 2, 3, 4]], np.ones(3))


def test_too_little_to_learn_from_is_refused():
    few, poor = counts_of(2, p=19), counts_of(3)
    for row in range(5, 12):  # seven specimens have 9 of 40 analytes each, and every analyte is in one of them at least
        poor[row, [j for j in range(40) if j not in {(6 * row + i) % 40 for i in range(9)}]] = 0
    told = "7 of 12 training specimens have no reads of three quarters"
    for counts, words in ((few, "19 analytes have reads in half"), (poor, told)):
        with pytest.raises(InputRefused, match=words) as refused:
            quartile_means(counts)
        assert refused.value.problems[0].code == "COUNTS_TOO_SPARSE"


def test_through_a_panel_a_specimen_alone_gets_the_bits_it_gets_in_a_batch_and_the_state_survives_json():
    names = tuple(f"m{i:02}" for i in range(40))
    panel = Panel("p", "1", "t", tuple(Analyte(n, "mirna", "count") for n in names), count_normalisation="upper_quartile")
    counts = counts_of(4, n=30)
    m = Measurements(names, counts, np.full(counts.shape, State.MEASURED, np.uint8))
    learned = FrozenTransform.from_dict(learn_transform(panel, m, np.arange(30) % 2).to_dict())
    assert learned.scale.library.method == "upper_quartile"
    batch = learned.apply(m).values
    for row in range(30):
        alone = Measurements(names, counts[row : row + 1], m.states[row : row + 1])
        assert learned.apply(alone).values.tobytes() == batch[row : row + 1].tobytes()
    plain = learn_transform(Panel("p", "1", "t", panel.analytes), m, np.arange(30) % 2).apply(m).values
    assert not np.allclose(batch, plain)


def test_a_method_that_is_not_known_is_refused_in_a_panel_and_in_a_bundle():
    with pytest.raises(InputRefused, match="Did you mean 'upper_quartile'") as refused:
        Panel("p", "1", "t", (Analyte("a", "mirna", "count"),), count_normalisation="upperquartile")
    assert refused.value.problems[0].where == "panel p.count_normalisation"
    with pytest.raises(ValueError, match="no way to measure a library is called 'rle'"):
        LibraryScaling("rle")


def test_every_way_in_this_folder_is_in_the_registry_under_its_own_name():
    """The second line that a new one needs: without it this fails."""
    there = [import_module(f"exodx.libraries.{each.name}") for each in iter_modules(libraries.__path__)]
    having = {module.METHOD.name: module.METHOD for module in there if hasattr(module, "METHOD")}
    assert dict(METHODS) == having
    assert method_names() == tuple(METHODS)  # what a panel may say
    assert list(having) == [module.__name__.rpartition(".")[2] for module in there if hasattr(module, "METHOD")]
    assert TOLD is METHODS  # a report's methods section tells each in its own words


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_no_way_looks_at_the_other_rows(method: Method):
    """What a new one has to keep, whoever writes it."""
    counts = counts_of(5, n=14)
    stored = method.learn(counts[:10])
    batch = method.reads(counts, stored, 5000.0)
    alone = [method.reads(counts[row : row + 1], stored, 5000.0)[0] for row in range(14)]
    assert np.array(alone).tobytes() == batch.tobytes()
    assert method.words.startswith("reads were ")
