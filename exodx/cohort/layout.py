"""A study folder to start from: plan, panel, a simulated cohort that says so, a notebook, and the commands that run on it."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from exodx.cohort.simulate import SimulatedStudy, simulate
from exodx.errors import Problem, UsageError
from exodx.panel import Panel

TEMPLATE = Path(__file__).parent / "template"
COPIED = ("plan.toml", "study.ipynb", "data/README.md")
COHORT = SimulatedStudy(n=150, site_case_shares=(0.5, 0.45, 0.55), repeated_share=0.1, seed=1)
NEW = SimulatedStudy(n=40, site_case_shares=(0.5,), haemolysed_share=0.0, seed=3)


def lay_out(folder: Path, panel: Panel) -> tuple[Path, ...]:
    """Lay out a study folder that runs at once.

    Parameters
    ----------
    folder : Path
        A new or an empty one.
    panel : Panel
        What is measured; the simulated cohorts are of it.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    UsageError
        When the folder holds something, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(Problem("FOLDER_TAKEN", str(folder), "there is something already", "Name a new or an empty folder."))
    cohort, new = (simulate(panel, study) for study in (COHORT, NEW))
    texts = {name: (TEMPLATE / name).read_text(encoding="utf-8") for name in COPIED}
    said = {"study": folder.resolve().name, "panel": panel.name, "specimen": str(new["specimen_id"].iloc[0])}
    texts["README.md"] = (TEMPLATE / "README.md").read_text(encoding="utf-8").format(**said)
    texts["panel.toml"] = f"# What is measured. `exodx panel show {panel.name}` tells more.\n\n{tomli_w.dumps(panel.to_dict())}"
    texts["data/cohort.csv"], texts["data/new.csv"] = (table.to_csv(index=False, lineterminator="\n") for table in (cohort, new))
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(Problem("OUTPUT_UNWRITABLE", str(folder), error.strerror or "not writable", "Choose another.")) from None
    return tuple(folder / name for name in sorted(texts))
