"""The ladder's text and its three ways to be cut, against the published facts."""

import torch

from anaphora.lab.ladder.numbers import numbers, sixteens_in_lanes, threes_in_lanes, threes_in_order


def test_the_text_is_the_published_one() -> None:
    token_ids, vocabulary = numbers()
    assert len(token_ids) == 63_095
    assert len(vocabulary) == 30
    assert vocabulary[:4] == ("one", ".", "two", "three")
    last = [vocabulary[token_id] for token_id in token_ids[-6:].tolist()]
    assert last == ["nine", "thousand", "nine", "hundred", "ninety", "nine"]
    assert token_ids[:6].tolist() == [0, 1, 2, 1, 3, 1]


def test_threes_follow_one_another_and_the_fourth_is_the_target() -> None:
    token_ids, _ = numbers()
    train, valid = threes_in_order()
    inputs, targets = train[0]
    assert inputs[1].tolist() == token_ids[3:6].tolist()
    assert targets.tolist() == token_ids[3 : 3 + 3 * 64 : 3].tolist()
    windows = (63_095 - 4 + 2) // 3
    assert len(train) == int(0.8 * windows) // 64
    assert sum(len(inputs) for inputs, _ in valid) == windows - int(0.8 * windows)


def test_in_lanes_each_row_continues_the_row_of_the_batch_before() -> None:
    for cut in (threes_in_lanes, sixteens_in_lanes):
        for batches in cut():
            (first, first_targets), (second, _) = batches[:2]
            assert torch.equal(second[:, 0], first_targets if first_targets.ndim == 1 else first_targets[:, -1])
            assert len(first) == 64


def test_sixteens_have_a_target_after_every_token() -> None:
    train, valid = sixteens_in_lanes()
    inputs, targets = train[0]
    assert inputs.shape == targets.shape == (64, 16)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    assert (len(train), len(valid)) == (49, 12)
