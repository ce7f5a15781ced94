"""The LSTM cell: four layers and one product cut in four are one cell, and its gates do what their names say."""

import torch

from anaphora.lab.scratch.lstm import LSTMFourGates, LSTMOneProduct


def test_four_gates_equal_one_product_cut_in_four() -> None:
    four, one = LSTMFourGates(3, 4).double(), LSTMOneProduct(3, 4).double()
    weights = four.framework_weights()
    with torch.no_grad():
        one.w_x.copy_(weights["weight_ih_l0"].T)
        one.w_h.copy_(weights["weight_hh_l0"].T)
        one.b.copy_(weights["bias_ih_l0"])
    inputs = torch.randn(2, 6, 3, dtype=torch.float64)
    hidden, state = four(inputs, four.initial_state(2))
    same_hidden, same_state = one(inputs, one.initial_state(2))
    assert torch.allclose(hidden, same_hidden, rtol=0, atol=1e-12)
    assert torch.allclose(state[1], same_state[1], rtol=0, atol=1e-12)


def test_an_open_forget_gate_and_a_shut_input_gate_keep_the_cell() -> None:
    cell = LSTMFourGates(3, 4)
    with torch.no_grad():
        cell.forget_gate.bias.fill_(30.0)
        cell.input_gate.bias.fill_(-30.0)
    _, start = cell(torch.randn(2, 1, 3), (torch.zeros(2, 4), torch.randn(2, 4)))
    _, end = cell(torch.randn(2, 50, 3), start)
    assert torch.allclose(end[1], start[1], atol=1e-5)
