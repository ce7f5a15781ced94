"""The range test: a fall is found where there is one, a third of the way below the edge; a seed repeats it."""

from pathlib import Path
from typing import Any

import pytest

from anaphora.errors import ConfigError
from anaphora.lab.learning_rates import plot_range_test, range_test, smooth, suggest
from anaphora.training.run_config import RunConfig

RATES = [10.0 ** (number / 10) for number in range(-50, 1)]


def config(folder: Path, **training: Any) -> RunConfig:
    (folder / "toy.txt").write_text("abcdefgh " * 300)
    return RunConfig.from_json(
        {
            "corpus": {"source": [str(folder / "toy.txt")]},
            "model": {"embedding_dim": 8, "hidden_size": 16},
            "training": {"batch_size": 4, "bptt": 8, "threads": 1, "precision": "float32", **training},
        }
    )


def test_a_valley_is_found(tmp_path: Path) -> None:
    test = range_test(config(tmp_path), steps=60)
    assert test.losses[0] == pytest.approx(2.197, abs=0.1)  # the unigram entropy of nine characters
    assert min(test.smoothed) < 0.9 * test.losses[0] < test.losses[-1]
    assert test.lowest == test.learning_rates[test.smoothed.index(min(test.smoothed))]
    assert test.suggestion == pytest.approx(test.lowest / 3, rel=0.05)
    assert len(test.losses) == len(test.smoothed) == len(test.learning_rates) <= 60
    ratios = [after / before for before, after in zip(test.learning_rates, test.learning_rates[1:], strict=False)]
    assert ratios == pytest.approx([(10 / 1e-5) ** (1 / 59)] * len(ratios))
    assert range_test(config(tmp_path), steps=60) == test


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_it_is_that_of_the_optimizer(tmp_path: Path, optimizer: str) -> None:
    test = range_test(config(tmp_path, optimizer=optimizer), steps=30, lowest=1e-3)
    assert (test.optimizer, test.model, test.corpus) == (optimizer, "lstm", "toy")
    plot_range_test(test, tmp_path / "lr.svg")
    assert "suggestion" in (tmp_path / "lr.svg").read_text() or test.suggestion is None


def test_smoothing_is_the_mean_around() -> None:
    assert smooth([1.0, 4.0, 1.0]) == [1.0, 2.0, 1.0]
    assert smooth([2.0] * 30) == [2.0] * 30
    line = [float(number) for number in range(30)]
    assert smooth(line) == pytest.approx(line)


def test_the_suggestion_keeps_a_distance() -> None:
    valley = [3.0 if rate < 0.003 else 2.0 if rate < 0.04 else 4.0 for rate in RATES]
    valley[RATES.index(10.0**-2)] = 1.9
    assert suggest(RATES, valley) == (0.01, 0.0033)
    assert suggest(RATES, [3.0] * 51) == (RATES[0], None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lowest": 1.0, "highest": 0.1}, "learning rates from 1 to 0.1 in 200 steps: set 0 < lowest < highest"),
        ({"steps": 5}, "in 5 steps: .* at least 20 steps"),
        ({"lowest": 1e4, "highest": 1e9}, "the loss broke after .*; begin with a lower one"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        range_test(config(tmp_path), **changes)


def test_a_counting_model_has_no_rate(tmp_path: Path) -> None:
    counting = RunConfig.from_json({**config(tmp_path).to_json(), "model": {"name": "unigram"}})
    with pytest.raises(ConfigError, match=r"name = 'unigram' in \[model\]: it is not trained by gradient"):
        range_test(counting)
