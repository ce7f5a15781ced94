"""Shared by the tests of evaluations: small models with memory, and tokenizers of each kind for them."""

from collections.abc import Callable

import pytest
import torch

from anaphora.models.language_model import LanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.text.tokenizer import Kind, Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

TEXT = "the cat sat on the mat\nthe dog sat on the cat\n"


@pytest.fixture(scope="session")
def tokenizer_of() -> Callable[[Kind], Tokenizer]:
    """Return a maker of tokenizers trained on two lines."""
    return lambda kind: train_tokenizer(
        TokenizerSettings(kind=kind, max_size=300 if kind in ("bpe", "unigram") else None), [TEXT]
    )


@pytest.fixture(scope="session")
def lstm_for() -> Callable[..., LanguageModel]:
    """Return a maker of small LSTMs, untrained and far from uniform."""

    def make(tokenizer: Tokenizer, seed: int = 8) -> LanguageModel:
        torch.manual_seed(seed)
        model = build_model(model_config("lstm", {"embedding_dim": 9, "hidden_size": 21}), tokenizer.vocab_size)
        for parameter in model.parameters():
            torch.nn.init.uniform_(parameter, -1.0, 1.0)
        return model

    return make
