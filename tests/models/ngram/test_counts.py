"""N-gram counts against dictionaries of tuples, and what cannot be counted."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import CorpusError
from anaphora.models.ngram.counts import NEVER, NGramCounts, count_ngrams

Gram = tuple[int, ...]


def ngrams_of(counts: NGramCounts) -> list[dict[Gram, int]]:
    """Return the n-grams of each order with their counts, in the order of their rows."""
    grams: list[Gram] = [(token,) for token in range(counts.vocab_size)]
    found = [dict(zip(grams, counts.counts[0].tolist(), strict=True))]
    for children, words, numbers in zip(counts.children, counts.words[1:], counts.counts[1:], strict=True):
        sizes = children[1:] - children[:-1]
        parents = np.repeat(np.arange(len(grams)), sizes)
        grams = [(*grams[parent], int(word)) for parent, word in zip(parents, words, strict=True)]
        found.append(dict(zip(grams, numbers.tolist(), strict=True)))
    return found


def counted_plainly(token_ids: list[int], order: int, vocab_size: int, sentences: bool) -> list[dict[Gram, int]]:
    """Count the same by slicing the text, line by line where lines end with token 0."""
    lines = [[0]]
    for token in token_ids:
        lines[-1].append(token)
        if sentences and token == 0:
            lines.append([0])
    found: list[Counter[Gram]] = [Counter({(token,): 0 for token in range(vocab_size)})]
    found[0].update((token,) for token in token_ids)
    for k in range(2, order + 1):
        found.append(Counter(tuple(line[i : i + k]) for line in lines for i in range(len(line) - k + 1)))
    return [dict(sorted(counter.items())) for counter in found]


texts = st.integers(1, 5).flatmap(
    lambda size: st.tuples(st.lists(st.integers(0, size - 1), min_size=1, max_size=80), st.just(size))
)


@given(texts, st.integers(1, 6), st.booleans(), st.sampled_from([np.uint8, np.uint16, np.uint32, np.int64]))
def test_every_ngram_is_counted(text: tuple[list[int], int], order: int, sentences: bool, dtype: type) -> None:
    token_ids, size = text
    counts = count_ngrams(np.array(token_ids, dtype), order=order, vocab_size=size, start_id=0, sentences=sentences)
    found = ngrams_of(counts)
    assert [list(order.items()) for order in found] == [
        list(order.items()) for order in counted_plainly(token_ids, order, size, sentences)
    ]
    assert counts.tokens == len(token_ids)
    for shorter, longer, suffixes in zip(found[:-1], found[1:], counts.suffixes, strict=True):
        rows = list(shorter)
        assert [rows[suffix] for suffix in suffixes] == [gram[1:] for gram in longer]
    for grams, starts in zip(found, counts.sentence_starts, strict=True):
        assert list(grams)[starts] == [gram for gram in grams if gram[0] == 0 and sentences]


def test_groups_too_large_to_sort_by_insertion_are_sorted_all_the_same() -> None:
    token_ids = np.random.default_rng(2).integers(0, 700, 3_000) ** 2 // 700
    counts = count_ngrams(token_ids, order=3, vocab_size=700, start_id=0)
    assert ngrams_of(counts) == counted_plainly(token_ids.tolist(), 3, 700, sentences=False)


def test_where_tokens_were_first_seen() -> None:
    counts = count_ngrams(np.array([3, 1, 3, 0]), order=2, vocab_size=5, start_id=0)
    assert counts.first_seen.tolist() == [-1, 1, NEVER, 0, NEVER]  # token 0 stands before the text


def test_ids_are_narrow_where_the_vocabulary_is() -> None:
    text = np.array([3, 1])
    assert count_ngrams(text, order=2, vocab_size=1 << 16, start_id=0).words[1].dtype == np.uint16
    assert count_ngrams(text, order=2, vocab_size=(1 << 16) + 1, start_id=0).words[1].dtype == np.uint32


@pytest.mark.parametrize(
    ("token_ids", "message"),
    [
        ([], r"there are no tokens to count n-grams in"),
        ([1, 7], r"token id 7 is not in the vocabulary of 5 tokens"),
    ],
)
def test_texts_that_cannot_be_counted(token_ids: list[int], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        count_ngrams(np.array(token_ids, np.uint16), order=2, vocab_size=5, start_id=0)
