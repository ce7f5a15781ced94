"""The chain of ULMFiT in one run: language models, classifiers on them, their vote; and going on in the middle."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from anaphora.api.classification import train_classifier
from anaphora.api.classify_run import ClassifyResult
from anaphora.api.pretraining import seconds_of_finished
from anaphora.bundle import load_bundle, load_classifier
from anaphora.errors import ConfigError
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier
from anaphora.models.classifier_ensemble import ClassifierEnsemble
from anaphora.models.encoders.pretrained import PretrainedEncoder, PretrainedEncoderConfig
from anaphora.models.ngram_classifier import NgramClassifier
from anaphora.progress import Event, Progress, silent

LANGUAGE_MODEL = (
    '{name = "awd-lstm", embedding_dim = 8, hidden_size = 8, num_layers = 1, last_hidden_size = 8, dropout_input = 0.0}'
)
SETTINGS = {
    "threads": 1,
    "precision": "float32",
    "training.batch_size": 8,
    "training.learning_rate": 0.02,
    "layer_rate_factor": 1.0,
}


def run(reviews: Path | None, out: Path, *, progress: Progress = silent, **options: Any) -> ClassifyResult:
    assignments = [
        f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in SETTINGS.items()
    ]
    if reviews is None:
        return train_classifier(resume=out, progress=progress)
    settings = [*assignments, f"language_model={LANGUAGE_MODEL}", *options.pop("settings", ())]
    given = {"pretrain_epochs": 2, "epochs": 8, **options}
    return train_classifier(reviews, settings=settings, out=out, progress=progress, **given)


def test_the_layers_of_the_language_model_become_the_encoder(reviews: Path, tmp_path: Path) -> None:
    result = run(reviews, tmp_path / "run")
    assert result.scores["test"].accuracy == 1.0
    below = load_bundle(tmp_path / "run" / "language-model-forward")
    classifier = load_classifier(tmp_path / "run").model
    assert isinstance(classifier, DocumentClassifier)
    assert isinstance(classifier.encoder, PretrainedEncoder)
    assert classifier.vocab_size == below.model.vocab_size
    assert classifier.encoder.net.config.hidden_size == 8


def test_only_a_finished_language_model_took_time(reviews: Path, tmp_path: Path) -> None:
    run(reviews, tmp_path / "run")
    assert seconds_of_finished(tmp_path / "run" / "language-model-forward") > 0
    assert seconds_of_finished(tmp_path / "run" / "language-model-backward") == 0


def test_two_directions_vote(reviews: Path, tmp_path: Path) -> None:
    run(reviews, tmp_path / "run", direction="both")
    ensemble = load_classifier(tmp_path / "run").model
    assert isinstance(ensemble, ClassifierEnsemble)
    encoders = [member.encoder for member in ensemble.config.members if isinstance(member, ClassifierConfig)]
    assert [isinstance(one, PretrainedEncoderConfig) and one.backward for one in encoders] == [False, True]


def test_ngrams_vote_too(reviews: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"labelled": 24, "settings": ["self_training.rounds=1"]}
    result = run(reviews, tmp_path / "run", ngrams=True, **options)
    ensemble = load_classifier(tmp_path / "run").model
    assert isinstance(ensemble, ClassifierEnsemble)
    net, counting = ensemble.voters
    assert isinstance(net, DocumentClassifier)
    assert isinstance(counting, NgramClassifier)
    assert set(result.voters) == {"forward", "n-grams"}
    assert set(result.voters["forward"]) == {"valid", "test"}
    assert result.baselines["n-grams"]["test"].loss != result.voters["n-grams"]["test"].loss, "it learnt from guesses"
    assert result.scores == run(None, tmp_path / "run").scores, "resumed, it counts again and finds the same"


@pytest.mark.parametrize(
    "stage", ["language-model-forward", "language-model-backward", "classifier-forward", "classifier-backward-2"]
)
def test_a_run_broken_off_in_any_stage_ends_like_the_unbroken_one(reviews: Path, tmp_path: Path, stage: str) -> None:
    options: dict[str, Any] = {"direction": "both", "ngrams": True}
    if stage.endswith("2"):
        options |= {"labelled": 24, "settings": ["self_training.rounds=1"]}
    whole = run(reviews, tmp_path / "whole", **options)

    def interrupt(event: Event) -> None:
        begun = (tmp_path / "broken" / stage / "checkpoints" / "last.safetensors").is_file()
        if begun and event.stage == "train" and not sent:
            sent.append(event)
            signal.raise_signal(signal.SIGINT)

    sent: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        run(reviews, tmp_path / "broken", progress=interrupt, **options)
    assert sent
    assert not (tmp_path / "broken" / "model").exists()
    resumed = run(None, tmp_path / "broken")
    expected, found = (load_classifier(folder.run).model.state_dict() for folder in (whole, resumed))
    for name, weight in expected.items():
        assert torch.equal(weight, found[name]), name


def test_a_language_model_goes_on_learning_before_it_becomes_an_encoder(reviews: Path, tmp_path: Path) -> None:
    run(reviews, tmp_path / "first")
    settings = [f"{key}={value}" for key, value in SETTINGS.items()]
    train_classifier(
        reviews,
        encoder=tmp_path / "first" / "language-model-forward",
        pretrain_epochs=1,
        epochs=4,
        settings=settings,
        out=tmp_path / "second",
    )
    first, second = (load_bundle(tmp_path / name / "language-model-forward") for name in ("first", "second"))
    assert first.tokenizer.hash == second.tokenizer.hash
    assert first.model_hash != second.model_hash


def test_a_run_that_began_with_a_model_is_resumed_with_it(reviews: Path, tmp_path: Path) -> None:
    run(reviews, tmp_path / "first")
    settings = [f"{key}={value}" for key, value in SETTINGS.items()]
    options: dict[str, Any] = {
        "encoder": tmp_path / "first" / "language-model-forward",
        "pretrain_epochs": 1,
        "epochs": 2,
        "direction": "both",
        "settings": settings,
    }
    whole = train_classifier(reviews, out=tmp_path / "whole", **options)

    def interrupt(event: Event) -> None:
        begun = (tmp_path / "broken" / "classifier-forward" / "checkpoints" / "last.safetensors").is_file()
        if begun and event.stage == "train" and not sent:
            sent.append(event)
            signal.raise_signal(signal.SIGINT)

    sent: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        train_classifier(reviews, out=tmp_path / "broken", progress=interrupt, **options)
    resumed = run(None, tmp_path / "broken")
    expected, found = (load_classifier(folder.run).model.state_dict() for folder in (whole, resumed))
    for name, weight in expected.items():
        assert torch.equal(weight, found[name]), name


def test_two_measures_exclude_each_other(reviews: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pretrain_share = 0.5 and pretrain_epochs = 2: set only one of them"):
        run(reviews, tmp_path / "run", pretrain_share=0.5)


def test_a_student_learns_from_what_its_teachers_guess(reviews: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"labelled": 32, "epochs": 30, "settings": ["self_training.rounds=1"]}
    result = run(reviews, tmp_path / "run", direction="both", **options)
    guesses = json.loads((tmp_path / "run" / "guesses-1.json").read_text())
    unlabelled = result.documents["unlabelled"]
    assert len(guesses["documents"]) == len(guesses["labels"]) == pytest.approx(unlabelled / 2, abs=1)
    for stage in ("forward", "backward", "forward-2", "backward-2"):
        assert (tmp_path / "run" / f"classifier-{stage}" / "metrics.jsonl").is_file()
    assert result.scores["test"].accuracy == 1.0


def test_self_training_needs_documents_without_labels(reviews: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rounds = 1 in \[self_training\]: all documents have labels; give more"):
        run(reviews, tmp_path / "run", settings=["self_training.rounds=1"])
    assert not (tmp_path / "run").exists()
