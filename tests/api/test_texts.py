"""Where the laboratory gets a model's reading from."""

from pathlib import Path

from anaphora.api import TrainResult, load, text_for


def test_by_default_what_was_held_out(trained: TrainResult, text_file: Path) -> None:
    found = text_for(load(trained.model), max_chars=50)
    whole = text_file.read_text()
    assert len(found) == 50
    assert found in whole[len(whole) * 85 // 100 :]


def test_or_the_beginning_of_any_text(trained: TrainResult, text_file: Path) -> None:
    assert text_for(load(trained.model), text_file, max_chars=30) == text_file.read_text()[:30]
