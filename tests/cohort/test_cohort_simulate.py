"""Simulated cohorts carry the declared truth, are marked synthetic, and a null cohort holds no signal (domain.md §6)."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from exodx.assay import learn_transform
from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.frozen import State
from exodx.panel import Analyte, Panel
from exodx.stats import auc

QUIET = {"site_sd": 0.0, "plate_sd": 0.0, "haemolysed_share": 0.0, "not_run_share": 0.0}


def features(cohort):
    out = learn_transform(cohort.panel, cohort.measurements).apply(cohort.measurements)
    return dict(zip(out.names, out.values.T, strict=True))


def analyte_auc(y, column):
    known = ~np.isnan(column)
    return auc(y[known], column[known])


def test_every_simulated_specimen_is_marked_and_the_seed_decides_everything(athero):
    study = SimulatedStudy(n=50, seed=5)
    first = simulate(athero, study)
    assert first["synthetic"].tolist() == ["yes"] * 50
    assert simulate(athero, study).equals(first)
    assert not simulate(athero, SimulatedStudy(n=50, seed=6)).equals(first)
    cohort = frame_cohort(first, Intake(athero))
    assert cohort.synthetic
    assert cohort[np.arange(3)].synthetic


def test_shares_sites_and_repeats_are_as_declared(make_cohort):
    cohort = make_cohort(n=220, site_case_shares=(0.2, 0.8), repeated_share=0.1, seed=2)
    assert np.unique(cohort.subjects, return_counts=True)[1].tolist().count(2) == 20
    for site, share in enumerate((0.2, 0.8)):
        assert cohort.y[cohort.codes("site") == site].mean() == pytest.approx(share, abs=0.05)
    for subject in np.unique(cohort.subjects):
        assert len(set(cohort.y[cohort.subjects == subject])) == 1


def test_a_null_cohort_has_no_signal(make_cohort):
    cohort = make_cohort(n=2000, effect=0.0, seed=1)
    for name, column in features(cohort).items():
        assert analyte_auc(cohort.y, column) == pytest.approx(0.5, abs=0.045), name


def test_effects_are_as_declared_after_normalisation(make_cohort):
    cohort = make_cohort(n=2000, seed=1, **QUIET)
    found = features(cohort)
    shift = {n: np.nanmean(c[cohort.y == 1]) - np.nanmean(c[cohort.y == 0]) for n, c in found.items()}
    assert shift["miR-126-3p"] == pytest.approx(0.8, abs=0.15)
    assert shift["miR-145-5p"] == pytest.approx(-0.8, abs=0.15)
    assert shift["PD-L1"] == pytest.approx(0.546 / np.log(2), abs=0.15)


def test_undetermined_late_and_below_lod_occur():
    analytes = (Analyte("miR-145-5p", "mirna", "Ct"), Analyte("PD-L1", "protein", "pg/mL", fraction="ev", lod=60.0))
    panel = Panel("low", "1", "t", analytes, normalisation="none")
    cohort = frame_cohort(simulate(panel, SimulatedStudy(n=2000, not_run_share=0.02, seed=1)), Intake(panel))
    states = {n: (s == np.arange(5)[:, None]).mean(axis=1) for n, s in zip(panel.names, cohort.measurements.states.T, strict=True)}
    assert 0 < states["miR-145-5p"][State.UNDETERMINED] < 0.05
    assert 0.1 < states["PD-L1"][State.BELOW_LOD] < 0.5
    assert states["PD-L1"][State.NOT_RUN] == pytest.approx(0.02, abs=0.01)


@pytest.mark.parametrize("unit", ["count", "CPM", "NPX", "MFI"])
def test_other_scales_are_simulated_in_their_own_numbers(unit):
    panel = Panel("p", "1", "t", tuple(Analyte(n, "other", unit, direction="up") for n in "ab"))
    cohort = frame_cohort(simulate(panel, SimulatedStudy(n=400, seed=1, **QUIET)), Intake(panel, "group", "case"))
    assert analyte_auc(cohort.y, cohort.measurements.values[:, 0]) > 0.55


def logistic_auc(cohort):
    table = np.column_stack(list(features(cohort).values()))
    keep = ~np.isnan(table).any(axis=1)
    scores = cross_val_predict(LogisticRegression(), table[keep], cohort.y[keep], cv=5, method="decision_function")
    return auc(cohort.y[keep], scores)


def test_the_panel_reaches_the_expected_auc(make_cohort):
    four = {"site_case_shares": (0.5,) * 4, "site_sd": 0.5, "plate_sd": 0.35, "n": 600}
    found = [logistic_auc(make_cohort(seed=s, **four)) for s in range(3)]
    assert np.mean(found) == pytest.approx(0.86, abs=0.04)


def test_the_heparin_trap_opens_with_a_spike_in_as_reference_and_not_with_endogenous_ones(athero):
    targets = tuple(a for a in athero.analytes if a.unit == "Ct" and a.role == "target")
    trap = SimulatedStudy(n=600, effect=0.0, heparin_case_share=0.6, seed=4)

    def found(*references):
        panel = Panel("trap", "1", "t", (*targets, *references), normalisation="references")
        cohort = frame_cohort(simulate(panel, trap), Intake(panel, "group", "case"))
        spike = [n for n in panel.names if n.startswith("cel")]
        names = [*spike, *(a.name for a in targets)]
        if spike:  # a user who takes the spike-in for a reference
            ct = {n: cohort.measurements.values[:, panel.names.index(n)] for n in names}
            table = np.column_stack([ct[spike[0]] - ct[a.name] for a in targets])
        else:
            table = np.column_stack([features(cohort)[a.name] for a in targets])
        keep = ~np.isnan(table).any(axis=1)
        scores = cross_val_predict(LogisticRegression(), table[keep], cohort.y[keep], cv=5, method="decision_function")
        return auc(cohort.y[keep], scores)

    endogenous = tuple(Analyte(n, "mirna", "Ct", "reference") for n in ("miR-103a-3p", "miR-423-5p"))
    assert found(*endogenous) == pytest.approx(0.5, abs=0.08)
    assert found(Analyte("cel-miR-39-3p", "mirna", "Ct", "spike_in"), *endogenous) > 0.68
