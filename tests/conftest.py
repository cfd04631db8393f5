"""Fixtures that several rooms share: the built-in panel, simulated cohorts, a trained model, the folder of real cohorts."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from exodx.cohort import Intake, SimulatedStudy, frame_cohort, simulate
from exodx.panel import StudyPlan, load_panel
from exodx.training import train_classes, train_model
from tests.classes import class_cohort

CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1500,1150",
)

settings.register_profile("exodx", deadline=None, max_examples=25, derandomize=True, database=None)
settings.load_profile("exodx")


@pytest.fixture(scope="session")
def golden():
    """Read a file of golden numbers by its stem; see tests/reference/README.md."""
    folder = Path(__file__).parent / "reference"
    return lambda stem: json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def athero():
    return load_panel("athero-3")


@pytest.fixture(scope="session")
def make_cohort(athero):
    """Simulate a labelled cohort of a panel (athero-3 unless told)."""

    def make(panel=athero, **study):
        return frame_cohort(simulate(panel, SimulatedStudy(**study)), Intake(panel, "group", "case"))

    return make


@pytest.fixture(scope="session")
def cohort(make_cohort):
    return make_cohort(n=120, repeated_share=0.1, not_run_share=0.05, seed=7)


@pytest.fixture(scope="session")
def fast_plan():
    return StudyPlan(outer_folds=3, repeats=1, inner_folds=2, budget="minimal", seed=1)


@pytest.fixture(scope="session")
def model(cohort, fast_plan):
    return train_model(cohort, fast_plan)


@pytest.fixture(scope="session")
def cohorts_folder():
    """Return the folder of real cohorts, which is beside the repository and never part of it."""
    folder = Path(__file__).parents[2] / "shared" / "cohorts"
    if not folder.is_dir():
        pytest.skip(f"the real cohorts are not here: {folder}")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory):
    """Give the tests an MLflow store of their own, one thread a library, and no screen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("EXODX_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("MPLBACKEND", "Agg")
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


def pytest_collection_modifyitems(config, items):
    """Leave out what takes minutes unless it is asked for."""
    reasons = {"server": "servers and accounts take minutes", "slow": "studies as large as their claims take minutes"}
    for mark, reason in reasons.items():
        for item in items if mark not in config.getoption("markexpr") else ():
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=f"{reason}: run with -m {mark}"))


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Give a headless Chromium, or skip with the reason."""
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("Debian's chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*CHROMIUM_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    yield window
    window.quit()


@pytest.fixture(scope="session")
def class_model(fast_plan):
    """Give a model of three classes, trained on ``class_cohort()``."""
    return train_classes(class_cohort(), fast_plan)
