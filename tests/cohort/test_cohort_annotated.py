"""Cohorts as AnnData and back: nothing of what was measured changes, and others' matrices are read as files are."""

from __future__ import annotations

import builtins

import numpy as np
import pandas as pd
import pytest

from exodx.cohort import ClassChoice, Cohort, Intake, frame_cohort, simulate
from exodx.cohort import SimulatedStudy as Study
from exodx.errors import InputRefused, UsageError
from exodx.frozen import State
from exodx.panel import load_panel

pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # anndata 0.12 with pandas 3


@pytest.fixture
def anndata():
    return pytest.importorskip("anndata", reason="the extra anndata is not installed")


@pytest.fixture(scope="module")
def frame():
    simulated = simulate(load_panel("athero-3"), Study(n=40, not_run_share=0.1, repeated_share=0.2, seed=4))
    simulated.loc[:2, "miR-145-5p"] = ["Undetermined", "failed", ""]
    return simulated


@pytest.fixture(scope="module")
def read(frame):
    return frame_cohort(frame, Intake("athero-3", "group", "case"))


def test_it_comes_back_as_it_was(anndata, read, tmp_path):
    made = read.to_anndata()
    assert made.shape == (40, 7)
    assert made.var.loc["PD-L1", ["unit", "role"]].tolist() == ["pg/mL", "target"]
    made.write_h5ad(tmp_path / "cohort.h5ad")
    for data in (made, anndata.read_h5ad(tmp_path / "cohort.h5ad")):
        back = Cohort.from_anndata(data)
        assert back.fingerprint == read.fingerprint
        np.testing.assert_array_equal(back.measurements.flags, read.measurements.flags)
        pd.testing.assert_frame_equal(back.specimens, read.specimens, check_dtype=False, check_index_type=False, check_names=False)
        assert (back.ids, back.positive_label, back.synthetic, back.notes) == (read.ids, "case", True, read.notes)
        assert back.panel == read.panel
        assert back.subjects.tolist() == read.subjects.tolist()


def test_states_are_told_apart(anndata, read):
    states = read.to_anndata().layers["state"]
    assert {State.MEASURED, State.UNDETERMINED, State.NOT_RUN, State.FAILED_QC} <= set(np.unique(states))
    np.testing.assert_array_equal(states, read.measurements.states)


def test_fewer_specimens_may_come_back_and_fewer_analytes_not(anndata, read):
    made = read.to_anndata()
    assert Cohort.from_anndata(made[10:25]).fingerprint == read[np.arange(10, 25)].fingerprint
    with pytest.raises(InputRefused, match="ANALYTES_CHANGED"):
        Cohort.from_anndata(made[:, :3])
    broken = made.copy()
    broken.layers["state"][0, 0] = 9
    with pytest.raises(InputRefused, match=r"STATE_UNKNOWN.*\[9\]"):
        Cohort.from_anndata(broken)


def test_classes_come_back(anndata, frame):
    three = frame.assign(group=np.resize(["a", "b", "c"], len(frame)))
    read = frame_cohort(three, Intake("athero-3", "group", classes=ClassChoice()))
    back = Cohort.from_anndata(read.to_anndata())
    assert back.classes == ("a", "b", "c")
    assert back.fingerprint == read.fingerprint


def test_any_other_is_read_as_a_file_is(anndata, frame, read):
    from scipy.sparse import csr_matrix

    analytes = list(read.panel.names)
    values = frame[analytes].apply(pd.to_numeric, errors="coerce").to_numpy()
    about = frame.drop(columns=analytes).set_index("specimen_id")
    other = anndata.AnnData(X=values, obs=about, var=pd.DataFrame(index=analytes))
    with pytest.raises(InputRefused, match=r"ANNDATA_FOREIGN.*Intake"):
        Cohort.from_anndata(other)
    intake = Intake("athero-3", "group", "case")
    cohort = Cohort.from_anndata(other, intake)
    np.testing.assert_array_equal(cohort.measurements.values, values)
    assert (cohort.ids, cohort.y.tolist()) == (read.ids, read.y.tolist())
    sparse = anndata.AnnData(X=csr_matrix(np.nan_to_num(values, nan=30.0)), obs=about, var=pd.DataFrame(index=analytes))
    np.testing.assert_array_equal(Cohort.from_anndata(sparse, intake).measurements.values, np.nan_to_num(values, nan=30.0))
    with pytest.raises(InputRefused, match="CELL_UNREADABLE"):
        Cohort.from_anndata(anndata.AnnData(X=values * np.inf, obs=about, var=pd.DataFrame(index=analytes)), intake)
    with pytest.raises(InputRefused, match=r"COLUMN_TWICE.*'PD-L1'"):
        Cohort.from_anndata(anndata.AnnData(X=values, obs=about.assign(**{"PD-L1": 1}), var=pd.DataFrame(index=analytes)), intake)


def test_without_anndata_it_says_what_to_install(read, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "anndata":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"ANNDATA_MISSING.*exodx\[anndata\]"):
        read.to_anndata()
