"""`compiled`: numba's just-in-time compiler with one set of choices, and a cache that is found on every machine.

The loops of estimation run through millions of n-grams with a few operations on each. As whole-array operations the
same work reads and writes memory a dozen times instead of once.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from anaphora.files import cache_folder

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function at its first call for each set of argument types, and keep the machine code on disk.

    It is kept beside the source, in the user's cache where that folder cannot be written (both are numba's choice), and
    in anaphora's cache folder where neither can. Other threads run meanwhile (the interpreter's lock is released).
    """
    try:
        made: Any = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # "no locator available": no folder of numba's own choice can be written
        config: Any = numba.config
        before, config.CACHE_DIR = config.CACHE_DIR, str(cache_folder() / "numba")
        try:
            made = numba.njit(cache=True, nogil=True)(function)
        finally:
            config.CACHE_DIR = before
    return cast(Function, made)
