"""Sentences as ids: what a word becomes, how batches are padded, and the order of an epoch."""

import torch

from anaphora.data.sentences import EncodedSentences, characters_of
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.conll import TaggedSentence
from anaphora.text.tokenizer import Tokenizer, TokenizerSettings
from anaphora.text.words import WordTokenizer

SENTENCES = [
    TaggedSentence(("the", "Cat", "sat"), ("D", "N", "V"), "cats.tsv, line 1"),
    TaggedSentence(("cat",), ("N",), "cats.tsv, line 5"),
]


def by_words() -> Tokenizer:
    settings = TokenizerSettings(kind="words", lower=True, line_breaks="space")
    return WordTokenizer.train(["the cat sat\n"], settings)


def test_a_word_is_a_token_with_a_spelling() -> None:
    tokenizer = by_words()
    encoded = EncodedSentences(SENTENCES, tokenizer, ("N", "D"), "atCc")
    batch = encoded.batch([0, 1])
    start, (the, cat, sat) = tokenizer.start_id, tokenizer.encode("the cat sat")
    assert batch.words.tokens.tolist() == [[start, the, cat, sat], [start, cat, 0, 0]]
    assert batch.words.ends.tolist() == [[1, 2, 3], [1, 0, 0]]
    assert batch.words.lengths.tolist() == [3, 1]
    assert batch.words.spellings.tolist() == [[2, 0, 0], [3, 1, 2], [0, 1, 2], [4, 1, 2]]
    assert batch.words.spelling_lengths.tolist() == [3, 3, 3, 3]
    assert batch.words.spelling_of.tolist() == [[0, 1, 2], [3, 0, 0]]
    assert batch.tags.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert batch.scored.tolist() == [[True, True, False], [True, False, False]], "V is no tag of this tagger"
    assert batch.num_targets == 3


def test_a_batch_holds_the_spellings_of_its_own_words_only() -> None:
    batch = EncodedSentences(SENTENCES, by_words(), ("N",), "atCc").batch([1])
    assert batch.words.spellings.tolist() == [[4, 1, 2]]
    assert batch.words.spelling_of.tolist() == [[0]]


def test_a_word_of_several_tokens_ends_at_its_last() -> None:
    tokenizer = CharacterTokenizer.train(["the Cat sat\n"], TokenizerSettings())
    batch = EncodedSentences(SENTENCES[:1], tokenizer, ("N",), "").batch([0])
    assert batch.words.tokens[0].tolist() == [tokenizer.start_id, *tokenizer.encode("the Cat sat")]
    assert batch.words.ends.tolist() == [[3, 7, 11]]


def test_a_word_that_comes_to_nothing_is_unknown() -> None:
    tokenizer = by_words()
    batch = EncodedSentences([TaggedSentence(("\u2003", "dog"), (), "here")], tokenizer, ("N",), "").batch([0])
    assert batch.words.tokens.tolist() == [[tokenizer.start_id, tokenizer.unk_id, tokenizer.unk_id]]
    assert not batch.scored.any()


def test_unknown_words_are_told() -> None:
    sentences = [*SENTENCES, TaggedSentence(("a", "cat"), ("D", "N"), "here")]
    assert EncodedSentences(sentences, by_words(), ("N",), "").unknown == [[False] * 3, [False], [True, False]]


def test_of_a_long_word_both_ends_are_spelt() -> None:
    word = "a" * 1000 + "b" * 1000
    batch = EncodedSentences([TaggedSentence((word,), (), "here")], by_words(), ("N",), "ab").batch([0])
    assert batch.words.spellings.tolist() == [[1] * 16 + [2] * 16]


def test_characters_that_occur_once_stand_for_the_unknown() -> None:
    assert characters_of(SENTENCES) == "ta"


def test_a_batch_goes_to_a_device_whole() -> None:
    batch = EncodedSentences(SENTENCES, by_words(), ("N",), "").batch([0])
    moved = batch.to(torch.device("meta"))
    assert moved.words.tokens.device.type == moved.tags.device.type == moved.scored.device.type == "meta"
    assert batch.to(torch.device("cpu")) is batch
