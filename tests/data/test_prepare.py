"""Preparation: what lies on disk, when it is used again, and what happens when something goes wrong half-way."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anaphora.data.prepare import PreparedCorpus, SplitCounts, prepare
from anaphora.errors import CorpusError, TokenizerError
from anaphora.progress import Event
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer

WORDS = TokenizerSettings(kind="words")


class Texts:
    """A corpus in memory, cut into small pieces; keeps a list of the splits that were read."""

    piece = 7

    def __init__(self, **texts: str) -> None:
        self.name = "texts"
        self.splits = tuple(texts)
        self.texts = texts
        self.reads: list[str] = []

    def chunks(self, split: str) -> Iterator[str]:
        self.reads.append(split)
        text = self.texts[split]
        return (text[start : start + self.piece] for start in range(0, len(text), self.piece))

    def source_hash(self) -> str:
        return sha256(repr(sorted(self.texts.items())).encode()).hexdigest()


def texts() -> Texts:
    return Texts(train="the cat sat\nthe döner\n", valid="the dog\n", test="a cat <unk>\n")


def test_ids_and_counts(tmp_path: Path) -> None:
    prepared = prepare(texts(), WORDS, cache=tmp_path)
    assert prepared.name == "texts"
    assert prepared.splits == ("train", "valid", "test")
    assert prepared.tokenizer.to_dict()["tokens"] == ["the", "cat", "sat", "döner"]
    assert prepared.token_ids("train").tolist() == [2, 3, 4, 1, 2, 5, 1]
    assert prepared.token_ids("test").tolist() == [0, 3, 0, 1]
    assert prepared.counts == {
        "train": SplitCounts(tokens=7, unknown_tokens=0, characters=22, bytes=23),
        "valid": SplitCounts(tokens=3, unknown_tokens=1, characters=8, bytes=8),
        "test": SplitCounts(tokens=4, unknown_tokens=2, characters=12, bytes=12),
    }


def test_counts_are_of_the_raw_text(tmp_path: Path) -> None:
    """Not of the normalised one: e and a combining accent are two characters and three bytes."""
    prepared = prepare(Texts(train="e\u0301\ud800" * 2), TokenizerSettings(kind="chars"), cache=tmp_path)
    assert prepared.counts["train"] == SplitCounts(tokens=4, unknown_tokens=0, characters=6, bytes=12)


@pytest.mark.parametrize(("types", "dtype"), [(255, "<u1"), (256, "<u2"), (65_535, "<u2"), (65_536, "<u4")])
def test_the_smallest_type_is_used(types: int, dtype: str, tmp_path: Path) -> None:
    text = "".join(chr(0x10000 + number) for number in range(types))
    corpus = Texts(train=text)
    corpus.piece = 10_000
    prepared = prepare(corpus, TokenizerSettings(kind="chars", unicode="none"), cache=tmp_path)
    ids = prepared.token_ids("train")
    assert ids.dtype == np.dtype(dtype)
    assert ids.tolist() == list(range(1, types + 1))
    assert (prepared.folder / "train.bin").stat().st_size == types * ids.dtype.itemsize


def test_ids_are_mapped_and_read_only(tmp_path: Path) -> None:
    ids = prepare(texts(), WORDS, cache=tmp_path).token_ids("train")
    assert isinstance(ids, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        ids[0] = 1


def test_the_vocabulary_is_the_training_splits(tmp_path: Path) -> None:
    tokenizer = prepare(texts(), WORDS, cache=tmp_path).tokenizer
    assert not {"dog", "a"} & set(tokenizer.to_dict()["tokens"])


def test_a_second_time_reads_nothing(tmp_path: Path) -> None:
    first, again = texts(), texts()
    one = prepare(first, WORDS, cache=tmp_path)
    two = prepare(again, WORDS, cache=tmp_path)
    assert first.reads == ["train", "train", "valid", "test"]
    assert again.reads == []
    assert (one.folder, one.counts, one.tokenizer.hash) == (two.folder, two.counts, two.tokenizer.hash)


def test_other_text_settings_or_splits_have_entries_of_their_own(tmp_path: Path) -> None:
    folders = {
        prepare(texts(), WORDS, cache=tmp_path).folder,
        prepare(texts(), WORDS.replace(lower=True), cache=tmp_path).folder,
        prepare(Texts(train="another text\n"), WORDS, cache=tmp_path).folder,
        prepare(texts(), WORDS, cache=tmp_path, splits=["valid"]).folder,
    }
    assert len(folders) == 4


def test_a_given_tokenizer_is_used_as_it_is(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(WORDS, ["a dog\n"])
    corpus = texts()
    prepared = prepare(corpus, tokenizer, cache=tmp_path, splits=["test"])
    assert corpus.reads == ["test"]
    assert prepared.tokenizer.hash == tokenizer.hash
    assert prepared.splits == ("test",)
    assert prepared.token_ids("test").tolist() == [2, 0, 0, 1]


def test_the_cache_folder_is_the_default() -> None:
    assert str(prepare(texts(), WORDS).folder).startswith(os.environ["ANAPHORA_CACHE"])


def spoil_size(entry: PreparedCorpus) -> None:
    with (entry.folder / "train.bin").open("ab") as file:
        file.write(b"x")


def change_manifest(entry: PreparedCorpus, **changes: Any) -> None:
    path = entry.folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_size,
        lambda entry: (entry.folder / "valid.bin").unlink(),
        lambda entry: (entry.folder / "manifest.json").unlink(),
        lambda entry: (entry.folder / "manifest.json").write_text("{"),
        lambda entry: (entry.folder / "tokenizer.json").write_text('{"kind": "words"}'),
        lambda entry: change_manifest(entry, format=99),
        lambda entry: change_manifest(entry, splits=None),
        lambda entry: change_manifest(entry, splits={"train": 1, "valid": 2, "test": 3}),
        lambda entry: change_manifest(entry, tokenizer_hash="0"),
    ],
)
def test_a_damaged_entry_is_made_again(spoil: Any, tmp_path: Path) -> None:
    entry = prepare(texts(), WORDS, cache=tmp_path)
    spoil(entry)
    corpus = texts()
    again = prepare(corpus, WORDS, cache=tmp_path)
    assert corpus.reads
    assert again.counts == entry.counts
    assert again.token_ids("valid").tolist() == [2, 0, 1]


def test_the_manifest_says_what_was_made(tmp_path: Path) -> None:
    corpus = texts()
    prepared = prepare(corpus, WORDS, cache=tmp_path)
    manifest = json.loads((prepared.folder / "manifest.json").read_text())
    assert manifest["source_hash"] == prepared.source_hash == corpus.source_hash()
    assert manifest["tokenizer_hash"] == prepared.tokenizer.hash
    assert manifest["dtype"] == "|u1"
    assert manifest["splits"]["valid"] == {"tokens": 3, "unknown_tokens": 1, "characters": 8, "bytes": 8}


@pytest.mark.parametrize(
    ("corpus", "settings", "error", "message"),
    [
        (Texts(train=""), WORDS, TokenizerError, "no token to learn from; is it empty"),
        (Texts(train="   "), WORDS, TokenizerError, "no token to learn from"),
        (
            Texts(train="one"),
            WORDS,
            CorpusError,
            "'train' of texts has 3 characters and 1 tokens of kind 'words': too lit",
        ),
        (Texts(train=""), TokenizerSettings(kind="bytes"), CorpusError, "0 characters and 0 tokens of kind 'bytes'"),
        (Texts(train="a b", valid=" "), WORDS, CorpusError, "'valid' of texts has 1 characters and 0 tokens"),
        (Texts(test="a b"), WORDS, CorpusError, "texts has no split 'train'; there are: test"),
    ],
)
def test_too_little_text_is_refused(
    corpus: Texts, settings: TokenizerSettings, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        prepare(corpus, settings, cache=tmp_path)
    assert entries(tmp_path) == []


def test_one_token_can_be_evaluated(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(WORDS, ["a dog\n"])
    assert prepare(Texts(test="dog"), tokenizer, cache=tmp_path).token_ids("test").tolist() == [3]


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="texts has no split 'tset'; did you mean 'test'"):
        prepare(texts(), WORDS, cache=tmp_path, splits=["tset"])
    with pytest.raises(CorpusError, match="no split 'test'; there are: train"):
        prepare(texts(), WORDS, cache=tmp_path, splits=["train"]).token_ids("test")


def entries(cache: Path) -> list[str]:
    return [path.name for path in (cache / "prepared").glob("*") if path.suffix != ".lock"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CorpusError, match=r"cannot be written to .*No space left.*set ANAPHORA_CACHE"):
            prepare(texts(), WORDS, cache=tmp_path)
    assert entries(tmp_path) == []
    assert prepare(texts(), WORDS, cache=tmp_path).counts["train"].tokens == 7


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if event.done > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(texts(), WORDS, cache=tmp_path, progress=interrupt)
    assert entries(tmp_path) == []


def test_progress_counts_the_characters_of_both_passes(tmp_path: Path) -> None:
    events: list[Event] = []
    prepare(texts(), WORDS, cache=tmp_path, progress=events.append)
    assert {(event.stage, event.unit) for event in events} == {("prepare", "characters")}
    assert events[-1].done == 22 + 22 + 8 + 12
    assert [event.done for event in events] == sorted(event.done for event in events)


SCRIPT = """
import sys
from pathlib import Path
from anaphora.data.prepare import prepare
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
corpus = open_corpus(CorpusSettings(source=sys.argv[1]))
prepared = prepare(corpus, TokenizerSettings(kind="words"), cache=Path(sys.argv[2]))
print(prepared.folder, int(prepared.token_ids("train").sum()))
"""


def test_two_processes_prepare_the_same_text_at_once(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"line number {number} of many\n" for number in range(20_000)))
    command = [sys.executable, "-c", SCRIPT, str(text), str(tmp_path / "cache")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert results[0] == results[1]
    assert len(entries(tmp_path / "cache")) == 1
