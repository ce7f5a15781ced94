"""IMDb: the book's table from the original archive's layout, and the official split from the index."""

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from anaphora.errors import CorpusError, DownloadError
from anaphora.text.imdb import INDEX, TABLE, ReviewSplit, build_table, rows_with_place
from anaphora.text.readers import ReadOptions, TextFile


def write_archive(path: Path, names: list[str]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            data = f'About {name}, "quoted",\nand more é'.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


REVIEWS = [
    "aclImdb/train/pos/1_8.txt",
    "aclImdb/train/pos/10_9.txt",
    "aclImdb/train/neg/0_2.txt",
    "aclImdb/test/neg/3_1.txt",
    "aclImdb/test/pos/2_7.txt",
    "aclImdb/train/unsup/5_0.txt",
    "aclImdb/README",
]


def test_the_table_follows_the_books_order(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar.gz", REVIEWS)
    build_table(tmp_path / "a.tar.gz", tmp_path)
    unshuffled = ["test/pos/2_7", "test/neg/3_1", "train/pos/10_9", "train/pos/1_8", "train/neg/0_2"]
    order = np.random.RandomState(0).permutation(5)
    with (tmp_path / TABLE).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["review"].split(",")[0] for row in rows] == [f"About aclImdb/{unshuffled[i]}.txt" for i in order]
    assert [row["sentiment"] for row in rows] == [str(int("/pos/" in unshuffled[i])) for i in order]
    index = (tmp_path / INDEX).read_text().splitlines()
    assert index[0] == "split,label,id,rating"
    assert "train,pos,10,9" in index


def test_the_official_split_is_restored(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar.gz", REVIEWS)
    build_table(tmp_path / "a.tar.gz", tmp_path)
    table = TextFile(path=tmp_path / TABLE, options=ReadOptions(column="review"))
    found = ["".join(document) for document in ReviewSplit(table, tmp_path / INDEX, "test").documents()]
    assert sorted(text.split(",")[0] for text in found) == [
        "About aclImdb/test/neg/3_1.txt",
        "About aclImdb/test/pos/2_7.txt",
    ]
    with (tmp_path / INDEX).open("a") as file:
        file.write("train,pos,99,9\n")
    with pytest.raises(CorpusError, match="does not have the 6 rows of its index"):
        list(ReviewSplit(table, tmp_path / INDEX, "train").documents())


def test_reviews_of_a_film_are_in_one_run(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar.gz", ["aclImdb/train/pos/99_8.txt", "aclImdb/train/pos/100_8.txt"])
    build_table(tmp_path / "a.tar.gz", tmp_path)
    rows = rows_with_place(TextFile(path=tmp_path / TABLE), tmp_path / INDEX)
    assert {place.films for _, place in rows} == {"train/pos/0", "train/pos/1"}
    index = tmp_path / INDEX
    index.write_text(index.read_text().replace("100", "hundred"))
    with pytest.raises(CorpusError, match=r"line \d: the id 'hundred' is no number"):
        list(rows_with_place(TextFile(path=tmp_path / TABLE), index))


def test_an_archive_without_reviews(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar.gz", ["aclImdb/README"])
    with pytest.raises(DownloadError, match="holds no reviews"):
        build_table(tmp_path / "a.tar.gz", tmp_path)
