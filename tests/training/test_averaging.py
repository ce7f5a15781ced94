"""Each average against the same written out; swapped in and out bit for bit."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.training.averaging import Averaging, WeightAverage
from anaphora.training.config import TrainingConfig
from anaphora.training.run_state import RunState

MakeModel = Callable[..., RecurrentLanguageModel]
STEPS = 60


def wander(
    model: RecurrentLanguageModel, config: TrainingConfig, state: RunState
) -> tuple[WeightAverage, list[Tensor]]:
    """Move the embedding at random for some steps; return the average and every place it was at."""
    average = WeightAverage(model)
    averaging = Averaging(average, config)
    visited = []
    for step in range(1, STEPS + 1):
        model.embedding.weight.data.normal_()
        visited.append(model.embedding.weight.detach().clone())
        state.step = step
        averaging.after_step(state, fraction=step / STEPS)
    return average, visited


def averaged(average: WeightAverage) -> Tensor:
    return average.tensors()["embedding.weight"]


def test_ema(make_model: MakeModel) -> None:
    average, visited = wander(make_model(), TrainingConfig(average="ema", average_decay=0.8), RunState())
    expected = visited[0]
    for count, position in enumerate(visited[1:], start=1):
        decay = min(0.8, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay) * position
    torch.testing.assert_close(averaged(average), expected)


def test_swa_is_the_mean_of_its_snapshots(make_model: MakeModel) -> None:
    config = TrainingConfig(average="swa", average_start=0.5, average_every=7)
    average, visited = wander(make_model(), config, RunState())
    taken = [visited[step - 1] for step in (35, 42, 49, 56)]
    assert average.count == 4
    torch.testing.assert_close(averaged(average), torch.stack(taken).mean(0))


def test_nt_asgd_averages_every_step_from_its_trigger(make_model: MakeModel) -> None:
    config = TrainingConfig(optimizer="nt-asgd", schedule="constant")
    model = make_model()
    assert not wander(model, config, RunState())[0].tensors()
    average, visited = wander(model, config, RunState(averaged_since=5))
    torch.testing.assert_close(averaged(average), torch.stack(visited).mean(0))


def trigger(losses: list[float], n: int) -> int | None:
    """Return the number of the validation (from 1) that starts the averaging, by the rule of AWD-LSTM's authors."""
    history: list[float] = []
    for number, loss in enumerate(losses, start=1):
        if len(history) > n and loss > min(history[:-n]):
            return number
        history.append(loss)
    return None


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("seed", range(8))
def test_the_trigger_is_that_of_the_paper(make_model: MakeModel, n: int, seed: int) -> None:
    config = TrainingConfig(optimizer="nt-asgd", schedule="constant", average_trigger=n)
    averaging, state = Averaging(WeightAverage(make_model()), config), RunState()
    noise = torch.rand(30, generator=torch.Generator().manual_seed(seed)).tolist()
    losses = [3.0 / number + 0.1 * extra for number, extra in enumerate(noise, start=1)]
    for number, loss in enumerate(losses, start=1):
        state.step = number
        averaging.after_validation(state, loss)
        assert len(state.recent_valid_losses) <= n
    assert state.averaged_since == trigger(losses, n)


def test_other_averages_have_no_trigger(make_model: MakeModel) -> None:
    averaging, state = Averaging(WeightAverage(make_model()), TrainingConfig(average="ema")), RunState()
    for loss in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0):
        averaging.after_validation(state, loss)
    assert state == RunState()


def test_in_place_and_back(make_model: MakeModel) -> None:
    model = make_model(tie_weights=True)
    average, visited = wander(model, TrainingConfig(average="ema"), RunState())
    addresses = [weight.data_ptr() for weight in model.parameters()]
    before, mean = model.embedding.weight.detach().clone(), averaged(average).clone()
    with average.in_place():
        assert torch.equal(model.embedding.weight, mean)
    assert torch.equal(model.embedding.weight, before)
    assert torch.equal(averaged(average), mean)
    with pytest.raises(ZeroDivisionError), average.in_place():
        _ = 1 / 0
    assert torch.equal(model.embedding.weight, visited[-1])
    average.settle()
    assert torch.equal(model.embedding.weight, mean)
    assert [weight.data_ptr() for weight in model.parameters()] == addresses


def test_before_the_first_there_is_nothing(make_model: MakeModel) -> None:
    model = make_model()
    average, before = WeightAverage(model), model.embedding.weight.detach().clone()
    with average.in_place():
        assert torch.equal(model.embedding.weight, before)
    average.settle()
    assert torch.equal(model.embedding.weight, before)
    assert average.tensors() == {}


def test_out_and_in_again(make_model: MakeModel) -> None:
    average, _ = wander(make_model(), TrainingConfig(average="ema"), RunState())
    other = WeightAverage(make_model())
    other.load(average.tensors())
    assert other.count == STEPS
    assert torch.equal(averaged(other), averaged(average))
    other.load({})
    assert (other.count, other.tensors()) == (0, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embedding.weight": None}, "averaged weights differ: embedding.weight"),
        ({"surprise": torch.zeros(1)}, "averaged weights differ: surprise"),
        ({"embedding.weight": torch.zeros(2)}, r"the average of 'embedding.weight' has shape \(2,\)"),
    ],
)
def test_the_average_of_something_else_is_refused(
    make_model: MakeModel, change: dict[str, Tensor | None], message: str
) -> None:
    average, _ = wander(make_model(), TrainingConfig(average="ema"), RunState())
    tensors = {key: value for key, value in {**average.tensors(), **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        average.load(tensors)
