"""One step against the same step written out by hand."""

from collections.abc import Callable

import pytest
import torch

from anaphora.data.stream import Batch
from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.run_state import StepResult
from anaphora.training.stepper import Stepper

MakeModel = Callable[..., RecurrentLanguageModel]
SGD = TrainingConfig(optimizer="sgd", weight_decay=0, schedule="constant")


def stepper(model: RecurrentLanguageModel, max_grad_norm: float | None = None) -> Stepper:
    config = SGD.replace(max_grad_norm=max_grad_norm)
    return Stepper(Learner.of(model, config), config, precision="float32")


def batch(start: int, *, continues: bool) -> Batch:
    tokens = (torch.arange(start, start + 9) % 7).expand(2, 9)
    return Batch(inputs=tokens[:, :-1], targets=tokens[:, 1:], continues=continues)


@pytest.mark.parametrize("max_grad_norm", [None, 1e-3, 1e3])
def test_a_step_moves_along_the_clipped_gradient(make_model: MakeModel, max_grad_norm: float | None) -> None:
    model, twin = make_model(), make_model()
    it = stepper(model, max_grad_norm)
    it.step(batch(0, continues=False), learning_rate=0.5, momentum=0.0)
    (result,) = it.read()

    loss, _ = twin.loss(batch(0, continues=False).inputs, batch(0, continues=False).targets, twin.initial_state(2))
    loss.backward()
    gradients = [weight.grad for weight in twin.parameters() if weight.grad is not None]
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    factor = 1.0 if max_grad_norm is None else min(1.0, max_grad_norm / norm)
    for weight, old, gradient in zip(model.parameters(), twin.parameters(), gradients, strict=True):
        torch.testing.assert_close(weight, old - 0.5 * factor * gradient, atol=1e-6, rtol=1e-3)
    assert result.loss == loss.item()
    assert result.grad_norm == pytest.approx(norm, rel=1e-5)  # before clipping
    assert (result.tokens, result.learning_rate) == (16, 0.5)


def test_the_state_goes_on_only_where_the_batch_does(make_model: MakeModel) -> None:
    it = stepper(make_model())
    it.step(batch(0, continues=False), 0.0, 0.0)
    carried = it.carried
    it.step(batch(8, continues=True), 0.0, 0.0)
    it.step(batch(8, continues=False), 0.0, 0.0)
    assert carried is not None
    assert all(part.grad_fn is None for part in carried)
    first, on, anew = (result.loss for result in it.read())
    assert on != anew
    assert first != anew
    it.carried = None
    it.step(batch(8, continues=True), 0.0, 0.0)
    assert it.read()[0].loss == anew


def test_what_was_measured_is_read_once_in_order(make_model: MakeModel) -> None:
    it = stepper(make_model())
    assert it.read() == []
    for rate in (0.1, 0.2, 0.3):
        it.step(batch(0, continues=False), rate, 0.0)
    assert [result.learning_rate for result in it.read()] == [0.1, 0.2, 0.3]
    assert it.read() == []


def test_gradients_do_not_pile_up(make_model: MakeModel) -> None:
    model = make_model()
    stepper(model).step(batch(0, continues=False), 0.1, 0.0)
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize(
    ("loss", "norm", "finite"), [(1.0, 2.0, True), (float("nan"), 2.0, False), (1.0, float("inf"), False)]
)
def test_finite(loss: float, norm: float, finite: bool) -> None:
    assert StepResult(loss, norm, 1, 0.1).is_finite is finite


def test_dropped_rows_start_from_the_initial_state(make_model: MakeModel) -> None:
    """With a learning rate of 0, a step's loss shows which state each of its two rows began with."""
    model = make_model()
    whole, dropping = (
        stepper(model),
        Stepper(Learner.of(model, SGD), SGD.replace(max_grad_norm=None, dropout_state=0.5), precision="float32"),
    )
    for it in (whole, dropping):
        it.step(batch(0, continues=False), 0.0, 0.0)
    carried = whole.carried
    seen = set()
    for _ in range(40):
        whole.carried = dropping.carried = carried
        dropping.step(batch(8, continues=True), 0.0, 0.0)
        seen.add(round(dropping.read()[-1].loss, 5))
    whole.step(batch(8, continues=True), 0.0, 0.0)
    whole.step(batch(8, continues=False), 0.0, 0.0)
    _, on, anew = (round(result.loss, 5) for result in whole.read())
    none, one, both = on, (on + anew) / 2, anew  # the two rows of the batch are the same
    assert sorted(seen) == pytest.approx(sorted([none, one, both]), abs=2e-5)
