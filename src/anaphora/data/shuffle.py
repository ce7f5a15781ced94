"""A shuffle that is computed instead of stored: where each item goes, for any number of items, in constant memory.

A corpus of a gigabyte has a billion windows; a shuffled list of them takes eight. A Feistel network maps 0 .. 2^k - 1
onto itself one to one whatever its round function is; numbers outside the wanted range go round again until they
land inside ("cycle walking", Black and Rogaway 2002), which keeps the map one to one.
"""

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 6


def shuffled(positions: NDArray[np.int64], count: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    """Return which of `count` items stand at these positions of the shuffled order.

    Args:
        positions: (N,), each in 0 .. count - 1.
        count: how many items are shuffled.
        seed: non-negative numbers; each tuple gives another order, and always the same one.

    Returns:
        (N,) items: over all positions, each item exactly once.
    """
    half = max(1, ((count - 1).bit_length() + 1) // 2)
    keys = np.random.SeedSequence(seed).generate_state(_ROUNDS, np.uint64).astype(np.uint64)
    items = _feistel(positions.astype(np.uint64), half, keys)
    while (outside := items >= count).any():
        items[outside] = _feistel(items[outside], half, keys)
    return items.astype(np.int64)


def _feistel(numbers: NDArray[np.uint64], half: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Map numbers of 2 * half bits one to one onto such numbers."""
    width, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = numbers >> width, numbers & mask
    for key in keys:
        left, right = right, left ^ (_mixed(right ^ key) & mask)
    return (left << width) | right


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all others: the finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
