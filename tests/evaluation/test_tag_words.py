"""A tagger applied to sentences, and the baseline beside it."""

import numpy as np
import pytest
import torch

from anaphora.data.sentences import EncodedSentences
from anaphora.evaluation.tag_baseline import MostFrequentTag
from anaphora.evaluation.tag_words import tag_words
from anaphora.models.tagger import Tagger, TaggerConfig
from anaphora.text.conll import TaggedSentence
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.words import WordTokenizer

SENTENCES = [
    TaggedSentence(("the", "cat", "sat"), ("D", "N", "V"), "here"),
    TaggedSentence(("cat",), ("X",), "here"),
    TaggedSentence(("the", "cat"), ("D", "N"), "here"),
]


def test_answers_come_in_order_and_equal_those_of_single_sentences() -> None:
    torch.manual_seed(1)
    tokenizer = WordTokenizer.train(["the cat sat\n"], TokenizerSettings(kind="words", line_breaks="space"))
    model = Tagger(TaggerConfig(tags=("D", "N", "V"), characters="tac"), tokenizer.vocab_size)
    encoded = EncodedSentences(SENTENCES, tokenizer, ("D", "N", "V"), "tac")
    found = tag_words(model, encoded)
    assert [len(tags) for tags in found.tags] == [3, 1, 2]
    assert found.scored == 5, "X is no tag of this tagger"
    chosen = tag_words(model, encoded, np.array([2, 0]))
    assert chosen.tags == [found.tags[2], found.tags[0]]
    for number in range(3):
        alone = tag_words(model, encoded, np.array([number]))
        assert alone.tags == [found.tags[number]]
        assert alone.log_probs[0] == pytest.approx(found.log_probs[number], rel=1e-5)
    assert found.nats == pytest.approx(sum(tag_words(model, encoded, np.array([n])).nats for n in range(3)), rel=1e-5)
    assert model.training, "its mode is what it was"


def test_each_word_has_its_most_frequent_tag_and_a_new_one_that_of_rare_words() -> None:
    sentences = [
        TaggedSentence(("run", "run", "run", "a"), ("V", "N", "V", "D"), ""),
        TaggedSentence(("dog", "cat", "a"), ("N", "N", "D"), ""),
    ]
    baseline = MostFrequentTag(sentences)
    assert baseline.tag(("a", "run", "zebra")) == ("D", "V", "N")


def test_without_rare_words_the_new_ones_have_the_most_frequent_tag() -> None:
    assert MostFrequentTag([TaggedSentence(("a", "a", "b", "b"), ("D", "D", "N", "N"), "")]).tag(("c",)) == ("D",)
