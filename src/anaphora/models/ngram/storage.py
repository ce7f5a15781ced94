"""Where finished arrays are kept: in memory, or on disk when a text has more n-grams than memory holds.

Counting, merging and estimation make their arrays one after the other and hand each over when it is done.
"""

import mmap
import tempfile
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

AnyArray = TypeVar("AnyArray", bound=NDArray[Any])


class Memory:
    """Keeps arrays where they are."""

    def keep(self, array: AnyArray) -> AnyArray:
        """Return the array, without the room it may have been cut from."""
        return array if array.base is None else array.copy()

    def release(self) -> None:
        """Do nothing: nothing is held that could be had again from disk."""


class Disk(Memory):
    """Keeps arrays in files without names, mapped into memory; a file goes when the last array that needs it goes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._maps: WeakSet[mmap.mmap] = WeakSet()

    def keep(self, array: AnyArray) -> AnyArray:
        if not array.size or isinstance(array.base, memoryview):
            return array
        with tempfile.TemporaryFile(dir=self._folder) as file:
            array.tofile(file)
            file.flush()
            # A private map can be written to, which nobody does: compiled loops would be compiled anew for arrays
            # that cannot.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self._maps.add(mapped)
        kept: Any = np.frombuffer(mapped, array.dtype)
        return kept  # type: ignore[no-any-return]

    def release(self) -> None:
        """Give back the memory that holds what was read of the arrays so far; it is read again when it is needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for mapped in self._maps:
                mapped.madvise(mmap.MADV_DONTNEED)
