"""Classifiers that vote: the mean of what their members say, whatever kind these are, saved and built again."""

from typing import Any

import pytest
import torch
from torch import Tensor

from anaphora.errors import ConfigError
from anaphora.models.classifier import Classifier, ClassifierConfig, DocumentClassifier, SingleClassifier
from anaphora.models.classifier_ensemble import ClassifierEnsemble, EnsembleConfig, build_classifier
from anaphora.models.ngram_classifier import NgramClassifier, NgramClassifierConfig

V, LABELS = 13, ("neg", "pos", "so-so")
TOKENS = torch.randint(V, (4, 7), generator=torch.Generator().manual_seed(1))
LENGTHS = torch.tensor([7, 3, 1, 5])


def net(**changes: Any) -> DocumentClassifier:
    torch.manual_seed(3)
    encoder = {"name": "lstm", "embedding_dim": 5, "hidden_size": 4, "embedding_range": 1.0}
    return DocumentClassifier(ClassifierConfig(**{"encoder": encoder, "labels": LABELS, **changes}), V).eval()


def counting(**changes: Any) -> NgramClassifier:
    config = NgramClassifierConfig(**{"labels": LABELS, "order": 2, "num_ngrams": V, **changes})
    model = NgramClassifier(config, V).eval()
    model.keys += 1  # all single tokens
    model.weights = torch.randn(V, 3, generator=torch.Generator().manual_seed(2))
    return model


def probs(model: Classifier) -> Tensor:
    return model.class_log_probs(TOKENS, LENGTHS).exp()


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_vote_is_the_mean_of_the_probabilities(multi_label: bool) -> None:
    one, two, three = net(multi_label=multi_label), net(multi_label=multi_label, pooling="last"), counting()
    three = counting(multi_label=multi_label)
    two.temperature.fill_(2.0)
    together = ClassifierEnsemble.of([one, two, three])
    torch.testing.assert_close(probs(together), (probs(one) + probs(two) + probs(three)) / 3)
    assert together.embedding_dim == 5 + 5 + 3
    torch.testing.assert_close(together.embed(TOKENS)[..., 5:10], two.embed(TOKENS))
    logits = [member(TOKENS, LENGTHS) for member in together.voters]
    torch.testing.assert_close(together.combine(logits), together(TOKENS, LENGTHS))


@pytest.mark.parametrize("make", [net, counting])
def test_what_is_saved_is_built_again(make: Any) -> None:
    for model in (make(), ClassifierEnsemble.of([net(), make()])):
        again = build_classifier(model.config.model_dump(mode="json"), V).eval()
        again.load_state_dict(model.state_dict())
        assert type(again) is type(model)
        torch.testing.assert_close(probs(again), probs(model), rtol=0, atol=0)


def test_members_must_answer_the_same_question() -> None:
    with pytest.raises(ConfigError, match="all members must have the same labels"):
        EnsembleConfig(members=(net().config, net(labels=("a", "b")).config))


@pytest.mark.parametrize("members", [3, [net().config, 3], [{"name": "classifier", "labels": ["a"]}] * 2, [{}, {}]])
def test_members_that_are_none(members: Any) -> None:
    with pytest.raises(ConfigError, match=r"members|labels"):
        EnsembleConfig(members=members)


def test_a_single_classifier_is_no_vote() -> None:
    members: list[SingleClassifier] = [net()]
    with pytest.raises(ConfigError, match="at least 2"):
        ClassifierEnsemble.of(members)
