"""`evaluate`: which text is meant when little is said."""

from pathlib import Path

import pytest

from anaphora.api import TrainResult, evaluate, load
from anaphora.errors import AnaphoraWarning, BundleError, ConfigError
from anaphora.text.corpus import CorpusSettings


def test_the_model_s_own_test_split_by_default(trained: TrainResult) -> None:
    assert evaluate(trained.run) == trained.test
    assert evaluate(load(trained.model), split="valid") == trained.valid


def test_a_file_of_its_own_is_scored_whole_and_a_named_split_is_cut(trained: TrainResult, tmp_path: Path) -> None:
    text = "the 7 cats sat on 49 mats\n" * 40
    path = tmp_path / "other.txt"
    path.write_text(text)
    assert evaluate(trained.run, path).characters == len(text)
    part = evaluate(trained.run, path, split="test")
    assert 0 < part.characters < len(text) / 10
    assert "split:test" in part.signature


def test_a_folder_with_splits_is_scored_on_its_test_split(trained: TrainResult, tmp_path: Path) -> None:
    for split, count in (("train", 30), ("valid", 20), ("test", 10)):
        (tmp_path / f"{split}.txt").write_text("the 7 cats\n" * count)
    result = evaluate(trained.run, tmp_path)
    assert (result.characters, "split:test" in result.signature) == (110, True)


def test_a_known_corpus_without_a_test_split_is_scored_on_valid(trained: TrainResult) -> None:
    assert "split:valid" in evaluate(trained.run, "human-numbers", batch_size=64).signature


def test_reading_options_come_with_the_corpus(trained: TrainResult, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"body": "the 7 cats"}\n')
    assert evaluate(trained.run, CorpusSettings(source=(str(path),), field="body")).tokens == 10


def test_the_training_text_itself_warns(trained: TrainResult, text_file: Path) -> None:
    with pytest.warns(AnaphoraWarning, match="is the text this model was trained on"):
        evaluate(trained.run, text_file)


def test_a_split_that_is_not_there(trained: TrainResult) -> None:
    with pytest.raises(ConfigError, match="split = 'tset': verse has train, valid, test"):
        evaluate(trained.run, split="tset")


def test_a_model_alone_does_not_know_its_text(trained: TrainResult, tmp_path: Path) -> None:
    trained.model.rename(tmp_path / "model")
    try:
        with pytest.raises(BundleError, match="name a text to evaluate it on"):
            evaluate(tmp_path / "model")
    finally:
        (tmp_path / "model").rename(trained.model)
