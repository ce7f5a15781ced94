"""What a classifier must beat: the shares of the labels alone, and naive Bayes, which counts words and no more.

Naive Bayes takes the words of a document as independent given its class; each counts once, however often it stands
there, which suits opinions better (Pang et al. 2002). Shapes: N documents, C classes, V vocabulary.
"""

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.data.documents import EncodedDocuments, class_members
from anaphora.evaluation.calibration import Floats


class DocumentBaseline(Protocol):
    """A classifier that is made by counting."""

    def fit(self, documents: EncodedDocuments, num_classes: int, vocab_size: int) -> Self:
        """Count."""

    def log_probs(self, documents: EncodedDocuments) -> Floats:
        """Return log-probabilities (N, C), in nats, as `score_classes` takes them."""


class LabelShares:
    """Says of every document how frequent each label was; its answer is always the most frequent one."""

    def fit(self, documents: EncodedDocuments, num_classes: int, vocab_size: int) -> Self:
        counts = class_members(documents.labels, num_classes).sum(0)
        several = documents.labels.ndim == 2
        # One document of each kind is added, so that no label is impossible and none is certain.
        self._log_shares = np.log((counts + 1) / (len(documents) + (2 if several else num_classes)))
        return self

    def log_probs(self, documents: EncodedDocuments) -> Floats:
        return np.tile(self._log_shares, (len(documents), 1))


class NaiveBayes:
    """Weighs each word by how much more probable it is in a class; one is added to every count (Laplace).

    Where documents may have several labels, each label is told from its absence on its own.
    """

    def fit(self, documents: EncodedDocuments, num_classes: int, vocab_size: int) -> Self:
        self._vocab_size, self._several = vocab_size, documents.labels.ndim == 2
        rows, tokens = _words_once(documents, vocab_size)
        members = class_members(documents.labels, num_classes)
        inside = np.stack([_count(tokens, members[rows, c], vocab_size) for c in range(num_classes)])
        self._word_logs, self._prior_logs = _logs(inside), np.log(members.sum(0) + 1)
        if self._several:  # against all documents without the label
            self._word_logs -= _logs(_count(tokens, np.ones(len(tokens), dtype=np.bool_), vocab_size) - inside)
            self._prior_logs -= np.log(len(documents) - members.sum(0) + 1)
        return self

    def log_probs(self, documents: EncodedDocuments) -> Floats:
        rows, tokens = _words_once(documents, self._vocab_size)
        begins = np.searchsorted(rows, np.arange(len(documents)))
        scores = np.stack([np.add.reduceat(logs[tokens], begins) for logs in self._word_logs], 1) + self._prior_logs
        of_all = np.logaddexp(scores, 0.0) if self._several else np.logaddexp.reduce(scores, 1, keepdims=True)
        found: Floats = scores - of_all
        return found


BASELINES: dict[str, type[DocumentBaseline]] = {"label shares": LabelShares, "naive bayes": NaiveBayes}


def _words_once(documents: EncodedDocuments, vocab_size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the documents and the words of all pairs of them, each once, in the order of the documents."""
    rows = np.repeat(np.arange(len(documents)), documents.lengths)
    pairs = np.sort(rows * vocab_size + documents.token_ids)  # np.unique hashes, which takes several times as long
    pairs = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))]
    return pairs // vocab_size, pairs % vocab_size


def _count(tokens: NDArray[np.int64], chosen: NDArray[np.bool_], vocab_size: int) -> NDArray[np.int64]:
    return np.bincount(tokens[chosen], minlength=vocab_size)


def _logs(counts: NDArray[np.int64]) -> Floats:
    logs: Floats = np.log(counts + 1) - np.log(counts.sum(-1, keepdims=True) + counts.shape[-1])
    return logs
