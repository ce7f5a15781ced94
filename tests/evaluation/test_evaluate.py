"""Scores worked out by hand, and what must not change them: windows, modes, integer types."""

import json
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from anaphora.data.prepare import PreparedCorpus, SplitCounts, prepare
from anaphora.errors import ConfigError, CorpusError
from anaphora.evaluation.evaluate import Evaluation, evaluate_split, evaluate_tokens
from anaphora.evaluation.signature import Signature
from anaphora.models.baselines import UnigramConfig, UnigramLanguageModel
from anaphora.models.language_model import LanguageModel, ModelConfig, State
from anaphora.models.registry import build_model, model_config
from anaphora.progress import Event
from anaphora.text.bytes import ByteTokenizer
from anaphora.text.tokenizer import TokenizerSettings

SIGNATURE = Signature(unknown="none", split="test")


class Bigram(LanguageModel):
    """The next token depends on the one before it only; rows of `table` are distributions."""

    config_class = ModelConfig
    trained_by: ClassVar[str] = "counting"

    def __init__(self, table: Sequence[Sequence[float]]) -> None:
        super().__init__(ModelConfig(), len(table))
        self.register_buffer("log_probs", torch.tensor(table).log())
        self.log_probs: Tensor

    def initial_state(self, batch_size: int) -> State:
        return ()

    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        return self.log_probs[tokens, targets], state

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        return self.log_probs[tokens, targets], self.log_probs[tokens].argmax(-1) == targets, state

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        return self.log_probs[tokens[:, -1]], state


def score(
    model: LanguageModel, token_ids: Sequence[int], *, start_id: int = 0, batch_size: int = 1, window: int = 2048
) -> Evaluation:
    ids = np.array(token_ids, dtype=np.uint8)
    counts = SplitCounts(tokens=len(ids), unknown_tokens=0, characters=max(1, len(ids)), bytes=max(1, len(ids)))
    return evaluate_tokens(
        model, ids, counts, start_id=start_id, signature=SIGNATURE, batch_size=batch_size, window=window
    )


def lstm(vocab_size: int = 7) -> LanguageModel:
    torch.manual_seed(3)
    return build_model(model_config("lstm", {"embedding_dim": 6, "hidden_size": 8, "embedding_range": 2.0}), vocab_size)


def test_by_hand() -> None:
    """P(a|b) = 2/3, P(b|a) = 3/4. "abba" after "b": 2/3 * 3/4 * 1/3 * 2/3 = 1/9; the second b is the wrong guess."""
    model = Bigram([[1 / 4, 3 / 4], [2 / 3, 1 / 3]])
    counts = SplitCounts(tokens=4, unknown_tokens=1, characters=5, bytes=7)
    result = evaluate_tokens(model, np.array([0, 1, 1, 0]), counts, start_id=1, signature=SIGNATURE)
    assert result.loss == pytest.approx(math.log(9) / 4, rel=1e-6)
    assert result.perplexity == pytest.approx(math.sqrt(3), rel=1e-6)
    assert result.bits_per_char == pytest.approx(math.log2(9) / 5, rel=1e-6)
    assert result.bits_per_byte == pytest.approx(math.log2(9) / 7, rel=1e-6)
    assert result.accuracy == 3 / 4
    assert (result.tokens, result.unknown_tokens, result.characters, result.bytes) == (4, 1, 5, 7)


@pytest.mark.parametrize("vocab_size", [1, 2, 80, 50_000])
def test_the_uniform_model_loses_ln_v(vocab_size: int) -> None:
    result = score(build_model(model_config("uniform"), vocab_size), [0] * 100)
    assert result.loss == pytest.approx(math.log(vocab_size), rel=1e-6, abs=0)
    assert result.perplexity == pytest.approx(vocab_size, rel=1e-5)


def test_the_unigram_model_by_hand() -> None:
    """Counts 3 and 1, one added to each: 4/6 and 2/6."""
    model = build_model(model_config("unigram"), 2)
    assert isinstance(model, UnigramLanguageModel)
    result = score(model.fit(np.array([0, 0, 0, 1])), [0, 0, 0, 1])
    assert result.loss == pytest.approx((3 * math.log(3 / 2) + math.log(3)) / 4, rel=1e-6)
    assert result.accuracy == 3 / 4


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(1, 40))
def test_windows_do_not_change_the_result(token_ids: list[int], window: int) -> None:
    model = lstm()
    whole, cut = score(model, token_ids), score(model, token_ids, window=window)
    assert cut.loss == pytest.approx(whole.loss, rel=1e-5)  # float32 products of other shapes
    assert cut.accuracy == whole.accuracy


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(1, 12), st.integers(1, 40))
def test_lanes_are_texts_of_their_own(token_ids: list[int], batch_size: int, window: int) -> None:
    """Lane j begins at j*N//B, in the initial state, after the true token before it; every token counts once."""
    model = lstm()
    lanes = min(batch_size, len(token_ids))
    borders = [j * len(token_ids) // lanes for j in range(lanes + 1)]
    parts = [
        score(model, token_ids[begin:end], start_id=token_ids[begin - 1] if begin else 0)
        for begin, end in pairwise(borders)
    ]
    result = score(model, token_ids, batch_size=batch_size, window=window)
    assert result.tokens == len(token_ids) == sum(part.tokens for part in parts)
    assert result.loss == pytest.approx(sum(part.loss * part.tokens for part in parts) / len(token_ids), rel=1e-5)
    assert result.accuracy == pytest.approx(sum(part.accuracy * part.tokens for part in parts) / len(token_ids))
    assert f"|lanes:{lanes}|" in result.signature


def test_without_memory_lanes_change_nothing() -> None:
    model, token_ids = Bigram([[1 / 4, 3 / 4], [2 / 3, 1 / 3]]), [0, 1, 1, 0, 1, 0, 0]
    assert score(model, token_ids, batch_size=3).loss == pytest.approx(score(model, token_ids).loss, rel=1e-12)


def test_dropout_is_off_and_the_mode_comes_back() -> None:
    torch.manual_seed(0)
    model = build_model(model_config("gru", {"hidden_size": 8, "embedding_dim": 6, "dropout_output": 0.9}), 7)
    model.train()
    first, second = score(model, [1, 2, 3]), score(model, [1, 2, 3])
    assert first.loss == second.loss
    assert model.training


def test_sums_are_double_precision() -> None:
    """In float32 the sum of 300,000 equal losses, 2,048 at a time, is off by 3e-7 of itself."""
    result = score(build_model(model_config("uniform"), 3), [0] * 300_000)
    assert result.loss == pytest.approx(math.log(3), rel=5e-8)


def test_progress_ends_at_the_last_token() -> None:
    events: list[Event] = []
    counts = SplitCounts(tokens=5, unknown_tokens=0, characters=5, bytes=5)
    evaluate_tokens(
        lstm(), np.arange(5), counts, start_id=0, signature=SIGNATURE, batch_size=2, window=2, progress=events.append
    )
    assert [(event.stage, event.done, event.total, event.unit) for event in events] == [
        ("evaluate", done, 5, "tokens") for done in (2, 4, 5)
    ]


def test_an_impossible_token_is_infinite_and_null_in_json() -> None:
    result = score(Bigram([[1.0, 0.0], [0.5, 0.5]]), [1])
    assert result.loss == result.perplexity == math.inf
    values = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert values["loss"] is values["perplexity"] is values["bits_per_char"] is None
    assert values["tokens"] == 1


def test_json_has_the_keys_of_eval() -> None:
    keys = {"loss", "perplexity", "bits_per_char", "bits_per_byte", "accuracy", "tokens", "unknown_tokens", "signature"}
    assert score(lstm(), [1, 2]).to_json().keys() >= keys


def test_no_tokens() -> None:
    with pytest.raises(CorpusError, match="the test text has no tokens: there is nothing to evaluate"):
        score(lstm(), [])


@pytest.mark.parametrize("name", ["batch_size", "window"])
def test_sizes_of_zero(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} = 0 for an evaluation: use 1 or more"):
        score(lstm(), [1], **{name: 0})


class Source:
    """A corpus of one split."""

    name = "rhyme"
    splits: tuple[str, ...] = ("test",)

    def chunks(self, split: str) -> Iterator[str]:
        yield "ä b\n"

    def source_hash(self) -> str:
        return "5" * 64


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedCorpus:
    return prepare(Source(), ByteTokenizer.train([], TokenizerSettings(kind="bytes")), cache=tmp_path)


def test_a_split_has_its_own_counts_and_hashes(prepared: PreparedCorpus) -> None:
    """Uniform over 256 bytes: 8 bits each; "ä b\\n" has five bytes and four characters."""
    result = evaluate_split(build_model(model_config("uniform"), 256), prepared, "test", model_hash="c0ffee" * 10)
    assert result.bits_per_byte == pytest.approx(8.0)
    assert result.bits_per_char == pytest.approx(10.0)
    assert (result.tokens, result.characters, result.bytes, result.unknown_tokens) == (5, 4, 5, 0)
    for part in ("unknown:none", f"tokenizer:{prepared.tokenizer.hash[:8]}", "corpus:55555555", "model:c0ffeec0"):
        assert part in result.signature.split("|")


def test_a_split_that_is_not_there(prepared: PreparedCorpus) -> None:
    with pytest.raises(ConfigError, match="split = 'valid': rhyme has test"):
        evaluate_split(build_model(model_config("uniform"), 256), prepared, "valid")


def test_a_model_of_another_vocabulary(prepared: PreparedCorpus) -> None:
    with pytest.raises(
        ConfigError, match="rhyme is prepared with 256 tokens, the model has 7: prepare the corpus with"
    ):
        evaluate_split(lstm(), prepared, "test")


def test_unknown_tokens_can_be_left_out_of_the_mean() -> None:
    """Id 0 is unknown: of ids 0 1 1 0 the two others have the unigram model's probability (2 + 1) / (4 + 3) here."""
    ids = np.array([0, 1, 1, 0], np.uint8)
    model = UnigramLanguageModel(UnigramConfig(), 3).fit(ids)
    counts = SplitCounts(tokens=4, unknown_tokens=2, characters=4, bytes=4)
    result = evaluate_tokens(model, ids, counts, start_id=0, unk_id=0, signature=SIGNATURE)
    assert result.perplexity_without_unknown == pytest.approx(7 / 3)
    nothing_else = SplitCounts(tokens=1, unknown_tokens=1, characters=1, bytes=1)
    alone = evaluate_tokens(model, ids[:1], nothing_else, start_id=0, unk_id=0, signature=SIGNATURE)
    assert alone.perplexity_without_unknown is None
