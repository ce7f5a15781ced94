"""The climb: its rungs against the published settings, rung 0, summaries over seeds, and the picture."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.lab.ladder.climb import RUNGS, Rung, baseline, climb, plot_ladder
from anaphora.lab.ladder.numbers import Batches
from anaphora.lab.ladder.training import Recipe
from anaphora.progress import Event


def shortened(rung: Rung) -> Rung:
    """One epoch of forty batches: fast enough for every test run. The full ladder is a recipe."""

    def cut() -> tuple[Batches, Batches]:
        train, valid = rung.cut()
        return train[:40], valid[:10]

    return replace(rung, cut=cut, recipe=replace(rung.recipe, epochs=1))


def test_the_settings_are_the_published_ones() -> None:
    """Epochs and learning rates of SYSTEMS.md, C."""
    assert [(rung.recipe.epochs, rung.recipe.learning_rate) for rung in RUNGS[:7]] == [
        (4, 1e-3),
        (4, 1e-3),
        (10, 3e-3),
        (15, 3e-3),
        (15, 3e-3),
        (15, 1e-2),
        (15, 1e-2),
    ]
    assert RUNGS[6].recipe == Recipe(
        epochs=15, learning_rate=1e-2, weight_decay=0.1, activation_penalty=2.0, slowness_penalty=1.0
    )
    assert all(rung.recipe.weight_decay == 0.01 for rung in RUNGS[:6])


def test_the_baseline_is_the_published_one() -> None:
    rung = baseline()
    assert rung.rung == 0
    assert rung.name == "always 'thousand'"
    assert rung.accuracy == pytest.approx(0.1517, abs=5e-5)


def test_a_climb_summarises_its_seeds_and_leaves_chance_alone(tmp_path: Path) -> None:
    events: list[Event] = []
    before = torch.get_rng_state()
    ladder = climb(2, rungs=(shortened(RUNGS[0]), shortened(RUNGS[3])), progress=events.append)
    assert torch.equal(torch.get_rng_state(), before)
    assert [event.done for event in events] == [1, 2, 3, 4]
    figures = json.loads(json.dumps(ladder.to_json()))
    assert [rung["rung"] for rung in figures["rungs"]] == [0, 1, 2]
    for rung in figures["rungs"][1:]:
        assert set(rung) == {"rung", "name", "accuracy", "spread", "seconds", "curve"}
        assert 0.0 < rung["accuracy"] < 0.6
        assert 0.0 < rung["spread"] < 0.5
        assert rung["curve"] == [rung["accuracy"]]
    plot_ladder(ladder, tmp_path / "ladder.png")
    assert (tmp_path / "ladder.png").read_bytes().startswith(b"\x89PNG")


def test_no_seed_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"seeds = 0: the ladder needs at least 1"):
        climb(0)
