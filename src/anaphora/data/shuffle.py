"""A shuffle that is computed instead of stored: which item stands where, for any number of items, in constant memory.

A corpus of a gigabyte has a billion windows; a shuffled list of them takes eight. Here a number is written with two
digits, and each digit in turn is moved by an amount that depends on the other (a Feistel network). That maps the
numbers one to one onto each other whatever the amounts are; results beyond the last item go round again until they
are items ("cycle walking", Black and Rogaway 2002).
"""

from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 3  # each moves both digits

Numbers = NDArray[np.unsignedinteger[Any]]


class Shuffle:
    """A shuffled order of the items 0 .. count - 1; each seed gives another, and always the same one."""

    def __init__(self, count: int, seed: tuple[int, ...]) -> None:
        low = isqrt(count - 1) + 1
        self._count = np.uint64(count)
        self._low = np.uint64(low)  # values of the low digit
        self._high = np.uint64(-(-count // low))  # values of the high one: the product hardly exceeds count
        self._keys = np.random.SeedSequence(seed).generate_state(2 * _ROUNDS, np.uint64).reshape(_ROUNDS, 2)

    def __call__(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the items (N,) at these positions (N,); over all positions each item comes exactly once."""
        items = self._mapped(positions.astype(np.uint64))
        while (outside := items >= self._count).any():
            items[outside] = self._mapped(items[outside])
        return items.astype(np.int64)

    def _mapped(self, numbers: Numbers) -> Numbers:
        high, low = numbers // self._low, numbers % self._low
        for first, second in self._keys:
            low = (low + _mixed(high ^ first)) % self._low
            high = (high + _mixed(low ^ second)) % self._high
        return high * self._low + low


def _mixed(numbers: Numbers) -> Numbers:
    """Spread every bit over all others, as splitmix64 does at its end (Steele, Lea and Flood 2014); keep 32 bits."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers >> np.uint64(32)
