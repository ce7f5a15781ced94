"""Documents as ids: nothing is lost, batches are even, and every epoch can be had again."""

import numpy as np
import pytest
import torch

from anaphora.data.buckets import Buckets
from anaphora.data.documents import EncodedDocuments, encode_documents, label_matrix
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

TEXTS = ["a cat", "", "the dog and the cat", "a", "the cat and a dog and a cat"]


@pytest.fixture(name="documents")
def _documents() -> EncodedDocuments:
    rng = np.random.default_rng(4)
    lengths = rng.integers(1, 40, size=101)
    return EncodedDocuments(
        token_ids=rng.integers(0, 9, size=lengths.sum()).astype(np.int32),
        offsets=np.concatenate([[0], lengths.cumsum()]),
        labels=np.arange(101) % 3,
    )


def test_texts_become_ids_and_an_empty_one_the_token_before_texts() -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="words"), [" ".join(TEXTS)])
    documents = encode_documents(TEXTS, np.zeros(5, dtype=np.int64), tokenizer)
    assert len(documents) == 5
    assert documents[2].tolist() == tokenizer.encode(TEXTS[2])
    assert documents[1].tolist() == [tokenizer.start_id]


def test_long_documents_keep_beginning_and_end_when_cut() -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="chars"), ["abcdefghij"])
    documents = encode_documents(["abcdefghij", "abc"], np.zeros(2, dtype=np.int64), tokenizer, max_tokens=5)
    assert [tokenizer.decode(documents[index].tolist()) for index in range(2)] == ["abcij", "abc"]


def test_a_batch_is_padded_on_the_right(documents: EncodedDocuments) -> None:
    batch = documents.batch([5, 17])
    assert batch.lengths.tolist() == documents.lengths[[5, 17]].tolist()
    assert batch.tokens.shape == (2, int(batch.lengths.max()))
    for row, index in enumerate((5, 17)):
        assert batch.tokens[row, : batch.lengths[row]].tolist() == documents[index].tolist()
        assert not batch.tokens[row, batch.lengths[row] :].any()
    assert batch.labels.tolist() == [2, 2]
    assert batch.num_targets == 2


def test_an_epoch_has_each_document_once_in_even_batches(documents: EncodedDocuments) -> None:
    batches = Buckets(documents, 8, max_batch_tokens=1000, seed=1)
    for number in range(3):
        epoch = list(batches.epoch(number))
        lengths = torch.cat([batch.lengths for batch in epoch])
        assert sorted(lengths.tolist()) == sorted(documents.lengths)
        assert sum(batch.tokens.numel() for batch in epoch) < 1.25 * len(documents.token_ids)
    again = Buckets(documents, 8, max_batch_tokens=1000, seed=1)
    assert all(torch.equal(a.tokens, b.tokens) for a, b in zip(batches.epoch(2), again.epoch(2), strict=True))
    assert [len(batch.lengths) for batch in batches.epoch(0)] != [len(batch.lengths) for batch in batches.epoch(1)]


def test_a_batch_stays_within_its_tokens_except_for_one_long_document(documents: EncodedDocuments) -> None:
    for batch in Buckets(documents, 8, max_batch_tokens=30).epoch(0):
        assert batch.tokens.numel() <= 30 or len(batch.lengths) == 1


def test_batches_in_order_of_length_say_whose_they_are(documents: EncodedDocuments) -> None:
    batches = Buckets(documents, 8, max_batch_tokens=1000)
    seen: list[int] = []
    for rows, batch in batches.in_order(np.arange(10, 50)):
        assert batch.lengths.tolist() == documents.lengths[rows].tolist()
        seen += rows.tolist()
    assert sorted(seen) == list(range(10, 50))


def test_labels_as_numbers() -> None:
    assert label_matrix([("b",), ("a",)], ("a", "b"), multi_label=False).tolist() == [1, 0]
    assert label_matrix([("b", "a"), ()], ("a", "b"), multi_label=True).tolist() == [[1, 1], [0, 0]]
    with pytest.raises(KeyError):
        label_matrix([("c",)], ("a", "b"), multi_label=False)


def test_some_of_the_documents(documents: EncodedDocuments) -> None:
    some = documents.select(np.array([7, 3]))
    assert [some[0].tolist(), some[1].tolist()] == [documents[7].tolist(), documents[3].tolist()]
    assert some.labels.tolist() == [1, 0]


def test_documents_after_documents(documents: EncodedDocuments) -> None:
    part = documents.select(np.array([3, 50]))
    joined = documents.with_more(part)
    assert joined[100].tolist() == documents[100].tolist()
    assert [joined[101 + row].tolist() for row in range(2)] == [documents[3].tolist(), documents[50].tolist()]
    assert joined.labels.tolist() == [*documents.labels.tolist(), *part.labels.tolist()]
