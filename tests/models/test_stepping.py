"""The single-step path against the model it stands in for: same log-probabilities, same states, token after token."""

import pytest
import torch

from anaphora.models import stepping
from anaphora.models.language_model import LanguageModel, State
from anaphora.models.registry import build_model, model_config
from anaphora.models.stepping import inference, make_stepper

VOCAB, STEPS = 40, 20  # no band of types nor number of experts is below 12: see `stepping._product`
# Both sides add the same float32 products in another order; states are near 1, log-probabilities near 2.
RTOL, ATOL = 1e-5, 2e-6

RECURRENT: dict[str, tuple[str, dict[str, object]]] = {
    "elman tanh": ("elman", {}),
    "elman relu": ("elman", {"activation": "relu"}),
    "lstm": ("lstm", {}),
    "gru": ("gru", {}),
    "lstm, three layers": ("lstm", {"num_layers": 3, "dropout_hidden": 0.5}),
    "gru, two layers": ("gru", {"num_layers": 2}),
    "lstm, tied": ("lstm", {"tie_weights": True, "embedding_dim": 12, "hidden_size": 12}),
    "gru, tied with projection": ("gru", {"tie_weights": True, "num_layers": 2}),
    "lstm, adaptive": ("lstm", {"head": "adaptive", "head_cutoffs": [13, 26]}),
    "gru, adaptive, tied": ("gru", {"head": "adaptive", "head_cutoffs": [13, 26], "tie_weights": True}),
    "lstm, sampled": ("lstm", {"head": "sampled"}),
    "lstm, mixture": ("lstm", {"head": "mixture-of-softmaxes", "head_experts": 12}),
    "conditional lstm": ("conditional", {"net": {"name": "lstm", "embedding_dim": 7, "hidden_size": 37}}),
    "conditional gru, two layers": (
        "conditional",
        {"net": {"name": "gru", "embedding_dim": 7, "hidden_size": 37, "num_layers": 2}},
    ),
    "lstm, dropouts": ("lstm", {"dropout_input": 0.5, "dropout_output": 0.5}),
}


def make(name: str, values: dict[str, object]) -> LanguageModel:
    torch.manual_seed(5)
    sizes = {} if name in ("conditional", "uniform", "unigram") else {"embedding_dim": 7, "hidden_size": 37}
    model = build_model(model_config(name, {**sizes, **values}), VOCAB)
    for parameter in model.parameters():  # biases are drawn too, so that a forgotten one shows
        torch.nn.init.uniform_(parameter, -0.3, 0.3)
    return model


def assert_same_state(found: State, expected: State) -> None:
    assert len(found) == len(expected)
    for part, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(part, wanted, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("case", [*RECURRENT, "uniform", "unigram"])
@pytest.mark.parametrize("rows", [1, 3])
def test_steps_equal_the_model(case: str, rows: int) -> None:
    model = make(*RECURRENT.get(case, (case, {})))
    tokens = torch.randint(VOCAB, (rows, STEPS), generator=torch.Generator().manual_seed(1))
    with inference(model):
        stepper = make_stepper(model)
        state = model.initial_state(rows)
        for t in range(STEPS):
            log_probs, state = stepper.step(tokens[:, t], state)
            wanted, wanted_state = model.next_log_probs(tokens[:, : t + 1], model.initial_state(rows))
            torch.testing.assert_close(log_probs, wanted, rtol=RTOL, atol=ATOL)
            assert_same_state(state, wanted_state)


@pytest.mark.parametrize("case", RECURRENT)
def test_without_the_input_table(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(*RECURRENT[case])
    tokens, state = torch.tensor([4, 0, 10]), model.initial_state(3)
    with inference(model):
        with_table = make_stepper(model).step(tokens, state)
        monkeypatch.setattr(stepping, "_MAX_TABLE", 0)
        without = make_stepper(model).step(tokens, state)
    torch.testing.assert_close(without[0], with_table[0], rtol=RTOL, atol=ATOL)
    assert_same_state(without[1], with_table[1])


@pytest.mark.parametrize("case", RECURRENT)
def test_rows_do_not_depend_on_the_batch(case: str) -> None:
    """Row i of a batch of 5 and the same row alone, bit for bit: a seed stands for a text, however many are drawn."""
    model = make(*RECURRENT[case])
    tokens = torch.tensor([1, 9, 3, 3, 7])
    with inference(model):
        stepper = make_stepper(model)
        log_probs, state = stepper.step(tokens, model.initial_state(5))
        for row in range(5):
            alone, alone_state = stepper.step(tokens[row : row + 1], model.initial_state(1))
            assert torch.equal(alone[0], log_probs[row])
            assert all(torch.equal(a[0], b[row]) for a, b in zip(alone_state, state, strict=True))


def test_inference_restores_the_mode() -> None:
    model = make("lstm", {})
    for training in (True, False):
        model.train(training)
        with inference(model):
            assert not model.training
            assert torch.is_inference_mode_enabled()
        assert model.training is training
        assert not torch.is_inference_mode_enabled()


def test_inference_restores_the_mode_after_an_error() -> None:
    model = make("lstm", {}).train()
    with pytest.raises(KeyError), inference(model):
        raise KeyError
    assert model.training
