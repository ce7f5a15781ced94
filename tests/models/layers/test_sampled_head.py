"""The sampled head: its estimate, its proposal, its dependence on the seed alone."""

import torch
from torch import nn

from anaphora.models.layers.head import HeadConfig
from anaphora.models.layers.sampled_head import SampledHead

V, WIDTH, N = 30, 4, 5
ROWS, TARGETS = torch.randn(N, WIDTH, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 5, 5, 29])
UNIGRAMS = -torch.arange(1, V + 1, dtype=torch.float32).log()
UNIGRAMS -= UNIGRAMS.logsumexp(0)


def make(samples: int) -> SampledHead:
    torch.manual_seed(2)
    head = SampledHead(HeadConfig(head="sampled", head_samples=samples), V, WIDTH, nn.Identity())
    head.reset_parameters()
    head.start_from_unigrams(UNIGRAMS)
    return head.train()


def test_with_many_samples_the_estimate_is_the_loss() -> None:
    head = make(200_000)
    estimate = head.loss(ROWS, TARGETS)
    exact = head.eval().loss(ROWS, TARGETS)
    torch.testing.assert_close(estimate, exact, rtol=5e-3, atol=0)


def test_with_many_samples_the_gradient_is_that_of_the_loss() -> None:
    head = make(200_000)
    assert head.weight is not None
    (estimate,) = torch.autograd.grad(head.loss(ROWS, TARGETS), head.weight)
    (exact,) = torch.autograd.grad(head.eval().loss(ROWS, TARGETS), head.weight)
    torch.testing.assert_close(estimate, exact, rtol=0, atol=3e-3)


def test_samples_follow_the_proposal() -> None:
    drawn = make(100_000).draw()
    shares = torch.bincount(drawn, minlength=V) / len(drawn)
    torch.testing.assert_close(shares, UNIGRAMS.exp(), rtol=0, atol=0.01)


def test_the_draw_depends_on_torchs_generator_alone() -> None:
    head = make(16)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first, second = head.loss(ROWS, TARGETS).item(), head.loss(ROWS, TARGETS).item()
    torch.set_rng_state(state)
    assert [head.loss(ROWS, TARGETS).item(), head.loss(ROWS, TARGETS).item()] == [first, second]
    assert first != second


def test_a_right_type_among_the_drawn_counts_once() -> None:
    """With one type in the vocabulary every draw is the right one, and the loss must be nought."""
    head = SampledHead(HeadConfig(head="sampled", head_samples=8), 1, WIDTH, nn.Identity())
    head.reset_parameters()
    assert head.train().loss(ROWS[:1], torch.tensor([0])).item() == 0.0


def test_evaluation_is_exact() -> None:
    head = make(1).eval()
    log_probs, _ = head.score(ROWS, TARGETS)
    torch.testing.assert_close(head.loss(ROWS, TARGETS), -log_probs.mean())
