"""`given`: the same weights for texts of one label, in generation, scores and signatures."""

from pathlib import Path

import pytest
import torch

from anaphora.api import TrainResult, generate, given, load, score, train
from anaphora.bundle import Bundle, save_bundle
from anaphora.errors import ConfigError
from anaphora.models.registry import build_model, model_config
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import TokenizerSettings


@pytest.fixture(scope="module", name="bundle")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return a conditional model of random weights, saved and loaded."""
    tokenizer = CharacterTokenizer.train(["abc\n"], TokenizerSettings())
    torch.manual_seed(1)
    net = {"name": "lstm", "embedding_dim": 4, "hidden_size": 6}
    config = model_config("conditional", {"net": net, "labels": ["pos", "neg"], "condition_dim": 3})
    model = build_model(config, tokenizer.vocab_size)
    for weights in model.parameters():
        torch.nn.init.normal_(weights)
    folder = tmp_path_factory.mktemp("models") / "letters"
    save_bundle(folder, model, tokenizer, {})
    return load(folder, "cpu")


def test_the_label_changes_what_is_written_and_the_seed_does_not(bundle: Bundle) -> None:
    texts = {
        label: generate(given(bundle, label), "a", max_new_tokens=30, seed=5)[0].text for label in ("pos", "neg", "pos")
    }
    assert texts["pos"] != texts["neg"]
    assert generate(given(bundle, "pos"), "a", max_new_tokens=30, seed=5)[0].text == texts["pos"]
    [first, *_] = generate(given(bundle, "pos"), "a", max_new_tokens=30, seed=5, num=3)
    assert first.text == texts["pos"]


def test_scores_name_the_condition(bundle: Bundle) -> None:
    scores = {label: score(given(bundle, label), ["abc"]) for label in ("pos", "neg")}
    assert "|condition:pos|" in scores["pos"].signature
    assert next(scores["pos"]).total.log_prob != next(scores["neg"]).total.log_prob
    assert "condition" not in score(bundle, ["abc"]).signature


def test_a_vector_by_its_hash(bundle: Bundle) -> None:
    assert "|condition:vector-" in score(given(bundle, [0.5, 1.0, -1.0]), ["abc"]).signature


def test_a_model_without_conditions_is_named(trained: TrainResult) -> None:
    with pytest.raises(ConfigError, match=r"condition 'pos': the model .*verse/model was trained without conditions"):
        given(trained.run, "pos")


def test_texts_without_labels_train_no_conditional_model(text_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"name = 'conditional' in \[model\]: such a model learns from texts with"):
        train(text_file, model="conditional", steps=1, out=tmp_path / "run")
