"""Counts of parts, merged, are the counts of the whole; and so are those of texts one after the other."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import ConfigError, CorpusError
from anaphora.models.ngram.counts import NGramCounts, count_ngrams
from anaphora.models.ngram.merging import merge


def same(ours: NGramCounts, theirs: NGramCounts) -> bool:
    """Whether two counts hold the same arrays of the same types."""
    lists = [(*c.words, *c.children, *c.counts, *c.suffixes, c.first_seen) for c in (ours, theirs)]
    return ours.tokens == theirs.tokens and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(*lists, strict=True)
    )


@pytest.mark.parametrize("size", [1, 7, 100])
def test_orders_are_merged_piece_by_piece(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("anaphora.models.ngram.merging._PIECE", size)
    text = (np.random.default_rng(9).random(500) ** 2 * 20).astype(np.uint8)
    parts = [count_ngrams(text, order=4, vocab_size=20, start_id=0, part=(i, 3)) for i in range(3)]
    assert same(merge(parts), count_ngrams(text, order=4, vocab_size=20, start_id=0))


texts = st.lists(st.integers(0, 3), min_size=1, max_size=60)


@given(texts, st.integers(1, 9), st.integers(1, 5), st.booleans())
def test_parts_make_the_whole(token_ids: list[int], parts: int, order: int, sentences: bool) -> None:
    def count(part: tuple[int, int]) -> NGramCounts:
        text = np.array(token_ids, np.uint8)
        return count_ngrams(text, order=order, vocab_size=4, start_id=0, sentences=sentences, part=part)

    assert same(merge([count((i, parts)) for i in range(parts)]), count((0, 1)))


@given(texts, st.lists(st.integers(0, 60), max_size=4))
def test_texts_one_after_the_other_by_lines(token_ids: list[int], places: list[int]) -> None:
    ends = [i + 1 for i, token in enumerate(token_ids) if token == 0]
    cuts = sorted({0, len(token_ids), *(end for end in ends if end in places)})

    def count(begin: int, end: int) -> NGramCounts:
        return count_ngrams(np.array(token_ids[begin:end]), order=3, vocab_size=4, start_id=0, sentences=True)

    assert same(merge([count(*cut) for cut in pairwise(cuts)]), count(0, len(token_ids)))


def test_counts_that_were_not_made_alike() -> None:
    text = np.array([1, 2, 0])
    two, three = (count_ngrams(text, order=order, vocab_size=3, start_id=0) for order in (2, 3))
    with pytest.raises(ConfigError, match=r"is \(2, 3, 0, False\) in one and \(3, 3, 0, False\) in another"):
        merge([two, three])
    with pytest.raises(ConfigError, match="there are no counts to merge"):
        merge([])


def test_more_tokens_than_counts_can_hold() -> None:
    counts = replace(count_ngrams(np.array([1, 2, 0]), order=2, vocab_size=3, start_id=0), tokens=2**31)
    with pytest.raises(CorpusError, match=r"4,294,967,296 tokens are more than n-gram counts can hold"):
        merge([counts, counts])
