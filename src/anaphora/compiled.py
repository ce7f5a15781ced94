"""`compiled`: numba's just-in-time compiler with one set of choices, and a cache that is found on every machine.

For loops with a few operations on each of millions of numbers. As whole-array operations the same work reads and
writes memory a dozen times instead of once.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from anaphora.files import cache_folder

Function = TypeVar("Function", bound=Callable[..., object])

# A product and a sum may become one operation, the sign of zero is free, a division may become a product; NaN stays NaN
# and infinity stays infinite. Division by zero is infinite instead of an exception, which no vector instruction raises.
_LICENCES = {"contract", "nsz", "arcp"}
_ON_VECTORS: dict[str, Any] = {"error_model": "numpy", "fastmath": {*_LICENCES, "reassoc"}}  # sums in any order
_INLINED: dict[str, Any] = {"error_model": "numpy", "fastmath": _LICENCES, "forceinline": True}


def compiled(function: Function) -> Function:
    """Compile a function at its first call for each set of argument types, and keep the machine code on disk.

    It is kept beside the source, in the user's cache where that folder cannot be written (both are numba's choice), and
    in anaphora's cache folder where neither can. Other threads run meanwhile (the interpreter's lock is released).
    """
    return _compile(function, {})


def compiled_on_vectors(function: Function) -> Function:
    """Do what `compiled` does with a loop over real numbers, in which sixteen or eight go side by side.

    numba notices a change of the file that holds the function, not of the files that it calls: after a change of
    `models/vector_math.py`, remove what it kept (`make clean-loops`).
    """
    return _compile(function, _ON_VECTORS)


def inlined(function: Function) -> Function:
    """Do the same with a function of single numbers, whose code then stands in each loop that calls it.

    A call that is left in a loop keeps it out of the vector registers. Sums in it keep their order, unlike in the loop.
    """
    return _compile(function, _INLINED)


def _compile(function: Function, choices: dict[str, Any]) -> Function:
    try:
        made: Any = numba.njit(cache=True, nogil=True, **choices)(function)
    except RuntimeError:  # "no locator available": no folder of numba's own choice can be written
        config: Any = numba.config
        before, config.CACHE_DIR = config.CACHE_DIR, str(cache_folder() / "numba")
        try:
            made = numba.njit(cache=True, nogil=True, **choices)(function)
        finally:
            config.CACHE_DIR = before
    return cast(Function, made)
