"""Where finished arrays are kept: in memory, or on disk when a text has more n-grams than memory holds.

Counting, merging and estimation make their arrays one after the other, some of them piece by piece, and hand each over
when it is done.
"""

import mmap
import tempfile
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np
from numpy.typing import DTypeLike, NDArray

AnyArray = TypeVar("AnyArray", bound=NDArray[Any])


class Pieces:
    """An array that is made piece by piece, in memory."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._pieces: list[NDArray[Any]] = [np.empty(0, dtype)]

    def append(self, piece: NDArray[Any]) -> None:
        """Add what comes next."""
        self._pieces.append(piece)

    def joined(self) -> NDArray[Any]:
        """Return the whole array."""
        return np.concatenate(self._pieces)


class Memory:
    """Keeps arrays where they are."""

    def keep(self, array: AnyArray) -> AnyArray:
        """Return the array."""
        return array

    def pieces(self, dtype: DTypeLike) -> Pieces:
        """Return an empty array to add pieces to; they must not be changed after."""
        return Pieces(dtype)

    def release(self) -> None:
        """Do nothing: nothing is held that could be had again from disk."""


class Disk(Memory):
    """Keeps arrays in files without names, mapped into memory; a file goes when the last array that needs it goes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._maps: WeakSet[mmap.mmap] = WeakSet()

    def keep(self, array: AnyArray) -> AnyArray:
        base: object = array.base
        if isinstance(base, memoryview):  # it is kept already
            return array
        pieces = self.pieces(array.dtype)
        pieces.append(array)
        kept: Any = pieces.joined()
        return kept  # type: ignore[no-any-return]

    def pieces(self, dtype: DTypeLike) -> Pieces:
        return _PiecesOnDisk(dtype, self._folder, self._maps)

    def release(self) -> None:
        """Give back the memory that holds what was read of the arrays so far; it is read again when it is needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for mapped in self._maps:
                mapped.madvise(mmap.MADV_DONTNEED)


class _PiecesOnDisk(Pieces):
    def __init__(self, dtype: DTypeLike, folder: Path, maps: WeakSet[mmap.mmap]) -> None:
        self._dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed when joined
        self._maps = maps

    def append(self, piece: NDArray[Any]) -> None:
        self._file.write(piece.data)

    def joined(self) -> NDArray[Any]:
        with self._file as file:
            file.flush()
            if not file.tell():
                return np.empty(0, self._dtype)
            # A private map can be written to, which nobody does: compiled loops would be compiled anew for arrays
            # that cannot.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self._maps.add(mapped)
        return np.frombuffer(mapped, self._dtype)
