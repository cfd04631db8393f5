"""How long reading takes beside ``pandas.read_csv`` of the same file.

A 2,000 × 2,000 count matrix in both layouts, and 100,000 qPCR wells. Run it as a script:
``python tests/benchmarks/bench_readers.py [rounds]``. Each round times every contender once, in turn; the medians are compared.
What is timed for exodx is everything from the file to arrays of values and states, through the layout and the panel's contract.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from exodx.frozen import WELLS, InputContract, Measurements
from exodx.panel import Analyte, Panel, is_analyte_name
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table

SIZE, WELL_COUNT, SEED = 2000, 100_000, 7


def panel(names: list[str], unit: str) -> Panel:
    analytes = tuple(Analyte(name=n, kind="mirna", unit=unit) for n in names)
    return Panel(name="bench", version="1", title="bench", normalisation="none", analytes=analytes)


def counts(folder: Path) -> tuple[Path, Path, Panel]:
    """Write negative-binomial counts with specimens in rows, and the same with analytes in rows."""
    rng = np.random.default_rng(SEED)
    values = rng.negative_binomial(0.3, rng.uniform(0.0005, 0.2, SIZE), (SIZE, SIZE))
    names = [f"hsa-miR-{i}-3p" for i in range(1, SIZE + 1)]
    frame = pd.DataFrame(values, index=pd.Index([f"S{i}" for i in range(SIZE)], name="specimen_id"), columns=names)
    wide, turned = folder / "wide.csv", folder / "turned.csv"
    frame.to_csv(wide)
    frame.T.rename_axis("miRNA").to_csv(turned)
    return wide, turned, panel(names, "count")


def wells(folder: Path) -> tuple[Path, Panel]:
    """Write a QuantStudio export of 100,000 wells: 2,500 specimens, 20 targets in duplicate, 2 % undetermined."""
    rng = np.random.default_rng(SEED)
    targets = [f"hsa-miR-{i}-3p" for i in range(1, 21)]
    lines = ["* Experiment Name = bench", "", "[Results]"]
    lines.append("Well\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tQuencher\tCT\tCt Mean\tCt SD\tQuantity")
    for i in range(WELL_COUNT):
        ct = "Undetermined" if rng.random() < 0.02 else f"{rng.normal(29, 3):.3f}"
        specimen, target = f"P{i // 40}", targets[i // 2 % 20]
        lines.append(f"{i + 1}\tA{i + 1}\tfalse\t{specimen}\t{target}\tUNKNOWN\tFAM\tNFQ-MGB\t{ct}\t29.1\t0.21\t")
    path = folder / "wells.txt"
    path.write_text("\n".join(lines) + "\n")
    return path, panel(targets, "Ct")


def measurements(path: Path, contract: InputContract) -> Measurements:
    table = to_wide(read_table(path), is_analyte_name(contract.panel), None, WELLS)
    measured, unreadable = contract.read(table.columns, table.decimal)
    assert not unreadable
    return measured


def compare(title: str, contenders: dict[str, Callable[[], object]], rounds: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - start)
    medians = {name: median(times) for name, times in taken.items()}
    ours = medians.pop("exodx")
    for name, theirs in medians.items():
        print(f"{title}: exodx {ours:.3f} s, {name} {theirs:.3f} s, ratio {ours / theirs:.2f}")


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wide, turned, counted = counts(folder)
        for title, path in (("2,000 × 2,000 counts, specimens in rows", wide), ("2,000 × 2,000 counts, analytes in rows", turned)):
            contract = InputContract(counted)
            runs = {
                "exodx": lambda p=path, c=contract: measurements(p, c),
                "pandas.read_csv": lambda p=path: pd.read_csv(p, index_col=0),
            }
            compare(title, runs, rounds)
        export, measured = wells(folder)
        block = export.read_text().partition("[Results]\n")[2]
        contract = InputContract(measured)
        runs = {
            "exodx": lambda: measurements(export, contract),
            "pandas.read_csv typed": lambda: pd.read_csv(io.StringIO(block), sep="\t"),
            "pandas.read_csv dtype=str": lambda: pd.read_csv(io.StringIO(block), sep="\t", dtype=str),
        }
        compare("100,000 qPCR wells", runs, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
