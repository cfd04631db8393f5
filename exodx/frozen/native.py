"""Loops as machine code: compiled by numba once on a machine, kept, and from then on loaded without numba.

numba takes 1.3 s to start even where its own cache holds everything; LLVM alone (llvmlite, which numba brings) takes 0.1 s to load
an object file. Where neither is installed, or nothing can be kept, all works the same with NumPy, or is compiled each time.
"""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from ctypes import CFUNCTYPE, c_double, c_int64, c_void_p
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from exodx.errors import UsageError
from exodx.frozen import lanes
from exodx.place import put_file
from exodx.versions import version_of

Loop = Callable[..., None]
Kinds = Mapping[Loop, tuple[str, ...]]

ALONE = ("memset", "memcpy", "memmove")
"""What machine code that is kept may call: every process has it. Anything else numba would have to be there for."""


def kept_at(loops: ModuleType) -> Path | None:
    """Return where the machine code of a module's loops is kept: ``$EXODX_HOME/loops`` (``~/.exodx``); None without numba."""
    numba, llvmlite, source = version_of("numba"), version_of("llvmlite"), Path(str(loops.__file__))
    if numba is None or llvmlite is None or not source.is_file():
        return None
    versions = [numba, llvmlite, platform.machine(), platform.node()]
    texts = [path.read_text(encoding="utf-8") for path in (source, Path(lanes.__file__), Path(__file__))]
    key = sha256("\n".join([*texts, *versions]).encode()).hexdigest()[:20]
    return Path(os.environ.get("EXODX_HOME") or Path.home() / ".exodx").absolute() / "loops" / f"{key}.o"


def is_kept(loops: ModuleType) -> bool:
    """Say whether machine code is kept, so that nothing need be compiled."""
    path = kept_at(loops)
    return path is not None and path.is_file() and _is_trusted(path)


def _is_trusted(path: Path) -> bool:
    """Say whether nobody but this user (or root) can have put a file where it is; always where files have no owners (Windows).

    Machine code is run as it is: its checksum says that it is whole, not who wrote it.
    """
    if not hasattr(os, "geteuid"):
        return True
    states = [place.stat() for place in (path.parent, path)]
    return all(state.st_uid in (0, os.geteuid()) and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) for state in states)


@cache
def native_loops(loops: ModuleType) -> Mapping[Loop, Loop] | None:
    """Return each loop of a module as a function of machine code, or None where it cannot be made: numba is not installed.

    Parameters
    ----------
    loops : module
        ``LOOPS`` names its loops, and says what each takes.
    """
    path = kept_at(loops)
    try:
        from llvmlite import binding as llvm
    except ImportError:
        return None
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    data = _kept(path, _machine(llvm)) if path is not None else None
    if data is None:
        data = _compiled(llvm, loops.LOOPS)
        if data is None:
            return None
        if path is not None:
            _keep(path, _machine(llvm), data)
    return _loaded(llvm, data, loops.LOOPS)


def _machine(llvm: Any) -> bytes:
    """Return what the machine code is for: the processor and what it can do."""
    features = llvm.get_host_cpu_features().flatten()
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features}".encode()


def _kept(path: Path, machine: bytes) -> bytes | None:
    """Return the machine code that is kept for this machine; None where there is none, it is damaged or another's."""
    try:
        first, checked, data = path.read_bytes().split(b"\n", 2) if _is_trusted(path) else (b"", b"", b"")
    except (OSError, ValueError):
        return None
    return data if first == machine and checked == sha256(data).hexdigest().encode() else None


def _keep(path: Path, machine: bytes, data: bytes) -> None:
    """Keep machine code, whole or not at all; where nothing can be written it is made anew the next time."""
    with suppress(OSError, UsageError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        put_file(b"\n".join([machine, sha256(data).hexdigest().encode(), data]), path)


def _compiled(llvm: Any, loops: Kinds) -> bytes | None:
    """Compile every loop for this machine into one object file; None without numba, or where it may not or cannot stand alone."""
    try:
        import numba
    except ImportError:
        return None
    from numba import types

    if numba.config.DISABLE_JIT:
        return None

    arrays = {"u1": types.uint8, "i1": types.int8, "i8": types.int64, "i4": types.int32, "f4": types.float32, "f8": types.float64}
    kinds = {"n": types.int64, "d": types.float64, **{kind: types.CPointer(of) for kind, of in arrays.items()}}
    instead = {"add_looked_up": lanes.adder(numba)} if _has_lanes(llvm, numba) else {}
    whole: Any = None
    for loop, takes in loops.items():
        signature = types.void(*map(kinds.__getitem__, takes))
        made = numba.cfunc(signature, error_model="numpy")(_with_others(numba, loop, instead))
        module = llvm.parse_assembly(made.inspect_llvm())
        module.get_function(made.native_name).name = loop.__name__
        if whole is None:
            whole = module
        else:
            whole.link_in(module)
    called = {function.name for function in whole.functions if function.is_declaration}
    if any(not name.startswith("llvm.") and name not in ALONE for name in called):
        return None
    return bytes(_target(llvm).emit_object(whole))


def _has_lanes(llvm: Any, numba: Any) -> bool:
    """Say whether the processor has the lanes and numba compiles for it: told of a lesser one, LLVM would end the process."""
    told = numba.config.CPU_NAME, numba.config.CPU_FEATURES
    return bool(llvm.get_host_cpu_features().get(lanes.NEEDED) and numba.config.ENABLE_AVX and told == (None, None))


def _with_others(numba: Any, loop: Loop, instead: Mapping[str, Loop]) -> Loop:
    """Return a loop with the functions of its module that it calls put into its text, or what stands in their place."""
    code: CodeType = loop.__code__
    around: dict[str, Any] = loop.__globals__
    called = {name: around[name] for name in code.co_names if isinstance(around.get(name), FunctionType)}
    whole = {name: instead.get(name) or _with_others(numba, function, instead) for name, function in called.items()}
    inside = {name: numba.njit(function, inline="always", error_model="numpy") for name, function in whole.items()}
    return FunctionType(code, {**around, **inside}, loop.__name__)


def _target(llvm: Any) -> Any:
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3, codemodel="jitdefault", jit=True)


def _loaded(llvm: Any, data: bytes, loops: Kinds) -> Mapping[Loop, Loop]:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target(llvm))
    engine.add_object_file(llvm.ObjectFileRef.from_data(data))
    engine.finalize_object()
    return {loop: _callable(engine, loop, takes) for loop, takes in loops.items()}


def _callable(engine: Any, loop: Loop, takes: tuple[str, ...]) -> Loop:
    """Return a function of machine code that takes arrays; ``engine`` lives as long as it does, and the GIL is released."""
    address = engine.get_function_address(loop.__name__)
    numbers: dict[str, Any] = {"n": c_int64, "d": c_double}
    function = CFUNCTYPE(None, *(numbers.get(kind, c_void_p) for kind in takes))(address)

    def call(*given: Any, engine: Any = engine) -> None:  # noqa: ARG001
        held = [v if kind in numbers else np.ascontiguousarray(v, kind) for v, kind in zip(given, takes, strict=True)]
        function(*(v if kind in numbers else v.ctypes.data for v, kind in zip(held, takes, strict=True)))

    return call
