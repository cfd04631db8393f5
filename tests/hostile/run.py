"""Damaged files by the thousand through every reader: ``python -m tests.hostile.run --inputs N --seconds S --reader NAME``.

Each input is read in a process whose memory is capped, within a time that is capped; a process that dies is started again after the
input that killed it. An input is made from its reader's name, the seed and its number alone, so that any one can be made again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.connection
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.hostile.mutators import mutated
from tests.hostile.readers import READERS, REFUSED, outcome
from tests.hostile.seeds import seeds
from tests.hostile.warm import warm

SECONDS_OF_ONE = 10.0
"""Of the processor, within which an input must be read or refused; the machine may be busy with other things."""

HUNG = 30 * SECONDS_OF_ONE
"""By the clock: a process that says nothing for so long is ended."""

MEGABYTES = 1024
"""What reading one input may add to the memory of the process; none of the inputs is larger than a few hundred kilobytes."""

_HEADROOM = 1 << 30
_CLEAR_PEAK = "5"


class TooSlow(BaseException):
    """An input was not done with in time; no reader may swallow it."""


@dataclass
class Tally:
    """What became of the inputs of one reader."""

    reader: str
    inputs: int = 0
    read: int = 0
    refused: int = 0
    crashed: int = 0
    slowest: float = 0.0
    peak: float = 0.0
    seconds: float = 0.0
    slowest_input: int = 0
    why: dict[str, int] = field(default_factory=dict)

    def row(self) -> str:
        name = f"{self.reader:12s} {self.inputs:9d} {self.read:9d} {self.refused:9d} {self.crashed:8d}"
        rate = self.inputs / max(self.seconds, 1e-9)
        return f"{name} {self.slowest * 1000:9.0f} {self.slowest_input:9d} {self.peak:8.1f} {rate:9.0f}"


HEAD = "reader          inputs      read   refused  crashed  worst ms   its no.  peak MB  inputs/s"


def made(reader: str, seed: int, number: int) -> bytes:
    """Return the input of a number; the first ones are the valid files themselves."""
    own = seeds()[reader]
    if number < len(own):
        return own[number]
    rng = Random(f"{reader} {seed} {number}")
    others = own if rng.random() < 0.7 else seeds()[rng.choice(sorted(seeds()))]
    return mutated(rng, rng.choice(own), rng.choice(others))


def folder() -> Path:
    """Return a place for inputs, in memory where there is one."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="exodx-hostile-", dir=memory if memory.is_dir() else None))


def _memory(key: str) -> int:
    """Return a line of the process's status in bytes: ``VmRSS``, or ``VmHWM`` since it was last cleared."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0


def _too_slow(*_: object) -> None:
    raise TooSlow


def _work(reader: str, seed: int, start: int, stop: int, place: Path, tell: multiprocessing.connection.Connection) -> None:
    """Read inputs one after the other; each is told, so that the parent knows which one killed the process."""
    with warm():
        _read_all(reader, seed, start, stop, place, tell)


def _read_all(reader: str, seed: int, start: int, stop: int, place: Path, tell: multiprocessing.connection.Connection) -> None:
    outcome(READERS[reader], _written(place, made(reader, seed, 0)))
    base = _memory("VmRSS")
    cap = _memory("VmSize") + MEGABYTES * (1 << 20) + _HEADROOM
    resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
    signal.signal(signal.SIGPROF, _too_slow)
    for number in range(start, stop):
        content = made(reader, seed, number)
        path = _written(place, content)
        Path("/proc/self/clear_refs").write_text(_CLEAR_PEAK)
        before, begun = _memory("VmRSS"), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS_OF_ONE)
        try:
            found = outcome(READERS[reader], path)
        except KeyboardInterrupt:
            raise
        except BaseException:
            found = traceback.format_exc()
        signal.setitimer(signal.ITIMER_PROF, 0)
        took, grown = time.process_time() - begun, (_memory("VmHWM") - before) / (1 << 20)
        if grown > MEGABYTES and found in ("read", REFUSED):
            found = f"memory grew by {grown:.0f} MB (base {base >> 20} MB)"
        if took > SECONDS_OF_ONE and found in ("read", REFUSED):
            found = f"took {took:.1f} s"
        tell.send((number, found, took, grown))
    tell.send(None)


def _written(place: Path, content: bytes) -> Path:
    path = place / "input.bin"
    path.write_bytes(content)
    return path


def tried(reader: str, inputs: int, seconds: float, seed: int, keep: Path | None, start: int = 0) -> Tally:
    """Try inputs on one reader until there are enough, or time is up; keep those that crash it."""
    tally, begun, number, place = Tally(reader), time.perf_counter(), start, folder()
    try:
        while number < start + inputs and time.perf_counter() - begun < seconds:
            ours, theirs = multiprocessing.Pipe(duplex=False)
            worker = multiprocessing.get_context("fork").Process(
                target=_work, args=(reader, seed, number, start + inputs, place, theirs)
            )
            worker.start()
            theirs.close()
            try:
                while (told := _heard(ours)) is not None:
                    number = _count(tally, told, seed, keep) + 1
                    if time.perf_counter() - begun > seconds:
                        break
            except EOFError:
                worker.join(1)
                why = "the process hung" if worker.is_alive() else f"the process died ({worker.exitcode})"
                number = _count(tally, (number, why, 0.0, 0.0), seed, keep) + 1
            worker.kill()
            worker.join()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    tally.seconds = time.perf_counter() - begun
    return tally


def _heard(worker: multiprocessing.connection.Connection) -> tuple[int, str, float, float] | None:
    if not worker.poll(HUNG):
        raise EOFError
    told: tuple[int, str, float, float] | None = worker.recv()
    return told


def _count(tally: Tally, told: tuple[int, str, float, float], seed: int, keep: Path | None) -> int:
    number, found, took, grown = told
    tally.inputs += 1
    if took > tally.slowest:
        tally.slowest, tally.slowest_input = took, number
    tally.peak = max(tally.peak, grown)
    if found == REFUSED:
        tally.refused += 1
    elif found == "read":
        tally.read += 1
    else:
        tally.crashed += 1
        why = found.strip().splitlines()[-1][:150]
        tally.why[why] = tally.why.get(why, 0) + 1
        if keep is not None and tally.why[why] <= 5:
            keep.mkdir(parents=True, exist_ok=True)
            stem = keep / f"{tally.reader}-{seed}-{number}"
            stem.with_suffix(".bin").write_bytes(made(tally.reader, seed, number))
            stem.with_suffix(".txt").write_text(found)
    return number


def main(arguments: list[str]) -> int:
    """Run the command; the exit code says whether anything crashed."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.run", description=__doc__)
    parser.add_argument("--inputs", type=int, default=2000, help="for each reader")
    parser.add_argument("--seconds", type=float, default=1e9, help="for each reader, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", action="append", choices=sorted(seeds()), help="this one alone; may be given several times")
    parser.add_argument("--keep", type=Path, default=Path("hostile-crashes"), help="folder for inputs that crash")
    given = parser.parse_args(arguments)
    print(f"time cap {SECONDS_OF_ONE:g} s, memory cap {MEGABYTES} MB an input, seed {given.seed}\n{HEAD}", flush=True)
    crashed = 0
    for reader in given.reader or seeds():
        tally = tried(reader, given.inputs, given.seconds, given.seed, given.keep)
        print(tally.row(), flush=True)
        for why, times in sorted(tally.why.items(), key=lambda pair: -pair[1])[:12]:
            print(f"    {times:6d} × {why}", flush=True)
        crashed += tally.crashed
    return int(crashed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
