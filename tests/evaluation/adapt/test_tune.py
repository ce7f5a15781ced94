"""The search: it finds the best value of each key, tries nothing twice, and tells how it goes on."""

import math

import pytest

from anaphora.evaluation.adapt.settings import AdaptSettings
from anaphora.evaluation.adapt.tune import GRID, search
from anaphora.progress import Event


def test_each_key_gets_its_best_value() -> None:
    best = {"learning_rate": 2e-4, "theta": 0.1, "weight": 0.2, "decay": 0.005, "window": 2000}
    asked: list[AdaptSettings] = []

    def score(settings: AdaptSettings) -> float:
        asked.append(settings)
        return 1.0 + sum(settings.values[key] != value for key, value in best.items())

    events: list[Event] = []
    found = search(AdaptSettings.of("both"), score, tokens=99, progress=events.append)
    assert found.settings.values == {**AdaptSettings.of("both").values, **best}
    assert (found.loss, found.tokens) == (1.0, 99)
    assert len(set(asked)) == len(asked) == len(found.tried)
    assert events[-1].message == "window = 2000: validation perplexity 2.72"
    assert all(event.stage == "tune" for event in events)
    counted = [event for event in events if event.message is None]
    assert counted[-1].done == counted[-1].total == 1 + sum(map(len, GRID.values()))
    assert len(found.to_json()["tried"]) == len(asked)


def test_only_the_method_in_force_is_searched() -> None:
    found = search(AdaptSettings.of("cache", {"theta": 0.25}), lambda settings: settings.values["theta"], tokens=9)
    assert set(found.settings.values) == {"window", "theta", "weight"}
    assert found.settings.values["theta"] == min(GRID["theta"])


def test_rates_grow_with_the_segment() -> None:
    found = search(AdaptSettings.of("dynamic", {"segment": 5}), lambda s: -s.values["learning_rate"], tokens=9)
    assert found.settings.values["learning_rate"] == pytest.approx(max(GRID["learning_rate"]) / 4)


def test_the_start_stays_when_nothing_is_better() -> None:
    start = AdaptSettings.of("cache", {"theta": 0.77})
    assert search(start, lambda settings: float(settings != start), tokens=9).settings == start


def test_weights_that_are_no_numbers_lose() -> None:
    def score(settings: AdaptSettings) -> float:
        return math.nan if settings.values["learning_rate"] > 1e-4 else 1.0

    found = search(AdaptSettings.of("dynamic"), score, tokens=9)
    assert found.settings.values["learning_rate"] <= 1e-4
    assert None in [tried["loss"] for tried in found.to_json()["tried"]]
