"""How the linear classifier of n-grams learns: logistic regression on n-grams weighted by naive Bayes.

Each n-gram enters as the logarithm of how much more probable it is with a label than without, so that few documents
suffice to tell which n-grams matter (Wang and Manning 2012, ACL, "Baselines and bigrams"). The weights on top of that
are fitted by L-BFGS, held back by their squares; how much, held-out documents decide. The same documents give the same
classifier. Shapes: N documents, P pairs of a document and an n-gram that it holds, K n-grams, C classes, Q questions
that are asked about a document.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from anaphora.data.buckets import Buckets
from anaphora.data.documents import EncodedDocuments, class_members, spread
from anaphora.models.classifier import LabelledConfig
from anaphora.models.ngram_classifier import NgramClassifier, NgramClassifierConfig, first_occurrences, ngram_keys
from anaphora.settings import Settings
from anaphora.training.classification import MAX_BATCH_TOKENS, balanced_weights, document_logits, nats

Floats = NDArray[np.float32]

MOST_TOKENS = 10_000_000  # of the documents to learn from, which take two gigabytes: more would teach little
_MOST_WEIGHTS = 50_000_000
_PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # tried one after the other, as long as held-out documents gain
_USUAL_PENALTY = 0.03  # where there are none
_ITERATIONS = 30  # of L-BFGS for each penalty; each but the first begins where the one before ended
_COUNTED_TOGETHER = 1_024  # documents


class NgramSettings(Settings):
    """The [ngrams] section: a linear classifier of n-grams beside the encoders.

    Attributes:
        vote: whether it votes together with them; otherwise it is only what they must beat.
        order: tokens of the longest n-grams.
        min_count: n-grams that stand in fewer documents are left out.
    """

    section: ClassVar[str] = "ngrams"

    vote: bool = False
    order: int = Field(default=4, ge=1, le=8)
    min_count: int = Field(default=2, ge=1)


@dataclass(frozen=True, kw_only=True)
class _Counted:
    """Which n-grams stand in which documents.

    Attributes:
        keys: (K,), int64: the numbers of the n-grams, the most frequent first: what is looked up most is then close
            together in memory.
        begins: (N + 1,): document i holds columns[begins[i] : begins[i + 1]].
        columns: (P,), int32: places in `keys`.
        scales: (N, 1): one over the square root of the documents' lengths.
    """

    keys: NDArray[np.int64]
    begins: NDArray[np.int64]
    columns: NDArray[np.int32]
    scales: Floats


def fit_ngram_classifier(
    train: EncodedDocuments,
    valid: EncodedDocuments | None,
    config: LabelledConfig,
    settings: NgramSettings,
    *,
    vocab_size: int,
    balanced: bool = False,
    most_tokens: int = MOST_TOKENS,
) -> NgramClassifier:
    """Return a linear classifier that has learnt from documents, in evaluation mode.

    Args:
        train: to learn from.
        valid: documents to choose the penalty by; None for the usual one.
        config: what it is asked.
        settings: which n-grams it looks at.
        vocab_size: of the tokenizer that encoded the documents.
        balanced: all classes count alike, however few documents they have.
        most_tokens: of more, it learns from documents at equal distances.
    """
    train = _some(train, most_tokens)
    counted = _count(train, settings, most=_MOST_WEIGHTS // len(config.labels))
    asked = {key: getattr(config, key) for key in LabelledConfig.model_fields}
    model = NgramClassifier(
        NgramClassifierConfig(**asked, order=settings.order, num_ngrams=len(counted.keys)), vocab_size
    ).eval()
    model.keys, ascending = torch.from_numpy(counted.keys).sort()
    regression = _Regression(counted, train.labels, len(config.labels), balanced=balanced)
    best = np.inf
    for penalty in _PENALTIES if valid is not None else (_USUAL_PENALTY,):
        before = model.weights, model.bias
        weights, model.bias = regression.run(penalty)
        model.weights = weights[ascending]
        if valid is None:
            break
        loss = float(nats(document_logits(model, valid), torch.from_numpy(valid.labels)).mean())
        if loss >= best:
            model.weights, model.bias = before
            break
        best = loss
    return model


def _some(documents: EncodedDocuments, most_tokens: int) -> EncodedDocuments:
    """Return as many of the documents as have so many tokens, from all parts."""
    share = most_tokens / len(documents.token_ids)
    if share >= 1:
        return documents
    return documents.select(spread(len(documents), max(int(share * len(documents)), 2)))


def _count(train: EncodedDocuments, settings: NgramSettings, *, most: int) -> _Counted:
    """Find the n-grams that stand in enough documents, at most so many of them, and who holds them."""
    keys, rows = [], []
    batches = Buckets(train, _COUNTED_TOGETHER, max_batch_tokens=MAX_BATCH_TOKENS)
    for documents, batch in batches.in_order(np.arange(len(train))):
        inside = torch.arange(batch.tokens.shape[1]) < batch.lengths.unsqueeze(1)
        for found in ngram_keys(batch.tokens, settings.order):
            row, place = torch.nonzero(first_occurrences(found) & inside, as_tuple=True)
            keys.append(found[row, place].numpy())
            rows.append(documents[row.numpy()].astype(np.int32))
    all_keys, all_rows = np.concatenate(keys), np.concatenate(rows)
    del keys, rows
    order = np.argsort(all_keys, kind="stable")
    all_keys, all_rows = all_keys[order], all_rows[order]
    del order
    begins = np.flatnonzero(np.diff(all_keys, prepend=all_keys[0] - 1))
    counts = np.diff(np.append(begins, len(all_keys)))
    by_frequency = np.argsort(-counts, kind="stable")[: min(most, int((counts >= settings.min_count).sum()))]
    ranks = np.full(len(counts), -1, np.int32)
    ranks[by_frequency] = np.arange(len(by_frequency), dtype=np.int32)
    columns = np.repeat(ranks, counts)
    all_rows, columns = all_rows[columns >= 0], columns[columns >= 0]
    by_document = np.argsort(all_rows, kind="stable")
    return _Counted(
        # Without any, one that no document holds stands for them: the shares of the labels are learnt all the same.
        keys=all_keys[begins[by_frequency]] if len(by_frequency) else np.zeros(1, np.int64),
        begins=np.searchsorted(all_rows[by_document], np.arange(len(train) + 1)),
        columns=columns[by_document],
        scales=(1 / np.sqrt(train.lengths[:, None])).astype(np.float32),
    )


class _Regression:
    """Logistic regression on the n-grams of documents with labels; each run begins where the one before ended.

    Of two classes it asks one question only, how far the second leads the first: Q is 1. Otherwise Q is C.
    """

    def __init__(self, counted: _Counted, labels: NDArray[Any], num_classes: int, *, balanced: bool) -> None:
        self._counted, self._two = counted, labels.ndim == 1 and num_classes == 2
        members = class_members(labels, num_classes)[:, int(self._two) :].astype(np.float32)
        self._labels = torch.from_numpy(members if self._two else labels)
        self._class_weights = balanced_weights(self._labels.numpy(), num_classes) if balanced else None
        self._ratios = _log_ratios(counted, members)
        self._weights = torch.zeros(self._ratios.shape, requires_grad=True)
        self._bias = torch.zeros(len(self._ratios), requires_grad=True)

    def run(self, penalty: float) -> tuple[Tensor, Tensor]:
        """Return the weights of n-grams (K, C) and classes (C,) that cost least.

        Args:
            penalty: half of it is what a weight of 1 costs, in nats of all documents together.
        """
        optimizer = torch.optim.LBFGS(
            [self._weights, self._bias], max_iter=_ITERATIONS, history_size=10, line_search_fn="strong_wolfe"
        )
        share = penalty / len(self._labels)

        def cost() -> float:
            weights = self._weights.detach()
            logits = (self._logits(weights) + self._bias.detach()).requires_grad_()
            loss = self._loss(logits)
            (slope,) = torch.autograd.grad(loss, logits)
            self._weights.grad = self._spread(slope).add_(weights, alpha=share)
            self._bias.grad = slope.sum(0)
            return loss.item() + 0.5 * share * weights.square().sum().item()

        optimizer.step(cost)
        with torch.no_grad():
            weights, bias = self._weights * self._ratios, self._bias.clone()
        if self._two:
            weights, bias = (torch.cat([-lead / 2, lead / 2]) for lead in (weights, bias))
        return weights.T.contiguous(), bias

    def _loss(self, logits: Tensor) -> Tensor:
        """Return the nats of a document, each of its labels counting in full."""
        if self._labels.ndim == 1:
            return F.cross_entropy(logits, self._labels, weight=self._class_weights)
        loss = F.binary_cross_entropy_with_logits(logits, self._labels, pos_weight=self._class_weights)
        return loss * logits.shape[1]

    def _logits(self, weights: Tensor) -> Tensor:
        from anaphora.training.ngram_sums import add_up  # here, since it loads numba

        sums = add_up(self._counted.begins, self._counted.columns, (weights * self._ratios).numpy())
        return torch.from_numpy(sums * self._counted.scales)

    def _spread(self, slope: Tensor) -> Tensor:
        """Return the slope (Q, K) of the loss, given that over the logits (N, Q)."""
        from anaphora.training.ngram_sums import hand_out

        counted = self._counted
        handed_out = hand_out(counted.begins, counted.columns, slope.numpy() * counted.scales, len(counted.keys))
        return torch.from_numpy(handed_out).mul_(self._ratios)


def _log_ratios(counted: _Counted, members: NDArray[np.float32]) -> Tensor:
    """Return (Q, K): how much more probable an n-gram is in a class than outside, in nats; one is added to every count.

    Args:
        counted: K n-grams in N documents.
        members: (N, Q): 1 for each document in a class.
    """
    from anaphora.training.ngram_sums import hand_out

    inside, outside = (
        hand_out(counted.begins, counted.columns, of, len(counted.keys)) + 1 for of in (members, 1 - members)
    )
    shares = (np.log(counts) - np.log(counts.sum(1, keepdims=True)) for counts in (inside, outside))
    return torch.from_numpy(np.subtract(*shares))
