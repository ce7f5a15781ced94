"""The LSTM that reads by table equals the framework's, values and gradients; and it runs exactly where it is faster."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models import lstm_recurrence, recurrent
from anaphora.models.lstm_recurrence import recurrence, run_by_table, table_pays
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.runtime import num_threads

E, H = 5, 7
# float32 sums in another order: 1e-5 of the largest entry is a hundred roundings.
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


class Case(NamedTuple):
    """One window; `state` says what is before it, `dropout` what is between the layers."""

    batch_size: int = 3
    seq_len: int = 6
    vocab_size: int = 4
    num_layers: int = 1
    state: str = "random"
    dropout: float = 0.0


CASES = {
    "one layer": Case(),
    "two layers": Case(num_layers=2),
    "three layers": Case(num_layers=3),
    "three layers with dropout": Case(num_layers=3, dropout=0.5),
    "zero state": Case(state="zero"),
    "one row": Case(batch_size=1),
    "one step": Case(seq_len=1),
    "one row, one step, two layers": Case(batch_size=1, seq_len=1, num_layers=2),
    "one type, everywhere": Case(vocab_size=1),
    "more types than positions": Case(vocab_size=50),
}


def framework(layers: nn.LSTM, embedding: Tensor, tokens: Tensor, state: tuple[Tensor, ...]) -> Any:
    return layers(F.embedding(tokens, embedding), state)


def run(way: Any, case: Case, dtype: torch.dtype) -> tuple[list[Tensor], list[Tensor]]:
    """Return what the layers return and, for a random weighing of it, the gradients of everything that goes in."""
    torch.manual_seed(5)
    layers = nn.LSTM(E, H, case.num_layers, batch_first=True, dropout=case.dropout, dtype=dtype)
    embedding = torch.randn(case.vocab_size, E, dtype=dtype, requires_grad=True)
    tokens = torch.randint(case.vocab_size, (case.batch_size, case.seq_len))
    shape = (case.num_layers, case.batch_size, H)
    make = torch.zeros if case.state == "zero" else torch.randn
    h, c = (make(*shape, dtype=dtype).requires_grad_() for _ in range(2))
    hidden, (last_h, last_c) = way(layers, embedding, tokens, (h, c))
    values = [hidden, last_h, last_c]
    weighed = [(value * torch.randn(value.shape, dtype=torch.float64).to(dtype)).sum() for value in values]
    inputs = [embedding, h, c, *layers.parameters()]
    return values, list(torch.autograd.grad(torch.stack(weighed).sum(), inputs))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_and_gradients_are_the_framework_s(case: Case, dtype: torch.dtype) -> None:
    """With dropout too: from one seed both draw the same masks."""
    for found, expected in zip(run(run_by_table, case, dtype), run(framework, case, dtype), strict=True):
        for one, other in zip(found, expected, strict=True):
            assert one.shape == other.shape
            assert (one - other).abs().max() <= TOLERANCE[dtype] * other.abs().max().clamp(min=1)


def test_gradcheck() -> None:
    torch.manual_seed(6)
    tokens = torch.tensor([[0, 2], [1, 1], [0, 2]])
    shapes = ((3, 8), (8, 2), (2, 2), (2, 2))  # table, weight, h, c for H = 2, V = 3
    table, weight, h, c = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    assert torch.autograd.gradcheck(lambda a, b, h, c: recurrence(a, tokens, b, h, c), (table, weight, h, c))


def test_a_second_derivative_is_refused() -> None:
    table, weight, state = torch.randn(3, 8, requires_grad=True), torch.randn(8, 2), torch.zeros(1, 2)
    hidden, _ = recurrence(table, torch.zeros(2, 1, dtype=torch.int64), weight, state, state)
    (gradient,) = torch.autograd.grad(hidden.square().sum(), table, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        gradient.sum().backward()


def model_gradients(reads_by_table: bool, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> dict[str, Tensor]:
    monkeypatch.setattr(recurrent, "table_pays", lambda *_: reads_by_table)
    torch.manual_seed(7)
    model = RecurrentLanguageModel(RecurrentConfig(embedding_dim=E, hidden_size=H, **settings), 4).double()
    tokens = torch.randint(4, (3, 6))
    loss, state = model.loss(tokens, tokens.roll(-1, 1), model.initial_state(3))
    loss.backward()
    gradients = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    assert len(gradients) == len(list(model.parameters()))
    return {"loss": loss.detach(), "h": state[0], "c": state[1], **gradients}


@pytest.mark.parametrize("tie_weights", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_model_trains_the_same_either_way(
    tie_weights: bool, num_layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"tie_weights": tie_weights, "num_layers": num_layers}
    found = model_gradients(True, monkeypatch, **settings)
    torch.testing.assert_close(found, model_gradients(False, monkeypatch, **settings), rtol=1e-10, atol=1e-12)


BIG: dict[str, Any] = {
    "embedding_dim": 64,
    "hidden_size": 128,
}  # with 256 rows and few types the table saves twice what it must


@pytest.mark.parametrize(
    ("expected", "settings", "vocab_size"),
    [
        (True, {}, 9),
        (True, {"num_layers": 2, "dropout_hidden": 0.5, "dropout_output": 0.5}, 9),
        (False, {"dropout_input": 0.5}, 9),  # each position's embedding is dropped on its own
        (False, {"name": "gru"}, 9),
        (False, {"name": "elman"}, 9),
        (False, {}, 3000),  # more types than the 2048 positions
        (False, {"hidden_size": 8}, 9),  # saves less than its calls cost
    ],
)
def test_training_in_float32_reads_by_table_where_it_pays(
    expected: bool, settings: dict[str, Any], vocab_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs_by_table(monkeypatch, RecurrentLanguageModel(RecurrentConfig(**BIG | settings), vocab_size)) == expected


@pytest.mark.parametrize("context", [torch.no_grad(), torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)])
def test_elsewhere_the_framework_s_layer_runs(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = RecurrentLanguageModel(RecurrentConfig(**BIG), 9)
    with context:
        assert not runs_by_table(monkeypatch, model)
    assert runs_by_table(monkeypatch, model)


def runs_by_table(monkeypatch: pytest.MonkeyPatch, model: RecurrentLanguageModel) -> bool:
    calls = []

    def spy(*given: Any) -> Any:
        calls.append(given)
        return run_by_table(*given)

    monkeypatch.setattr(recurrent, "run_by_table", spy)
    model(torch.zeros(1024, 2, dtype=torch.int64), model.initial_state(1024))
    return bool(calls)


def test_other_devices_and_number_formats_are_left_alone() -> None:
    layers, tokens = nn.LSTM(64, 128), torch.zeros(1024, 2, dtype=torch.int64)
    assert table_pays(layers, torch.zeros(9, 64), tokens)
    assert not table_pays(layers, torch.zeros(9, 64, device="meta"), tokens)
    assert not table_pays(layers, torch.zeros(9, 64, dtype=torch.bfloat16), tokens)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_rule_counts_what_is_saved_for_each_step(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layers, embedding, tokens = nn.LSTM(E, H), torch.zeros(4, E), torch.zeros(3, 6, dtype=torch.int64)
    saved = (3 * 6 - 4) * E * H  # multiplications in a window of 6 steps
    monkeypatch.setattr(lstm_recurrence, "_LEAST_SAVED_ONE_THREAD", saved / 6)
    monkeypatch.setattr(lstm_recurrence, "_LEAST_SAVED_MORE_THREADS", saved / 6 + 1)
    with num_threads(threads):
        assert table_pays(layers, embedding, tokens) == (threads == 1)
