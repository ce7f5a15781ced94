"""The linear classifier of n-grams: by hand, whatever the padding, each n-gram once, and while it reads."""

import math

import pytest
import torch
from torch import Tensor

from anaphora.models.ngram_classifier import NgramClassifier, NgramClassifierConfig, first_occurrences, ngram_keys

V = 9
LENGTHS = torch.tensor([7, 3, 1, 5])


def all_keys(order: int) -> Tensor:
    """Return the numbers of all n-grams of that length."""
    every = torch.cartesian_prod(*[torch.arange(V)] * order).reshape(-1, order)
    return ngram_keys(every, order)[-1][:, -1]


def make(*, multi_label: bool = False) -> NgramClassifier:
    keys = torch.cat([all_keys(1), all_keys(2)]).sort().values
    config = NgramClassifierConfig(labels=("a", "b", "c"), multi_label=multi_label, order=2, num_ngrams=len(keys))
    model = NgramClassifier(config, V).eval()
    model.keys = keys
    model.weights, model.bias = torch.randn(len(keys), 3), torch.randn(3)
    return model


@pytest.fixture(name="tokens")
def _tokens() -> Tensor:
    return torch.randint(V, (4, 7), generator=torch.Generator().manual_seed(1))


def by_hand(model: NgramClassifier, document: list[int]) -> list[float]:
    numbers: dict[tuple[int, ...], int] = {(one,): int(key) for one, key in enumerate(all_keys(1))}
    pairs = torch.cartesian_prod(torch.arange(V), torch.arange(V)).tolist()
    numbers |= {tuple(pair): int(key) for pair, key in zip(pairs, all_keys(2), strict=True)}
    rows = {int(key): row for row, key in enumerate(model.keys)}
    held = {tuple(document[place : place + n]) for n in (1, 2) for place in range(len(document) - n + 1)}
    total = model.weights[[rows[numbers[one]] for one in held]].double().sum(0)
    found: list[float] = (total / math.sqrt(len(document)) + model.bias).tolist()
    return found


def test_each_ngram_counts_once_and_padding_not_at_all(tokens: Tensor) -> None:
    model = make()
    found = model(tokens, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        assert found[row].tolist() == pytest.approx(by_hand(model, tokens[row, :length].tolist()), abs=1e-5)
    assert not torch.equal(model(tokens, LENGTHS), model(tokens, LENGTHS.clamp(max=2)))


def test_unknown_ngrams_add_nothing(tokens: Tensor) -> None:
    model = make()
    model.keys = model.keys + 5_000_000_000  # numbers of no n-gram
    torch.testing.assert_close(model(tokens, LENGTHS), model.bias.expand(4, 3))


@pytest.mark.parametrize("multi_label", [False, True])
def test_the_running_prediction_is_that_of_each_beginning(tokens: Tensor, multi_label: bool) -> None:
    model = make(multi_label=multi_label)
    running = model.running_log_probs(tokens, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        for end in range(1, 8):
            beginning = torch.tensor([min(end, length)])
            expected = model.class_log_probs(tokens[row : row + 1], beginning)[0]
            torch.testing.assert_close(running[row, end - 1], expected, rtol=0, atol=1e-5)


def test_numbers_tell_ngrams_apart() -> None:
    keys = torch.cat([all_keys(1), all_keys(2), all_keys(3)])
    assert len(keys.unique()) == len(keys) == V + V**2 + V**3
    assert not (keys == 0).any()


def test_what_begins_before_the_document_is_no_ngram() -> None:
    single, double, triple = ngram_keys(torch.tensor([[3, 3, 3, 4]]), 3)
    assert (single != 0).all()
    assert (double == 0).tolist() == [[True, False, False, False]]
    assert (triple == 0).tolist() == [[True, True, False, False]]
    assert first_occurrences(single).tolist() == [[True, False, False, True]]
    assert first_occurrences(double).tolist() == [[False, True, False, True]]
