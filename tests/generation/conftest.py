"""Models and tokenizers small enough to work out by hand what they write."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from anaphora.models.language_model import LanguageModel, ModelConfig, State
from anaphora.models.registry import build_model, model_config
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import Tokenizer, TokenizerSettings


class TableModel(LanguageModel):
    """The next token depends on the token before it, or else on its place; `table` holds log-probabilities (N, V).

    The state is the place, (B, 1).
    """

    config_class = ModelConfig
    trained_by: ClassVar[str] = "counting"

    def __init__(self, table: Tensor, by_place: bool) -> None:
        super().__init__(ModelConfig(), table.shape[1])
        self.table, self.by_place = table, by_place

    def initial_state(self, batch_size: int) -> State:
        return (torch.zeros(batch_size, 1, dtype=torch.int64),)

    def target_log_probs(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        raise NotImplementedError

    def score_targets(self, tokens: Tensor, targets: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        raise NotImplementedError

    def next_log_probs(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        place = state[0] + tokens.shape[1]
        rows = place[:, 0] - 1 if self.by_place else tokens[:, -1]
        return self.table[rows % len(self.table)], (place,)


@pytest.fixture(scope="session")
def follows() -> Callable[[Sequence[Sequence[float]]], LanguageModel]:
    """Return a maker of bigram models from the rows of their probabilities."""
    return lambda rows: TableModel(torch.tensor(rows, dtype=torch.float32).log(), by_place=False)


@pytest.fixture(scope="session")
def recites() -> Callable[[Sequence[int], int], LanguageModel]:
    """Return a maker of models that write given ids, over and over, and are nearly sure of each."""

    def make(token_ids: Sequence[int], vocab_size: int) -> LanguageModel:
        logits = torch.zeros(len(token_ids), vocab_size)
        logits[range(len(token_ids)), list(token_ids)] = 50.0
        return TableModel(logits.log_softmax(1), by_place=True)

    return make


@pytest.fixture(scope="session")
def chars() -> Callable[[Iterable[str]], CharacterTokenizer]:
    """Return a maker of character tokenizers."""
    return lambda text: CharacterTokenizer.train(text, TokenizerSettings())


@pytest.fixture(scope="session")
def lstm() -> Callable[[Tokenizer], LanguageModel]:
    """Return a maker of small untrained LSTMs, far from uniform."""

    def make(tokenizer: Tokenizer) -> LanguageModel:
        torch.manual_seed(8)
        model = build_model(model_config("lstm", {"embedding_dim": 9, "hidden_size": 21}), tokenizer.vocab_size)
        for parameter in model.parameters():
            torch.nn.init.uniform_(parameter, -1.0, 1.0)
        return model

    return make
