"""What each normaliser learns in a fold, and what it refuses to learn from."""

import numpy as np
import pytest

from exodx.assay import assay_pipeline, learn_transform
from exodx.assay.ratios import ratio_pairs
from exodx.errors import InputRefused
from exodx.frozen import Measurements, QuantileNormalisation, ReferenceNormalisation, State
from exodx.panel import Analyte, Panel


def panel_of(roles, unit="Ct", **head):
    return Panel("p", "1", "t", tuple(Analyte(name, "mirna", unit, role) for name, role in roles.items()), **head)


def measured(panel, columns, lost=()):
    values = np.column_stack([np.asarray(columns[name], float) for name in panel.names])
    states = np.where(np.isnan(values), np.uint8(State.NOT_RUN), np.uint8(State.MEASURED))
    for name, rows in lost:
        states[rows, panel.names.index(name)] = State.UNDETERMINED
    return Measurements(panel.names, values, states)


@pytest.fixture
def candidates():
    """Six candidates over 40 specimens: miR-21-5p differs by class, miR-103a-3p and miR-107 are one family and move together."""
    rng = np.random.default_rng(0)
    y, level = np.arange(40) % 2, rng.normal(0, 1, 40)
    own = {"miR-423-5p": 0.15, "miR-93-5p": 0.2, "miR-103a-3p": 0.25, "miR-107": 0.25, "miR-21-5p": 0.15, "miR-222-3p": 0.8}
    pair = rng.normal(0, 0.25, 40)
    noise = {name: rng.normal(0, sd, 40) for name, sd in own.items()}
    noise |= {"miR-103a-3p": pair, "miR-107": pair + rng.normal(0, 0.01, 40), "miR-21-5p": noise["miR-21-5p"] - 1.5 * y}
    columns = {name: 26 - level + deviation for name, deviation in noise.items()}
    return columns | {"miR-126-3p": 28 - level}, y


def references_of(candidates, method):
    columns, y = candidates
    panel = panel_of({"miR-126-3p": "target"} | dict.fromkeys(list(columns)[:-1], "reference"), normalisation=method)
    return learn_transform(panel, measured(panel, columns), y).references


@pytest.mark.parametrize("method", ["genorm", "normfinder"])
def test_chosen_references_are_steady_and_of_different_families(candidates, method):
    chosen = references_of(candidates, method)
    assert len({"miR-103a-3p", "miR-107"} & set(chosen)) < 2
    assert "miR-222-3p" not in chosen


def test_normfinder_sees_that_a_candidate_differs_between_the_classes_and_labels_decide_it(candidates):
    assert "miR-21-5p" not in references_of(candidates, "normfinder")
    columns, y = candidates
    blind = columns | {"miR-21-5p": columns["miR-21-5p"] + 1.5 * y}
    assert references_of((blind, y), "genorm") == references_of((blind, 1 - y), "genorm")


def test_references_chosen_by_name_stay_those_of_the_panel(candidates):
    assert set(references_of(candidates, "references")) == set(list(candidates[0])[:-1])


def test_a_spike_in_is_subtracted_where_the_panel_says_so():
    panel = panel_of({"a": "target", "cel-miR-39-3p": "spike_in"}, normalisation="spike_in")
    learned = learn_transform(panel, measured(panel, {"a": [28, 30], "cel-miR-39-3p": [20, 22]}))
    assert learned.references == ("cel-miR-39-3p",)
    np.testing.assert_allclose(learned.apply(measured(panel, {"a": [28], "cel-miR-39-3p": [20]})).values, [[-8.0]])


def test_the_global_mean_is_of_analytes_that_are_always_expressed():
    names = [f"m{i:02}" for i in range(60)]
    panel = panel_of(dict.fromkeys(names, "target"), normalisation="global_mean")
    columns = {name: np.full(40, 25.0) for name in names}
    rare = names[:30]
    learned = learn_transform(panel, measured(panel, columns, [(name, slice(0, 4)) for name in rare]))
    assert set(learned.references) == set(names[30:])
    with pytest.raises(InputRefused, match=r"GLOBAL_MEAN_SMALL.*10 analytes"):
        learn_transform(panel, measured(panel, columns, [(name, slice(0, 4)) for name in names[:50]]))


@pytest.mark.parametrize(
    ("amount", "role", "unit"), [("per_particle", "particles", "particles/mL"), ("per_tetraspanin", "tetraspanin", "MFI")]
)
def test_amounts_are_divided_by_particles_or_tetraspanins_and_never_silently_not(amount, role, unit):
    analytes = (
        Analyte("p", "protein", "pg/mL", fraction="ev"),
        Analyte("x", "other", "NPX"),
        Analyte("load", "particle", unit, role),
    )
    panel = Panel("p", "1", "t", analytes, amount_normalisation=amount)
    train = measured(panel, {"p": [64, 64.0], "x": [5, 5], "load": [2**10, 2**12]})
    out = learn_transform(panel, train).apply(train)
    np.testing.assert_allclose(out.values, [[-4, 5], [-6, 5]])
    nothing = measured(panel, {"p": [64, 64.0], "x": [5, 5], "load": [np.nan, np.nan]})
    with pytest.raises(InputRefused, match="REFERENCES_UNDETECTED"):
        learn_transform(panel, nothing)


def test_quantiles_are_of_targets_and_references_and_no_specimen():
    names = [f"m{i:02}" for i in range(50)]
    panel = panel_of(dict.fromkeys(names, "target") | {"s": "spike_in"}, normalisation="quantile")
    rng = np.random.default_rng(1)
    columns = {name: rng.normal(26, 1, 20) for name in panel.names}
    step = learn_transform(panel, measured(panel, columns)).steps[-1]
    assert isinstance(step, QuantileNormalisation)
    assert step.analytes == tuple(names)
    mean = np.sort(-np.column_stack([columns[n] for n in names]), axis=1).mean(axis=0)
    np.testing.assert_allclose(step.target, mean)


def test_pairs_share_a_unit_and_the_rest_stays_alone():
    analytes = [Analyte(n, "mirna", "Ct") for n in "ab"] + [Analyte("r", "mirna", "Ct", "reference"), Analyte("p", "other", "NPX")]
    panel = Panel("p", "1", "t", tuple(analytes), normalisation="log_ratios")
    assert ratio_pairs(panel, panel.names) == (("a", "b"), ("a", "r"), ("b", "r"))
    learned = learn_transform(panel, measured(panel, {"a": [28.0, 30], "b": [25, 26], "r": [24, 24], "p": [1, 2]}))
    assert learned.names == ("p", "a/b", "a/r", "b/r")
    assert learned.analytes_of("a/b") == ("a", "b")
    assert learned.analytes_of("p__nd") == ("p",)
    out = learned.apply(measured(panel, {"a": [29], "b": [25], "r": [24], "p": [7]}))
    np.testing.assert_allclose(out.values, [[7, -4, -5, -1]])


def test_analytes_detected_too_rarely_keep_their_indicator_alone():
    panel = panel_of({"a": "target", "b": "target", "r": "reference"})
    columns = dict.fromkeys("abr", np.full(20, 28.0))
    train = measured(panel, columns, [("b", slice(0, 11))])
    assert learn_transform(panel, train).names == ("a", "b__nd")
    lenient = panel_of({"a": "target", "b": "target", "r": "reference"}, min_detection=0.4)
    assert learn_transform(lenient, train).names == ("a", "b", "b__nd")


def test_counts_must_be_expressed_in_as_many_specimens_as_the_smaller_class_has():
    panel = panel_of(dict.fromkeys("abc", "target"), "count", normalisation="none")
    columns = {"a": np.full(20, 1e6), "b": [50] * 5 + [0] * 15, "c": [50] * 4 + [0] * 16}
    y = np.array([1] * 5 + [0] * 15)
    assert learn_transform(panel, measured(panel, columns), y).names == ("a", "b")
    assert learn_transform(panel, measured(panel, columns), 1 - y).names == ("a", "b")
    everything = panel_of(dict.fromkeys("abc", "target"), "count", normalisation="none", min_cpm=0.0)
    assert learn_transform(everything, measured(everything, columns), y).names == ("a", "b", "c")


def test_a_conditional_mean_lies_below_the_limit_and_is_frozen():
    rng = np.random.default_rng(2)
    ct = rng.normal(33, 2, 200)
    panel = panel_of({"a": "target"}, normalisation="none", censored="conditional_mean")
    learned = learn_transform(panel, measured(panel, {"a": np.where(ct > 35, np.nan, ct)}, [("a", np.flatnonzero(ct > 35))]))
    stands = learned.scale.below["a"]
    assert stands == pytest.approx(-ct[ct > 35].mean(), abs=0.2)
    out = learned.apply(measured(panel, {"a": [np.nan, 36.0, 30.0]}, [("a", 0)]))
    np.testing.assert_allclose(out.values[:, 0], [stands, stands, -30.0])


def test_the_grand_mean_of_calibrators_is_learned_and_taken_out():
    panel = panel_of({"a": "target", "ipc": "interplate"}, normalisation="none")
    learned = learn_transform(panel, measured(panel, {"a": [28, 28.0], "ipc": [20, 21]}))
    np.testing.assert_allclose(learned.apply(measured(panel, {"a": [28], "ipc": [21.5]})).values, [[-27.0]])


def test_a_calibrator_of_one_assay_corrects_that_assay_alone_and_outlives_minus_delta_ct():
    analytes = (Analyte("a", "mirna", "Ct"), Analyte("r", "mirna", "Ct", "reference"))
    own = Panel("p", "1", "t", (*analytes, Analyte("ipc", "mirna", "Ct", "interplate", corrects=("a",))))
    general = Panel("p", "1", "t", (*analytes, Analyte("ipc", "mirna", "Ct", "interplate")))
    columns = {"a": [28, 29.0], "r": [25, 25.0], "ipc": [20, 21.0]}
    np.testing.assert_allclose(
        learn_transform(own, measured(own, columns)).apply(measured(own, columns)).values[:, 0], [-3.5, -3.5]
    )
    plain = learn_transform(general, measured(general, columns)).apply(measured(general, columns))
    np.testing.assert_allclose(plain.values[:, 0], [-3, -4])  # one shift of target and reference cancels
    with pytest.raises(InputRefused, match="CORRECTS_UNKNOWN"):
        Panel("p", "1", "t", (*analytes, Analyte("ipc", "mirna", "Ct", "interplate", corrects=("b",))))


def test_the_pipeline_has_the_steps_that_the_panel_asks_for(athero):
    assert [name for name, _ in assay_pipeline(athero).steps] == ["quality", "scale", "references", "encoding"]
    step = learn_transform(athero, _some(athero)).steps[2]
    assert isinstance(step, ReferenceNormalisation)
    assert set(step.reference_means) == {"miR-103a-3p", "miR-423-5p"}


def _some(panel):
    return measured(panel, {name: [26.0, 27.0] for name in panel.names})


@pytest.mark.parametrize(
    ("roles", "unit", "head", "code"),
    [
        ({"a": "target", "r": "reference"}, "Ct", {"normalisation": "genorm"}, "TOO_FEW_REFERENCES"),
        ({"a": "target"}, "Ct", {"normalisation": "normfinder"}, "NO_REFERENCE"),
        ({"a": "target"}, "Ct", {"normalisation": "spike_in"}, "NO_SPIKE_IN"),
        ({"a": "target"}, "Ct", {"normalisation": "global_mean"}, "PROFILE_SMALL"),
        ({"a": "target"}, "Ct", {"normalisation": "quantile"}, "PROFILE_SMALL"),
        ({"a": "target"}, "Ct", {"normalisation": "log_ratios"}, "RATIOS_COUNT"),
        ({f"m{i}": "target" for i in range(41)}, "Ct", {"normalisation": "log_ratios"}, "RATIOS_COUNT"),
        ({"a": "target"}, "pg/mL", {"amount_normalisation": "per_particle"}, "NO_LOADING"),
        (
            {"a": "target", "n": "particles"},
            "Ct",
            {"normalisation": "none", "amount_normalisation": "per_particle"},
            "LOADING_NOT_AMOUNT",
        ),
        ({"a": "target"}, "Ct", {"normalisation": "none", "min_detection": 1.5}, "VALUE_INVALID"),
        ({"a": "target"}, "Ct", {"normalisation": "none", "min_cpm": -1.0}, "VALUE_INVALID"),
    ],
)
def test_a_panel_that_cannot_be_normalised_so_is_refused(roles, unit, head, code):
    with pytest.raises(InputRefused, match=code):
        panel_of(roles, unit, **head)


def test_an_efficiency_outside_90_to_110_percent_is_refused():
    with pytest.raises(InputRefused, match=r"efficiency.*90 to 110"):
        Panel("p", "1", "t", (Analyte("a", "mirna", "Ct", efficiency=1.7),), normalisation="none")
