"""The recurrences through the output, against their equations written out with the layers' numbers."""

import pytest
import torch

from anaphora.lab.scratch.feedback import OutputRecurrence, OutputToHidden, OutputToOutput


def test_output_to_hidden_by_hand() -> None:
    net = OutputToHidden(3, 4, 2)
    inputs, start = torch.randn(5, 2, 3), torch.randn(5, 2)
    into, back, out = net.input_to_hidden, net.output_to_hidden, net.hidden_to_output
    y, by_hand = start, []
    for x in inputs.unbind(1):
        h = torch.tanh(x @ into.weight.T + into.bias + y @ back.weight.T)
        y = h @ out.weight.T + out.bias
        by_hand.append(y)
    assert torch.allclose(net(inputs, start), torch.stack(by_hand, 1), atol=1e-6)


def test_output_to_output_by_hand() -> None:
    net = OutputToOutput(3, 4, 2)
    inputs, start = torch.randn(5, 2, 3), torch.randn(5, 2)
    into, back, out = net.input_to_hidden, net.output_to_output, net.hidden_to_output
    y, by_hand = start, []
    for x in inputs.unbind(1):
        h = torch.tanh(x @ into.weight.T + into.bias)
        y = h @ out.weight.T + out.bias + y @ back.weight.T
        by_hand.append(y)
    assert torch.allclose(net(inputs, start), torch.stack(by_hand, 1), atol=1e-6)


@pytest.mark.parametrize("kind", [OutputToHidden, OutputToOutput])
def test_the_last_output_is_all_the_memory_there_is(kind: type[OutputRecurrence]) -> None:
    net = kind(3, 4, 2)
    inputs, start = torch.randn(5, 6, 3), torch.randn(5, 2)
    whole = net(inputs, start)
    assert whole.shape == (5, 6, 2)
    assert torch.equal(net(inputs[:, 4:], whole[:, 3]), whole[:, 4:])
    assert not torch.allclose(net(inputs, start + 1), whole)
