"""Documents as ids, each with its labels, and batches of them: padded on the right, and of about equal length.

Batches of one epoch are a function of (seed, epoch), so a resumed run meets the same ones. Shapes: N documents,
B batch, T time, C classes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anaphora.text.tokenizer import Tokenizer

PAD = 0  # what stands after the end of a shorter document; no model may look at it


@dataclass(frozen=True, kw_only=True)
class DocumentBatch:
    """Documents that are read side by side.

    Attributes:
        tokens: (B, T), int64, padded on the right.
        lengths: (B,), int64, at least 1.
        labels: (B,), int64: a class each; or (B, C), float32: 1 for each label that a document has.
    """

    tokens: Tensor
    lengths: Tensor
    labels: Tensor
    learning_rate_scale: float = 1.0

    @property
    def num_targets(self) -> int:
        """What the loss is a mean over: documents."""
        return len(self.lengths)

    def to(self, device: torch.device) -> "DocumentBatch":
        """Return the batch on a device."""
        if device.type == "cpu":
            return self
        return replace(
            self, tokens=self.tokens.to(device), lengths=self.lengths.to(device), labels=self.labels.to(device)
        )


@dataclass(frozen=True, kw_only=True)
class EncodedDocuments:
    """Documents as ids, one after the other.

    Attributes:
        token_ids: of all documents.
        offsets: (N + 1,): document i is token_ids[offsets[i] : offsets[i + 1]], and has at least one token.
        labels: (N,), int64, or (N, C), float32, as in `DocumentBatch`.
    """

    token_ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        return self.token_ids[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,): tokens of each document."""
        return np.diff(self.offsets)

    def select(self, indices: NDArray[np.int64]) -> "EncodedDocuments":
        """Return some of the documents, in the order of `indices`."""
        return _pack([self[int(index)] for index in indices], self.labels[indices])

    def with_more(self, others: "EncodedDocuments") -> "EncodedDocuments":
        """Return these documents and, after them, others."""
        return EncodedDocuments(
            token_ids=np.concatenate([self.token_ids, others.token_ids]),
            offsets=np.concatenate([self.offsets, self.offsets[-1] + others.offsets[1:]]),
            labels=np.concatenate([self.labels, others.labels]),
        )

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> DocumentBatch:
        """Return some of the documents as a batch."""
        lengths = self.lengths[indices]
        tokens = np.full((len(indices), int(lengths.max())), PAD, dtype=np.int64)
        for row, index in enumerate(indices):
            tokens[row, : lengths[row]] = self[int(index)]
        return DocumentBatch(
            tokens=torch.from_numpy(tokens),
            lengths=torch.from_numpy(lengths),
            labels=torch.from_numpy(self.labels[indices]),
        )


def encode_documents(
    texts: Iterable[str], labels: NDArray[Any], tokenizer: Tokenizer, *, max_tokens: int | None = None
) -> EncodedDocuments:
    """Encode documents.

    Args:
        texts: N of them. A text without any token becomes the one token that stands before texts.
        labels: as in `EncodedDocuments`.
        tokenizer: turns them into ids.
        max_tokens: cut a longer document, keeping as much of its beginning as of its end; None keeps all.
    """
    return _pack([_cut(_encode(text, tokenizer), max_tokens) for text in texts], labels)


def label_matrix(labels: Iterable[Sequence[str]], known: Sequence[str], *, multi_label: bool) -> NDArray[Any]:
    """Return the labels of N documents as numbers: (N,), int64, or (N, C), float32, when there may be several.

    Raises:
        KeyError: a label that is not in `known`.
    """
    number = {label: index for index, label in enumerate(known)}
    if not multi_label:
        return np.array([number[own] for (own,) in labels], dtype=np.int64)
    rows = list(labels)
    matrix = np.zeros((len(rows), len(known)), dtype=np.float32)
    for row, own in enumerate(rows):
        matrix[row, [number[label] for label in own]] = 1.0
    return matrix


def class_members(labels: NDArray[Any], num_classes: int) -> NDArray[np.bool_]:
    """Say which documents belong to which class, (N, C), given labels as in `EncodedDocuments`."""
    return labels > 0 if labels.ndim == 2 else labels[:, None] == np.arange(num_classes)


def spread(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many numbers below `count`, at equal distances."""
    return np.unique(np.linspace(0, count - 1, num=min(count, most)).round().astype(np.int64))


def _encode(text: str, tokenizer: Tokenizer) -> NDArray[np.int32]:
    pieces = [piece.astype(np.int32) for piece in tokenizer.encode_chunks([text])]
    token_ids = np.concatenate(pieces) if pieces else np.empty(0, dtype=np.int32)
    return token_ids if len(token_ids) else np.array([tokenizer.start_id], dtype=np.int32)


def _cut(token_ids: NDArray[np.int32], most: int | None) -> NDArray[np.int32]:
    if most is None or len(token_ids) <= most:
        return token_ids
    head = most - most // 2
    return np.concatenate([token_ids[:head], token_ids[len(token_ids) - most // 2 :]])


def _pack(documents: Sequence[NDArray[np.int32]], labels: NDArray[Any]) -> EncodedDocuments:
    lengths = np.array([len(document) for document in documents], dtype=np.int64)
    return EncodedDocuments(
        token_ids=np.concatenate(documents) if documents else np.empty(0, dtype=np.int32),
        offsets=np.concatenate([np.zeros(1, dtype=np.int64), lengths.cumsum()]),
        labels=labels,
    )
