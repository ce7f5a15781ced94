"""`adapt` and `evaluate_adapted`: where statistics and tuning come from, and that the model stays as it was."""

import copy
import shutil
from pathlib import Path

import pytest
import torch

from anaphora.api import TrainResult, adapt, evaluate, evaluate_adapted, load
from anaphora.errors import AnaphoraWarning, BundleError, ConfigError, CorpusError
from anaphora.evaluation.adapt.session import Session
from anaphora.evaluation.adapt.settings import AdaptSettings
from anaphora.generation.generate import GenerationSettings, generate

DYNAMIC = {"segment": 10, "learning_rate": 0.0005, "statistics_tokens": 1000}


@pytest.mark.parametrize("method", ["dynamic", "cache", "both"])
def test_both_figures_side_by_side(trained: TrainResult, method: str) -> None:
    bundle = load(trained.run)
    before = copy.deepcopy(bundle.model.state_dict())
    settings = AdaptSettings.of(method, {} if method == "cache" else DYNAMIC)
    result = evaluate_adapted(bundle, settings=settings)
    assert result.static == trained.test
    assert result.adapted.loss < result.static.loss
    assert result.adapted.tokens == result.static.tokens
    assert f"adapt:{method.replace('both', 'dynamic')}," in result.adapted.signature
    assert "adapt" not in result.static.signature
    assert all(torch.equal(weight, before[name]) for name, weight in bundle.model.state_dict().items())
    assert load(trained.run).model_hash == bundle.model_hash
    values = result.to_json()
    assert values["loss"] == result.static.loss
    assert values["adapted"]["loss"] == result.adapted.loss
    assert set(values["adapted"]["settings"]) == ({"dynamic", "cache"} if method == "both" else {method})
    assert {"static", "statistics", "adapted"} == set(values["adapted"]["seconds"])


def test_an_adapting_model_is_used_like_any_other(trained: TrainResult) -> None:
    adapted = adapt(trained.run, AdaptSettings.of("both", DYNAMIC))
    assert "adapt:dynamic," in evaluate(adapted).signature
    [sample] = generate(adapted.model, adapted.tokenizer, "the 7 ", GenerationSettings(max_new_tokens=5, seed=1))
    assert sample.tokens == 5
    session = Session(adapted.model, start_id=adapted.tokenizer.start_id)
    assert session.read(torch.tensor([adapted.tokenizer.encode("the 7 cats")])).shape == (1, 10)


def test_tuning_searches_on_the_validation_split(trained: TrainResult) -> None:
    result = evaluate_adapted(trained.run, settings=AdaptSettings.of("cache"), tune=True, tune_tokens=100)
    assert result.tuning is not None
    assert result.tuning.tokens == pytest.approx(100, abs=20)
    assert result.settings == result.tuning.settings
    assert result.tuning.loss == min(result.tuning.tried.values())
    assert str(result.settings) in result.adapted.signature
    assert result.seconds["tuning"] > 0


def test_tuning_on_what_is_scored_warns(trained: TrainResult) -> None:
    with pytest.warns(AnaphoraWarning, match="tuned on the split that it is scored on"):
        evaluate_adapted(trained.run, settings=AdaptSettings.of("cache"), tune=True, tune_tokens=50, split="valid")
    with pytest.raises(ConfigError, match="tune_tokens = 0: give a number of tokens"):
        evaluate_adapted(trained.run, settings=AdaptSettings.of("cache"), tune=True, tune_tokens=0)


def test_a_model_that_left_its_run_needs_a_text_for_its_statistics(
    trained: TrainResult, text_file: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained.model, tmp_path / "model")
    settings = AdaptSettings.of("dynamic", DYNAMIC)
    with pytest.raises(BundleError, match=r"name that as statistics_text \(--statistics\)"):
        evaluate_adapted(tmp_path / "model", text_file, settings=settings)
    other = tmp_path / "other.txt"
    other.write_text("the 7 cats sat\n" * 20)
    named = evaluate_adapted(tmp_path / "model", other, settings=settings, statistics_text=text_file)
    assert "statistics=-" not in named.adapted.signature


def test_a_training_text_that_is_gone(trained: TrainResult, text_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("the 7 cats sat\n" * 20)
    moved = text_file.with_suffix(".moved")
    text_file.rename(moved)
    try:
        with pytest.raises(CorpusError, match="dynamic evaluation needs gradient statistics of the training text"):
            evaluate_adapted(trained.run, other, settings=AdaptSettings.of("dynamic", DYNAMIC))
    finally:
        moved.rename(text_file)


def test_statistics_without_dynamic_evaluation_have_no_effect(trained: TrainResult, text_file: Path) -> None:
    with pytest.warns(AnaphoraWarning, match="statistics_text has no effect without dynamic evaluation"):
        adapt(trained.run, AdaptSettings.of("cache"), statistics_text=text_file)


def test_an_adaptation_that_does_harm_is_told(trained: TrainResult) -> None:
    settings = AdaptSettings.of("dynamic", {**DYNAMIC, "learning_rate": 1.0})
    with pytest.warns(AnaphoraWarning, match=r"adapting made the model worse \(.* nats per token, \d\.\d+ before"):
        evaluate_adapted(trained.run, settings=settings)
