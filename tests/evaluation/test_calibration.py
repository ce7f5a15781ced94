"""Calibration: bins and error by hand, and the temperature where it can be known."""

import numpy as np
import pytest

from anaphora.evaluation.calibration import Bin, expected_calibration_error, fit_temperature, reliability


def test_bins_and_error_by_hand() -> None:
    confidences = np.array([0.95, 0.97, 0.81, 0.6, 0.6])
    correct = np.array([True, False, True, True, True])
    bins = reliability(confidences, correct, bins=10)
    # (0.5, 0.6]: 2 answers, sure 0.6, right 1; (0.8, 0.9]: 1, 0.81, 1; (0.9, 1]: 2, 0.96, 0.5
    assert [one.count for one in bins] == [2, 1, 2]
    assert [one.confidence for one in bins] == pytest.approx([0.6, 0.81, 0.96])
    assert [one.accuracy for one in bins] == [1.0, 1.0, 0.5]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.4 + 0.19 + 2 * 0.46) / 5)


def test_the_ends_belong_to_the_outer_bins() -> None:
    assert reliability(np.array([0.0, 1.0]), np.array([False, True]), bins=4) == (Bin(1, 0.0, 0.0), Bin(1, 1.0, 1.0))


def test_a_temperature_that_can_be_computed() -> None:
    # Right in 3 of 4 cases with a margin of 4. Each label is believed to 5/6, so the best probability is
    # (3 * 5/6 + 1/6) / 4 = 2/3, and 4 / T = ln 2.
    logits = np.array([[4.0, 0.0]] * 4)
    labels = np.array([0, 0, 0, 1])
    assert fit_temperature(logits, labels) == pytest.approx(4 / np.log(2), rel=1e-9)
    assert fit_temperature(logits[:, :1], np.array([[1.0], [1.0], [1.0], [0.0]])) == pytest.approx(4 / np.log(2))


def test_a_few_right_answers_do_not_ask_for_certainty() -> None:
    logits = np.array([[1.0, -1.0]] * 8)
    assert fit_temperature(logits, np.zeros(8, dtype=int)) == pytest.approx(2 / np.log(9))  # 9/10 to 1/10


def test_the_temperature_minimises_the_loss() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(500, 5)) * 3
    labels = np.array([rng.choice(5, p=np.exp(row / 2) / np.exp(row / 2).sum()) for row in logits])

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        return float((np.logaddexp.reduce(scaled, 1) - scaled[np.arange(500), labels]).mean())

    best = fit_temperature(logits, labels)
    assert 1.5 < best < 2.7  # the labels were drawn at 2
    assert loss(best) < min(loss(best * 1.1), loss(best / 1.1))


def test_answers_no_better_than_chance() -> None:
    logits = np.array([[3.0, -1.0], [2.0, 0.0]])
    assert fit_temperature(logits, np.array([1, 1])) == pytest.approx(20)
    assert np.isfinite(fit_temperature(logits * 1e6, np.array([0, 1])))
