"""Faults by the hundred, and a table of what was survived and how many bytes were lost.

    python -m tests.faults.run                 # hours on a busy machine; as root, so that small disks can be mounted
    python -m tests.faults.run --only kills --n 6

Kinds: disks, kills, stores (needs a minute to start MLflow's server), writers, clocks (needs Debian's libfaketime).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.faults import clocks, disks, kills, stores, writers
from tests.faults.rig import Rig, Verdict, can_mount

KINDS = ("disks", "kills", "stores", "writers", "clocks")


def verdicts(rig: Rig, kinds: tuple[str, ...], n: int) -> Iterator[Verdict]:
    """Yield what became of every fault of some kinds."""
    mounts = can_mount()
    if not mounts and "disks" in kinds:
        print("no small disks can be mounted here (root may): only limits on sizes of files are tried", file=sys.stderr)
    if clocks.LIBRARY is None and "clocks" in kinds:
        print("libfaketime is not installed: clocks do not jump", file=sys.stderr)
    todo = {
        "disks": lambda: disks.cases(rig, n, mounts=mounts),
        "kills": lambda: kills.cases(rig, n),
        "stores": lambda: stores.cases(rig, n),
        "writers": lambda: writers.cases(rig, n),
        "clocks": lambda: clocks.cases(rig, max(1, n // 4)),
    }
    for kind in kinds:
        yield from todo[kind]()


def table(seen: list[Verdict]) -> str:
    """Return the figures by class."""
    by_kind: dict[str, list[Verdict]] = defaultdict(list)
    for each in seen:
        by_kind[each.kind].append(each)
    rows = [f"{'fault':<44}{'tried':>7}{'survived':>10}{'bytes lost':>12}"]
    for kind, of in [*by_kind.items(), ("all", seen)]:
        rows.append(f"{kind:<44}{len(of):>7}{sum(v.survived for v in of):>10}{sum(v.lost for v in of):>12}")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=KINDS, action="append")
    parser.add_argument("--n", type=int, default=24, help="sizes of a disk, moments of a kill")
    given = parser.parse_args()
    seen, start = [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="exodx-faults-") as folder:
        rig = Rig(Path(folder))
        try:
            for verdict in verdicts(rig, tuple(given.only or KINDS), given.n):
                seen.append(verdict)
                if not verdict.survived:
                    found = "; ".join([*verdict.problems, f"{verdict.lost} bytes"])
                    print(f"NOT SURVIVED {verdict.kind}: {verdict.what}: {found}", flush=True)
        finally:
            rig.close()
    print(f"{table(seen)}\n{time.monotonic() - start:.0f} s")
    sys.exit(0 if all(each.survived for each in seen) else 1)


if __name__ == "__main__":
    main()
