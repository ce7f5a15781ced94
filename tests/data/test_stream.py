"""Windows: the textbook's own example, and the properties that every sampler must have."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anaphora.data.stream import SAMPLERS, Batch, ConsecutiveWindows, PositionWindows, RandomWindows
from anaphora.errors import CorpusError

tokens, batch_sizes, bptts = st.integers(60, 400), st.integers(1, 5), st.integers(1, 9)


def test_the_textbooks_example() -> None:
    """SYSTEMS.md B: ids 0..29, batch 2, 6 steps."""
    batches = ConsecutiveWindows(np.arange(30, dtype=np.uint8), 2, 6).epoch(0)
    expected = [[[*range(6)], [*range(15, 21)]], [[*range(6, 12)], [*range(21, 27)]]]
    assert [batch.inputs.tolist() for batch in batches] == expected
    assert [(batch.targets - 1).tolist() for batch in batches] == expected
    assert [batch.continues for batch in batches] == [False, True]


@given(tokens, batch_sizes, bptts, st.booleans(), st.booleans())
def test_consecutive_windows_cover_each_lane_once_in_order(
    count: int, batch_size: int, bptt: int, jitter: bool, drop_last: bool
) -> None:
    ids = np.arange(count, dtype=np.uint16)
    batches = ConsecutiveWindows(ids, batch_size, bptt, jitter=jitter, drop_last=drop_last).epoch(1)
    rows = torch.cat([batch.inputs for batch in batches], dim=1)
    lane_len = count // batch_size
    if jitter or not drop_last:
        assert rows.shape == (batch_size, lane_len - 1)
    else:
        assert rows.shape == (batch_size, (lane_len - 1) // bptt * bptt)
    for number, row in enumerate(rows.tolist()):
        assert row == list(range(number * lane_len, number * lane_len + len(row)))
    assert [batch.continues for batch in batches] == [False] + [True] * (len(batches) - 1)


@pytest.mark.parametrize("name", SAMPLERS)
@given(count=tokens, batch_size=batch_sizes, bptt=bptts, seed=st.integers(0, 99))
def test_targets_are_inputs_moved_by_one(name: str, count: int, batch_size: int, bptt: int, seed: int) -> None:
    ids = np.arange(count, dtype=np.uint16)
    for batch in SAMPLERS[name](ids, batch_size, bptt, seed=seed).epoch(0):
        assert batch.inputs.shape == batch.targets.shape == (batch_size, bptt)
        assert batch.inputs.dtype == batch.targets.dtype == torch.int64
        assert torch.equal(batch.targets, batch.inputs + 1)
        assert torch.equal(batch.inputs[:, 1:], batch.targets[:, :-1])


@given(tokens, batch_sizes, bptts, st.integers(0, 3))
def test_random_windows_come_once_an_epoch(count: int, batch_size: int, bptt: int, epoch: int) -> None:
    batches = RandomWindows(np.arange(count), batch_size, bptt, seed=1).epoch(epoch)
    windows = (count - 1) // bptt
    starts = torch.cat([batch.inputs[:, 0] for batch in batches]).tolist()
    assert len(batches) == windows // batch_size
    assert len(starts) == len(set(starts)) == len(batches) * batch_size
    assert set(starts) <= set(range(0, windows * bptt, bptt))
    assert not any(batch.continues for batch in batches)


@given(tokens, batch_sizes, bptts)
def test_position_windows_start_everywhere_once(count: int, batch_size: int, bptt: int) -> None:
    batches = PositionWindows(np.arange(count), batch_size, bptt).epoch(0)
    starts = torch.cat([batch.inputs[:, 0] for batch in batches]).tolist()
    assert len(batches) == (count - bptt) // batch_size
    assert len(starts) == len(set(starts))
    assert set(starts) <= set(range(count - bptt))


def same(one: Batch, other: Batch) -> bool:
    rest = [(batch.continues, batch.learning_rate_scale) for batch in (one, other)]
    return torch.equal(one.inputs, other.inputs) and torch.equal(one.targets, other.targets) and rest[0] == rest[1]


@pytest.mark.parametrize("name", SAMPLERS)
def test_epoch_and_index_say_it_all(name: str) -> None:
    """A new sampler with the same seed goes on anywhere; another seed or epoch has another order."""
    ids = np.arange(5000, dtype=np.uint16)
    options = {"jitter": True, "rotate": True} if name == "consecutive" else {}
    one, again, other = (SAMPLERS[name](ids, 4, 10, seed=seed, **options) for seed in (7, 7, 8))
    batches = one.epoch(3)
    for index in (len(batches) - 1, 60, 0, -1):
        assert same(batches[index], again.epoch(3)[index])
    assert not same(batches[60], other.epoch(3)[60])
    assert not same(batches[60], one.epoch(4)[60])
    assert len(batches[2:5]) == 3
    with pytest.raises(IndexError):
        batches[len(batches)]


def test_only_consecutive_windows_carry_state() -> None:
    assert {name: sampler.stateful for name, sampler in SAMPLERS.items()} == {
        "consecutive": True,
        "random": False,
        "every-position": False,
    }


def test_jittered_lengths_are_those_of_awd_lstm() -> None:
    """95 % around bptt, 5 % around half of it, standard deviation 5; the learning rate follows the length."""
    batches = ConsecutiveWindows(np.zeros(600_000, dtype=np.uint8), 1, 70, jitter=True).epoch(0)
    lengths = np.array([batch.inputs.shape[1] for batch in batches][:-1])
    long = lengths > 52
    assert 0.94 < long.mean() < 0.96
    assert 69 < lengths[long].mean() < 71
    assert 33 < lengths[~long].mean() < 37
    assert 4.7 < lengths[long].std() < 5.3
    assert lengths.min() >= 5
    assert all(batch.learning_rate_scale == batch.inputs.shape[1] / 70 for batch in batches)


@given(tokens, batch_sizes, bptts, st.booleans())
def test_rotated_lanes_hold_the_same_tokens_from_elsewhere(
    count: int, batch_size: int, bptt: int, jitter: bool
) -> None:
    """Each lane is the plain one moved round; it wraps once, where its end meets its beginning (Press 2019)."""
    ids = np.arange(count, dtype=np.uint16)
    plain, rotated = (
        ConsecutiveWindows(ids, batch_size, bptt, jitter=jitter, rotate=rotate).epoch(2) for rotate in (False, True)
    )
    lane_len = count // batch_size
    assert [batch.inputs.shape for batch in rotated] == [batch.inputs.shape for batch in plain]
    inputs, targets = (torch.cat([getattr(batch, name) for batch in rotated], 1) for name in ("inputs", "targets"))
    for number, (row, following) in enumerate(zip(inputs.tolist(), targets.tolist(), strict=True)):
        first, begin = row[0], number * lane_len
        assert row == [begin + (first - begin + place) % lane_len for place in range(len(row))]
        assert following[:-1] == row[1:]
        assert following[-1] == begin + (first - begin + len(row)) % lane_len


def test_each_lane_and_epoch_is_rotated_by_its_own_amount() -> None:
    sampler = ConsecutiveWindows(np.arange(4000), 4, 10, rotate=True)
    offsets = {int(row[0]) % 1000 for epoch in range(3) for row in sampler.epoch(epoch)[0].inputs}
    assert len(offsets) == 12


def test_without_jitter_the_learning_rate_stays() -> None:
    batches = ConsecutiveWindows(np.arange(25), 2, 6, drop_last=False).epoch(0)
    assert [batch.inputs.shape[1] for batch in batches] == [6, 5]
    assert {batch.learning_rate_scale for batch in batches} == {1.0}


@pytest.mark.parametrize(("name", "enough"), [("consecutive", 4 * 11), ("random", 41), ("every-position", 14)])
def test_a_text_too_short_says_what_it_takes(name: str, enough: int) -> None:
    assert len(SAMPLERS[name](np.zeros(enough, dtype=np.uint8), 4, 10).epoch(0)) == 1
    with pytest.raises(
        CorpusError, match=rf"{enough - 1} tokens, too few .* batch_size 4 x bptt 10 \({enough} tokens\)"
    ):
        SAMPLERS[name](np.zeros(enough - 1, dtype=np.uint8), 4, 10)


def test_ids_are_read_from_the_mapped_file(tmp_path: Path) -> None:
    """Nothing is copied when a sampler is made: what changes in the file afterwards shows in the batches."""
    ids = np.memmap(tmp_path / "ids.bin", dtype="<u2", mode="w+", shape=(1000,))
    samplers = [sampler(ids, 2, 5) for sampler in SAMPLERS.values()]
    ids[:] = 321
    for sampler in samplers:
        assert sampler.epoch(0)[0].inputs.unique().tolist() == [321]


def test_a_batch_stays_where_it_is_on_the_cpu() -> None:
    batch = ConsecutiveWindows(np.arange(30), 2, 6).epoch(0)[1]
    assert batch.to(torch.device("cpu")) is batch


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_batch_moves_to_the_gpu() -> None:
    batch = ConsecutiveWindows(np.arange(30), 2, 6).epoch(0)[1]
    moved = batch.to(torch.device("cuda"))
    assert moved.inputs.device.type == moved.targets.device.type == "cuda"
    assert torch.equal(moved.inputs.cpu(), batch.inputs)
    assert moved.continues
