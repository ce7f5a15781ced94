"""A hand-made quote detector is found by name; a trained net learns one; wrong requests are answered."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anaphora.bundle import Bundle, save_bundle
from anaphora.errors import ConfigError, CorpusError
from anaphora.lab.units.tracking import Unit, correlate, track
from anaphora.models.baselines import UnigramConfig, UnigramLanguageModel
from anaphora.models.language_model import detach
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.progress import Event
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import Kind, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer


def test_the_quote_detector_is_found(detector: Bundle, text: str) -> None:
    tracking = track(detector, text)
    quotes = next(finding for finding in tracking.findings if finding.signal == "quotes")
    assert [str(tracked.unit) for tracked in quotes.units[:2]] in (
        ["layer0.h0", "layer0.c0"],
        ["layer0.c0", "layer0.h0"],
    )
    assert abs(quotes.units[0].correlation) > 0.99
    assert abs(quotes.units[2].correlation) < 0.98
    assert tracking.text == text
    assert tracking.whole
    assert tracking.num_units == 2 * 2 * 6


def test_activations_are_those_of_the_model(detector: Bundle, text: str) -> None:
    tracking = track(detector, text[:100], show=["layer1.h3", "layer0.c5"])
    tokens = torch.tensor([[detector.tokenizer.start_id, *detector.tokenizer.encode(text[:100])]])
    with torch.no_grad():
        _, (h, c) = detector.model(tokens, detector.model.initial_state(1))
    assert tracking.shown == (Unit(1, "h", 3), Unit(0, "c", 5))
    assert tracking.activations[Unit(1, "h", 3)][-1] == pytest.approx(float(h[0, 1, 3]), abs=1e-5)
    assert tracking.activations[Unit(0, "c", 5)][-1] == pytest.approx(float(c[0, 0, 5]), abs=1e-5)


def test_a_trained_net_learns_to_track_quotes(
    tokenizer: CharacterTokenizer,
    new_bundle: Callable[[RecurrentLanguageModel], Bundle],
    text: str,
    quoted_text: Callable[..., str],
) -> None:
    """Inside the quotes this text shouts: a net that predicts it must know where it is."""
    torch.manual_seed(0)
    model = RecurrentLanguageModel(RecurrentConfig(name="gru", embedding_dim=8, hidden_size=8), tokenizer.vocab_size)
    before = _best_quote_correlation(new_bundle(model), text)
    model.train()
    token_ids = torch.tensor(tokenizer.encode(quoted_text(320, seed=8)))
    lanes = token_ids[: len(token_ids) // 32 * 32].view(32, -1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(12):
        state = model.initial_state(32)
        for begin in range(0, lanes.shape[1] - 51, 50):
            inputs, targets = lanes[:, begin : begin + 50], lanes[:, begin + 1 : begin + 51]
            loss, state = model.loss(inputs, targets, detach(state))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert before < 0.6
    assert _best_quote_correlation(new_bundle(model), text) > 0.8


def _best_quote_correlation(bundle: Bundle, text: str) -> float:
    quotes = next(finding for finding in track(bundle, text).findings if finding.signal == "quotes")
    return abs(quotes.units[0].correlation)


def test_json(detector: Bundle, text: str) -> None:
    report = track(detector, text, top=1, max_tokens=500).to_json()
    assert report["model"] == "lstm-quotes"
    assert (report["tokens"], report["characters"], report["whole"], report["num_units"]) == (500, 500, False, 24)
    by_signal = {entry["signal"]: entry["units"] for entry in report["signals"]}
    assert list(by_signal) == ["line_position", "quotes", "indentation", "brackets"]
    assert by_signal["quotes"][0].keys() == {"unit", "correlation"}
    assert len(by_signal["quotes"]) == 1
    assert by_signal["brackets"] == []  # there are none in the text


def test_progress_reaches_its_total(detector: Bundle, text: str) -> None:
    events: list[Event] = []
    track(detector, text, max_tokens=300, progress=events.append)
    assert [(event.stage, event.done, event.total, event.unit) for event in events] == [
        ("read", 256, 301, "tokens"),
        ("read", 301, 301, "tokens"),
    ]


@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("kind", ["bytes", "words", "bpe"])
def test_other_models_and_tokenizers(name: Literal["elman", "gru", "lstm"], kind: Kind, tmp_path: Path) -> None:
    words = "“ 你先走 ”， he said .\n（好） said she .\n" * 3
    tokenizer = train_tokenizer(TokenizerSettings(kind=kind), [words])
    config = RecurrentConfig(name=name, embedding_dim=3, hidden_size=4)
    bundle = save_bundle(tmp_path / "model", RecurrentLanguageModel(config, tokenizer.vocab_size), tokenizer, {})
    tracking = track(bundle, words, top=2)
    assert len(tracking.pieces) == len(tokenizer.encode(words))
    assert "你先走" in tracking.text
    assert tracking.findings[1].units
    assert {len(values) for values in tracking.activations.values()} == {len(tracking.pieces)}


@given(st.lists(st.floats(-5, 5, width=32), min_size=2, max_size=20), st.integers(0, 2**32 - 1))
def test_correlation_is_pearsons(values: list[float], seed: int) -> None:
    signal = np.random.default_rng(seed).normal(size=len(values))
    column = np.array(values, dtype=np.float32)
    constant = np.full_like(column, 0.1)
    found = correlate(np.stack([column, -column, constant], axis=1), signal)
    expected = float(np.corrcoef(column.astype(np.float64), signal)[0, 1]) if column.std() > 1e-6 else 0.0
    assert found == pytest.approx([expected, -expected, 0.0], abs=1e-4)


def test_wrong_requests(detector: Bundle, tokenizer: CharacterTokenizer, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="the text has no tokens"):
        track(detector, "")
    with pytest.raises(ConfigError, match="top = 0: use 1 or more"):
        track(detector, "a", top=0)
    with pytest.raises(ConfigError, match="max_tokens = -1: use 1 or more"):
        track(detector, "a", max_tokens=-1)
    with pytest.raises(ConfigError, match=r"'17' is no unit; units are called like layer0\.h17"):
        track(detector, "a", show=["17"])
    with pytest.raises(ConfigError, match=r"no unit layer2\.h0: its 24 units go to layer1\.c5"):
        track(detector, "a", show=["layer2.h0"])
    unigram = UnigramLanguageModel(UnigramConfig(), tokenizer.vocab_size)
    with pytest.raises(ConfigError, match="'unigram' has no recurrent units"):
        track(save_bundle(tmp_path / "unigram", unigram, tokenizer, {}), "a")
