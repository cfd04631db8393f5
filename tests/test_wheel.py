"""A wheel, away from the checkout, does the whole job."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_wheel_carries_panels_templates_and_example_data_and_runs_without_the_checkout(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    wheel = next(tmp_path.glob("exodx-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "exodx/panel/catalog/athero-3.toml" in names
    assert {"exodx/panel/names/mirna.tsv", "exodx/panel/names/protein.tsv"} <= set(names)
    assert {f"exodx/panel/{name}" for name in ("quality.toml", "manifest.toml", "markers.tsv")} <= set(names)
    assert "exodx/data/athero-3-simulated/train.csv" in names
    assert any(name.startswith("exodx/report/templates/") and name.endswith(".html") for name in names)
    assert {f"exodx/cohort/template/{name}" for name in ("plan.toml", "README.md", "study.ipynb", "data/README.md")} <= set(names)
    assert not any(name.startswith("tests/") for name in names)
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        "import exodx, sys; assert exodx.__file__.startswith(sys.argv[1]), exodx.__file__;"
        "from exodx import Intake, example_file, read_cohort;"
        "path = example_file('athero-3-simulated/train.csv'); assert str(path).startswith(sys.argv[1]);"
        "print(len(read_cohort(path, Intake(panel='athero-3', label='group', positive='case'))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(site)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "160", done.stderr
