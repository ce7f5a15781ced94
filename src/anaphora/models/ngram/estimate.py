"""`estimate`: from counts to tables, order by order; any smoothing method, pruned or not."""

import warnings
from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.models.ngram.counts import NGramCounts
from anaphora.models.ngram.discounts import last_in_suffix_order
from anaphora.models.ngram.smoothing import SMOOTHINGS, STUPID_BACKOFF, Level, Smoothed, stupid_backoff
from anaphora.models.ngram.tables import NGramTables

Array = NDArray[np.unsignedinteger[Any]]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_NONE = np.empty(0, np.bool_)


def estimate(
    counts: NGramCounts,
    *,
    smoothing: str = "modified-kneser-ney",
    prune: Sequence[int] = (),
    unk_id: int | None = None,
    reserve_unseen: bool = True,
    added_count: float = 1.0,
) -> NGramTables:
    """Estimate a model from the counts of a text.

    Args:
        counts: of a whole text; of its parts merged, never of one part.
        smoothing: a name in `SMOOTHINGS`.
        prune: for each order from 1, the count up to which n-grams are left out; none may be less than the one before,
            and the last holds for all further orders (lmplz --prune). The probability mass of what is left out goes to
            the shorter contexts. Tokens left out at order 1 are as probable as tokens that the text lacks.
        unk_id: the token for words outside the vocabulary.
        reserve_unseen: if `unk_id` was counted like an ordinary word, keep the share of one more token that has never
            been seen. KenLM does, so that figures agree with its own; but what a model gives to all tokens together is
            less than 1 by that share then. If it was not counted, the share is its own, and the sum is 1.
        added_count: what additive smoothing adds to each count.

    Raises:
        ConfigError: an unknown smoothing, or thresholds of `prune` that do not go together.

    Warns:
        AnaphoraWarning: the text is too small, or too unlike a natural one, for the discounts of the method.
    """
    if smoothing not in SMOOTHINGS:
        from anaphora.settings import did_you_mean  # a fifth of the imports' time, and seldom needed

        raise ConfigError(
            f"smoothing = {smoothing!r}: no such method{did_you_mean(smoothing, list(SMOOTHINGS))}"
            f" (known: {', '.join(SMOOTHINGS)})"
        )
    method = SMOOTHINGS[smoothing]
    thresholds = _thresholds(prune, counts.order)
    last_rows = [*last_in_suffix_order(counts), None]
    reserved = reserve_unseen and unk_id is not None and bool(counts.counts[0][unk_id])
    making = _Making(counts, uniform=1 / (counts.vocab_size + reserved), added_count=added_count)
    fell_back = []
    for k in range(counts.order):
        dropped = _dropped(counts, k, thresholds[k], unk_id)
        smoothed = method(making.level(k, dropped, last_rows[k]))
        making.add(k, dropped, smoothed)
        if smoothed.fell_back and len(smoothed.probs):
            fell_back.append(str(k + 1))
    if fell_back:
        _warn(smoothing, fell_back)
    return making.tables(scores_only=method is stupid_backoff)


class _Making:
    """Tables in the making: the order below is open until the one above has been smoothed with it."""

    def __init__(self, counts: NGramCounts, *, uniform: float, added_count: float) -> None:
        self._counts = counts
        self._uniform = uniform
        self._added_count = added_count
        self._keep = counts.storage.keep
        self._lower, self._dropped_lower = np.full(1, uniform, np.float32), _NONE
        self._words: list[Array] = []
        self._children: list[Array] = []
        self._log_probs: list[Floats] = []
        self._backoffs: list[Floats] = []

    def level(self, k: int, dropped: Mask, last_row: int | None) -> Level:
        """Return what there is to smooth of order k + 1."""
        counts = self._counts
        return Level(
            counts=counts.counts[k],
            longer_suffixes=counts.suffixes[k] if k + 1 < counts.order else None,
            dropped=dropped,
            children=counts.children[k - 1] if k else np.array([0, counts.vocab_size], np.uint32),
            suffixes=counts.suffixes[k - 1] if k else np.zeros(counts.vocab_size, np.uint32),
            lower=self._lower,
            starts=counts.sentence_starts[k] if k else slice(0, 0),  # alone, that token ends a line
            context_starts=counts.sentence_starts[k - 1] if k else slice(0, 0),
            last_row=last_row,
            uniform=self._uniform,
            added_count=self._added_count,
        )

    def add(self, k: int, dropped: Mask, smoothed: Smoothed) -> None:
        """Close the order below, and leave order k + 1 open."""
        if k == 0:
            dropped = _NONE  # all tokens stay in the tables, the pruned ones as probable as unseen ones
        else:
            self._close_lower()
            self._backoffs.append(self._keep(_log(_stay(smoothed.weights, self._dropped_lower))))
            self._children.append(self._keep(_renumber(self._counts.children[k - 1], self._dropped_lower, dropped)))
        self._words.append(self._keep(_stay(self._counts.words[k], dropped)))
        self._counts.storage.release()
        self._lower, self._dropped_lower = smoothed.probs, dropped

    def _close_lower(self) -> None:
        log_probs = _log(_stay(self._lower, self._dropped_lower))
        # Rounding can make a probability a little more than 1.
        self._log_probs.append(self._keep(np.minimum(log_probs, 0, out=log_probs)))

    def tables(self, *, scores_only: bool) -> NGramTables:
        """Close the highest order."""
        self._close_lower()
        return NGramTables(
            vocab_size=self._counts.vocab_size,
            words=tuple(self._words),
            children=tuple(self._children),
            log_probs=tuple(self._log_probs),
            backoffs=tuple(self._backoffs),
            unseen_backoff=log(STUPID_BACKOFF) if scores_only else 0.0,
            normalized=not scores_only,
        )


def _thresholds(prune: Sequence[int], order: int) -> list[int]:
    """Return one threshold for each order, or say what is wrong with those given."""
    given = list(prune) or [0]
    if len(given) > order:
        raise ConfigError(f"prune = {given}: thresholds for {len(given)} orders, but the model has order {order}")
    if given[0] < 0 or given != sorted(given):
        raise ConfigError(
            f"prune = {given}: no threshold may be less than the one before, or 0; an n-gram would stay while its"
            " beginning goes"
        )
    return given + given[-1:] * (order - len(given))


def _dropped(counts: NGramCounts, k: int, threshold: int, unk_id: int | None) -> Mask:
    """Return which rows of an order are pruned; nothing for none. Line ends and unknown words never are."""
    if threshold == 0:
        return _NONE
    dropped = counts.counts[k] <= threshold
    if k == 0:
        dropped[[counts.start_id, counts.start_id if unk_id is None else unk_id]] = False
    return dropped


def _stay(values: NDArray[Any], dropped: Mask) -> NDArray[Any]:
    return values[~dropped] if len(dropped) else values


def _renumber(children: Array, dropped_parents: Mask, dropped: Mask) -> Array:
    """Return where the children of each parent that stays begin, among the rows that stay."""
    if len(dropped):
        children = np.concatenate(([0], np.cumsum(~dropped)))[children].astype(children.dtype)
    return np.append(_stay(children[:-1], dropped_parents), children[-1]) if len(dropped_parents) else children


def _log(values: Floats) -> Floats:
    """Replace values, in place, by their logarithms."""
    with np.errstate(divide="ignore"):
        return np.log(values, out=values)


def _warn(smoothing: str, orders: Sequence[str]) -> None:
    warnings.warn(
        f"{smoothing}: no discounts can be estimated for order {', '.join(orders)}, because the text is too small or"
        " its n-grams do not have counts 1, 2, 3 ... as those of natural text have; fixed ones are used instead",
        AnaphoraWarning,
        stacklevel=3,
    )
