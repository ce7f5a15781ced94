"""Counting within a given memory gives the same tables, and leaves nothing on disk."""

from pathlib import Path

import numpy as np
import pytest

from anaphora.files import cache_folder
from anaphora.models.ngram.estimate import estimate
from anaphora.models.ngram.runs import count_within, runs_needed
from anaphora.models.ngram.smoothing import SMOOTHINGS
from anaphora.models.ngram.storage import Disk
from anaphora.models.ngram.tables import NGramTables


def arrays(tables: NGramTables) -> list[np.ndarray[tuple[int], np.dtype[np.generic]]]:
    return [*tables.words, *tables.children, *tables.log_probs, *tables.backoffs]


@pytest.mark.parametrize("smoothing", sorted(SMOOTHINGS))
@pytest.mark.parametrize("sentences", [False, True])
@pytest.mark.filterwarnings("ignore::anaphora.errors.AnaphoraWarning")
def test_runs_on_disk_give_the_same_tables(tmp_path: Path, smoothing: str, sentences: bool) -> None:
    token_ids = (np.random.default_rng(1).random(2_000) ** 3 * 50).astype(np.uint8)
    memory, disk = (
        estimate(
            count_within(
                token_ids, limit, order=3, vocab_size=50, start_id=0, sentences=sentences, folder=tmp_path / "runs"
            ),
            smoothing=smoothing,
            prune=(0, 1, 2),
        )
        for limit in (None, 40_000)
    )
    for in_memory, on_disk in zip(arrays(memory), arrays(disk), strict=True):
        assert in_memory.dtype == on_disk.dtype
        assert np.array_equal(in_memory, on_disk)
    assert list((tmp_path / "runs").iterdir()) == []  # files without names


def test_how_many_runs_a_text_needs() -> None:
    assert runs_needed(1_000, 5, None) == 1
    assert runs_needed(1_000, 5, 80_000) == 1
    assert runs_needed(1_000, 5, 79_999) == 3  # half of that memory for each
    assert runs_needed(3, 5, 1) == 3
    assert runs_needed(1_000_000, 5, 0) == 64


def test_runs_go_to_the_cache_folder_when_no_other_is_named() -> None:
    counts = count_within(np.array([1, 2, 0], np.uint8), 50, order=2, vocab_size=3, start_id=0)
    assert isinstance(counts.storage, Disk)
    assert (cache_folder() / "ngram").is_dir()


def test_what_is_released_is_read_again(tmp_path: Path) -> None:
    storage = Disk(tmp_path)
    kept = storage.keep(np.arange(100_000, dtype=np.uint32))
    storage.release()
    assert kept.sum() == 100_000 * 99_999 // 2
    assert storage.keep(kept) is kept
