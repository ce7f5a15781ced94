"""Bands of frequency: where they lie, how wide they are, who is in them."""

import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.models.layers.bands import Bands, ranks_by


def test_default_bands_of_a_large_vocabulary() -> None:
    bands = Bands.of(50_002, 400, None, 4.0)
    assert bands.bounds == (0, 2000, 10_000, 50_002)
    assert bands.widths == (400, 100, 25)
    assert bands.sizes == [2000, 8000, 40_002]


@pytest.mark.parametrize(("vocab_size", "bounds"), [(1, (0, 1)), (4, (0, 1, 4)), (11, (0, 2, 11))])
def test_small_vocabularies_have_fewer_bands(vocab_size: int, bounds: tuple[int, ...]) -> None:
    assert Bands.of(vocab_size, 8, None, 4.0).bounds == bounds


def test_vectors_stay_wide_enough_to_say_something() -> None:
    assert Bands.of(1000, 100, (10, 100), 4.0).widths == (100, 25, 16)
    assert Bands.of(1000, 8, (10, 100), 4.0).widths == (8, 8, 8)


def test_sorting_into_bands() -> None:
    ranks = torch.tensor([7, 0, 2, 9, 1])
    members = Bands.of(10, 4, (2, 8), 1.0).sort(ranks)
    assert [member.rows.tolist() for member in members] == [[1, 4], [0, 2], [3]]
    assert [member.places.tolist() for member in members] == [[0, 1], [5, 0], [1]]


def test_ranks_are_places_by_frequency() -> None:
    log_probs = torch.tensor([0.2, 0.1, 0.4, 0.2]).log()
    assert ranks_by(log_probs).tolist() == [1, 3, 0, 2]


def test_a_cutoff_beyond_the_vocabulary() -> None:
    with pytest.raises(ConfigError, match=r"head_cutoffs = \[5, 20\] in \[model\]: the vocabulary has 20 types"):
        Bands.of(20, 4, (5, 20), 4.0)
