"""A made-up text with quotes, and a hand-made LSTM whose first unit knows whether a quote is open."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch

from anaphora.bundle import Bundle, save_bundle
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import TokenizerSettings

NAMES = ("ann", "bob", "the cook", "a sailor")
WORDS = ("come", "go", "look", "wait", "run", "sit", "eat", "sing")


def made_up(sentences: int, seed: int = 7) -> str:
    """Return lines in which people speak: capital letters between quotes, small ones outside."""
    chance = Random(seed)

    def line() -> str:
        speech = " ".join(chance.choices(WORDS, k=chance.randint(2, 6))).upper()
        return f'{chance.choice(NAMES)} says "{speech}" and {chance.choice(WORDS)}s.\n'

    return "".join(line() for _ in range(sentences))


@pytest.fixture(scope="session")
def quoted_text() -> Callable[..., str]:
    return made_up


@pytest.fixture(scope="session")
def text() -> str:
    return made_up(40)


@pytest.fixture(scope="session")
def tokenizer(text: str) -> CharacterTokenizer:
    return CharacterTokenizer.train([text], TokenizerSettings())


@pytest.fixture(scope="session")
def new_bundle(
    tokenizer: CharacterTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[RecurrentLanguageModel], Bundle]:
    folder: Path = tmp_path_factory.mktemp("models")
    return lambda model: save_bundle(folder / f"{model.config.name}-quotes", model, tokenizer, {})


@pytest.fixture(scope="session")
def detector(tokenizer: CharacterTokenizer, new_bundle: Callable[[RecurrentLanguageModel], Bundle]) -> Bundle:
    """Return a two-layer LSTM with random weights, but for unit 0 of the first layer.

    That one keeps its cell for every character but the quote, which writes minus the sign of what was shown; a line
    break writes -1: outside.
    """
    torch.manual_seed(1)
    config = RecurrentConfig(name="lstm", embedding_dim=4, hidden_size=6, num_layers=2)
    model = RecurrentLanguageModel(config, tokenizer.vocab_size)
    quote, line_break = (tokenizer.encode(char)[0] for char in '"\n')
    with torch.no_grad():
        model.embedding.weight[:, :2] = 0
        model.embedding.weight[quote, 0] = 1
        model.embedding.weight[line_break, 1] = 1
        input_gate, forget_gate, candidate, output_gate = (gate * config.hidden_size for gate in range(4))
        of_unit_0 = [input_gate, forget_gate, candidate, output_gate]
        weight_ih, weight_hh, bias_ih, bias_hh = list(model.layers.parameters())[:4]
        weight_ih[of_unit_0], weight_hh[of_unit_0], bias_hh[of_unit_0] = 0, 0, 0
        bias_ih[of_unit_0] = torch.tensor([-10.0, 10.0, 0.0, 10.0])
        weight_ih[input_gate, :2] = 40
        weight_ih[forget_gate, :2] = -40
        weight_ih[candidate, 1] = -40
        weight_hh[candidate, 0] = -20
    return new_bundle(model)
