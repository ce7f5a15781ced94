"""Gradient statistics: their values, and that gathering them leaves no trace in the net."""

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from anaphora.errors import CorpusError
from anaphora.evaluation.adapt.settings import DynamicSettings
from anaphora.evaluation.adapt.statistics import gather_statistics
from anaphora.models.language_model import NeuralLanguageModel, detach


def test_the_values_step_by_step(net: NeuralLanguageModel, token_ids: NDArray[np.uint8]) -> None:
    """400 tokens make 66 rows of 6; one window of 5 fits each. 13 tokens make 2 rows, and one window."""
    settings = DynamicSettings(segment=5)
    for ids, rows in ((token_ids, 66), (token_ids[:13], 2)):
        lanes = torch.from_numpy(ids[: len(ids) // rows * rows].astype(np.int64)).view(rows, -1)
        loss, _ = net.loss(lanes[:, :5], lanes[:, 1:6], net.initial_state(rows))
        expected = [
            gradient.abs() for gradient in torch.autograd.grad(loss, list(net.parameters()), materialize_grads=True)
        ]
        found = gather_statistics(net, ids, settings)
        assert found.tokens == rows * 5
        torch.testing.assert_close(list(found.rms), expected)


def test_several_segments_carry_the_state(net: NeuralLanguageModel) -> None:
    ids = np.random.default_rng(1).integers(0, 7, 100 * 31).astype(np.uint8)
    lanes, state = torch.from_numpy(ids.astype(np.int64)).view(100, 31), net.initial_state(100)
    first = next(net.parameters())
    squares = torch.zeros_like(first)
    for start in (0, 10, 20):
        window = slice(start, start + 10)
        loss, state = net.loss(lanes[:, window], lanes[:, start + 1 : start + 11], detach(state))
        squares += torch.autograd.grad(loss, first)[0] ** 2
    found = gather_statistics(net, ids, DynamicSettings(segment=10))
    torch.testing.assert_close(found.rms[0], (squares / 3).sqrt())
    assert gather_statistics(net, ids, DynamicSettings(segment=10, statistics_tokens=2000)).tokens == 2000


def test_the_mean_is_that_of_the_tensors_means(net: NeuralLanguageModel, token_ids: NDArray[np.uint8]) -> None:
    found = gather_statistics(net, token_ids, DynamicSettings(segment=5))
    assert found.mean == pytest.approx(sum(float(rms.mean()) for rms in found.rms) / len(found.rms))


def test_the_net_is_as_before(net: NeuralLanguageModel, token_ids: NDArray[np.uint8]) -> None:
    before = copy.deepcopy(net.state_dict())
    net.train()
    gather_statistics(net, token_ids, DynamicSettings(segment=5))
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(weight.grad is None for weight in net.parameters())


def test_a_text_shorter_than_a_segment(net: NeuralLanguageModel) -> None:
    with pytest.raises(CorpusError, match="has 5 tokens, and segment = 5 needs 6"):
        gather_statistics(net, np.zeros(5, np.uint8), DynamicSettings(segment=5))
