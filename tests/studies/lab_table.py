"""The tables of the README's first five minutes: a laboratory's own export with what is usually wrong with one, and it mended.

    python -m tests.studies.lab_table FOLDER

writes ``as-exported.csv`` (a row twice, grouped digits, a name without its arm, nine values in ng/mL), ``readable.csv`` (all but
the unit mended), ``mended.csv`` and ``new.csv``, from cohorts that ``exodx simulate`` makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from exodx.cohort import SimulatedStudy, simulate
from exodx.panel import load_panel

HEADERS = {
    "specimen_id": "Sample ID",
    "subject_id": "Patient",
    "group": "Dx",
    "age": "Age (yrs)",
    "sex": "Gender",
    "site": "Centre",
    "miR-126-3p": "hsa-miR-126",
    "miR-145-5p": "hsa-miR-145-5p",
    "PD-L1": "PDL1 pg/ml",
    "miR-103a-3p": "hsa-miR-103a-3p",
    "miR-423-5p": "hsa-miR-423-5p",
    "miR-23a-3p": "hsa-miR-23a-3p",
    "miR-451a": "hsa-miR-451a",
    "synthetic": "synthetic",
}
PDL1 = HEADERS["PD-L1"]
IN_NG, TWICE = slice(40, 49), 17
KIT = 4.0
"""This laboratory's kit reads higher than the simulated one, so that some amounts have four digits."""


def table(study: SimulatedStudy) -> pd.DataFrame:
    """Return a simulated cohort as a laboratory would write it, all cells as text."""
    frame = simulate(load_panel("athero-3"), study).astype(str)[list(HEADERS)].rename(columns=HEADERS)
    frame["Dx"] = frame["Dx"].replace({"case": "CAD", "control": "healthy"})
    frame[PDL1] = [times(cell, KIT, 2) for cell in frame[PDL1]]
    frame["Gender"] = frame["Gender"].str[0].str.upper()
    return frame


def grouped(cell: str) -> str:
    """Write an amount of a thousand or more as a spreadsheet does: 1,204.5."""
    number = pd.to_numeric(cell, errors="coerce")
    return f"{number:,.1f}" if number >= 1000 else cell


def times(cell: str, factor: float, decimals: int) -> str:
    """Multiply a cell that is an amount."""
    number = pd.to_numeric(cell, errors="coerce")
    return f"{number * factor:.{decimals}f}" if number > 0 else cell


def write(folder: Path) -> None:
    """Write the four tables."""
    mended = table(SimulatedStudy(n=120, site_case_shares=(0.55, 0.5, 0.45), repeated_share=0.1, haemolysed_share=0.02, seed=11))
    readable = mended.copy()
    readable.loc[readable.index[IN_NG], PDL1] = [times(cell, 0.001, 4) for cell in readable[PDL1].iloc[IN_NG]]
    exported = readable.rename(columns={"hsa-miR-423-5p": "miR-423"})
    exported[PDL1] = exported[PDL1].map(grouped)
    exported = pd.concat([exported, exported.iloc[[TWICE]]])
    new = table(SimulatedStudy(n=24, site_case_shares=(0.5,), haemolysed_share=0.08, seed=12))
    for name, frame in {"as-exported": exported, "readable": readable, "mended": mended, "new": new}.items():
        frame.to_csv(folder / f"{name}.csv", index=False)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
