"""Labelled documents as windows to predict the next token in: each row is one document, read from its own beginning.

Documents of about equal length are read side by side, window after window with the state carried over; where one has
ended, its row counts no more. So a row never changes owner within a batch, and has the label of its document.

Shapes: B batch, T time, N documents.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anaphora.data.buckets import Buckets
from anaphora.data.documents import DocumentBatch, EncodedDocuments
from anaphora.data.stream import Batches

NO_LABEL = -1
_NO_LIMIT = 1 << 62


@dataclass(frozen=True, kw_only=True)
class DocumentWindow:
    """What one training step reads.

    Attributes:
        inputs: (B, T), int64; the start id stands before a document.
        targets: (B, T), int64; `targets[:, t]` follows `inputs[:, t]`.
        inside: (B, T), bool: the targets that belong to a document.
        labels: (B,), int64, the number of the row's label, or NO_LABEL.
        continues: the rows go on where those of the window before ended; else each begins its document.
        num_targets: how many are inside.
    """

    inputs: Tensor
    targets: Tensor
    inside: Tensor
    labels: Tensor
    continues: bool
    num_targets: int
    learning_rate_scale: float = 1.0

    def to(self, device: torch.device) -> "DocumentWindow":
        """Return the window on a device."""
        if device.type == "cpu":
            return self
        moved = {name: getattr(self, name).to(device) for name in ("inputs", "targets", "inside", "labels")}
        return replace(self, **moved)


class DocumentWindows:
    """The windows of each epoch.

    Args:
        documents: with one label each.
        batch_size: B, always: rows that no document is left for are empty.
        bptt: T, or less where all documents of a batch have ended.
        start_id: the token that stands before a document.
        dropout_label: the share of the documents that come without their label, others in each epoch.
        seed: of order and dropout.
    """

    def __init__(
        self,
        documents: EncodedDocuments,
        batch_size: int,
        bptt: int,
        *,
        start_id: int,
        dropout_label: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._documents, self._batch_size, self._bptt = documents, batch_size, bptt
        self._start_id, self._dropout_label, self._seed = start_id, dropout_label, seed
        self._buckets = Buckets(documents, batch_size, max_batch_tokens=_NO_LIMIT, seed=seed)

    def epoch(self, number: int) -> Batches[DocumentWindow]:
        """Return the windows of epoch 0, 1, 2 ..."""
        rng = np.random.default_rng([self._seed, number, 1])
        without = rng.random(len(self._documents)) < self._dropout_label
        return self._windows(self._buckets.order(number), without)

    def in_order(self, indices: NDArray[np.int64]) -> Batches[DocumentWindow]:
        """Return the windows of the documents `indices`, the shortest first, all with their labels."""
        return self._windows(self._buckets.cut(indices), np.zeros(len(self._documents), dtype=np.bool_))

    def _windows(self, batches: list[NDArray[np.int64]], without: NDArray[np.bool_]) -> Batches[DocumentWindow]:
        longest = np.array([int(self._documents.lengths[batch].max()) for batch in batches])
        ends = np.cumsum(-(-longest // self._bptt))

        @lru_cache(maxsize=1)  # the windows of one batch come one after the other
        def rows(place: int) -> DocumentBatch:
            return self._rows(batches[place], without)

        def make(index: int) -> DocumentWindow:
            place = int(np.searchsorted(ends, index, side="right"))
            return self._window(rows(place), index - (int(ends[place - 1]) if place else 0))

        return Batches(int(ends[-1]), make)

    def _rows(self, indices: NDArray[np.int64], without: NDArray[np.bool_]) -> DocumentBatch:
        """Return a batch of B rows, the last of them empty where there are too few documents."""
        batch, missing = self._documents.batch(indices), self._batch_size - len(indices)
        labels = torch.where(torch.from_numpy(without[indices]), NO_LABEL, batch.labels)
        return DocumentBatch(
            tokens=torch.cat((batch.tokens, batch.tokens.new_zeros(missing, batch.tokens.shape[1]))),
            lengths=torch.cat((batch.lengths, batch.lengths.new_zeros(missing))),
            labels=torch.cat((labels, labels.new_full((missing,), NO_LABEL))),
        )

    def _window(self, batch: DocumentBatch, number: int) -> DocumentWindow:
        begin = number * self._bptt
        targets = batch.tokens[:, begin : begin + self._bptt]
        if begin:
            inputs = batch.tokens[:, begin - 1 : begin - 1 + targets.shape[1]]
        else:
            inputs = torch.cat((torch.full_like(targets[:, :1], self._start_id), targets[:, :-1]), 1)
        inside = torch.arange(begin, begin + targets.shape[1]) < batch.lengths.unsqueeze(1)
        return DocumentWindow(
            inputs=inputs,
            targets=targets,
            inside=inside,
            labels=batch.labels,
            continues=number > 0,
            num_targets=int(inside.sum()),
        )
