"""Weights of mixtures: known answers, and a likelihood that never falls."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anaphora.training.mixing import linear_weights, log_linear_weights

ONE = np.zeros(4, np.int64)


def test_the_maximum_of_a_case_by_hand() -> None:
    """Three tokens that only the first component predicts, one that only the second does: 3/4 and 1/4."""
    log_probs = np.log(np.array([[0.5, 1e-30], [0.5, 1e-30], [0.5, 1e-30], [1e-30, 0.5]]))
    found = linear_weights(log_probs, ONE, 1)
    assert found.weights[0] == pytest.approx([0.75, 0.25], abs=1e-6)
    assert found.objectives[-1] == pytest.approx(math.log(0.5) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25))


def test_a_better_component_gets_all() -> None:
    found = linear_weights(np.log(np.array([[0.5, 0.1]] * 4)), ONE, 1)
    assert found.weights[0] == pytest.approx([1.0, 0.0], abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 4))
def test_no_step_lowers_the_likelihood(seed: int, components: int, classes: int) -> None:
    chance = np.random.default_rng(seed)
    log_probs = np.log(chance.random((50, components)) + 1e-6)
    found = linear_weights(log_probs, chance.integers(0, classes, 50), classes)
    assert all(after >= before - 1e-12 for before, after in pairwise(found.objectives))
    assert found.weights.sum(1) == pytest.approx(np.ones(classes))
    assert (found.weights >= 0).all()


def test_classes_have_weights_of_their_own_and_an_empty_one_those_of_all() -> None:
    classes = np.repeat([0, 2], 500)
    log_probs = np.log(np.array([[0.5, 0.01]] * 500 + [[0.01, 0.5]] * 500))
    found = linear_weights(log_probs, classes, 3)
    assert found.weights[0, 0] > 0.95
    assert found.weights[2, 0] < 0.05
    assert found.weights[1] == pytest.approx([0.5, 0.5], abs=1e-3)


def test_a_token_that_no_component_allows_does_no_harm() -> None:
    with np.errstate(divide="ignore"):
        found = linear_weights(np.log(np.array([[0.5, 0.1], [0.0, 0.0], [0.1, 0.5], [0.1, 0.5]])), ONE, 1)
    assert found.weights[0].sum() == pytest.approx(1.0)
    assert found.weights[0, 1] > 0.5


def test_log_linear_weights_find_the_exponents_a_text_was_drawn_with() -> None:
    """Targets are drawn from p_1^0.3 p_2^1.2, normalised: so many that the maximum is near those exponents."""
    torch.manual_seed(4)
    log_probs = torch.randn(20_000, 2, 6).log_softmax(-1)
    true = torch.einsum("nmv,m->nv", log_probs, torch.tensor([0.3, 1.2])).softmax(-1)
    found = log_linear_weights(log_probs, torch.multinomial(true, 1)[:, 0])
    assert found.weights[0] == pytest.approx([0.3, 1.2], abs=0.06)
    assert all(after > before for before, after in pairwise(found.objectives))
