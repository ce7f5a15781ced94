"""Batches of items of unequal length, documents or sentences: little padding, and another order in every epoch.

The batches of one epoch are a function of (seed, epoch), so a resumed run meets the same ones.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from anaphora.data.stream import Batches

BatchT = TypeVar("BatchT")
BatchT_co = TypeVar("BatchT_co", covariant=True)

_POOL = 50  # batches whose items are sorted by length together


class Bucketable(Protocol[BatchT_co]):
    """What can be cut into buckets."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,): how long each item is, in tokens."""

    def batch(self, indices: NDArray[np.int64]) -> BatchT_co:
        """Return some of the items as a batch."""


class Buckets(Generic[BatchT]):
    """The batches of each epoch: items of about equal length together, in random order.

    They are shuffled, sorted by length within pools of 50 batches, and the batches shuffled again: so batches have
    little padding, and yet differ from epoch to epoch.

    Args:
        items: to take them from.
        batch_size: B, items in a batch; fewer in the last, and where they are long.
        max_batch_tokens: B times T of a batch stays within it, except where one item alone is longer.
        seed: of the order.
    """

    def __init__(self, items: Bucketable[BatchT], batch_size: int, *, max_batch_tokens: int, seed: int = 0) -> None:
        self._items, self._seed = items, seed
        self._batch_size, self._max_batch_tokens = batch_size, max_batch_tokens

    def epoch(self, number: int) -> Batches[BatchT]:
        """Return the batches of epoch 0, 1, 2 ..."""
        order = self.order(number)
        return Batches(len(order), lambda index: self._items.batch(order[index]))

    def order(self, number: int) -> list[NDArray[np.int64]]:
        """Return the numbers of the items in each batch of epoch 0, 1, 2 ..."""
        rng = np.random.default_rng([self._seed, number])
        order = rng.permutation(len(self._items.lengths))
        pool = _POOL * self._batch_size
        batches: list[NDArray[np.int64]] = []
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            batches += self.cut(part)
        return [batches[place] for place in rng.permutation(len(batches))]

    def in_order(self, indices: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], BatchT]]:
        """Yield batches of the items `indices`, the shortest first, each with the numbers of its items."""
        for part in self.cut(indices):
            yield part, self._items.batch(part)

    def cut(self, indices: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Sort the items `indices` by length, and return the numbers of those in each batch."""
        lengths = self._items.lengths
        indices = indices[np.argsort(lengths[indices], kind="stable")]
        batches, start = [], 0
        for end in range(1, len(indices) + 1):
            full = end - start == self._batch_size
            if full or end == len(indices) or (end - start + 1) * lengths[indices[end]] > self._max_batch_tokens:
                batches.append(indices[start:end])
                start = end
        return batches
