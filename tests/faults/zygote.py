"""A process that has imported exodx and forks: each child is the command line from its ``main`` on, without the imports."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path


def warm() -> None:
    import exodx.cli.evaluate
    import exodx.cli.explain
    import exodx.cli.predict
    import exodx.cli.review
    import exodx.cli.send
    import exodx.cli.simulate
    import exodx.cli.train
    import exodx.evaluation
    import exodx.report
    import exodx.report.compare_page
    import exodx.scoring.stream
    import exodx.study
    import exodx.tables.excel
    import exodx.tracking.review
    import exodx.training  # noqa: F401


def obey_modes() -> None:
    """Give up what lets root write where modes forbid it (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH), in all sets."""
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert library.capget(header, sets) == 0
    for at in range(3):
        sets[at] &= ~0b110
    assert library.capset(header, sets) == 0


def child(job: dict) -> None:
    """Become the command line."""
    os.environ.update(job["env"])
    out = os.open(job["log"] + ".out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    err = os.open(job["log"] + ".err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    if job["limit"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
    if job["meek"]:
        obey_modes()
    sys.argv = ["exodx", *job["argv"]]
    from exodx.cli import main

    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    os._exit(code)


def serve() -> None:
    """Fork for each line; a watcher of its own waits for the child and writes its exit code."""
    warm()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        if os.fork():
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            child(job)
        Path(job["log"] + ".pid").write_text(str(pid))
        _, status = os.waitpid(pid, 0)
        written = Path(job["log"] + ".made")
        written.write_text(str(os.waitstatus_to_exitcode(status)))
        written.rename(job["log"] + ".code")
        os._exit(0)


if __name__ == "__main__":
    serve()
