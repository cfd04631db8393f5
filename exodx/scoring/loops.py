"""Lines of text cut into cells and numbers as plain loops, for a compiler; see :mod:`exodx.frozen.loops` for how they are written.

A block that holds nothing but ASCII, numbers, words and simply quoted cells is cut in one pass. Whatever else stands there, the
loop stops at, and the block is read by the readers that know more. A number of up to 18 digits is the nearest double, as Python's
``float`` gives it; where that is not certain the cell is handed on with its text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from exodx.frozen.cells import State
from exodx.frozen.parts import Array

NUMBER, TEXT = 1, 2
"""Kinds of columns; any other is passed over."""
DIGITS, LARGEST_POWER = 18, 22
"""A number of no more digits fits 64 bits; 10 to no more than this power is a double without error."""

_BLANK, _QUOTE, _LINE, _RETURN, _MINUS, _POINT, _ZERO = b' "\n\r-.0'
_MEASURED, _NOT_RUN = int(State.MEASURED), int(State.NOT_RUN)
_EXACT = 1 << 53
_SPLIT = float((1 << 27) + 1)
_TURN, _BITS, _HALF = 0x9E3779B1, (1 << 31) - 1, 15
_LESS, _MORE = 1 - 2.0**-50, 1 + 2.0**-50


def cut_cells(
    n: int,
    data: Array,
    sign: int,
    width: int,
    kind: Array,
    slot: Array,
    capacity: int,
    powers: Array,
    values: Array,
    states: Array,
    first: Array,
    last: Array,
    cell: Array,
    begins: Array,
    ends: Array,
    found: Array,
) -> None:
    """Cut ``n`` bytes of whole lines into cells, and read the digits of those in columns of numbers.

    Each column of numbers has a row of ``values`` and ``states``, each of texts one of ``first`` and ``last`` (where a cell begins
    and ends), ``capacity`` long. A cell of numbers that holds anything but a number of few digits
    goes to ``cell``, ``begins`` and ``ends``. What most cells are, a number and the sign after it, is done first: one cell then
    follows the other without waiting for a look at quotes. ``found`` gets the number of lines, or -1 where one is not simple, and
    of such cells.
    """
    found[0] = -1
    at = row = odd = 0
    while at < n:
        for c in range(width):
            to, end = slot[c] * capacity + row, _LINE if c == width - 1 else sign
            if kind[c] == NUMBER:
                number, digits, power, stop = decimal(data, at + (data[at] == _MINUS))
                if data[stop] == end and 0 < digits <= DIGITS and (number > 0 or data[at] != _MINUS):
                    value, doubtful = nearest_double(number, powers[power])
                    if doubtful:
                        return
                    values[to] = -value if data[at] == _MINUS else value
                    states[to] = _MEASURED
                    at = stop + 1
                    continue
            quoted = data[at] == _QUOTE
            at += quoted
            start, is_number = at, False
            if kind[c] == NUMBER:
                number, digits, power, at = decimal(data, at + (data[at] == _MINUS))
                is_number = digits > 0
                if digits > DIGITS:
                    k = start + (data[start] == _MINUS)
                    while data[k] == _ZERO or data[k] == _POINT:
                        digits -= data[k] == _ZERO
                        k += 1
                ended = data[at] == _QUOTE if quoted else data[at] == sign or data[at] == _LINE or data[at] == _RETURN
                is_number = is_number and ended and digits <= DIGITS and power <= LARGEST_POWER
                is_number = is_number and (number > 0 or data[start] != _MINUS)
                value, doubtful = nearest_double(number, powers[power]) if is_number else (math.nan, False)
                if doubtful:
                    return
                values[to] = -value if data[start] == _MINUS else value
                states[to] = _MEASURED if is_number else _NOT_RUN
            while data[at] != _QUOTE and data[at] != _LINE and (quoted or (data[at] != sign and data[at] != _RETURN)):
                at += 1
            if kind[c] == TEXT:
                first[to], last[to] = start, at
            elif kind[c] == NUMBER and not is_number and at > start:
                cell[odd], begins[odd], ends[odd] = to, start, at
                odd += 1
            if (c == 0 and (at == start or data[start] <= _BLANK)) or quoted != (data[at] == _QUOTE):
                return
            at += quoted
            at += data[at] == _RETURN and data[at + 1] == _LINE
            if data[at] != end:
                return
            at += 1
        row += 1
    found[0], found[1] = row, odd


def decimal(data: Array, at: int) -> tuple[int, int, int, int]:
    """Read digits with a point or none: the number they make without it, how many, the power of ten it is divided by, the end."""
    number, digits, power, begin = 0, 0, 0, at
    while data[at] - _ZERO <= 9 and data[at] >= _ZERO:
        number = number * 10 + (data[at] - _ZERO)
        at += 1
    digits = at - begin
    if data[at] == _POINT:
        at += 1
        begin = at
        while data[at] - _ZERO <= 9 and data[at] >= _ZERO:
            number = number * 10 + (data[at] - _ZERO)
            at += 1
        digits += at - begin
        power = at - begin
    return number, digits, power, at


def nearest_double(number: int, p: float) -> tuple[float, bool]:
    """Divide a whole number that is not negative by a power of ten, to the nearest double; say where that is not certain.

    A number of more than 53 bits is divided in two steps, the second of the exact remainder (Dekker 1971, 10.1007/BF01397083);
    the result stands if an error of 2⁻⁵⁰ of the second would not change it.
    """
    if number <= _EXACT or p == 1.0:
        return number / p, False
    high, low = float(number >> 11) * 2048.0, float(number & 2047)
    q = high / p
    t, u = _SPLIT * q, _SPLIT * p
    a, d = t - (t - q), u - (u - p)
    b, e = q - a, p - d
    product = q * p
    error = ((a * d - product) + a * e + b * d) + b * e
    rest = (((high - product) - error) + low) / p
    return q + rest * _LESS, q + rest * _LESS != q + rest * _MORE


def gather(n: int, data: Array, begins: Array, ends: Array, out: Array) -> None:
    """Put ``n`` texts one after the other."""
    to = 0
    for i in range(n):
        for k in range(begins[i], ends[i]):
            out[to] = data[k]
            to += 1


def number_words(
    n: int, data: Array, begins: Array, ends: Array, size: int, table: Array, codes: Array, first: Array, found: Array
) -> None:
    """Number the distinct ones of ``n`` texts in the order in which they first stand.

    ``table`` has ``size`` places, a power of two and more than there are texts, and -1 in each. ``codes`` gets the number of each
    text, ``first`` where each distinct one first stands, ``found`` how many there are.
    """
    many = 0
    for i in range(n):
        at, length = 0, ends[i] - begins[i]
        for k in range(begins[i], ends[i]):
            at = (at * _TURN + data[k]) & _BITS
        at = (at ^ (at >> _HALF)) & (size - 1)
        same = False
        while table[at] >= 0 and not same:
            other = first[table[at]]
            same = ends[other] - begins[other] == length
            k = 0
            while same and k < length:
                same = data[begins[other] + k] == data[begins[i] + k]
                k += 1
            at = at if same else (at + 1) & (size - 1)
        if not same:
            table[at], first[many] = many, i
            many += 1
        codes[i] = table[at]
    found[0] = many


LOOPS: Mapping[Callable[..., None], tuple[str, ...]] = MappingProxyType(
    {
        cut_cells: (
            *("n", "u1", "n", "n", "u1", "i4", "n", "f8", "f8", "u1"),
            *("i4", "i4", "i4", "i4", "i4", "i8"),
        ),
        gather: ("n", "u1", "i4", "i4", "u1"),
        number_words: ("n", "u1", "i4", "i4", "n", "i4", "i4", "i4", "i8"),
    }
)
"""Each loop and what it takes: a whole number (n), or an array of a type."""
