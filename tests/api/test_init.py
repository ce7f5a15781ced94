"""A run that starts from a trained model: its weights, its tokenizer, on another text."""

import shutil
import warnings
from pathlib import Path

import pytest
import torch

from anaphora.api import TrainResult, evaluate, load, train
from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.files import read_json

TINY = {"batch_size": 4, "bptt": 16, "threads": 1, "precision": "float32"}


@pytest.fixture
def other_text(tmp_path: Path) -> Path:
    """Return another text in the same alphabet."""
    path = tmp_path / "other.txt"
    path.write_text("".join(f"{number} mats on the cats\n" for number in range(400)))
    return path


def test_the_run_starts_where_the_model_stands(trained: TrainResult, other_text: Path, tmp_path: Path) -> None:
    """After a step of next to no length it is still that model, tokenizer and all."""
    settings = {**TINY, "learning_rate": 1e-30, "weight_decay": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error", AnaphoraWarning)
        result = train(other_text, init=trained.run, steps=1, settings=settings, out=tmp_path / "run")
    before, after = load(trained.model), load(result.model)
    for name, weight in before.model.state_dict().items():
        assert torch.equal(weight, after.model.state_dict()[name]), name
    assert after.tokenizer.hash == before.tokenizer.hash
    assert result.test == evaluate(before, other_text, split="test")


def test_it_learns_the_new_text_sooner_than_from_scratch(
    trained: TrainResult, other_text: Path, small: dict[str, object], tmp_path: Path
) -> None:
    tuned = train(other_text, init=trained.model, steps=20, settings=TINY, out=tmp_path / "tuned")
    fresh = train(other_text, steps=20, settings=small, out=tmp_path / "fresh")
    assert tuned.test is not None
    assert fresh.test is not None
    assert tuned.test.bits_per_char < fresh.test.bits_per_char


def test_ulmfits_settings_together(trained: TrainResult, other_text: Path, tmp_path: Path) -> None:
    settings = {
        **TINY,
        "schedule": "slanted-triangular",
        "layer_rate_factor": 2.6,
        "unfreeze_share": 0.5,
        "dropout_output": 0.2,
    }
    result = train(other_text, init=trained.run, steps=10, settings=settings, out=tmp_path / "run")
    assert result.chosen["model"]["dropout_output"] == 0.2
    assert result.chosen["model"]["hidden_size"] == 16


def test_a_configuration_repeats_it_and_resume_needs_the_old_model_no_more(
    trained: TrainResult, other_text: Path, tmp_path: Path
) -> None:
    old = shutil.copytree(trained.model, tmp_path / "old")
    begun = train(other_text, init=old, steps=4, settings={**TINY, "schedule": "constant"}, out=tmp_path / "run")
    config = read_json(begun.run / "config.json", ConfigError, "configuration")
    assert config["training"]["init"] == str(old)
    again = train(config=begun.run / "config.json", out=tmp_path / "again")
    assert load(again.model).model_hash == load(begun.model).model_hash
    shutil.rmtree(old)
    longer = train(resume=begun.run, steps=6)
    assert longer.steps == 6


def test_by_minutes_the_shape_is_the_models(trained: TrainResult, other_text: Path, tmp_path: Path) -> None:
    result = train(other_text, init=trained.run, minutes=0.05, settings={"threads": 1}, out=tmp_path / "run")
    assert (result.chosen["model"]["hidden_size"], result.chosen["model"]["embedding_dim"]) == (16, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": {"hidden_size": 32}}, r"do not fit \[model\]: .*; leave out what changes the model's shape"),
        ({"model": "gru"}, r"do not fit \[model\]"),
        ({"tokenizer": "words"}, r"kind = 'words' in \[tokenizer\]: the run starts from .* of kind 'chars'"),
    ],
)
def test_what_does_not_fit_is_refused(
    trained: TrainResult, other_text: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(other_text, init=trained.run, steps=1, out=tmp_path / "run", **changes)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_tokenizer_settings_have_no_effect(trained: TrainResult, other_text: Path, tmp_path: Path) -> None:
    with pytest.warns(AnaphoraWarning, match=r"lower in \[tokenizer\] has no effect with init"):
        train(other_text, init=trained.run, steps=1, settings={**TINY, "lower": True}, out=tmp_path / "run")


def test_what_the_vocabulary_lacks_is_unknown(trained: TrainResult, tmp_path: Path) -> None:
    (tmp_path / "greek.txt").write_text("αβγ the " * 200)
    result = train(tmp_path / "greek.txt", init=trained.run, steps=1, settings=TINY, out=tmp_path / "run")
    assert result.test is not None
    assert result.test.unknown_tokens == pytest.approx(result.test.tokens * 3 / 8, abs=3)


def test_a_counting_model_has_nothing_to_go_on_from(text_file: Path, tmp_path: Path) -> None:
    counted = train(text_file, model="unigram", out=tmp_path / "unigram")
    with pytest.raises(ConfigError, match="is not trained by gradient"):
        train(text_file, init=counted.run, steps=1, out=tmp_path / "run")
