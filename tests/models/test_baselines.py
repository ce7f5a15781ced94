"""The uniform and the unigram model against numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch

from anaphora.models.baselines import UniformConfig, UniformLanguageModel, UnigramConfig, UnigramLanguageModel


def test_uniform_is_the_logarithm_of_the_vocabulary() -> None:
    model = UniformLanguageModel(UniformConfig(), 27).fit(np.array([1, 1, 1]))
    scores, _ = model.target_log_probs(torch.tensor([[0, 1]]), torch.tensor([[1, 26]]), ())
    assert scores.tolist() == [[pytest.approx(-math.log(27))] * 2]


def test_unigram_counts_with_one_added() -> None:
    """Ids 0 0 0 1 over a vocabulary of 4: (3+1)/8, (1+1)/8, 1/8, 1/8."""
    model = UnigramLanguageModel(UnigramConfig(), 4).fit(np.array([0, 0, 0, 1]))
    log_probs, _ = model.next_log_probs(torch.tensor([[3]]), ())
    assert log_probs.exp().tolist() == [pytest.approx([0.5, 0.25, 0.125, 0.125])]


def test_unigram_knows_its_best_token() -> None:
    model = UnigramLanguageModel(UnigramConfig(), 4).fit(np.array([2, 2, 1]))
    _, correct, _ = model.score_targets(torch.tensor([[0, 0]]), torch.tensor([[2, 1]]), ())
    assert correct.tolist() == [[True, False]]


def test_fitting_again_starts_again() -> None:
    model = UnigramLanguageModel(UnigramConfig(), 3)
    once = model.fit(np.array([0, 1])).counts.clone()
    assert torch.equal(model.fit(np.array([0, 1])).counts, once)


def test_counts_of_small_unsigned_ids() -> None:
    """Prepared ids come in the smallest fitting type."""
    model = UnigramLanguageModel(UnigramConfig(), 3).fit(np.array([2, 2, 0], dtype=np.uint8))
    assert model.counts.tolist() == [1, 0, 2]


def test_counting_in_pieces_is_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anaphora.models.baselines._COUNTED_AT_ONCE", 2)
    model = UnigramLanguageModel(UnigramConfig(), 3).fit(np.array([0, 1, 1, 2, 1]))
    assert model.counts.tolist() == [1, 3, 1]
