"""The memory task: its examples, the expected ordering at small N, and what is refused."""

import json
from pathlib import Path

import pytest
from torch import Generator

from anaphora.errors import ConfigError
from anaphora.lab.memory_task import CHANCE, examples, memory_task, plot_memory


def test_an_example_is_symbol_distractors_question() -> None:
    tokens, symbols = examples(6, 500, Generator().manual_seed(1))
    assert tokens.shape == (500, 8)
    assert tokens[:, 0].equal(symbols)
    assert set(symbols.tolist()) == {0, 1, 2, 3}
    assert set(tokens[:, 1:-1].flatten().tolist()) == {4, 5, 6, 7}
    assert set(tokens[:, -1].tolist()) == {8}


def test_elman_fails_where_gated_cells_still_remember() -> None:
    task = memory_task(["elman", "gru", "lstm-open"], [4, 24], steps=200)
    accuracy = {(result.cell, result.distance): result.accuracy for result in task.results}
    assert accuracy["elman", 4] > 0.95
    assert accuracy["elman", 24] < CHANCE + 0.15
    assert accuracy["gru", 24] > 0.95
    assert accuracy["lstm-open", 24] > 0.95


def test_led_on_from_short_distances_an_elman_net_holds_longer() -> None:
    task = memory_task(["elman"], [4, 8, 16, 24], steps=200, growing=True)
    assert [result.distance for result in task.results] == [4, 8, 16, 24]
    assert task.results[-1].accuracy > 0.95


def test_a_net_that_fails_is_still_tested_on_longer_distances() -> None:
    task = memory_task(["elman"], [3, 60, 80], steps=1, growing=True)
    assert [result.steps for result in task.results] == [1, 0, 0]
    assert all(0 <= result.accuracy < 0.6 for result in task.results)


def test_the_table_is_json_and_the_picture_is_drawn(tmp_path: Path) -> None:
    task = memory_task(["lstm", "elman"], [3, 2], steps=1)
    figures = json.loads(json.dumps(task.to_json()))
    assert figures["chance"] == 0.25
    assert [(row["cell"], row["distance"]) for row in figures["results"]] == [
        ("lstm", 2),
        ("lstm", 3),
        ("elman", 2),
        ("elman", 3),
    ]
    plot_memory(task, tmp_path / "memory.png")
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no cell 'elmen': .* did you mean 'elman'\?"):
        memory_task(["elmen"])
    with pytest.raises(ConfigError, match=r"distances = \[0\], steps = 300: all of them must be at least 1"):
        memory_task(["elman"], [0])
    with pytest.raises(ConfigError, match=r"steps = 0"):
        memory_task(["elman"], [5], steps=0)
