"""Counts that were saved are the same counts; damaged ones are refused before a compiled loop can run over them."""

import json
from pathlib import Path

import numpy as np
import pytest

from anaphora.errors import BundleError
from anaphora.models.ngram.counts import NGramCounts, count_ngrams
from anaphora.models.ngram.counts_folder import load_counts, save_counts
from anaphora.models.ngram.merging import merge


def count(part: tuple[int, int] = (0, 1)) -> NGramCounts:
    text = (np.random.default_rng(7).random(300) ** 2 * 9).astype(np.uint8)
    return count_ngrams(text, order=4, vocab_size=9, start_id=0, sentences=True, part=part)


def arrays(counts: NGramCounts) -> list[list[int]]:
    return [a.tolist() for a in (*counts.words, *counts.children, *counts.counts, *counts.suffixes, counts.first_seen)]


def test_parts_saved_and_merged_are_the_whole(tmp_path: Path) -> None:
    for i in range(3):
        save_counts(count((i, 3)), tmp_path / str(i))
    merged = merge([load_counts(tmp_path / str(i)) for i in range(3)])
    assert arrays(merged) == arrays(count())
    save_counts(merged, tmp_path / "all")
    again = load_counts(tmp_path / "all")
    assert arrays(again) == arrays(merged)
    assert (again.tokens, again.start_id, again.sentences) == (300, 0, True)


def change(folder: Path, name: str, value: int, place: int = -1) -> None:
    array = np.load(folder / name)
    array[place] = value
    np.save(folder / name, array)


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [("words-3.npy", 9, -1), ("suffixes-3.npy", 10_000, 0), ("children-2.npy", 1, 0), ("children-1.npy", 99, 3)],
)
def test_rows_that_do_not_exist(tmp_path: Path, name: str, value: int, place: int) -> None:
    save_counts(count(), tmp_path / "counts")
    change(tmp_path / "counts", name, value, place)
    with pytest.raises(BundleError, match="do not fit together; copy the folder anew, or count again"):
        load_counts(tmp_path / "counts")


def test_an_array_of_another_length_or_type(tmp_path: Path) -> None:
    save_counts(count(), tmp_path / "counts")
    for name in ("counts-2.npy", "first-seen.npy", "suffixes-2.npy", "children-3.npy", "words-1.npy"):
        whole = np.load(tmp_path / "counts" / name)
        for damaged in (whole[:-1], whole.astype(np.float64)):
            np.save(tmp_path / "counts" / name, damaged)
            with pytest.raises(BundleError, match="do not fit together"):
                load_counts(tmp_path / "counts")
        np.save(tmp_path / "counts" / name, whole)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"counts\.json does not exist"):
        load_counts(tmp_path)
    save_counts(count(), tmp_path / "counts")
    (tmp_path / "counts" / "words-2.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(BundleError, match=r"cannot be read: .*; copy the folder anew, or count again"):
        load_counts(tmp_path / "counts")
    (tmp_path / "counts" / "words-2.npy").unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        load_counts(tmp_path / "counts")


def test_counts_of_another_version(tmp_path: Path) -> None:
    save_counts(count(), tmp_path / "counts")
    header = tmp_path / "counts" / "counts.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), "format": 2}))
    with pytest.raises(BundleError, match="format 2, this version of anaphora reads 1"):
        load_counts(tmp_path / "counts")
