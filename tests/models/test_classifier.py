"""The classifier: true lengths alone count, distributions are distributions, and each pooling is what it says."""

from typing import Any

import pytest
import torch
from torch import Tensor

from anaphora.errors import ConfigError
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier
from anaphora.models.encoders.encoder import Encoded
from anaphora.models.pooling import Pooling

V = 13
LENGTHS = torch.tensor([7, 3, 1, 5])
ENCODER = {"name": "lstm", "embedding_dim": 5, "hidden_size": 4, "embedding_range": 1.0}
POOLINGS = ("last", "mean", "max", "concat", "attention")


def make(**changes: Any) -> DocumentClassifier:
    torch.manual_seed(3)
    config = ClassifierConfig(**{"encoder": ENCODER, "labels": ("neg", "pos", "so-so"), **changes})
    return DocumentClassifier(config, V).double().eval()


@pytest.fixture(name="tokens")
def _tokens() -> Tensor:
    return torch.randint(V, (4, 7), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_changes_nothing_and_a_batch_equals_its_rows(pooling: str, tokens: Tensor) -> None:
    model = make(pooling=pooling, classifier_dim=6)
    expected = model(tokens, LENGTHS)
    assert expected.shape == (4, 3)
    padded = torch.cat([tokens, torch.randint(V, (4, 9))], 1)
    for row, length in enumerate(LENGTHS):
        padded[row, length:] = torch.randint(V, (16 - int(length),))
        alone = model(tokens[row : row + 1, :length], length.view(1))
        torch.testing.assert_close(alone[0], expected[row], rtol=0, atol=1e-6)
    torch.testing.assert_close(model(padded, LENGTHS), expected, rtol=0, atol=1e-6)


def test_the_poolings_by_hand() -> None:
    features = torch.tensor([[[1.0, 4.0], [3.0, 0.0], [99.0, 99.0]]])
    encoded, lengths = Encoded(features, features[:, 1]), torch.tensor([2])
    assert Pooling("last", 2)(encoded, lengths).tolist() == [[3.0, 0.0]]
    assert Pooling("mean", 2)(encoded, lengths).tolist() == [[2.0, 2.0]]
    assert Pooling("max", 2)(encoded, lengths).tolist() == [[3.0, 4.0]]
    assert Pooling("concat", 2)(encoded, lengths).tolist() == [[3.0, 0.0, 3.0, 4.0, 2.0, 2.0]]
    attention = Pooling("attention", 2)
    assert attention.project is not None
    assert attention.query is not None
    torch.nn.init.zeros_(attention.query.weight)  # all tokens alike
    assert attention(encoded, lengths).tolist() == [[2.0, 2.0]]


def test_one_class_or_several_labels(tokens: Tensor) -> None:
    torch.testing.assert_close(make().class_log_probs(tokens, LENGTHS).exp().sum(1), torch.ones(4).double())
    model = make(multi_label=True)
    expected = model(tokens, LENGTHS).sigmoid()
    torch.testing.assert_close(model.class_log_probs(tokens, LENGTHS).exp(), expected)


def test_the_temperature_sharpens_and_belongs_to_the_weights(tokens: Tensor) -> None:
    model = make()
    model.temperature.fill_(0.5)
    expected = (2 * model(tokens, LENGTHS)).log_softmax(1)
    torch.testing.assert_close(model.class_log_probs(tokens, LENGTHS), expected)
    assert "temperature" in model.state_dict()


def test_the_running_prediction_is_that_of_each_beginning(tokens: Tensor) -> None:
    model = make()
    running = model.running_log_probs(tokens, LENGTHS)
    assert running.shape == (4, 7, 3)
    for end in (1, 4, 7):
        lengths = LENGTHS.clamp(max=end)
        expected = model.class_log_probs(tokens[:, :end], lengths)
        torch.testing.assert_close(running[:, end - 1], expected, rtol=0, atol=1e-6)


def test_embedding_and_logits_are_the_forward_pass(tokens: Tensor) -> None:
    model = make()
    torch.testing.assert_close(model.logits_from_embedded(model.embed(tokens), LENGTHS), model(tokens, LENGTHS))


def test_words_are_dropped_whole_and_only_in_training(tokens: Tensor) -> None:
    model = make(dropout_words=0.5)
    torch.testing.assert_close(model.embed(tokens), model.encoder.embed(tokens))
    embedded = model.train().embed(tokens)
    missing = (embedded == 0).all(2)
    assert missing.any()
    torch.testing.assert_close(embedded[~missing], 2 * model.encoder.embed(tokens)[~missing])


@pytest.mark.parametrize(("labels", "message"), [(("a",), "at least 2"), (("a", "b", "a"), "each label once")])
def test_labels_that_cannot_be(labels: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ClassifierConfig(labels=labels)
