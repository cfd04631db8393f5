"""False alarms: how often do the findings about altered files name a file that nobody altered?

    python -m tests.studies.false_alarms --data ../shared/cohorts -o RESULTS [--seeds 20]

Simulated cohorts (athero-3, and thirty log values that go together) and the real ones, each as ``check`` sees the whole file and as
``check --model``, ``evaluate`` and ``predict`` see held-out specimens, with a model of the others. Models are kept in RESULTS.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from exodx.panel import Analyte, Panel
from exodx.stats import wilson
from tests.studies.mutation_files import CASE, CONTROL, LABEL, Source, parted, prepared, simulated, sources
from tests.studies.mutations import Bench, seen

CODES = (
    *("values_rounded", "decimal_point_lost", "values_filled_in", "last_cycle_measured", "ct_early", "units_mixed"),
    *("counts_multiplied", "step_in_file", "analytes_exchanged", "analyte_rescaled", "labels_inverted", "no_discrimination"),
    *("discrimination_lower", "near_duplicates", "out_of_domain", "feature_shift", "missingness_shift", "outside_training_range"),
    "columns_exchanged",
)
MOMENTS = ("panel", "model", "evaluate", "predict")
P, SUBJECTS, EFFECT = 30, 300, 0.5


def together(seed: int) -> Source:
    """Return a cohort of thirty log2 values with three common causes, of which a third differ between the classes."""
    rng = np.random.default_rng(seed)
    y = rng.random(SUBJECTS) < 0.5
    table = (
        10 + rng.uniform(-3, 3, P) + rng.normal(size=(SUBJECTS, 3)) @ rng.normal(0, 0.7, (3, P)) + rng.normal(size=(SUBJECTS, P))
    )
    table[y, : P // 3] += EFFECT
    names = [f"protein {j:02d}" for j in range(P)]
    panel = Panel("together", "1", "thirty", tuple(Analyte(n, "protein", "log2", fraction="ev") for n in names))
    frame = pd.DataFrame({"specimen_id": [f"s{k:04d}" for k in range(SUBJECTS)], LABEL: np.where(y, CASE, CONTROL)})
    frame[names] = np.round(table, 3).astype(str)
    return parted(f"together-{seed}", prepared(frame, seed), panel, seed)


def simulated_sources(seeds: int) -> Iterator[Source]:
    """Give both kinds of simulated cohorts, a pair a seed."""
    for seed in range(seeds):
        first = simulated(seed)
        yield Source(f"simulated-{seed}", first.frame, first.held, first.panel, has_test=False)
        yield together(seed)


def alarms(found: Iterable[Source], out: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return for each cohort and moment the codes that name it; a refusal's too."""
    told = {}
    for source in found:
        bench = Bench(source, out)
        moments = {name: source.frame if name == "panel" else source.held for name in MOMENTS}
        seen_at = {name: seen(bench.moments[name], frame) for name, frame in moments.items()}
        told[source.name] = {
            name: (*s.refused, *dict.fromkeys(code for code, _, _ in s.findings if code in CODES)) for name, s in seen_at.items()
        }
    return told


def table(told: dict[str, dict[str, tuple[str, ...]]]) -> str:
    """Return how many cohorts each code names, with Wilson's interval."""
    counts = {moment: Counter(code for of in told.values() for code in of[moment]) for moment in MOMENTS}
    codes = [*CODES, *sorted({c for each in counts.values() for c in each} - set(CODES))]
    lines = [f"| code | {' | '.join(('check', 'check --model', 'evaluate', 'predict'))} |", "| --- " * 5 + "|"]
    for code in codes:
        lines.append(f"| {code} | {' | '.join(_share(counts[moment][code], len(told)) for moment in MOMENTS)} |")
    return "\n".join([*lines, "", f"of {len(told)} cohorts that nobody altered (95 % interval)"])


def _share(k: int, n: int) -> str:
    lower, upper = wilson(float(k), n)
    return f"{k} ({100 * lower:.0f} to {100 * upper:.0f} %)"


def main(arguments: list[str] | None = None) -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.studies.false_alarms")
    parser.add_argument("--data", type=Path, help="the folder of real cohorts")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    parts = [("Simulated", simulated_sources(options.seeds))]
    parts += [] if options.data is None else [("Real", sources(options.data))]
    for title, found in parts:
        told = alarms(found, options.out)
        named = "\n".join(f"- {name}: {moment}: {', '.join(c)}" for name, of in told.items() for moment, c in of.items() if c)
        text = f"## {title}\n\n{table(told)}\n\n{named}\n"
        (options.out / f"false_alarms_{title.lower()}.md").write_text(text, encoding="utf-8")
        print(text)


if __name__ == "__main__":
    main()
