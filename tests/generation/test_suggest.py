"""Suggestions against every word spelt out one by one."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.generation.suggest import suggest
from anaphora.models.baselines import UnigramLanguageModel
from anaphora.models.language_model import LanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import Kind, Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

Chars = Callable[[Iterable[str]], CharacterTokenizer]
Lstm = Callable[[Tokenizer], LanguageModel]


def text_prob(model: LanguageModel, tokenizer: Tokenizer, context: str, more: str) -> float:
    """Return P(more | context) for a tokenizer whose ids of a text begin with those of its beginning."""
    token_ids = [tokenizer.start_id, *tokenizer.encode(context + more)]
    with torch.inference_mode():
        inputs, targets = torch.tensor([token_ids[:-1]]), torch.tensor([token_ids[1:]])
        log_probs, _ = model.target_log_probs(inputs, targets, model.initial_state(1))
    return math.exp(float(log_probs[0, len(tokenizer.encode(context)) :].double().sum()))


def words_of(alphabet: str, longest: int) -> list[str]:
    return ["".join(word) for size in range(1, longest + 1) for word in itertools.product(alphabet, repeat=size)]


@pytest.mark.parametrize("kind", ["chars", "bytes"])
@pytest.mark.parametrize(("context", "typed"), [("ab ", ""), ("ab ", "a"), ("", ""), ("b a\n", "ba")])
def test_spelt_words_have_their_exact_probability(
    kind: Kind, context: str, typed: str, chars: Chars, lstm: Lstm
) -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind=kind), ["ab .\n"])
    model = lstm(tokenizer)
    found = suggest(model, tokenizer, context + typed, top=4)
    begun = text_prob(model, tokenizer, context, typed) if typed else 1.0
    assert found.typed == typed
    assert found.typed_probability == pytest.approx(begun, rel=1e-4)
    if kind == "bytes":
        candidates = [one.word for one in found.words]
        breaks = [chr(code) for code in range(128) if not chr(code).isalnum() and chr(code) not in "'-"]
    else:
        candidates = [word for word in words_of("ab", 6) if word.startswith(typed)]
        breaks = list(" .\n")
    probs = {
        word: sum(text_prob(model, tokenizer, context, word + mark) for mark in breaks) / begun for word in candidates
    }
    for one in found.words:
        assert one.word == typed + one.rest
        if kind == "chars":
            assert one.probability == pytest.approx(probs[one.word], rel=1e-4)
        else:  # what follows may also begin a character of several bytes, which may be a letter
            assert one.probability >= probs[one.word] * 0.99
    if kind == "chars":
        assert [one.word for one in found.words] == sorted(probs, key=probs.__getitem__, reverse=True)[:4]


def test_subwords_sum_over_all_ways_to_spell_a_word() -> None:
    """Without memory, a word's probability is the sum over its cuts into pieces, times that of what may end it."""
    tokenizer = train_tokenizer(TokenizerSettings(kind="bpe", max_size=262), ["abab ab abb ab. abab\n" * 20])
    model = build_model(model_config("unigram"), tokenizer.vocab_size)
    assert isinstance(model, UnigramLanguageModel)
    model.fit(np.array(tokenizer.encode("abab ab abb ab. abab\n" * 20)))
    pieces = {token_id: tokenizer.token_bytes(token_id).decode("latin-1") for token_id in range(tokenizer.vocab_size)}
    prob: dict[int, float] = dict(enumerate(model._log_probs().double().exp().tolist()))

    def spelt(text: str) -> float:
        if not text:
            return 1.0
        return sum(
            prob[token_id] * spelt(text[len(piece) :]) for token_id, piece in pieces.items() if text.startswith(piece)
        )

    def is_break(piece: str) -> bool:
        return ord(piece[0]) < 128 and not piece[0].isalnum() and piece[0] not in "'-"

    ends = sum(prob[token_id] for token_id, piece in pieces.items() if is_break(piece))
    spaced = sum(prob[token_id] for token_id, piece in pieces.items() if piece.startswith(" "))
    found = suggest(model, tokenizer, "ab a", top=3)
    for one in found.words:
        whole = spelt(f" {one.word}") * ends / (found.typed_probability * spaced)
        # `typed_probability` is that of "a" after " ": times that of " " it is that of " a".
        assert one.probability == pytest.approx(whole, rel=0.02)


def test_whole_words_by_hand() -> None:
    """Counts: the 3, then 2, dog 1, <eos> 1, <unk> 0; one added to each of the 5: 4, 3, 2, 2, 1 of 12."""
    tokenizer = train_tokenizer(TokenizerSettings(kind="words"), ["the then the dog then the\n"])
    model = build_model(model_config("unigram"), tokenizer.vocab_size)
    assert isinstance(model, UnigramLanguageModel)
    model.fit(np.array(tokenizer.encode("the then the dog then the\n")))
    after_space = suggest(model, tokenizer, "dog ")
    assert [(one.word, one.rest) for one in after_space.words] == [("the", "the"), ("then", "then"), ("dog", "dog")]
    assert [one.probability for one in after_space.words] == pytest.approx([4 / 12, 3 / 12, 2 / 12])
    assert after_space.typed_probability == 1.0
    half = suggest(model, tokenizer, "dog th", top=2)
    assert half.typed_probability == pytest.approx(7 / 12)
    assert [one.rest for one in half.words] == ["e", "en"]
    assert [one.probability for one in half.words] == pytest.approx([4 / 7, 3 / 7])
    assert (half.context, half.typed, half.exact) == ("dog ", "th", True)
    unknown = suggest(model, tokenizer, "zeb")
    assert (unknown.words, unknown.typed_probability) == ((), 0.0)


def test_english_looks_at_letters_in_lower_case() -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="english"), ["The theatre, it's the best!\n"])
    model = build_model(model_config("uniform"), tokenizer.vocab_size)
    found = suggest(model, tokenizer, "(the")
    assert {one.word for one in found.words} == {"the", "theatre"}


def test_a_character_in_the_making_is_no_end_of_a_word(recites: Callable[[Sequence[int], int], LanguageModel]) -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="bytes"), ["x"])
    model = recites(list("é“".encode()), 256)
    [one] = suggest(model, tokenizer, "", top=1).words
    assert one.word == "é"
    assert one.probability == pytest.approx(1.0, abs=1e-6)


def test_chinese_words_end_at_punctuation(recites: Callable[[Sequence[int], int], LanguageModel], chars: Chars) -> None:
    tokenizer = chars(["你先走，我等他。\n"])
    found = suggest(recites(tokenizer.encode("你先走，"), tokenizer.vocab_size), tokenizer, "你先", top=1)
    assert [(one.word, one.rest) for one in found.words] == [("你先走", "走")]


def test_letters_that_the_vocabulary_lacks(chars: Chars, lstm: Lstm) -> None:
    tokenizer = chars(["ab \n"])
    found = suggest(lstm(tokenizer), tokenizer, "ab Ω")
    assert (found.words, found.typed_probability) == ((), 0.0)


def test_none_is_too_few(chars: Chars, lstm: Lstm) -> None:
    tokenizer = chars(["ab"])
    with pytest.raises(ConfigError, match="top = 0 suggestions: ask for 1 or more"):
        suggest(lstm(tokenizer), tokenizer, "a", top=0)
