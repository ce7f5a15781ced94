"""The products of a time loop: the weight's gradient is that of plain products, in the precision of autocast too."""

import torch

from anaphora.models.cells.stepwise import LoopProduct


def test_the_gradient_of_the_weight_is_taken_at_once() -> None:
    torch.manual_seed(1)
    added, weight = torch.randn(4, 3, 5, requires_grad=True), torch.randn(5, 2, requires_grad=True)
    first = torch.randn(3, 2, requires_grad=True)
    gradients = []
    for looped in (True, False):
        product, rows, total = LoopProduct(added, weight), first, torch.zeros(())
        for step in range(4):
            sums = product(step, rows) if looped else added[step] + rows @ weight.T
            rows = sums[:, :2].tanh()
            total = total + sums.square().sum()
        gradients.append(torch.autograd.grad(total, (added, weight, first)))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)


def test_without_gradients_nothing_is_kept() -> None:
    product = LoopProduct(torch.zeros(1, 3, 5), torch.ones(5, 2))
    assert not product(0, torch.ones(3, 2)).requires_grad
    assert product._rows == [[]]


def test_under_autocast_products_are_bfloat16_and_gradients_are_not() -> None:
    added, weight = torch.zeros(2, 3, 5), torch.ones(5, 2, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        product = LoopProduct(added, weight)
        sums = [product(step, torch.ones(3, 2)) for step in range(2)]
    assert {one.dtype for one in sums} == {torch.bfloat16}
    (gradient,) = torch.autograd.grad(torch.stack(sums).sum().float(), weight)
    assert gradient.dtype == torch.float32
    assert torch.equal(gradient, torch.full((5, 2), 6.0))
