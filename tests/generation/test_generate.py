"""Texts whose every token can be foretold, and the promises about seeds, batches, streams and stop strings."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from anaphora.errors import ConfigError, GenerationError
from anaphora.generation.generate import GenerationSettings, Sample, generate, stream
from anaphora.models.language_model import LanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.text.bytes import ByteTokenizer
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import BOS, PAD, UNK, Kind, Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

Chars = Callable[[Iterable[str]], CharacterTokenizer]
Recites = Callable[[Sequence[int], int], LanguageModel]
Follows = Callable[[Sequence[Sequence[float]]], LanguageModel]
Lstm = Callable[[Tokenizer], LanguageModel]
BYTES = ByteTokenizer.train([], TokenizerSettings(kind="bytes"))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("text", ["hello\n", "zwölf 🙂🙂"])
def test_a_model_that_is_sure(recites: Recites, text: str, temperature: float) -> None:
    model = recites(list(text.encode()), 256)
    (sample,) = generate(
        model, BYTES, "", GenerationSettings(max_new_tokens=len(text.encode()), temperature=temperature, seed=3)
    )
    assert sample.text == text
    assert sample.token_ids == tuple(text.encode())
    assert sample.tokens == len(text.encode())
    assert sample.log_prob == pytest.approx(0.0, abs=1e-6)
    assert list(stream(model, BYTES, "", GenerationSettings(max_new_tokens=sample.tokens, seed=3))) == list(text)


def test_greedy_by_hand(chars: Chars, follows: Follows) -> None:
    """ids: 0 <unk>, 1 a, 2 b. a -> b (0.6), b -> a (0.7); <unk> is likelier after b and never written."""
    tokenizer = chars(["aab"])
    assert [tokenizer.token(i) for i in range(3)] == [UNK, "a", "b"]
    model = follows([[0.2, 0.5, 0.3], [0.1, 0.3, 0.6], [0.5, 0.4, 0.1]])
    (sample,) = generate(model, tokenizer, "a", GenerationSettings(temperature=0.0, max_new_tokens=3))
    assert sample.text == "bab"
    assert sample.log_prob == pytest.approx(math.log(0.6 * 0.4 * 0.6), rel=1e-6)  # the model's own probabilities
    (special,) = generate(
        model, tokenizer, "a", GenerationSettings(temperature=0.0, max_new_tokens=3, allow_special=True)
    )
    assert special.token_ids == (2, 0, 1)
    assert special.text == f"b{UNK}a"


def test_log_prob_ignores_temperature_and_filters(chars: Chars, lstm: Lstm) -> None:
    tokenizer = chars(["abcdefg \n"])
    model = lstm(tokenizer)
    settings = GenerationSettings(
        max_new_tokens=30, temperature=0.7, top_k=5, top_p=0.95, min_p=0.01, repetition_penalty=1.1, seed=2
    )
    (sample,) = generate(model, tokenizer, "abc", settings)
    read = [tokenizer.start_id, *tokenizer.encode("abc"), *sample.token_ids]
    with torch.inference_mode():
        log_probs, _ = model.target_log_probs(
            torch.tensor([read[:-1]]), torch.tensor([read[1:]]), model.initial_state(1)
        )
    assert sample.log_prob == pytest.approx(float(log_probs[0, 3:].double().sum()), rel=1e-5)


def test_sampling_has_the_model_s_frequencies(chars: Chars, follows: Follows) -> None:
    tokenizer = chars(["aab"])
    model = follows([[0.0, 0.25, 0.75]] * 3)
    (sample,) = generate(model, tokenizer, "", GenerationSettings(max_new_tokens=4000, seed=11))
    assert sample.text.count("b") / 4000 == pytest.approx(0.75, abs=0.03)  # four standard deviations


@pytest.mark.parametrize(
    "values",
    [{"top_k": 1}, {"top_p": 0.01}, {"min_p": 1.0}, {"temperature": 1e-4}, {"temperature": 1e-300}],
    ids=str,
)
def test_the_strictest_filters_are_greedy(chars: Chars, lstm: Lstm, values: dict[str, Any]) -> None:
    tokenizer = chars(["abcdefg \n"])
    model = lstm(tokenizer)
    (greedy,) = generate(model, tokenizer, "ab", GenerationSettings(temperature=0.0, max_new_tokens=50))
    (strict,) = generate(model, tokenizer, "ab", GenerationSettings(max_new_tokens=50, seed=1, **values))
    assert strict == greedy


def test_repetition_penalty_breaks_a_loop(chars: Chars, follows: Follows) -> None:
    """The token a always prefers a; squared, 0.5 loses to 0.3, which is squared in turn from the second time on."""
    tokenizer = chars(["aaabbc"])
    model = follows([[0.0, 0.5, 0.3, 0.2]] * 4)
    plain = generate(model, tokenizer, "a", GenerationSettings(temperature=0.0, max_new_tokens=4))
    assert plain[0].text == "aaaa"
    penalized = GenerationSettings(temperature=0.0, max_new_tokens=4, repetition_penalty=2.0)
    assert generate(model, tokenizer, "a", penalized)[0].text == "baaa"


@pytest.mark.parametrize(
    "values", [{}, {"temperature": 0.8, "top_k": 6, "top_p": 0.9}, {"repetition_penalty": 1.3}], ids=str
)
def test_a_sample_does_not_depend_on_the_batch(chars: Chars, lstm: Lstm, values: dict[str, Any]) -> None:
    tokenizer = chars(["abcdefg \n"])
    model = lstm(tokenizer)
    settings = GenerationSettings(max_new_tokens=100, seed=7, **values)
    alone, five, nine = (generate(model, tokenizer, "a", settings.replace(num=num)) for num in (1, 5, 9))
    assert [sample.token_ids for sample in five] == [sample.token_ids for sample in nine[:5]]
    assert alone[0].token_ids == nine[0].token_ids
    assert len({sample.text for sample in nine}) == 9


def test_finished_rows_leave_and_the_others_do_not_notice(chars: Chars, lstm: Lstm) -> None:
    """Without stop strings row i is the same text; with them it is that text, cut."""
    tokenizer = chars(["abcdefg \n"])
    model = lstm(tokenizer)
    settings = GenerationSettings(max_new_tokens=60, seed=4, num=8, repetition_penalty=1.05)
    whole = generate(model, tokenizer, "a", settings)
    cut = generate(model, tokenizer, "a", settings.replace(stop=("e", "ga")))
    expected = [min((sample.text.partition(stop)[0] for stop in ("e", "ga")), key=len) for sample in whole]
    assert [sample.text for sample in cut] == expected
    assert len({sample.tokens for sample in cut}) > 2


def test_seeds(chars: Chars, lstm: Lstm) -> None:
    tokenizer = chars(["abcdefg \n"])
    model = lstm(tokenizer)
    texts = [generate(model, tokenizer, "", GenerationSettings(seed=seed))[0].text for seed in (1, 1, 2, None, None)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 4
    torch.manual_seed(0)
    before = torch.get_rng_state()
    generate(model, tokenizer, "", GenerationSettings(seed=1, num=2))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", ["chars", "bytes", "words", "bpe", "unigram"])
@profile(max_examples=25)
@given(seed=st.integers(0, 100), stop=st.sampled_from([(), ("e",), ("the", " s"), ("\n",)]))
def test_a_stream_is_the_text_in_pieces(kind: Kind, seed: int, stop: tuple[str, ...]) -> None:
    tokenizer, model = _trained(kind)
    settings = GenerationSettings(max_new_tokens=40, seed=seed, stop=stop)
    (sample,) = generate(model, tokenizer, "the sea", settings)
    pieces = list(stream(model, tokenizer, "the sea", settings))
    assert "".join(pieces) == sample.text
    assert "" not in pieces
    assert not any(string in sample.text for string in stop)


_CACHE: dict[str, tuple[Tokenizer, LanguageModel]] = {}


def _trained(kind: Kind) -> tuple[Tokenizer, LanguageModel]:
    """Return a tokenizer of that kind and a small model; bytes and pieces of bytes give many a broken character."""
    if kind not in _CACHE:
        size = 300 if kind in ("bpe", "unigram") else None
        text = "the smoke of the island — était là 🙂\nthe sea, the sea\n" * 3
        tokenizer = train_tokenizer(TokenizerSettings(kind=kind, max_size=size), [text])
        torch.manual_seed(1)
        model = build_model(model_config("gru", {"embedding_dim": 4, "hidden_size": 5}), tokenizer.vocab_size)
        _CACHE[kind] = tokenizer, model
    return _CACHE[kind]


def test_specials_are_never_written() -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="words"), ["the sea the island\n"])
    model = build_model(model_config("uniform"), tokenizer.vocab_size)
    (sample,) = generate(model, tokenizer, "", GenerationSettings(max_new_tokens=300, seed=1))
    assert not any(special in sample.text for special in (UNK, PAD, BOS))
    assert "\n" in sample.text  # <eos> is a line break like any other
    assert sample.tokens == 300
    (special,) = generate(model, tokenizer, "", GenerationSettings(max_new_tokens=300, seed=1, allow_special=True))
    assert UNK in special.text


def test_a_line_can_be_asked_for() -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="words"), ["the sea the island\n"])
    model = build_model(model_config("uniform"), tokenizer.vocab_size)
    for sample in generate(model, tokenizer, "the", GenerationSettings(num=5, seed=1, stop=("\n",))):
        assert "\n" not in sample.text
        assert sample.token_ids[-1] == tokenizer.eos_id
        assert sample.text == "" or sample.text.startswith(" ")


def test_a_stream_leaves_no_mode_behind(chars: Chars, lstm: Lstm) -> None:
    """The caller's code between two pieces runs with gradients, its own threads, and the model as it was."""
    tokenizer = chars(["abcdefg \n"])
    model = lstm(tokenizer).train()
    threads = torch.get_num_threads()
    pieces = stream(model, tokenizer, "", GenerationSettings(max_new_tokens=3, seed=1))
    for _ in range(2):
        next(pieces)
        assert model.training
        assert not torch.is_inference_mode_enabled()
        assert torch.get_num_threads() == threads


@pytest.mark.parametrize("key", ["num", "beam"])
def test_a_stream_is_one_text(chars: Chars, lstm: Lstm, key: str) -> None:
    tokenizer = chars(["ab"])
    message = rf"{key} = 2 in \[generation\]: a stream is one sampled text; use {key} = 1"
    with pytest.raises(ConfigError, match=message):  # at once, not with the first piece
        stream(lstm(tokenizer), tokenizer, "", GenerationSettings().replace(**{key: 2}))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_probabilities_that_are_not_numbers(chars: Chars, follows: Follows, temperature: float, value: float) -> None:
    tokenizer = chars(["ab"])
    model = follows([[math.exp(value)] * tokenizer.vocab_size])
    with pytest.raises(GenerationError, match=r"probabilities are not numbers \(log-probability .*\): its weights are"):
        generate(model, tokenizer, "", GenerationSettings(temperature=temperature, seed=1))


def test_a_sample_as_json() -> None:
    sample = Sample(text="é\n", tokens=2, log_prob=-1.5, token_ids=(4, 1))
    assert json.loads(json.dumps(sample.to_json())) == {"text": "é\n", "tokens": 2, "log_prob": -1.5}
