"""Lines get what the plain model gives them one by one, whatever they are scored beside."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import ConfigError, TokenizerError
from anaphora.evaluation.adapt.build import adapting, afresh
from anaphora.evaluation.adapt.settings import AdaptSettings, CacheSettings, DynamicSettings
from anaphora.evaluation.adapt.statistics import gather_statistics
from anaphora.evaluation.scoring import LineScorer, TextScore, score_lines
from anaphora.models.language_model import LanguageModel, NeuralLanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.text.tokenizer import Kind, Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

LINES = ["the cat sat", "", "the", "on the mat the dog sat on the cat " * 3, "zebra", "the mat"]

TokenizerOf = Callable[[Kind], Tokenizer]
LstmFor = Callable[..., LanguageModel]


def step_by_step(model: LanguageModel, tokenizer: Tokenizer, text: str) -> list[float]:
    """Score a text one token at a time through `next_log_probs`: the plain twin."""
    found, state, last = [], model.initial_state(1), tokenizer.start_id
    for token_id in tokenizer.encode(text):
        with torch.inference_mode():
            log_probs, state = model.next_log_probs(torch.tensor([[last]]), state)
        found.append(float(log_probs[0, token_id]))
        last = token_id
    return found


@pytest.mark.parametrize("kind", ["chars", "words", "bytes", "bpe", "unigram", "english"])
@pytest.mark.parametrize("with_end", [True, False])
def test_each_line_is_a_text_of_its_own(
    kind: Kind, with_end: bool, tokenizer_of: TokenizerOf, lstm_for: LstmFor
) -> None:
    tokenizer = tokenizer_of(kind)
    model = lstm_for(tokenizer)
    scores = LineScorer(model, tokenizer, with_end=with_end).score(LINES)
    for line, score in zip(LINES, scores, strict=True):
        raw = line + ("\n" if with_end else "")
        expected = step_by_step(model, tokenizer, raw)
        assert score.text == line
        assert score.token_ids.tolist() == tokenizer.encode(raw)
        np.testing.assert_allclose(score.log_probs, np.array(expected), rtol=1e-4, atol=1e-5)
        assert score.total.log_prob == pytest.approx(sum(expected), rel=1e-5, abs=1e-5)
        assert (score.total.tokens, score.total.bytes) == (len(expected), len(raw.encode()))


@pytest.mark.parametrize("kind", ["chars", "words", "bpe"])
def test_a_stream_is_one_text(kind: Kind, tokenizer_of: TokenizerOf, lstm_for: LstmFor) -> None:
    tokenizer = tokenizer_of(kind)
    model = lstm_for(tokenizer)
    scorer = LineScorer(model, tokenizer, context="stream")
    scores = list(score_lines(scorer, [LINES[:2], [], LINES[2:]]))
    found = [value for score in scores for value in score.log_probs.tolist()]
    expected = step_by_step(model, tokenizer, "".join(line + "\n" for line in LINES))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@given(st.lists(st.text("abc ", max_size=40), max_size=12), st.integers(1, 12))
def test_groups_change_nothing(lines: list[str], size: int) -> None:
    tokenizer = train_tokenizer(TokenizerSettings(), ["abc \n"])
    torch.manual_seed(1)
    scorer = LineScorer(
        build_model(model_config("gru", {"embedding_dim": 4, "hidden_size": 6}), tokenizer.vocab_size), tokenizer
    )
    together = scorer.score(lines)
    apart = list(score_lines(scorer, [lines[begin : begin + size] for begin in range(0, len(lines), size)]))
    assert [score.text for score in apart] == lines
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one.log_probs, other.log_probs, rtol=1e-5, atol=1e-6)


def test_a_line_longer_than_the_window(
    tokenizer_of: TokenizerOf, lstm_for: LstmFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = tokenizer_of("chars")
    model = lstm_for(tokenizer)
    [whole] = LineScorer(model, tokenizer).score([LINES[3]])
    monkeypatch.setattr("anaphora.evaluation.scoring._WINDOW", 7)
    cut = LineScorer(model, tokenizer).score(LINES)[3]
    np.testing.assert_allclose(cut.log_probs, whole.log_probs, rtol=1e-4, atol=1e-5)


def test_what_an_empty_line_is(tokenizer_of: TokenizerOf) -> None:
    """Its line end; without that it has no tokens, a score of 0 and no perplexity."""
    tokenizer = tokenizer_of("words")
    model = build_model(model_config("uniform"), tokenizer.vocab_size)
    [score] = LineScorer(model, tokenizer).score([""])
    assert score.token_ids.tolist() == [tokenizer.eos_id]
    assert score.total.perplexity == pytest.approx(tokenizer.vocab_size, rel=1e-6)
    [nothing] = LineScorer(model, tokenizer, with_end=False).score([""])
    assert nothing.total == TextScore()
    assert nothing.total.to_json()["perplexity"] is None
    assert LineScorer(model, tokenizer, context="stream").score([]) == []


def test_counts_and_surprisals_by_hand(tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of("words")
    model = build_model(model_config("uniform"), tokenizer.vocab_size)
    [score] = LineScorer(model, tokenizer).score(["the zébra"])
    total = score.total
    assert (total.tokens, total.unknown_tokens, total.characters, total.bytes) == (3, 1, 10, 11)
    assert score.surprisals() == pytest.approx([math.log2(tokenizer.vocab_size)] * 3, rel=1e-6)
    assert total.bits_per_byte == pytest.approx(3 * math.log2(tokenizer.vocab_size) / 11, rel=1e-6)


def test_scores_add_up() -> None:
    one = TextScore(log_prob=-1.5, tokens=2, unknown_tokens=1, characters=3, bytes=4)
    assert one + one == TextScore(log_prob=-3.0, tokens=4, unknown_tokens=2, characters=6, bytes=8)


def test_what_cannot_be(tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of("words")
    model = build_model(model_config("uniform"), tokenizer.vocab_size)
    with pytest.raises(ConfigError, match="context = 'lines' for scoring lines: use line or stream"):
        LineScorer(model, tokenizer, context="lines")
    with pytest.raises(ConfigError, match="a stream without line ends would join its lines"):
        LineScorer(model, tokenizer, context="stream", with_end=False)
    scorer = LineScorer(model, tokenizer)
    scorer.score(["a", "b"])
    with pytest.raises(TokenizerError, match="line 4: no white space in 1,000,0"):
        scorer.score(["c", "x" * 1_000_050])


def test_an_adapting_model_follows_the_stream_of_lines(tokenizer_of: TokenizerOf, lstm_for: LstmFor) -> None:
    """Lines in groups, whatever they are, give what the whole text gives in one go; and each scorer begins anew."""
    tokenizer = tokenizer_of("chars")
    net = lstm_for(tokenizer)
    assert isinstance(net, NeuralLanguageModel)
    token_ids = np.array(tokenizer.encode("".join(f"{line}\n" for line in LINES)))
    dynamic = DynamicSettings(segment=7, learning_rate=0.003)
    settings = AdaptSettings(dynamic=dynamic, cache=CacheSettings(window=9))
    model = adapting(net, settings, gather_statistics(net, token_ids, dynamic))
    inputs = torch.from_numpy(np.concatenate(([tokenizer.start_id], token_ids[:-1]))[None])
    whole = afresh(model)
    expected, _ = whole.target_log_probs(inputs, torch.from_numpy(token_ids[None]), whole.initial_state(1))
    for groups in ([LINES], [[line] for line in LINES]):
        scores = list(score_lines(LineScorer(model, tokenizer, context="stream"), groups))
        found = np.concatenate([score.log_probs for score in scores])
        np.testing.assert_allclose(found, expected[0].numpy(), rtol=1e-3, atol=1e-4)
    with pytest.raises(ConfigError, match="context = 'line' with dynamic evaluation: its weights follow a text"):
        LineScorer(model, tokenizer)
