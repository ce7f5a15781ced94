"""The configuration of a classifier's run: what is filled in where nobody says otherwise."""

from typing import Any

import pytest

from anaphora.errors import ConfigError
from anaphora.text.document_files import Document
from anaphora.training.classify_run_config import CLASSIFIER, ClassifyRunConfig, suited


def documents(text: str, count: int = 1000) -> list[Document]:
    return [Document(text, ("a",), "here")] * count


def resolved(text: str = "words with spaces", count: int = 1000, **sections: dict[str, Any]) -> ClassifyRunConfig:
    given = CLASSIFIER.checked({"documents": {"source": "x.csv"}, **sections})
    return ClassifyRunConfig.from_json(suited(given, documents(text, count)))


def test_the_tokenizer_suits_the_text() -> None:
    words = resolved().tokenizer
    assert (words.kind, words.min_count, words.max_size, words.line_breaks) == ("english", 2, 30_000, "space")
    characters = resolved("这部电影很好看我很喜欢").tokenizer
    assert (characters.kind, characters.min_count) == ("chars", 1)
    own = resolved(tokenizer={"kind": "words", "min_count": 5}).tokenizer
    assert (own.kind, own.min_count, own.max_size) == ("words", 5, 30_000)


def test_ngrams_are_longer_where_they_are_of_characters_and_vote_where_minutes_are_given() -> None:
    assert (resolved().ngrams.order, resolved().ngrams.vote) == (4, False)
    by_minutes = resolved("这部电影很好看我很喜欢", training={"minutes": 1.0}).ngrams
    assert (by_minutes.order, by_minutes.vote) == (5, True)
    chosen = resolved(training={"minutes": 1.0}, ngrams={"vote": False, "order": 2}).ngrams
    assert (chosen.order, chosen.vote) == (2, False)


@pytest.mark.parametrize(("count", "epochs"), [(40, 50), (3_000, 20), (25_000, 4)])
def test_few_documents_are_read_more_often(count: int, epochs: int) -> None:
    assert resolved(count=count).training.epochs == epochs


def test_a_rule_to_stop_by_wins() -> None:
    training = resolved(training={"minutes": 3.0}).training
    assert (training.minutes, training.epochs) == (3.0, None)


@pytest.mark.parametrize(
    ("chosen", "share"),
    [
        ({"training": {"minutes": 20.0}}, 0.5),
        ({"training": {"minutes": 20.0}, "pretraining": {"direction": "both"}}, 0.5),
        ({"training": {"minutes": 20.0}, "pretraining": {"pretrain_share": 0.0}}, 0.0),
        ({"training": {"minutes": 20.0}, "pretraining": {"pretrain_epochs": 3}}, 0.0),
        ({"training": {"minutes": 20.0}, "encoder": {"name": "gru"}}, 0.0),
        ({"training": {"minutes": 1.0}}, 0.0),
        ({"training": {"epochs": 2}}, 0.0),
    ],
)
def test_a_language_model_comes_first_where_there_is_time_and_text(chosen: dict[str, Any], share: float) -> None:
    long = "words with spaces and more " * 40
    config = resolved(long, **chosen)
    assert config.pretraining.pretrain_share == share
    assert (config.encoder.name == "language-model") == config.pretraining.wanted
    few = resolved(long, count=10, **chosen)
    assert few.pretraining.pretrain_share == chosen.get("pretraining", {}).get("pretrain_share", 0.0)


def test_text_without_labels_counts_as_text() -> None:
    given = CLASSIFIER.checked({"documents": {"source": "x.csv"}, "training": {"minutes": 9.0}})
    sections = suited(given, documents("few words", 10), documents("many words " * 20, 9000))
    assert sections["pretraining"]["pretrain_share"] == 0.5


def test_a_resolved_configuration_is_a_configuration() -> None:
    config = resolved(encoder={"name": "elman", "bidirectional": False}, classifier={"pooling": "attention"})
    assert ClassifyRunConfig.from_json(config.to_json()) == config
    model = config.model(("a", "b"))
    assert (model.labels, model.pooling, model.encoder.name) == (("a", "b"), "attention", "elman")


def test_bad_settings() -> None:
    with pytest.raises(ConfigError, match="no documents were named"):
        ClassifyRunConfig.from_json({})
    with pytest.raises(ConfigError, match=r"unknown key 'hiden_size' in \[encoder\]; did you mean 'hidden_size'\?"):
        CLASSIFIER.checked({"encoder": {"hiden_size": 3}})
    with pytest.raises(ConfigError, match="no such encoder"):
        resolved(encoder={"name": "transformer"})
