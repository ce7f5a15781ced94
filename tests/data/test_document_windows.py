"""Windows of documents: who is read beside whom, where each ends, and labels that are left out now and then."""

import numpy as np
import torch

from anaphora.data.document_windows import NO_LABEL, DocumentWindows
from anaphora.data.documents import EncodedDocuments

START = 9


def documents(texts: list[list[int]]) -> EncodedDocuments:
    return EncodedDocuments(
        token_ids=np.concatenate([np.array(text, dtype=np.int32) for text in texts]),
        offsets=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum([len(text) for text in texts])]),
        labels=np.arange(len(texts)) % 2,
    )


def test_windows_by_hand() -> None:
    """Sorted by length: the documents of one and two tokens side by side, then that of five with an empty row."""
    windows = DocumentWindows(documents([[1, 2, 3, 4, 5], [6, 7], [8]]), 2, 3, start_id=START)
    short, long, rest = windows.in_order(np.arange(3))
    assert short.inputs.tolist() == [[9, 8], [9, 6]]
    assert short.targets.tolist() == [[8, 0], [6, 7]]
    assert short.inside.tolist() == [[True, False], [True, True]]
    assert (short.labels.tolist(), short.continues, short.num_targets) == ([0, 1], False, 3)
    assert long.inputs.tolist() == [[9, 1, 2], [9, 0, 0]]
    assert long.targets.tolist() == [[1, 2, 3], [0, 0, 0]]
    assert long.labels.tolist() == [0, NO_LABEL]
    assert rest.inputs.tolist() == [[3, 4], [0, 0]]
    assert rest.targets.tolist() == [[4, 5], [0, 0]]
    assert (rest.inside.tolist(), rest.continues) == ([[True, True], [False, False]], True)


def test_an_epoch_reads_every_token_once_in_another_order() -> None:
    chance = np.random.default_rng(1)
    some = documents([chance.integers(1, 9, size=length).tolist() for length in chance.integers(1, 40, size=100)])
    windows = DocumentWindows(some, 8, 5, start_id=START, seed=3)
    epochs = [windows.epoch(number) for number in (0, 0, 1)]
    for epoch in epochs:
        read = torch.cat([window.targets[window.inside] for window in epoch])
        assert sorted(read.tolist()) == sorted(some.token_ids.tolist())
        assert all(len(window.inputs) == 8 for window in epoch), "a resumed state needs the same rows"
        assert all(window.num_targets > 0 for window in epoch)
    first, again, other = ([window.inputs.tolist() for window in epoch] for epoch in epochs)
    assert first == again
    assert first != other


def test_some_labels_are_left_out_for_a_whole_document() -> None:
    some = documents([[1] * 12] * 400)
    windows = DocumentWindows(some, 10, 5, start_id=START, dropout_label=0.25, seed=1)
    epoch = windows.epoch(0)
    labels = [window.labels for window in epoch]
    assert all(torch.equal(labels[i], labels[i - 1]) for i, window in enumerate(epoch) if window.continues)
    without = torch.cat([window.labels for window in epoch if not window.continues]) == NO_LABEL
    assert 0.15 < float(without.float().mean()) < 0.35
    assert not (windows.in_order(np.arange(400))[0].labels == NO_LABEL).any(), "never where documents are scored"


def test_a_window_goes_to_a_device_whole() -> None:
    window = DocumentWindows(documents([[1, 2]]), 1, 3, start_id=START).epoch(0)[0]
    moved = window.to(torch.device("meta"))
    assert {part.device.type for part in (moved.inputs, moved.targets, moved.inside, moved.labels)} == {"meta"}
    assert window.to(torch.device("cpu")) is window
