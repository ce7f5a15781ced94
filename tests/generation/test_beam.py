"""Beam search against brute force, and the cases that decide when it may stop."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import pytest
import torch

from anaphora.errors import GenerationError
from anaphora.generation.generate import GenerationSettings, generate
from anaphora.models.language_model import LanguageModel, State
from anaphora.models.registry import build_model, model_config
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import Tokenizer

Chars = Callable[[Iterable[str]], CharacterTokenizer]
Follows = Callable[[Sequence[Sequence[float]]], LanguageModel]
Lstm = Callable[[Tokenizer], LanguageModel]


def log_prob(model: LanguageModel, tokenizer: Tokenizer, prompt: str, token_ids: Sequence[int]) -> float:
    read = [tokenizer.start_id, *tokenizer.encode(prompt), *token_ids]
    with torch.inference_mode():
        log_probs, _ = model.target_log_probs(
            torch.tensor([read[:-1]]), torch.tensor([read[1:]]), model.initial_state(1)
        )
    return float(log_probs[0, -len(token_ids) :].double().sum())


@pytest.mark.parametrize("name", ["lstm", "gru", "unigram"])
def test_a_wide_beam_finds_the_best_texts(chars: Chars, lstm: Lstm, name: str) -> None:
    tokenizer = chars(["aaabbc"])
    sizes = {} if name == "unigram" else {"embedding_dim": 4, "hidden_size": 6}
    torch.manual_seed(2)
    model = build_model(model_config(name, sizes), tokenizer.vocab_size)
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, -1.5, 1.5)
    if name == "unigram":
        model.counts.copy_(torch.tensor([9, 6, 3, 1]))  # type: ignore[operator]
    allowed = [token_id for token_id in range(tokenizer.vocab_size) if token_id != tokenizer.unk_id]
    every = {ids: log_prob(model, tokenizer, "ab", ids) for ids in itertools.product(allowed, repeat=4)}
    expected = sorted(every.values(), reverse=True)[:5]
    found = generate(model, tokenizer, "ab", GenerationSettings(beam=81, num=5, max_new_tokens=4))
    assert [sample.log_prob for sample in found] == pytest.approx(expected, rel=1e-5)
    for sample in found:
        assert sample.log_prob == pytest.approx(every[sample.token_ids], rel=1e-5)
        assert sample.text == tokenizer.decode(sample.token_ids)


def test_two_beams_see_past_the_first_token(chars: Chars, follows: Follows) -> None:
    """Greedy takes a (0.5) and then nothing better than 0.34; by way of b (0.4) the second token is sure."""
    tokenizer = chars(["aaabbc"])
    model = follows([[0, 0.5, 0.4, 0.1], [0, 0.33, 0.33, 0.34], [0, 0.0, 0.0, 1.0], [0, 0.5, 0.4, 0.1]])
    (greedy,) = generate(model, tokenizer, "c", GenerationSettings(temperature=0.0, max_new_tokens=2))
    (beam,) = generate(model, tokenizer, "c", GenerationSettings(beam=2, max_new_tokens=2))
    assert greedy.text == "ac"
    assert beam.text == "bc"
    assert beam.log_prob == pytest.approx(math.log(0.4), rel=1e-6)


@pytest.mark.parametrize(("length_penalty", "text"), [(0.0, ""), (1.0, "bbb")])
def test_length_penalty(chars: Chars, follows: Follows, length_penalty: float, text: str) -> None:
    """The token c ends a text: "c" has 0.4 in one token, "bbb" 0.36 in three, which is 0.71 a token."""
    tokenizer = chars(["aaabbc"])
    model = follows([[0, 0.0, 0.6, 0.4], [0, 0.0, 0.6, 0.4], [0, 0.2, 0.775, 0.025], [0, 0.0, 0.6, 0.4]])
    settings = GenerationSettings(beam=3, max_new_tokens=3, length_penalty=length_penalty, stop=("c",))
    (best,) = generate(model, tokenizer, "a", settings)
    assert best.text == text


def test_texts_of_different_length_come_ranked(chars: Chars, lstm: Lstm) -> None:
    tokenizer = chars(["abcdefg \n"])
    model = lstm(tokenizer)
    settings = GenerationSettings(beam=6, num=6, max_new_tokens=8, stop=("a", "c"))
    samples = generate(model, tokenizer, "ab", settings)
    means = [sample.log_prob / sample.tokens for sample in samples]
    assert means == sorted(means, reverse=True)
    assert len({sample.token_ids for sample in samples}) == 6
    for sample in samples:
        assert not {"a", "c"} & set(sample.text)
        assert sample.log_prob == pytest.approx(log_prob(model, tokenizer, "ab", sample.token_ids), rel=1e-5)


def test_a_decided_search_stops_early(chars: Chars, follows: Follows, monkeypatch: pytest.MonkeyPatch) -> None:
    """After "c" with 0.9 nothing else can win: the model is asked for the prompt and one step at most."""
    tokenizer = chars(["aaabbc"])
    model = follows([[0, 0.05, 0.05, 0.9]] * 4)
    asked: list[int] = []
    plain = type(model).next_log_probs

    def counted(self: LanguageModel, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        asked.append(len(tokens))
        return plain(self, tokens, state)

    monkeypatch.setattr(type(model), "next_log_probs", counted)
    settings = GenerationSettings(beam=2, max_new_tokens=1000, length_penalty=0.0, stop=("c",))
    (sample,) = generate(model, tokenizer, "a", settings)
    assert sample.tokens == 1
    assert len(asked) <= 2


def test_all_continuations_may_end(chars: Chars, follows: Follows) -> None:
    tokenizer = chars(["aaabbc"])
    model = follows([[0, 0.5, 0.3, 0.2]] * 4)
    settings = GenerationSettings(beam=5, num=5, stop=("a", "b", "c"))
    assert [sample.log_prob for sample in generate(model, tokenizer, "a", settings)] == pytest.approx(
        [math.log(0.5), math.log(0.3), math.log(0.2)], rel=1e-6
    )


def test_probabilities_that_are_not_numbers(chars: Chars, follows: Follows) -> None:
    tokenizer = chars(["ab"])
    with pytest.raises(
        GenerationError, match=r"the model's probabilities are not numbers \(nan\): its weights are damaged"
    ):
        generate(follows([[math.nan] * tokenizer.vocab_size]), tokenizer, "", GenerationSettings(beam=2))
