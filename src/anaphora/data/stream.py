"""From a long line of token ids to batches of windows: consecutive, random, or starting at every position.

Each epoch is a sequence with random access, and the same (seed, epoch) always gives the same batches; so (epoch,
index) is all that a run needs to go on exactly where it stopped. Ids are read from the mapped file window by window.

Shapes: B batch, T time (`bptt`, or less for a jittered window).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Protocol, TypeVar, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anaphora.data.shuffle import Shuffle
from anaphora.errors import CorpusError

TokenIds = NDArray[np.integer[Any]]

_BLOCK = 128  # batches whose places in the shuffled order are looked up together


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one training step reads.

    Attributes:
        inputs: (B, T), int64.
        targets: (B, T), int64; `targets[:, t]` follows `inputs[:, t]` in the text.
        continues: row j goes on where row j of the batch before ended. When False, the state must be reset first.
        learning_rate_scale: what to multiply the learning rate by, because the window is shorter or longer than usual.
    """

    inputs: Tensor
    targets: Tensor
    continues: bool
    learning_rate_scale: float = 1.0

    @property
    def num_targets(self) -> int:
        """What the loss is a mean over."""
        return self.targets.numel()

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device. To CUDA it goes through pinned memory, so that the copy need not be awaited."""
        if device.type == "cpu":
            return self
        inputs, targets = self.inputs, self.targets
        if device.type == "cuda":
            inputs, targets = inputs.pin_memory(), targets.pin_memory()
        return replace(self, inputs=inputs.to(device, non_blocking=True), targets=targets.to(device, non_blocking=True))


BatchT = TypeVar("BatchT")


class Batches(Sequence[BatchT]):
    """The batches of one epoch, each made when it is asked for."""

    def __init__(self, count: int, make: Callable[[int], BatchT]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> BatchT: ...
    @overload
    def __getitem__(self, index: slice) -> list[BatchT]: ...
    def __getitem__(self, index: int | slice) -> BatchT | list[BatchT]:
        numbers = range(self._count)[index]
        return self._make(numbers) if isinstance(numbers, int) else [self._make(number) for number in numbers]


class WindowSampler(Protocol):
    """Cuts the token ids of one split into batches of windows."""

    batch_size: int
    bptt: int

    @property
    def stateful(self) -> bool:
        """Whether any batch continues the one before."""

    def epoch(self, epoch: int) -> Sequence[Batch]:
        """Return the batches of epoch 0, 1, 2 ..."""


class ConsecutiveWindows:
    """Stateful windows: the text is cut into `batch_size` lanes of equal length, and all lanes are read side by side.

    Lane j is tokens j * n .. (j + 1) * n - 1 with n = len(token_ids) // batch_size; its windows follow one another
    from left to right, so the state can be carried. The remainder of the text is not used, nor is (with `drop_last`)
    a last window shorter than the others.

    With `jitter` the windows have random lengths, drawn anew each epoch (AWD-LSTM, arXiv 1708.02182, section 5):
    around `bptt` with probability 0.95, else around half of it, with a standard deviation of 5 tokens, 5 tokens at
    least; the last window of a lane takes what is left. The learning rate is scaled by length / bptt.

    With `rotate` ("partial shuffle", Press 2019, arXiv 1903.04167) each lane starts at a random place of its own, anew
    each epoch, and goes on at its beginning where it ends: other windows and other neighbours in the batch each time,
    for one wrong transition a lane.
    """

    stateful: ClassVar[bool] = True

    def __init__(
        self,
        token_ids: TokenIds,
        batch_size: int,
        bptt: int,
        *,
        seed: int = 0,
        jitter: bool = False,
        rotate: bool = False,
        drop_last: bool = True,
    ) -> None:
        lane_len = len(token_ids) // batch_size
        if lane_len < (bptt + 1 if drop_last else 2):
            raise _too_short(token_ids, batch_size, bptt, needed=batch_size * (bptt + 1))
        self.batch_size = batch_size
        self.bptt = bptt
        self.seed = seed
        self.jitter = jitter
        self.rotate = rotate
        self.drop_last = drop_last
        self._lanes = np.asarray(token_ids)[: batch_size * lane_len].reshape(batch_size, lane_len)

    def epoch(self, epoch: int) -> Sequence[Batch]:
        starts, read = self._starts(epoch), self._reader(epoch)

        def make(index: int) -> Batch:
            start, end = int(starts[index]), int(starts[index + 1])
            windows = read(start, end + 1)
            return Batch(
                inputs=_tensor(windows[:, :-1]),
                targets=_tensor(windows[:, 1:]),
                continues=index > 0,
                learning_rate_scale=(end - start) / self.bptt if self.jitter else 1.0,
            )

        return Batches(len(starts) - 1, make)

    def _reader(self, epoch: int) -> Callable[[int, int], TokenIds]:
        """Return what reads the tokens from one place of each lane to another, as the lanes lie in that epoch."""
        if not self.rotate:
            return lambda start, end: self._lanes[:, start:end]
        rows, lane_len = self._lanes.shape
        offsets = np.random.default_rng((self.seed, epoch, 1)).integers(lane_len, size=(rows, 1))
        return lambda start, end: np.take_along_axis(self._lanes, (offsets + np.arange(start, end)) % lane_len, axis=1)

    def _starts(self, epoch: int) -> NDArray[np.int64]:
        """Return where the windows of a lane start, and where the last one ends."""
        last = self._lanes.shape[1] - 1  # the last token of a lane is a target only
        if self.jitter:
            return _jittered_starts(self.bptt, last, np.random.default_rng((self.seed, epoch)))
        starts = np.arange(0, last + 1, self.bptt)
        if not self.drop_last and starts[-1] < last:
            starts = np.append(starts, last)
        return starts


class _ShuffledWindows(ABC):
    """Windows of `bptt` tokens in shuffled order, each once an epoch; the state is reset before each batch."""

    stateful: ClassVar[bool] = False

    def __init__(self, token_ids: TokenIds, batch_size: int, bptt: int, *, seed: int = 0) -> None:
        self.batch_size = batch_size
        self.bptt = bptt
        self.seed = seed
        self._ids = np.asarray(token_ids)
        self._windows = self._count_windows(len(token_ids))
        if self._windows < batch_size:
            raise _too_short(token_ids, batch_size, bptt, needed=self._tokens_needed())

    @abstractmethod
    def _count_windows(self, tokens: int) -> int:
        """Return how many windows a text of so many tokens has."""

    @abstractmethod
    def _tokens_needed(self) -> int:
        """Return how many tokens one batch needs."""

    @abstractmethod
    def _starts(self, windows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where these windows start."""

    def epoch(self, epoch: int) -> Sequence[Batch]:
        count = self._windows // self.batch_size
        offsets = np.arange(self.bptt + 1)
        order = Shuffle(self._windows, (self.seed, epoch))
        size = self.batch_size

        @lru_cache(maxsize=2)  # a call of numpy costs much the same for one batch as for a hundred
        def starts_of(block: int) -> NDArray[np.int64]:
            places = np.arange(block * _BLOCK * size, min((block + 1) * _BLOCK * size, count * size))
            return self._starts(order(places)).reshape(-1, size)

        def make(index: int) -> Batch:
            starts = starts_of(index // _BLOCK)[index % _BLOCK]
            windows = self._ids[starts[:, None] + offsets]
            return Batch(inputs=_tensor(windows[:, :-1]), targets=_tensor(windows[:, 1:]), continues=False)

        return Batches(count, make)


class RandomWindows(_ShuffledWindows):
    """The text cut into (len - 1) // bptt windows side by side, shuffled; an incomplete last batch is dropped."""

    def _count_windows(self, tokens: int) -> int:
        return (tokens - 1) // self.bptt

    def _tokens_needed(self) -> int:
        return self.batch_size * self.bptt + 1

    def _starts(self, windows: NDArray[np.int64]) -> NDArray[np.int64]:
        return windows * self.bptt


class PositionWindows(_ShuffledWindows):
    """A window starting at every position of the text, shuffled; an incomplete last batch is dropped."""

    def _count_windows(self, tokens: int) -> int:
        return max(0, tokens - self.bptt)

    def _tokens_needed(self) -> int:
        return self.batch_size + self.bptt

    def _starts(self, windows: NDArray[np.int64]) -> NDArray[np.int64]:
        return windows


SAMPLERS: dict[str, type[ConsecutiveWindows] | type[RandomWindows] | type[PositionWindows]] = {
    "consecutive": ConsecutiveWindows,
    "random": RandomWindows,
    "every-position": PositionWindows,
}


def _jittered_starts(bptt: int, last: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return where windows of random lengths start, and `last`, where the last one ends."""
    starts = np.zeros(1, dtype=np.int64)
    while starts[-1] < last:
        base = np.where(rng.random(last // bptt + 16) < 0.95, bptt, bptt / 2)
        lengths = np.maximum(min(5, bptt), rng.normal(base, 5.0).astype(np.int64))
        starts = np.concatenate((starts, starts[-1] + np.cumsum(lengths)))
    return np.append(starts[starts < last], last)


def _tensor(windows: TokenIds) -> Tensor:
    return torch.from_numpy(windows.astype(np.int64))


def _too_short(token_ids: TokenIds, batch_size: int, bptt: int, *, needed: int) -> CorpusError:
    return CorpusError(
        f"the text has {len(token_ids):,} tokens, too few for one batch of batch_size {batch_size} x bptt {bptt}"
        f" ({needed:,} tokens); set a smaller batch_size or bptt, or take a longer text"
    )
