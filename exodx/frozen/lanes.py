"""Sixteen look-ups at once in tables that fit the processor's registers: AVX-512 has an instruction for it, loops have no word.

The sums are those of the plain loop, to the bit. Where the processor has no such instruction the plain loop is compiled instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

WIDTH = 16
"""Numbers in a register."""
MOST_BITS = 8
"""Of a unit's pattern (:data:`exodx.frozen.parts.MAX_JOINED_BITS`)."""
NEEDED = "avx512f"


def adder(numba: Any) -> Callable[..., None]:
    """Return :func:`exodx.frozen.loops.add_looked_up` for numba to compile, for tables of up to ``MOST_BITS`` bits.

    Parameters
    ----------
    numba : module
    """
    one, two, three, four, five, six, seven, eight = (_sixteens(numba, bits) for bits in range(1, MOST_BITS + 1))

    def add_looked_up(  # noqa: PLR0913
        n: int, table: Any, at: int, bits: int, pattern: Any, sums: Any, row: int
    ) -> None:
        whole = n - n % WIDTH
        if bits == 1:
            one(whole, table, at, pattern, sums, row)
        elif bits == 2:
            two(whole, table, at, pattern, sums, row)
        elif bits == 3:
            three(whole, table, at, pattern, sums, row)
        elif bits == 4:
            four(whole, table, at, pattern, sums, row)
        elif bits == 5:
            five(whole, table, at, pattern, sums, row)
        elif bits == 6:
            six(whole, table, at, pattern, sums, row)
        elif bits == 7:
            seven(whole, table, at, pattern, sums, row)
        else:
            eight(whole, table, at, pattern, sums, row)
        for i in range(whole, n):
            sums[row + i] += table[at + pattern[i]]

    return add_looked_up


def _sixteens(numba: Any, bits: int) -> Any:
    """Return an intrinsic that does it for a whole number of sixteens, from a table of so many bits."""
    from llvmlite import ir
    from numba.core import cgutils
    from numba.extending import intrinsic

    floats, codes = ir.VectorType(ir.FloatType(), WIDTH), ir.VectorType(ir.IntType(32), WIDTH)

    def at_place(builder: Any, pointer: Any, place: Any, kind: Any, align: int) -> Any:
        loaded = builder.load(builder.bitcast(builder.gep(pointer, [place]), kind.as_pointer()))
        loaded.align = align
        return loaded

    def registers(builder: Any, table: Any, at: Any) -> list[Any]:
        """Load the table; a small one fills its register with repeats of its first number."""
        if bits < 4:
            few = at_place(builder, table, at, ir.VectorType(ir.FloatType(), 1 << bits), 4)
            spread = ir.Constant(codes, [i if i < 1 << bits else 0 for i in range(WIDTH)])
            return [builder.shuffle_vector(few, few, spread)]
        steps = (ir.Constant(ir.IntType(64), WIDTH * k) for k in range(1 << (bits - 4)))
        return [at_place(builder, table, builder.add(at, step), floats, 4) for step in steps]

    def looked_up(builder: Any, held: list[Any], pattern: Any) -> Any:
        """Look up in pairs of registers, and choose between the pairs by the bits that are left."""
        if len(held) == 1:
            kind = ir.FunctionType(floats, [floats, codes])
            one = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.permvar.sf.512")
            return builder.call(one, [held[0], pattern])
        kind = ir.FunctionType(floats, [floats, codes, floats])
        both = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpermi2var.ps.512")
        found = [builder.call(both, [a, pattern, b]) for a, b in zip(held[::2], held[1::2], strict=True)]
        for bit in range(5, bits):
            mask = builder.and_(pattern, ir.Constant(codes, [1 << bit] * WIDTH))
            is_set = builder.icmp_unsigned("!=", mask, ir.Constant(codes, [0] * WIDTH))
            found = [builder.select(is_set, b, a) for a, b in zip(found[::2], found[1::2], strict=True)]
        return found[0]

    def codegen(context: Any, builder: Any, _: Any, given: Any) -> Any:
        n, table, at, pattern, sums, row = given
        held = registers(builder, table, at)
        with cgutils.for_range_slice(builder, n.type(0), n, n.type(WIDTH), inc=True) as (i, _count):
            place = builder.zext(at_place(builder, pattern, i, ir.VectorType(ir.IntType(8), WIDTH), 1), codes)
            to = builder.add(row, i)
            total = builder.fadd(at_place(builder, sums, to, floats, 4), looked_up(builder, held, place))
            builder.store(total, builder.bitcast(builder.gep(sums, [to]), floats.as_pointer())).align = 4
        return context.get_dummy_value()

    def add_sixteens(_: Any, n: Any, table: Any, at: Any, pattern: Any, sums: Any, row: Any) -> Any:
        return numba.types.void(n, table, at, pattern, sums, row), codegen

    return intrinsic(add_sixteens)
