"""What compiled loops over float32 call: exp, sigmoid, tanh and the like, made of operations that fit vector registers.

A library's exp takes one number at a time, which would make it most of a loop's time; these take as many as a register
holds, because they have no branch and no table. bfloat16, which numba does not know, is the upper half of a float32:
loops see it as uint16, `read` widens it and `stored` rounds it to the nearest, as PyTorch does.

All of it is right to 3e-7 of its value and lets NaN through. To be called from loops that are `compiled_on_vectors`.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar, cast

import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numpy.typing import NDArray
from torch import Tensor

from anaphora.compiled import inlined

Array = NDArray[Any]

_F = np.float32
_ONE, _TWO = _F(1.0), _F(2.0)
_LOG2_E = _F(math.log2(math.e))
_LN2_HIGH = _F(355 / 512)  # few digits, so that a multiple of it is exact; the rest of ln 2 is in the other
_LN2_LOW = _F(math.log(2.0) - 355 / 512)
_C2, _C3, _C4, _C5, _C6, _C7 = (_F(1 / math.factorial(k)) for k in range(2, 8))  # the series of exp, enough for ln(2)/2
_LEAST, _MOST = _F(-87.0), _F(88.0)  # between them exp is a normal number
_TANH_IS_ONE = _F(10.0)
_LEAST_WORK = 1 << 15  # numbers for one thread: to wake another takes some 30 microseconds
_I16, _I32, _F32 = ir.IntType(16), ir.IntType(32), ir.FloatType()

_Code = TypeVar("_Code", bound=Callable[..., Any])


def _instructions(code: _Code) -> Callable[..., Any]:
    """Make what `code` generates callable from compiled loops, with the arguments after the first."""
    return cast(Callable[..., Any], intrinsic(code))


@_instructions
def _power_of_two(_typing: Any, exponent: Any) -> Any:
    """2^n of a float32 that is whole, from -126 to 127: put n where a float32 has its exponent."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        biased = builder.add(builder.fptosi(arguments[0], _I32), ir.Constant(_I32, 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(_I32, 23)), _F32)

    return types.float32(types.float32), generate


@_instructions
def _nearest_whole(_typing: Any, number: Any) -> Any:
    """Round a float32 to the nearest whole number; Python's round would leave the vector registers."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.call(builder.module.declare_intrinsic("llvm.rint", [_F32]), arguments)

    return types.float32(types.float32), generate


@_instructions
def read(_typing: Any, number: Any) -> Any:
    """Return an element of an array as float32; uint16 holds a bfloat16."""
    if number not in (types.float32, types.uint16):
        raise TypingError(f"read: neither float32 nor the uint16 of a bfloat16 but {number}")

    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0] == types.float32:
            return arguments[0]
        return builder.bitcast(builder.shl(builder.zext(arguments[0], _I32), ir.Constant(_I32, 16)), _F32)

    return types.float32(number), generate


@_instructions
def stored(_typing: Any, number: Any, array: Any) -> Any:
    """Return a float32 as an element of that array, which holds float32 or, as uint16, bfloat16."""
    if array.dtype not in (types.float32, types.uint16):
        raise TypingError(f"stored: neither float32 nor the uint16 of a bfloat16 but {array.dtype}")

    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.return_type == types.float32:
            return arguments[0]

        def whole(value: int) -> Any:
            return ir.Constant(_I32, value)

        bits = builder.bitcast(arguments[0], _I32)
        odd = builder.and_(builder.lshr(bits, whole(16)), whole(1))
        rounded = builder.lshr(builder.add(bits, builder.add(odd, whole(0x7FFF))), whole(16))  # half to even
        is_nan = builder.fcmp_unordered("uno", arguments[0], arguments[0])  # rounding could make an infinity of it
        return builder.trunc(builder.select(is_nan, whole(0x7FC0), rounded), _I16)

    return array.dtype(types.float32, array), generate


@_instructions
def rank(_typing: Any, number: Any) -> Any:
    """Return an int32 that grows with a float32: of whole numbers a register finds the largest without more ado."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _flip_negative(builder, builder.bitcast(arguments[0], _I32))

    return types.int32(types.float32), generate


@_instructions
def of_rank(_typing: Any, number: Any) -> Any:
    """Return the float32 that has this rank."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(_flip_negative(builder, arguments[0]), _F32)

    return types.float32(types.int32), generate


def _flip_negative(builder: Any, bits: Any) -> Any:
    """Turn all bits but the sign of a negative number: as a float32 it grows with them, as an int32 it falls."""
    mask = builder.and_(builder.ashr(bits, ir.Constant(_I32, 31)), ir.Constant(_I32, 0x7FFFFFFF))
    return builder.xor(bits, mask)


@inlined
def _exp_parts(x: np.float32) -> tuple[np.float32, np.float32]:
    """Return (y, s) with e^x = s (1 + y), s a power of two and |y| below one half."""
    n = _nearest_whole(x * _LOG2_E)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    series = ((((_C7 * r + _C6) * r + _C5) * r + _C4) * r + _C3) * r + _C2
    return series * r * r + r, _power_of_two(n)


@inlined
def exp(x: np.float32) -> np.float32:
    """e^x; beyond -87 and 88 what it is there."""
    x = _LEAST if x < _LEAST else x
    x = _MOST if x > _MOST else x
    y, s = _exp_parts(x)
    return y * s + s


@inlined
def expm1(x: np.float32) -> np.float32:
    """e^x - 1, with all digits also near 0."""
    x = _LEAST if x < _LEAST else x
    x = _MOST if x > _MOST else x
    y, s = _exp_parts(x)
    return y * s + (s - _ONE)


@inlined
def sigmoid(x: np.float32) -> np.float32:
    """1 / (1 + e^-x)."""
    return _ONE / (_ONE + exp(-x))


@inlined
def tanh(x: np.float32) -> np.float32:
    """Hyperbolic tangent, with all digits also near 0."""
    x = -_TANH_IS_ONE if x < -_TANH_IS_ONE else x
    x = _TANH_IS_ONE if x > _TANH_IS_ONE else x
    e = expm1(_TWO * x)
    return e / (e + _TWO)


def loops_serve(*tensors: Tensor) -> bool:
    """Whether compiled loops can read these tensors: on the CPU, in float32 or bfloat16."""
    return all(tensor.is_cpu and tensor.dtype in (torch.float32, torch.bfloat16) for tensor in tensors)


def as_array(tensor: Tensor) -> Array:
    """Return a CPU tensor's own memory as an array; bfloat16 as uint16."""
    bits = tensor.detach()
    return (bits.view(torch.uint16) if bits.dtype == torch.bfloat16 else bits).numpy()


def check_rows(rows: Tensor, count: int) -> None:
    """Raise IndexError unless all are from 0 to count - 1: a compiled loop would read whatever lies elsewhere."""
    if not rows.numel():
        return
    least, most = (int(end) for end in rows.aminmax())
    if least < 0 or most >= count:
        raise IndexError(f"index out of range: {least} to {most} in a table of {count} rows")


def in_lanes(loop: Callable[..., None], rows: int, work: int, arguments: tuple[Any, ...]) -> None:
    """Call loop(first, last, *arguments) for all rows, in as many threads as torch uses where the work is worth it.

    Args:
        loop: compiled; takes the rows from `first` up to `last`, and writes nothing that belongs to others.
        rows: how many there are.
        work: numbers that it goes through, some nanoseconds each.
        arguments: what else it takes.
    """
    lanes = max(1, min(torch.get_num_threads(), rows, work // _LEAST_WORK))
    if lanes == 1:
        loop(0, rows, *arguments)
        return
    borders = [rows * lane // lanes for lane in range(lanes + 1)]
    others = [_pool(lanes).submit(loop, first, last, *arguments) for first, last in pairwise(borders[1:])]
    loop(borders[0], borders[1], *arguments)
    for other in others:
        other.result()


@cache
def _pool(lanes: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(lanes - 1, thread_name_prefix="loops")
