"""Each term of the objective against its formula; the reported loss stays plain nats."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from anaphora.data.stream import Batch
from anaphora.models.language_model import Losses
from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.regularizers import Objective, activation_penalty, temporal_penalty
from anaphora.training.stepper import Stepper

MakeModel = Callable[..., RecurrentLanguageModel]

B, T, H = 2, 5, 3
ALL = Objective(activation=2.0, temporal=1.0, label_smoothing=0.1)


def window(seq_len: int = T) -> tuple[Tensor, Tensor]:
    ids = torch.randint(9, (B, seq_len + 1), generator=torch.Generator().manual_seed(1))
    return ids[:, :-1], ids[:, 1:]


def losses(model: RecurrentLanguageModel, objective: Objective, seq_len: int = T) -> Losses:
    torch.manual_seed(2)
    return objective(model, *window(seq_len), model.initial_state(B))[0]


def test_penalties_equal_their_sums_written_out() -> None:
    h = torch.randn(B, T, H)
    squares = [h[b, t, k].item() ** 2 for b in range(B) for t in range(T) for k in range(H)]
    steps = [(h[b, t + 1, k] - h[b, t, k]).item() ** 2 for b in range(B) for t in range(T - 1) for k in range(H)]
    assert activation_penalty(h).item() == pytest.approx(sum(squares) / len(squares))
    assert temporal_penalty(h).item() == pytest.approx(sum(steps) / len(steps))


@pytest.mark.parametrize("changes", [{}, {"tie_weights": True, "dropout_output": 0.5}, {"num_layers": 2}])
def test_the_objective_is_the_sum_of_its_terms(make_model: MakeModel, changes: dict[str, object]) -> None:
    model = make_model(**changes)
    found = losses(model, ALL)
    torch.manual_seed(2)  # the same dropout
    reading, _ = model.read(window()[0], model.initial_state(B))
    logits, targets = model.logits(reading.features).flatten(0, 1), window()[1].flatten()
    smoothed = F.cross_entropy(logits, targets, label_smoothing=0.1)
    penalties = 2.0 * reading.dropped.square().mean() + reading.raw.diff(dim=1).square().mean()
    torch.testing.assert_close(found.nats, F.cross_entropy(logits, targets))
    torch.testing.assert_close(found.objective, smoothed + penalties)


def test_smoothing_has_the_gradient_of_the_framework(make_model: MakeModel) -> None:
    model = make_model()
    features, targets = torch.randn(7, 16, requires_grad=True), torch.arange(7)
    (ours,) = torch.autograd.grad(model.losses(features, targets, 0.3).objective, features)
    plain = F.cross_entropy(model.logits(features), targets, label_smoothing=0.3)
    torch.testing.assert_close(ours, *torch.autograd.grad(plain, features))


def test_activations_are_penalised_after_dropout_and_their_steps_before(make_model: MakeModel) -> None:
    model = make_model(dropout_output=0.9)
    quiet = losses(model, Objective()).nats
    dropped = losses(model, Objective(activation=1.0)).objective - quiet
    stepped = losses(model, Objective(temporal=1.0)).objective - quiet
    raw = model.read(window()[0], model.initial_state(B))[0].raw
    assert dropped > 2 * activation_penalty(raw)  # what is kept is ten times as large
    torch.testing.assert_close(stepped, temporal_penalty(raw))


def test_a_window_of_one_token_has_no_step(make_model: MakeModel) -> None:
    nats, objective = losses(make_model(), Objective(temporal=1.0), seq_len=1)
    assert objective == nats


def test_without_terms_the_objective_is_the_loss(make_model: MakeModel) -> None:
    model = make_model()
    nats, objective = losses(model, Objective())
    assert nats is objective
    assert nats == model.loss(*window(), model.initial_state(B))[0]


def test_a_step_reports_nats_and_goes_down_the_objective(make_model: MakeModel) -> None:
    plain = TrainingConfig(optimizer="sgd", schedule="constant", max_grad_norm=None, weight_decay=0)
    config = plain.replace(activation_penalty=2.0, temporal_penalty=1.0, label_smoothing=0.1)
    model, twin = make_model(), make_model()
    stepper = Stepper(Learner.of(model, config), config, precision="float32")
    tokens, targets = window()
    stepper.step(Batch(inputs=tokens, targets=targets, continues=False), learning_rate=0.5, momentum=0.0)
    nats, objective = losses(twin, ALL)
    objective.backward()
    assert stepper.read()[0].loss == nats.item()
    for weight, old in zip(model.parameters(), twin.parameters(), strict=True):
        assert old.grad is not None
        torch.testing.assert_close(weight, old - 0.5 * old.grad, atol=1e-6, rtol=1e-4)
