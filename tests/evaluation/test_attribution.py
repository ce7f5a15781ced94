"""Contributions against the definitions: documents read again one by one, sums that must come out, a linear model."""

from typing import Any

import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.evaluation.attribution import METHODS, attribute, log_odds, running_probabilities
from anaphora.models.classifier import Classifier, ClassifierConfig, DocumentClassifier
from anaphora.models.classifier_ensemble import ClassifierEnsemble
from anaphora.progress import Event

V, EMPTY = 11, 0
TOKENS = [3, 7, 1, 1, 9, 4, 10]
ENCODER = {"name": "lstm", "embedding_dim": 6, "hidden_size": 5, "embedding_range": 1.0}
KINDS: list[dict[str, Any]] = [
    {"pooling": "last"},
    {"pooling": "concat", "classifier_dim": 8},
    {"pooling": "attention", "multi_label": True},
    {"pooling": "max", "encoder": {**ENCODER, "name": "gru", "bidirectional": False}},
]


def make(**changes: Any) -> DocumentClassifier:
    torch.manual_seed(5)
    config = ClassifierConfig(**{"encoder": ENCODER, "labels": ("neg", "pos", "so-so"), **changes})
    model = DocumentClassifier(config, V).eval()
    for weight in model.parameters():
        weight.data *= 1.5  # strong opinions, so that there is something to explain
    return model


def answer(model: Classifier, tokens: list[int], label: int) -> float:
    with torch.no_grad():
        log_probs = model.class_log_probs(torch.tensor([tokens]), torch.tensor([len(tokens)])).double()
    probability = log_probs[0, label].exp()
    return float((probability / (1 - probability)).log())


@pytest.mark.parametrize("changes", KINDS)
def test_leaving_out_is_reading_again_without_the_token(changes: dict[str, Any]) -> None:
    model = make(**changes)
    found = attribute(model, TOKENS, 1, method="leave-one-out", empty=EMPTY)
    assert found.log_odds == pytest.approx(answer(model, TOKENS, 1), abs=1e-4)
    without = [TOKENS[:at] + TOKENS[at + 1 :] for at in range(len(TOKENS))]
    expected = [found.log_odds - answer(model, rest, 1) for rest in without]
    assert found.contributions == pytest.approx(expected, abs=1e-4)
    assert found.gap is None


def test_without_its_only_token_a_document_is_empty() -> None:
    model = make()
    [contribution] = attribute(model, [4], 0, method="leave-one-out", empty=EMPTY).contributions
    assert contribution == pytest.approx(answer(model, [4], 0) - answer(model, [EMPTY], 0), abs=1e-4)


@pytest.mark.parametrize("label", [0, 2])
@pytest.mark.parametrize("changes", KINDS)
def test_integrated_gradients_sum_to_the_difference_of_the_answers(changes: dict[str, Any], label: int) -> None:
    """The axiom of completeness, within what the module promises: a hundredth of the difference, or of a nat."""
    model = make(**changes)
    found = attribute(model, TOKENS, label, method="integrated-gradients", empty=EMPTY)
    nothing = torch.zeros(1, len(TOKENS), 6)
    with torch.no_grad():
        baseline = log_odds(model, model.logits_from_embedded(nothing, torch.tensor([len(TOKENS)])), label).item()
    difference = answer(model, TOKENS, label) - baseline
    assert sum(found.contributions) == pytest.approx(difference, abs=0.01 * max(1, abs(difference)) + 1e-4)
    assert found.gap == pytest.approx(sum(found.contributions) - difference, abs=1e-4)


def test_integrated_gradients_of_a_linear_model_are_its_terms() -> None:
    """With no step in between, a token's contribution is weight times embedding, exactly."""

    class Linear(DocumentClassifier):
        def logits_from_embedded(self, embedded: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.output(embedded.sum(1))
            return logits

    torch.manual_seed(1)
    encoder: Any = {**ENCODER, "bidirectional": False, "hidden_size": 6}
    config = ClassifierConfig(encoder=encoder, labels=("a", "b"), pooling="last")
    model = Linear(config, V).eval()
    found = attribute(model, TOKENS, 1, method="integrated-gradients", empty=EMPTY)
    with torch.no_grad():
        weight = model.output.weight[1] - model.output.weight[0]
        expected = (model.embed(torch.tensor(TOKENS)[None])[0] @ weight).tolist()
    assert found.contributions == pytest.approx(expected, abs=1e-5)


def test_gradients_reach_the_beginning_of_a_document_that_training_cuts_into_pieces() -> None:
    whole, cut = make(), make(encoder={**ENCODER, "bptt": 2, "gradient_tokens": 2})
    cut.load_state_dict(whole.state_dict())
    expected, found = (
        attribute(model, TOKENS, 1, method="integrated-gradients", empty=EMPTY) for model in (whole, cut)
    )
    assert found.contributions == pytest.approx(expected.contributions, abs=1e-5)
    assert (cut.encoder.config.bptt, cut.encoder.config.gradient_tokens) == (2, 2)


def test_an_ensemble_is_explained_through_all_its_members() -> None:
    other = make(encoder={**ENCODER, "embedding_dim": 4, "bidirectional": False})
    ensemble = ClassifierEnsemble.of([make(), other]).eval()
    found = attribute(ensemble, TOKENS, 1, method="integrated-gradients", empty=EMPTY)
    assert found.log_odds == pytest.approx(answer(ensemble, TOKENS, 1), abs=1e-4)
    assert found.gap == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_explaining_leaves_the_model_as_it_was_and_reports(method: str) -> None:
    model, events = make(dropout_words=0.5, dropout_pooled=0.5), list[Event]()
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first, second = (attribute(model, TOKENS, 0, method=method, empty=EMPTY, progress=events.append) for _ in range(2))
    assert first == second  # no dropout
    assert model.training
    assert all(weight.grad is None for weight in model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert events
    assert events[0].stage == "explain"


def test_temperature_divides_the_log_odds() -> None:
    model = make()
    once = attribute(model, TOKENS, 0, empty=EMPTY)
    logits = torch.tensor([[2.0, -1.0, 0.5]])
    model.temperature.fill_(2.0)
    assert attribute(model, TOKENS, 0, empty=EMPTY).log_odds == pytest.approx(answer(model, TOKENS, 0), abs=1e-4)
    assert attribute(model, TOKENS, 0, empty=EMPTY).log_odds != pytest.approx(once.log_odds, abs=1e-3)
    probabilities = (logits / 2).softmax(1).double()
    assert log_odds(model, logits, 0).item() == pytest.approx(
        float((probabilities[0, 0] / (1 - probabilities[0, 0])).log()), abs=1e-6
    )


def test_the_running_answer_is_that_of_every_beginning() -> None:
    model = make()
    running = running_probabilities(model, TOKENS)
    assert len(running) == len(TOKENS)
    for end, shares in enumerate(running, start=1):
        assert sum(shares) == pytest.approx(1, abs=1e-6)
        odds = shares[1] / (1 - shares[1])
        assert torch.tensor(odds).log().item() == pytest.approx(answer(model, TOKENS[:end], 1), abs=1e-4)


def test_a_misspelt_method_is_named() -> None:
    with pytest.raises(ConfigError, match="method = 'leave-one-oat'; did you mean 'leave-one-out'"):
        attribute(make(), TOKENS, 0, method="leave-one-oat", empty=EMPTY)
