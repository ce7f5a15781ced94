"""An explanation: its pieces are the text, its contributions the model's; a long text is cut, and said to be."""

from pathlib import Path
from typing import Any

import pytest
import torch

from anaphora import api
from anaphora.bundle import ClassifierBundle, save_classifier
from anaphora.errors import BundleError, ConfigError, CorpusError
from anaphora.evaluation.attribution import METHODS
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier
from anaphora.text.tokenizer import Tokenizer, TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

TEXT = "a terrible film, not good"


def bundle_of(tokenizer: Tokenizer, path: Path) -> ClassifierBundle:
    torch.manual_seed(2)
    encoder: Any = {"name": "gru", "embedding_dim": 4, "hidden_size": 3, "embedding_range": 1.0}
    config = ClassifierConfig(encoder=encoder, labels=("bad", "good", "so-so"))
    return save_classifier(path, DocumentClassifier(config, tokenizer.vocab_size), tokenizer, {})


@pytest.fixture(name="bundle")
def _bundle(tmp_path: Path) -> ClassifierBundle:
    tokenizer = train_tokenizer(TokenizerSettings(kind="words", lower=True), [f"{TEXT}\n", "good film"])
    return bundle_of(tokenizer, tmp_path / "classifier")


@pytest.mark.parametrize("method", METHODS)
def test_the_pieces_are_the_text_and_each_has_a_contribution(bundle: ClassifierBundle, method: str) -> None:
    found = api.explain(bundle.path, TEXT, method=method, device="cpu")
    assert found.text.split() == TEXT.split()
    assert len(found.contributions) == len(found.pieces) == len(found.probabilities) == found.num_tokens
    assert found.answer[found.label] == max(found.answer.values())
    assert sum(found.answer.values()) == pytest.approx(1)
    assert (found.gap is None) == (method == "leave-one-out")


def test_a_label_may_be_chosen(bundle: ClassifierBundle) -> None:
    labels = ("bad", "good", "so-so")
    found = {label: api.explain(bundle, TEXT, label=label) for label in labels}
    assert [one.label for one in found.values()] == list(labels)
    assert len({one.contributions for one in found.values()}) == 3


def test_of_a_long_text_the_beginning_is_read(bundle: ClassifierBundle) -> None:
    found = api.explain(bundle, "good film " * 500_000, max_tokens=3)
    assert (len(found.pieces), found.num_tokens) == (3, 1_000_000)


def test_an_empty_text_has_an_answer_too(bundle: ClassifierBundle) -> None:
    [contribution] = api.explain(bundle, "").contributions
    assert contribution == pytest.approx(0, abs=1e-6)


def test_bytes_that_are_no_character_alone_still_count(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(TokenizerSettings(kind="bytes"), ["先"])
    found = api.explain(bundle_of(tokenizer, tmp_path / "bytes"), "a先")
    assert found.pieces == ("a", "", "", "先")
    assert len(found.contributions) == 4


def test_a_text_may_come_from_a_file(bundle: ClassifierBundle, tmp_path: Path) -> None:
    path = tmp_path / "review.txt"
    path.write_text(f"{TEXT} é", encoding="latin-1")
    found = api.explain(bundle, file=path, encoding="latin-1")
    assert found.contributions == api.explain(bundle, f"{TEXT} é").contributions
    with pytest.raises(CorpusError):
        api.explain(bundle, file=path)


def test_what_makes_no_sense_is_refused(bundle: ClassifierBundle, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no label 'goood'; did you mean 'good'\? \(known: bad, good, so-so\)"):
        api.explain(bundle, TEXT, label="goood")
    with pytest.raises(ConfigError, match="method = 'gradients'"):
        api.explain(bundle, TEXT, method="gradients")
    with pytest.raises(ConfigError, match="max_tokens = 0"):
        api.explain(bundle, TEXT, max_tokens=0)
    with pytest.raises(ConfigError, match="give a text, or a file"):
        api.explain(bundle)
    with pytest.raises(ConfigError, match="give a text, or a file"):
        api.explain(bundle, TEXT, file="x")
    with pytest.raises(BundleError):
        api.explain(tmp_path / "nothing", TEXT)
