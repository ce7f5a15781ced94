"""`train` as Python code calls it. The command line's tests look at the same room from outside."""

from pathlib import Path

import pytest

from anaphora.api import TrainResult, load, train
from anaphora.errors import ConfigError
from anaphora.progress import Event


def test_the_result_holds_scores_beside_baselines(trained: TrainResult) -> None:
    assert trained.valid is not None
    assert trained.test is not None
    assert trained.test.loss < trained.baselines["unigram"]["test"].loss < trained.baselines["uniform"]["test"].loss
    assert (trained.name, trained.steps, trained.stopped_by, trained.interrupted) == ("lstm", 60, "steps", False)


def test_the_same_seed_gives_the_same_model(text_file: Path, small: dict[str, object], tmp_path: Path) -> None:
    hashes = [
        load(train(text_file, steps=5, settings=small, seed=seed, out=tmp_path / name).model).model_hash
        for name, seed in (("a", 7), ("b", 7), ("c", 8))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_what_suits_the_corpus_is_chosen(tmp_path: Path) -> None:
    result = train("human-numbers", model="unigram", out=tmp_path / "run")
    assert result.chosen["tokenizer"]["kind"] == "words"
    assert result.test is None
    assert result.to_json()["test"] is None


def test_progress_is_reported(text_file: Path, small: dict[str, object], tmp_path: Path) -> None:
    events: list[Event] = []
    train(text_file, steps=3, settings=small, out=tmp_path / "run", progress=events.append)
    assert {"train", "evaluate"} <= {event.stage for event in events}


def test_resume_refuses_what_would_make_it_another_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="leave out CORPUS, --preset, --config, --init, --out and --overwrite"):
        train("human-numbers", resume=tmp_path)


def test_paths_may_be_plain_strings(text_file: Path, small: dict[str, object], tmp_path: Path) -> None:
    begun = train(str(text_file), steps=1, settings=small, valid=str(text_file), out=str(tmp_path / "run"))
    again = train(config=str(tmp_path / "run" / "config.json"), out=str(tmp_path / "again"))
    assert train(resume=str(begun.run)).valid == again.valid
