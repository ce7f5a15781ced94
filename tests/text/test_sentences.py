"""Splits of tagged sentences, and what is said about files that teach nothing."""

from pathlib import Path

import pytest

from anaphora.errors import AnaphoraWarning, ConfigError, CorpusError
from anaphora.text.sentences import SentenceSettings, open_sentences


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "train.tsv"
    path.write_text("".join(f"w{number}\tN\nis\tV\nw{number}\tN\n\n" for number in range(20)))
    return path


def test_a_tenth_is_held_out_at_random_and_in_order(file: Path) -> None:
    text = open_sentences(SentenceSettings(source=str(file)))
    assert text.tags == ("N", "V")
    assert {split: len(part) for split, part in text.splits.items()} == {"train": 18, "valid": 2}
    places = [int(sentence.tokens[0][1:]) for sentence in text.splits["train"]]
    assert places == sorted(places)
    assert text.splits == open_sentences(SentenceSettings(source=str(file))).splits
    other = open_sentences(SentenceSettings(source=str(file), seed=1))
    assert other.splits["valid"] != text.splits["valid"]
    assert other.source_hash() != text.source_hash()


def test_files_of_their_own(file: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "held-out.tsv"
    held_out.write_text("one\tN\n")
    text = open_sentences(SentenceSettings(source=str(file), valid=str(held_out), test=str(held_out)))
    assert {split: len(part) for split, part in text.splits.items()} == {"train": 20, "valid": 1, "test": 1}


def test_a_tag_that_training_never_saw_is_said(file: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "held-out.tsv"
    held_out.write_text("one\tN\n\ntwo\tX\nthree\tX\n\nfour\tY\n")
    with pytest.warns(
        AnaphoraWarning, match=r"line 3: the sentence has the tag 'X', which .* \(2 such tags in the valid"
    ):
        open_sentences(SentenceSettings(source=str(file), valid=str(held_out)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tN\nb\tN\n\nc\tN\n", "all 2 tokens have the tag 'N'|all 1 tokens have the tag 'N'"),
        ("a\tN\nb\tV\n", "has one sentence, and some must be held out to validate on"),
    ],
)
def test_sentences_that_teach_nothing(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "few.tsv"
    path.write_text(text)
    with pytest.raises(CorpusError, match=message):
        open_sentences(SentenceSettings(source=str(path)))


def test_stdin_is_no_corpus() -> None:
    with pytest.raises(ConfigError, match=r"source = '-' in \[sentences\]: a run reads it more than once"):
        SentenceSettings(source="-")
