"""What every head must show: exact scores, losses that are theirs, gradients, a start from unigrams, bounded memory."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.models.layers.head import Head, HeadConfig
from anaphora.models.layers.heads import HEADS, make_embedding, make_head, reset_embedding

N, V, WIDTH = 9, 60, 40
ROWS = torch.randn(N, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
TARGETS = torch.tensor([0, 3, 3, 11, 17, 30, 42, 58, 59])  # of every band
UNIGRAMS = torch.randn(V, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).log_softmax(0)

CASES: dict[str, dict[str, Any]] = {
    "full": {"head": "full"},
    "full in chunks": {"head": "full", "head_max_logits": 2 * V},
    "full, tied": {"head": "full", "tie_weights": True},
    "adaptive": {"head": "adaptive", "head_cutoffs": [5, 20]},
    "adaptive, tied": {"head": "adaptive", "head_cutoffs": [5, 20], "tie_weights": True, "head_div_value": 2},
    "adaptive by default": {"head": "adaptive"},
    "sampled": {"head": "sampled"},
    "sampled, tied": {"head": "sampled", "tie_weights": True},
    "mixture": {"head": "mixture-of-softmaxes", "head_experts": 3},
    "mixture, tied": {"head": "mixture-of-softmaxes", "head_experts": 3, "tie_weights": True},
}


def make(**settings: Any) -> tuple[Head, nn.Module]:
    """Return a head with weights that say something, in float64 and evaluation mode, and the embedding below."""
    torch.manual_seed(3)
    config = HeadConfig(**settings)
    embedding = make_embedding(config, V, WIDTH)
    reset_embedding(embedding, 0.5)
    head = make_head(config, V, WIDTH, embedding)
    head.reset_parameters()
    for weight in head.parameters():
        if weight.ndim == 1:
            nn.init.uniform_(weight)
    return head.double().eval(), embedding.double()


@pytest.fixture(name="made", params=CASES)
def _made(request: pytest.FixtureRequest) -> tuple[Head, nn.Module]:
    return make(**CASES[request.param])


def test_every_head_is_in_the_table() -> None:
    assert {settings["head"] for settings in CASES.values()} == set(HEADS)


def test_probabilities_sum_to_one(made: tuple[Head, nn.Module]) -> None:
    log_probs = made[0].log_probs(ROWS)
    assert log_probs.shape == (N, V)
    torch.testing.assert_close(log_probs.exp().sum(1), torch.ones(N, dtype=torch.float64))
    torch.testing.assert_close(made[0].log_probs(ROWS.view(3, 3, -1)), log_probs.view(3, 3, -1))


def test_logits_say_the_same(made: tuple[Head, nn.Module]) -> None:
    torch.testing.assert_close(made[0].logits(ROWS).log_softmax(-1), made[0].log_probs(ROWS))


def test_scores_are_exact(made: tuple[Head, nn.Module]) -> None:
    head, _ = made
    every = ROWS.repeat_interleave(V, 0), torch.arange(V).repeat(N)
    log_probs, correct = head.score(*every)
    expected = head.log_probs(ROWS)
    torch.testing.assert_close(log_probs, expected.flatten())
    best = F.one_hot(expected.argmax(1), V).bool()
    assert torch.equal(correct, best.flatten())


def test_loss_and_gradients_are_those_of_the_log_probs(made: tuple[Head, nn.Module]) -> None:
    head, embedding = made
    rows = ROWS.clone().requires_grad_()
    weights = [rows, *head.parameters(), *(embedding.parameters() if head.config.tie_weights else ())]
    nats, objective = head.losses(rows, TARGETS)
    plain = -head.log_probs(rows).gather(1, TARGETS.unsqueeze(1)).mean()
    torch.testing.assert_close(objective, plain)
    assert nats.item() == objective.item()
    found = torch.autograd.grad(objective, weights, allow_unused=True)
    wanted = torch.autograd.grad(plain, weights, allow_unused=True)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(_or_zero(one), _or_zero(other))


def _or_zero(gradient: Tensor | None) -> Tensor:
    return torch.zeros((), dtype=torch.float64) if gradient is None or not gradient.any() else gradient


def test_it_starts_as_the_unigram_model(made: tuple[Head, nn.Module]) -> None:
    made[0].start_from_unigrams(UNIGRAMS)
    nothing = torch.zeros(1, WIDTH, dtype=torch.float64)
    for name, bias in made[0].named_parameters():
        if name == "experts.bias":
            nn.init.zeros_(bias)
    torch.testing.assert_close(made[0].log_probs(nothing)[0], UNIGRAMS)


@pytest.mark.parametrize("case", CASES)
def test_a_zero_bias_stays_zero(case: str) -> None:
    head, _ = make(**CASES[case], head_bias="zero")
    before = [weight.clone() for weight in head.parameters()]
    head.start_from_unigrams(UNIGRAMS)
    assert all(torch.equal(one, other) for one, other in zip(before, head.parameters(), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_small_chunks_change_nothing(case: str) -> None:
    whole, _ = make(**CASES[case])
    chunked, _ = make(**{**CASES[case], "head_max_logits": 1})
    torch.testing.assert_close(chunked.loss(ROWS, TARGETS), whole.loss(ROWS, TARGETS))
    for one, other in zip(chunked.score(ROWS, TARGETS), whole.score(ROWS, TARGETS), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("case", CASES)
def test_it_trains_under_autocast(case: str) -> None:
    head, embedding = make(**CASES[case])
    head.float().train()
    embedding.float()
    with torch.autocast("cpu", torch.bfloat16):
        short = head.loss(ROWS.bfloat16(), TARGETS)
    assert short.dtype == torch.float32
    short.backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in head.parameters())


def test_label_smoothing_of_the_full_softmax() -> None:
    head, _ = make(head="full")
    expected = F.cross_entropy(head.logits(ROWS), TARGETS, label_smoothing=0.2)
    torch.testing.assert_close(head.loss(ROWS, TARGETS, 0.2), expected)


@pytest.mark.parametrize("name", [name for name in HEADS if name != "full"])
def test_label_smoothing_of_the_others_is_refused(name: str) -> None:
    head, _ = make(head=name)
    with pytest.raises(ConfigError, match=rf"label_smoothing = 0.2 in \[training\]: the head '{name}' does not look"):
        head.loss(ROWS, TARGETS, 0.2)


def test_a_borrowed_matrix_is_not_among_the_heads_own() -> None:
    for name in HEADS:
        head, embedding = make(head=name, tie_weights=True)
        own = {id(weight) for weight in head.parameters()}
        assert not own & {id(weight) for weight in embedding.parameters()}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"head": "fulll"}, r"head = 'fulll' in \[model\]: .*'full', 'adaptive', 'sampled' or 'mixture-of-softmaxes'"),
        ({"head": "adaptive", "head_cutoffs": [5, 5]}, r"head_cutoffs = .*: cut-offs must rise from 1 or more"),
        ({"head": "adaptive", "head_cutoffs": [0, 5]}, r"head_cutoffs = .*: cut-offs must rise from 1 or more"),
        ({"head": "sampled", "head_samples": 0}, r"head_samples = 0 in \[model\]: .*greater than or equal to 1"),
    ],
)
def test_bad_settings(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        HeadConfig(**settings)


def test_a_setting_of_another_head_warns() -> None:
    with pytest.warns(AnaphoraWarning, match=r"head_samples in .model. has no effect on head = 'full'; it belongs to"):
        HeadConfig(head_samples=3)
