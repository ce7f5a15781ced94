"""What every language model must show, whatever it is made of: one table over all registered models.

A batch equals its rows; a text in pieces equals the text whole; the next-token distribution sums to one; saving and
loading changes nothing; every score is finite.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from anaphora.models.conditional import ConditionalLanguageModel
from anaphora.models.language_model import (
    CountingLanguageModel,
    LanguageModel,
    NeuralLanguageModel,
    SpecialIds,
    State,
    detach,
    select_rows,
)
from anaphora.models.mixture import MixtureLanguageModel
from anaphora.models.ngram.config import NGramConfig
from anaphora.models.ngram.names import FAMILIES, NAMES, family_and_order
from anaphora.models.registry import MODELS, build_model, model_config

pytestmark = pytest.mark.filterwarnings("ignore:.*no discounts can be estimated")  # the text is short

V = 11
SMALL = {"embedding_dim": 5, "hidden_size": 7}
ADAPTIVE = {"head": "adaptive", "head_cutoffs": [2, 6]}
MIXTURE = {"head": "mixture-of-softmaxes", "head_experts": 3}
BLOCK = {"embedding_dim": 6, "hidden_size": 6, "num_layers": 2}


def _fitted(name: str, **settings: object) -> LanguageModel:
    """Return a counting model of a short text that lacks the last two tokens and ends a line at each 4."""
    model = build_model(model_config(name, settings), V)
    assert isinstance(model, CountingLanguageModel)
    special_ids = SpecialIds(eos_id=4, start_id=4) if settings.get("context") == "sentence" else SpecialIds()
    return model.fit(np.random.default_rng(7).zipf(1.5, 200) % (V - 2), special_ids)


# One row for each way a model can be built; every registered name appears at least once, n-grams in some
# of their orders (checked below).
CASES: dict[str, Callable[[], LanguageModel]] = {
    "uniform": lambda: build_model(model_config("uniform"), V),
    "unigram": lambda: _fitted("unigram"),
    **{f"{family}{order}": partial(_fitted, f"{family}{order}") for family in FAMILIES for order in (1, 2, 5)},
    "kn3 of sentences": lambda: _fitted("kn3", context="sentence"),
    "kn3 pruned": lambda: _fitted("kn3", prune=[0, 1]),
    "kn3 quantized": lambda: _fitted("kn3", quantize=8),
    "stupid3 of sentences": lambda: _fitted("stupid3", context="sentence"),
    "arpa3": lambda: build_model(model_config("arpa3"), V),
    "awd-elman": lambda: build_model(model_config("awd-elman", SMALL), V),
    "awd-gru": lambda: build_model(model_config("awd-gru", SMALL), V),
    "awd-lstm": lambda: build_model(model_config("awd-lstm", SMALL), V),
    "awd-lstm of one layer, not tied": lambda: build_model(
        model_config("awd-lstm", {**SMALL, "num_layers": 1, "tie_weights": False}), V
    ),
    **{
        f"block of {cell}": lambda cell=cell: build_model(model_config("block", {**BLOCK, "cell": cell}), V)  # type: ignore[misc]
        for cell in ("mingru", "minlstm", "qrnn", "rglru", "sru")
    },
    "block with convolution and dropouts": lambda: build_model(
        model_config("block", {**BLOCK, "conv_window": 3, "dropout_hidden": 0.5, "dropout_weight": 0.5}), V
    ),
    "block of two widths, without gated layer, tied": lambda: build_model(
        model_config("block", {**SMALL, "num_layers": 2, "expansion": 0, "tie_weights": True}), V
    ),
    "mingru": lambda: build_model(model_config("mingru", SMALL), V),
    "minlstm": lambda: build_model(model_config("minlstm", SMALL), V),
    "qrnn": lambda: build_model(model_config("qrnn", SMALL), V),
    "qrnn of long windows": lambda: build_model(model_config("qrnn", {**SMALL, "window": 4}), V),
    "rglru": lambda: build_model(model_config("rglru", SMALL), V),
    "sru": lambda: build_model(model_config("sru", SMALL), V),
    "conditional": lambda: _conditional("lstm", SMALL),
    "conditional on a label": lambda: _conditional("gru", SMALL).given("neg"),
    "conditional stack, tied": lambda: _conditional("awd-lstm", SMALL),
    "conditional adaptive, tied": lambda: _conditional("lstm", {**SMALL, **ADAPTIVE, "tie_weights": True}),
    "elman": lambda: build_model(model_config("elman", SMALL), V),
    "elman relu": lambda: build_model(model_config("elman", {**SMALL, "activation": "relu"}), V),
    "gru": lambda: build_model(model_config("gru", SMALL), V),
    "gru deep": lambda: build_model(model_config("gru", {**SMALL, "num_layers": 3}), V),
    "layernorm-lstm": lambda: build_model(model_config("layernorm-lstm", SMALL), V),
    "mogrifier": lambda: build_model(model_config("mogrifier", {**SMALL, "mogrifier_rank": 2}), V),
    "mogrifier of full rank": lambda: build_model(model_config("mogrifier", {**SMALL, "mogrifier_rank": 0}), V),
    "zoneout-lstm": lambda: build_model(model_config("zoneout-lstm", SMALL), V),
    "lstm": lambda: build_model(model_config("lstm", SMALL), V),
    "lstm tied": lambda: build_model(
        model_config("lstm", {"embedding_dim": 6, "hidden_size": 6, "tie_weights": True}), V
    ),
    "lstm adaptive": lambda: build_model(model_config("lstm", {**SMALL, **ADAPTIVE}), V),
    "lstm adaptive, tied": lambda: build_model(model_config("lstm", {**SMALL, **ADAPTIVE, "tie_weights": True}), V),
    "lstm sampled": lambda: build_model(model_config("lstm", {**SMALL, "head": "sampled"}), V),
    "lstm mixture": lambda: build_model(model_config("lstm", {**SMALL, **MIXTURE}), V),
    "gru mixture, tied": lambda: build_model(model_config("gru", {**SMALL, **MIXTURE, "tie_weights": True}), V),
    "awd-lstm adaptive": lambda: build_model(model_config("awd-lstm", {**SMALL, **ADAPTIVE}), V),
    "awd-lstm mixture": lambda: build_model(model_config("awd-lstm", {**SMALL, **MIXTURE}), V),
    "lstm deep, tied by projection, dropouts": lambda: build_model(
        model_config(
            "lstm",
            {
                **SMALL,
                "num_layers": 2,
                "tie_weights": True,
                "dropout_input": 0.5,
                "dropout_hidden": 0.5,
                "dropout_output": 0.5,
                "initialization": "orthogonal",
            },
        ),
        V,
    ),
    "mixture": lambda: _mixture(),
    "mixture by rank": lambda: _mixture(context_classes="rank"),
    "mixture log-linear": lambda: _mixture(combination="log-linear"),
}


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Products of other shapes are summed in another order in float32: last digits differ, nothing more."""
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def _conditional(net: str, settings: dict[str, Any]) -> ConditionalLanguageModel:
    about = {"net": {"name": net, **settings}, "labels": ["pos", "neg"], "condition_dim": 3}
    model = build_model(model_config("conditional", about), V)
    assert isinstance(model, ConditionalLanguageModel)
    return model


def _mixture(**how: Any) -> LanguageModel:
    parts = [CASES["gru deep"](), CASES["unigram"](), CASES["kn3 of sentences"]()]
    model = MixtureLanguageModel.of(parts, **how)
    torch.nn.init.uniform_(model.weights, 0.1, 1.0)
    if model.config.combination == "linear":
        model.weights /= model.weights.sum(1, keepdim=True)
    return model


@pytest.fixture(params=CASES, name="model")
def _model(request: pytest.FixtureRequest) -> LanguageModel:
    torch.manual_seed(1)
    return CASES[request.param]().eval()


@pytest.fixture(name="text")
def _text() -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(0, V, (3, 13), generator=torch.Generator().manual_seed(2))
    return ids[:, :-1], ids[:, 1:]


def test_every_registered_model_is_in_the_table() -> None:
    listed = {name.split()[0] for name in CASES}
    assert listed <= set(MODELS)
    assert {name for name in MODELS if name not in NAMES} <= listed
    assert {family_and_order(name)[0] for name in NAMES} == {family_and_order(name)[0] for name in listed & set(NAMES)}


def test_trained_by_says_how(model: LanguageModel) -> None:
    kinds = {"gradient": NeuralLanguageModel, "counting": CountingLanguageModel, "mixing": MixtureLanguageModel}
    assert isinstance(model, kinds[model.trained_by])


def test_a_state_is_a_tuple_of_tensors_with_the_batch_first(model: LanguageModel) -> None:
    state = model.initial_state(4)
    assert isinstance(state, tuple)
    assert all(part.shape[0] == 4 for part in state)


def test_a_batch_equals_its_rows(model: LanguageModel, text: tuple[torch.Tensor, torch.Tensor]) -> None:
    tokens, targets = text
    together, state = model.target_log_probs(tokens, targets, model.initial_state(3))
    for row in range(3):
        alone, state_alone = model.target_log_probs(
            tokens[row : row + 1], targets[row : row + 1], model.initial_state(1)
        )
        assert_close(together[row : row + 1], alone)
        _assert_same_state(select_rows(state, torch.tensor([row])), state_alone)


def test_pieces_equal_the_whole(model: LanguageModel, text: tuple[torch.Tensor, torch.Tensor]) -> None:
    tokens, targets = text
    whole, last = model.target_log_probs(tokens, targets, model.initial_state(3))
    state, pieces = model.initial_state(3), []
    for part, wanted in zip(tokens.split(5, 1), targets.split(5, 1), strict=True):
        scores, state = model.target_log_probs(part, wanted, state)
        pieces.append(scores)
    assert_close(torch.cat(pieces, 1), whole)
    _assert_same_state(state, last)


def test_target_scores_are_those_of_the_next_token_distribution(
    model: LanguageModel, text: tuple[torch.Tensor, torch.Tensor]
) -> None:
    tokens, targets = text
    scores, correct, _ = model.score_targets(tokens, targets, model.initial_state(3))
    plain, _ = model.target_log_probs(tokens, targets, model.initial_state(3))
    torch.testing.assert_close(scores, plain, rtol=0, atol=0)
    state = model.initial_state(3)
    for t in range(tokens.shape[1]):
        step, state = model.next_log_probs(tokens[:, t : t + 1], state)
        assert_close(step.gather(1, targets[:, t : t + 1])[:, 0], scores[:, t])
        assert torch.equal(step.argmax(-1) == targets[:, t], correct[:, t])


def test_all_distributions_are_those_of_single_steps(
    model: LanguageModel, text: tuple[torch.Tensor, torch.Tensor]
) -> None:
    tokens, _ = text
    together, last = model.all_log_probs(tokens, model.initial_state(3))
    assert together.shape == (*tokens.shape, V)
    state = model.initial_state(3)
    for t in range(tokens.shape[1]):
        step, state = model.next_log_probs(tokens[:, t : t + 1], state)
        assert_close(together[:, t], step)
    _assert_same_state(last, state)


def test_the_next_token_distribution_sums_to_one(model: LanguageModel, text: tuple[torch.Tensor, torch.Tensor]) -> None:
    log_probs, _ = model.next_log_probs(text[0], model.initial_state(3))
    assert log_probs.shape == (3, V)
    if not model.normalized:
        pytest.skip("stupid back-off gives scores, and says so: `normalized` is False")
    torch.testing.assert_close(log_probs.double().exp().sum(-1), torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-6)


def test_every_score_is_finite(model: LanguageModel) -> None:
    every = torch.arange(V).repeat(V, 1)  # (V, V): each token after each, those never seen in training included
    scores, _ = model.target_log_probs(every, every.T.contiguous(), model.initial_state(V))
    assert (scores <= 0).all()
    if isinstance(model.config, NGramConfig) and model.config.family == "ml":
        pytest.skip("maximum likelihood calls the unseen impossible, with minus infinity")
    assert scores.isfinite().all()


def test_nothing_is_remembered_between_calls(model: LanguageModel, text: tuple[torch.Tensor, torch.Tensor]) -> None:
    first, _ = model.next_log_probs(text[0], model.initial_state(3))
    second, _ = model.next_log_probs(text[0], model.initial_state(3))
    assert torch.equal(first, second)


def test_loading_the_saved_tensors_changes_nothing(
    model: LanguageModel, text: tuple[torch.Tensor, torch.Tensor]
) -> None:
    copy = build_model(model.config, V).eval()
    copy.load_state_dict(model.state_dict())
    expected, _ = model.next_log_probs(text[0], model.initial_state(3))
    found, _ = copy.next_log_probs(text[0], model.initial_state(3))
    assert torch.equal(found, expected)


def test_a_detached_state_has_no_graph(model: LanguageModel, text: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, state = model.target_log_probs(*text, model.initial_state(3))
    assert not any(part.requires_grad for part in detach(state))


def test_layers_are_named_for_the_optimizers(model: LanguageModel) -> None:
    """Every weight is in one group; matrices for Muon lie between embedding and head, whole gates stacked in each."""
    if not isinstance(model, NeuralLanguageModel):
        return
    grouped = [weight for group in model.layer_groups() for weight in group]
    assert sorted(map(id, grouped)) == sorted(map(id, model.parameters()))
    inner = {weight for group in model.layer_groups()[:-1] for weight in group}
    hidden = dict(model.hidden_matrices())
    assert hidden
    for matrix, gates in hidden.items():
        assert matrix in inner
        assert matrix.ndim == 2
        assert matrix.shape != (V, SMALL["embedding_dim"])
        assert len(matrix) % gates == 0


def _assert_same_state(found: State, expected: State) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other)
