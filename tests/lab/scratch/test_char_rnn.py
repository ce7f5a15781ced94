"""The character model from scratch: its arithmetic, clipping and descent by hand, and that it learns."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from anaphora.data.stream import ConsecutiveWindows, RandomWindows
from anaphora.lab.scratch.char_rnn import (
    ScratchCharRNN,
    ScratchConfig,
    clip_gradients,
    predict,
    sgd,
    train_epoch,
)

VOCAB = 11


@pytest.fixture
def model() -> ScratchCharRNN:
    torch.manual_seed(3)
    return ScratchCharRNN(ScratchConfig(hidden_size=16), VOCAB)


def test_parameters_start_small_and_normal() -> None:
    weight = ScratchCharRNN(ScratchConfig(), 1027).w_xh
    assert weight.shape == (1027, 256)
    assert weight.std().item() == pytest.approx(0.01, rel=0.02)


def test_it_equals_an_elman_layer_over_one_hot_vectors(model: ScratchCharRNN) -> None:
    layer = nn.RNN(VOCAB, 16, batch_first=True)
    layer.load_state_dict(
        {
            "weight_ih_l0": model.w_xh.T,
            "weight_hh_l0": model.w_hh.T,
            "bias_ih_l0": model.b_h,
            "bias_hh_l0": torch.zeros(16),
        }
    )
    tokens = torch.randint(VOCAB, (4, 9))
    hidden, last = layer(torch.eye(VOCAB)[tokens])
    logits, (h,) = model(tokens, model.initial_state(4))
    assert torch.allclose(logits, hidden @ model.w_hq + model.b_q, atol=1e-6)
    assert torch.allclose(h, last[0], atol=1e-6)


def test_an_untrained_model_is_as_good_as_a_uniform_guess(model: ScratchCharRNN) -> None:
    tokens = torch.randint(VOCAB, (8, 36))
    loss, _ = model.loss(tokens[:, :-1], tokens[:, 1:], model.initial_state(8))
    assert math.exp(loss.item()) == pytest.approx(VOCAB, rel=0.01)


@pytest.mark.parametrize("max_norm", [0.01, 1e9])
def test_clipping_by_hand_equals_the_frameworks(model: ScratchCharRNN, max_norm: float) -> None:
    tokens = torch.randint(VOCAB, (4, 9))
    model.loss(tokens, tokens, model.initial_state(4))[0].backward()
    mine = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    theirs = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    copies = [nn.Parameter(torch.zeros_like(gradient)) for gradient in mine]
    for copy, gradient in zip(copies, mine, strict=True):
        copy.grad = gradient
    assert clip_gradients(copies, max_norm) == pytest.approx(theirs.item(), rel=1e-5)
    for copy, parameter in zip(copies, model.parameters(), strict=True):
        assert copy.grad is not None
        assert parameter.grad is not None
        assert torch.allclose(copy.grad, parameter.grad, rtol=1e-4, atol=1e-9)


def test_descent_by_hand() -> None:
    parameter = nn.Parameter(torch.tensor([1.0, 2.0]))
    parameter.grad = torch.tensor([0.5, -1.0])
    sgd([parameter], learning_rate=2.0)
    assert parameter.tolist() == [0.0, 4.0]
    assert parameter.grad is None


@pytest.mark.parametrize("sampler", [ConsecutiveWindows, RandomWindows])
def test_it_learns_a_cycle_and_goes_on_with_it(
    model: ScratchCharRNN, sampler: type[ConsecutiveWindows] | type[RandomWindows]
) -> None:
    windows = sampler(np.arange(600) % VOCAB, 4, 10)
    first = train_epoch(model, windows.epoch(0), learning_rate=100.0, max_norm=0.01)
    for epoch in range(1, 40):
        last = train_epoch(model, windows.epoch(epoch), learning_rate=100.0, max_norm=0.01)
    assert last < 1.5 < first
    assert predict(model, [3, 4, 5], 12) == [(3 + offset) % VOCAB for offset in range(15)]
