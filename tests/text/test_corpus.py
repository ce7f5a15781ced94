"""Opening corpora: splits from every source, the options, the hash, constant memory, and each bad input."""

import gzip
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anaphora.errors import AnaphoraWarning, ConfigError, CorpusError
from anaphora.files import sha256_file
from anaphora.text.catalog import CATALOG, CatalogFile
from anaphora.text.corpus import Corpus, CorpusSettings, open_corpus

LINES = "".join(f"line {number} of the story, which goes on\n" for number in range(400))


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.txt"
    path.write_text(LINES)
    return path


def opened(*source: object, **settings: Any) -> Corpus:
    return open_corpus(CorpusSettings(source=tuple(map(str, source)), **settings))


def texts(corpus: Corpus) -> dict[str, str]:
    return {split: "".join(corpus.chunks(split)) for split in corpus.splits}


def test_a_file_is_split_by_fractions_and_can_be_read_again(story: Path) -> None:
    corpus = opened(story)
    assert (corpus.name, corpus.splits, corpus.default_tokenizer) == ("story", ("train", "valid", "test"), "chars")
    found = texts(corpus)
    assert found == texts(corpus)
    assert "".join(found.values()) == LINES
    assert all(text.endswith("\n") for text in found.values())
    assert 0.89 < len(found["train"]) / len(LINES) < 0.92


def test_other_fractions(story: Path) -> None:
    found = texts(opened(story, fractions=(0.8, 0.2, 0)))
    assert list(found) == ["train", "valid"]
    assert 0.79 < len(found["train"]) / len(LINES) < 0.82


def test_given_splits(story: Path, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("to validate\n")
    (tmp_path / "t.txt.gz").write_bytes(gzip.compress(b"to test\n"))
    valid, test = str(tmp_path / "v.txt"), str(tmp_path / "t.txt.gz")
    assert texts(opened(story, valid=valid)) == {"train": LINES, "valid": "to validate\n"}
    assert texts(opened(story, valid=valid, test=test)) == {
        "train": LINES,
        "valid": "to validate\n",
        "test": "to test\n",
    }
    found = texts(opened(story, test=test))
    assert list(found) == ["train", "valid", "test"]
    assert found["train"] + found["valid"] == LINES
    assert len(found["valid"]) > 500


def test_a_folder_with_splits_of_its_own(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.txt").write_text(f"to {split}\n")
    corpus = opened(tmp_path)
    assert texts(corpus) == {split: f"to {split}\n" for split in ("train", "valid", "test")}
    assert corpus.name == tmp_path.name
    with pytest.warns(AnaphoraWarning, match=r"fractions = .* has no effect: the corpus has splits of its own"):
        opened(tmp_path, fractions=(0.8, 0.1, 0.1))


def test_several_files_and_formats_make_one_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two three four five six seven eight " * 9)
    (tmp_path / "b.jsonl").write_text(json.dumps({"body": "row " * 90}) + "\n" + json.dumps({"body": "z"}))
    corpus = opened(tmp_path / "a.txt", tmp_path / "b.jsonl", field="body")
    assert "".join(texts(corpus).values()).endswith("seven eight \n" + "row " * 90 + "\nz")


def test_begin_end_and_max_chars(story: Path) -> None:
    found = "".join(texts(opened(story, begin="line 100 ", end="line 300 ", max_chars=4_000)).values())
    assert found == LINES[LINES.index("line 100 ") :][:4_000]
    found = "".join(texts(opened(story, begin="line 100 ", end="line 300 ")).values())
    assert found == LINES[LINES.index("line 100 ") : LINES.index("line 300 ")]


def test_gutenberg_trimming_can_be_switched_off(tmp_path: Path) -> None:
    book = (
        f"head\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\n{LINES}*** END OF THE PROJECT GUTENBERG EBOOK X ***\n"
    )
    (tmp_path / "book.txt").write_text(book)
    assert "".join(texts(opened(tmp_path / "book.txt")).values()) == LINES
    assert "".join(texts(opened(tmp_path / "book.txt", trim_gutenberg=False)).values()) == book


def test_pieces_are_of_bounded_size_and_memory_is_constant(tmp_path: Path) -> None:
    path = tmp_path / "one-line.txt"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(40):
            file.write("wörd " * 200_000)
    tracemalloc.start()
    try:
        corpus = opened(path)
        sizes = [len(piece) for piece in corpus.chunks("train")]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == pytest.approx(36_000_000, abs=10)
    assert peak < 25_000_000


def test_the_hash_tells_text_and_reading_but_not_the_place(story: Path, tmp_path: Path) -> None:
    def digest(*source: object, **settings: Any) -> str:
        return opened(*source, **settings).source_hash()

    copy = tmp_path / "elsewhere.txt"
    copy.write_text(LINES)
    other = tmp_path / "other.txt"
    other.write_text(LINES.replace("399", "398"))
    same = digest(story)
    assert digest(copy) == same == opened(story).source_hash()
    different = [
        digest(other),
        digest(story, max_chars=4_000),
        digest(story, fractions=(0.8, 0.1, 0.1)),
        digest(story, valid=str(other)),
        digest(story, encoding="cp1252"),
        digest(story, copy),
    ]
    assert len({same, *different}) == 7


def test_an_unknown_split(story: Path) -> None:
    with pytest.raises(CorpusError, match=r"corpus story has no split 'tset'; did you mean 'test'\?; it has train"):
        opened(story).chunks("tset")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"bad\.txt is empty; there is nothing to read"),
        (b" \n\t\r\n ", r"bad\.txt holds nothing but white space \(5 characters\)"),
        (b"ab\0cd\1\2\3\4\5", r"bad\.txt, line 1: holds NUL characters, so it is a binary file"),
        (b"fine\ncaf\xe9 au lait\n", r"bad\.txt, line 2, byte offset 8: byte 0xe9 is not valid utf-8"),
        (b"abc", r"bad\.txt has only 3 characters, too few to split"),
    ],
)
def test_bad_input_is_found_when_the_corpus_is_opened(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(data)
    with pytest.raises(CorpusError, match=message):
        opened(tmp_path / "bad.txt")


def test_bad_splits_are_found_too(story: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(CorpusError, match=r"empty\.txt is empty"):
        opened(story, valid=str(tmp_path / "empty.txt"))
    with pytest.raises(CorpusError, match=r"gone\.txt' is neither a file or folder"):
        opened(story, test=str(tmp_path / "gone.txt"))


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"fractions = .*must add up to 1"):
        CorpusSettings(source=("a",), fractions=(0.9, 0.9, 0.1))
    with pytest.raises(ConfigError, match="encoding = 'utf-9': no such text encoding"):
        CorpusSettings(source=("a",), encoding="utf-9")
    with pytest.raises(ConfigError, match=r"source = \(\) in \[corpus\]"):
        CorpusSettings(source=())
    with pytest.raises(ConfigError, match=r"max_chars = 0 in \[corpus\]"):
        CorpusSettings(source=("a",), max_chars=0)
    assert CorpusSettings.model_validate({"source": "a"}).source == ("a",)
    saved = CorpusSettings(source=("a",), max_chars=5).model_dump(mode="json")
    assert CorpusSettings(**json.loads(json.dumps(saved))) == CorpusSettings(source=("a",), max_chars=5)


def test_from_without_a_known_corpus_warns(story: Path) -> None:
    with pytest.warns(AnaphoraWarning, match=r"from_path = 'x' has no effect: '.*story\.txt' is no known corpus"):
        opened(story, from_path="x")


def test_the_built_in_corpora() -> None:
    numbers = opened("human-numbers")
    assert (numbers.splits, numbers.default_tokenizer) == (CATALOG["human-numbers"].splits, "words")
    manual = opened("python-manual")
    assert manual.splits == ("train", "valid", "test")
    assert len(texts(manual)["valid"]) > 10_000


def test_a_known_name_wins_over_a_file_without_separator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "python-manual").write_text(LINES)
    assert opened("python-manual").default_tokenizer == "chars"
    assert len(texts(opened("python-manual"))["train"]) > len(LINES)
    assert "".join(texts(opened("./python-manual")).values()) == LINES


def test_a_published_split_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text8").write_text("ab cd " * 20)
    file = CatalogFile(split="all", name="text8", sha256=sha256_file(tmp_path / "text8"))
    changed = replace(CATALOG["text8"], files=(file,), split_bytes=(100, 11, 9))
    monkeypatch.setitem(CATALOG, "text8", changed)
    found = texts(opened("text8", data_dir=str(tmp_path)))
    assert [len(text) for text in found.values()] == [100, 11, 9]
    found = texts(opened("text8", data_dir=str(tmp_path), max_chars=60))
    assert sum(map(len, found.values())) == 60


@pytest.mark.parametrize(
    ("name", "characters", "distinct"),
    [("mysterious-island", 1_112_350, 80), ("tinyshakespeare", 1_115_394, 65), ("jaychou-lyrics", 63_282, 2_583)],
)
def test_known_corpora_have_their_published_counts(
    name: str, characters: int, distinct: int, shared_data: Path
) -> None:
    found = "".join(texts(opened(name, data_dir=str(shared_data))).values())
    assert (len(found), len(set(found))) == (characters, distinct)


def test_ptb_has_its_published_splits(shared_data: Path) -> None:
    found = texts(opened("ptb", data_dir=str(shared_data)))
    tokens = {split: len(text.split()) + text.count("\n") for split, text in found.items()}
    assert tokens == {"train": 929_589, "valid": 73_760, "test": 82_430}
