"""How long can a cell remember? It is shown one symbol, then N distractors, and must name the symbol at the end.

    a  z x y z z x ... y  ?   ->  a

The bridge over N steps has to be learnt by gradients that cross it; where they vanish, accuracy stays at chance, 1/4.
After Hochreiter and Schmidhuber (1997). Shapes: B batch, T = N + 2 tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from anaphora.errors import ConfigError
from anaphora.lab.parallel import StoppedError, drawn_from, side_by_side
from anaphora.lab.plots import CELL_COLOURS, COLOURS, GREY, picture
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.progress import Progress, silent
from anaphora.settings import did_you_mean

# "lstm-open" is an LSTM whose forget gate starts at 0.999 instead of 0.73: it begins by keeping everything.
CELLS: dict[str, dict[str, Any]] = {
    "elman": {"name": "elman"},
    "gru": {"name": "gru"},
    "lstm": {"name": "lstm"},
    "lstm-open": {"name": "lstm", "forget_gate_bias": 7.0},
}
DISTANCES = (5, 10, 20, 50, 100, 200, 500)

_SYMBOLS = 4  # to be recalled: ids 0 to 3
_DISTRACTORS = 4  # ids 4 to 7
_QUESTION = _SYMBOLS + _DISTRACTORS
CHANCE = 1 / _SYMBOLS

_HIDDEN_SIZE = 32
_BATCH_SIZE = 64
_LEARNING_RATE = 5e-3
_MAX_GRAD_NORM = 1.0
_LEARNT = 0.99  # training stops early when the running accuracy gets there
_TEST_BATCHES = 8


@dataclass(frozen=True, kw_only=True)
class Recall:
    """How well one cell recalls over one distance: accuracy on 512 fresh examples, after so many training steps."""

    cell: str
    distance: int
    accuracy: float
    steps: int


@dataclass(frozen=True)
class MemoryTask:
    """The whole table. `growing` says whether each net was trained on the shorter distances first."""

    results: tuple[Recall, ...]
    growing: bool

    def to_json(self) -> dict[str, Any]:
        """Return the table as JSON values, with the accuracy of a guess."""
        results = [{**vars(result)} for result in self.results]
        return {"chance": CHANCE, "growing": self.growing, "results": results}


def memory_task(
    cells: Sequence[str] = tuple(CELLS),
    distances: Sequence[int] = DISTANCES,
    *,
    steps: int = 300,
    growing: bool = False,
    seed: int = 1,
    progress: Progress = silent,
) -> MemoryTask:
    """Train each cell at each distance for at most `steps` steps, and test it.

    By default every net starts fresh at its own distance. With `growing`, one net per cell is trained on the shortest
    distance, then on the next, until it fails; what it is then tested on without training shows how far it carries.
    That changes the picture: an Elman net that learnt to hold a symbol for 5 steps can be led on to 200, though it
    never learns 20 from scratch. It can hold; it cannot find out from afar that it should.

    Raises:
        ConfigError: no such cell, a distance below 1, or no step.
    """
    for cell in cells:
        if cell not in CELLS:
            raise ConfigError(
                f"there is no cell {cell!r}: it is one of {', '.join(CELLS)}{did_you_mean(cell, [*CELLS])}"
            )
    if min(distances, default=1) < 1 or steps < 1:
        raise ConfigError(f"distances = {list(distances)}, steps = {steps}: all of them must be at least 1")
    ways = [tuple(sorted(distances))] if growing else [(distance,) for distance in sorted(distances, reverse=True)]
    jobs = [partial(_go, cell, way, steps, seed) for way in ways for cell in cells]  # longest first: cores end together
    found = [result for results in side_by_side(jobs, stage="memory", progress=progress) for result in results]
    order = {cell: place for place, cell in enumerate(cells)}
    return MemoryTask(tuple(sorted(found, key=lambda one: (order[one.cell], one.distance))), growing)


def examples(distance: int, count: int, chance: Generator) -> tuple[Tensor, Tensor]:
    """Return tokens (count, distance + 2) and the symbols (count,) to recall, both int64."""
    symbols = torch.randint(_SYMBOLS, (count, 1), generator=chance)
    distractors = torch.randint(_SYMBOLS, _QUESTION, (count, distance), generator=chance)
    question = torch.full((count, 1), _QUESTION)
    return torch.cat([symbols, distractors, question], dim=1), symbols.squeeze(1)


def plot_memory(task: MemoryTask, path: Path) -> None:
    """Draw accuracy over distance, a line for each cell; PNG or SVG by the suffix of `path`."""
    with picture(path) as (axes,):
        axes.set_title("Recalling the first symbol after N distractors")
        axes.set_xlabel("N")
        axes.set_ylabel("accuracy")
        axes.set_xscale("log")
        distances = sorted({result.distance for result in task.results})
        axes.set_xticks(distances, [str(distance) for distance in distances])
        axes.minorticks_off()
        axes.set_ylim(0, 1.05)
        for cell in dict.fromkeys(result.cell for result in task.results):
            of_cell = [result for result in task.results if result.cell == cell]
            axes.plot(
                [result.distance for result in of_cell],
                [result.accuracy for result in of_cell],
                marker="o",
                color=CELL_COLOURS.get(cell, COLOURS[3]),
                label=cell,
            )
        axes.axhline(CHANCE, color=GREY, linestyle=":", label="a guess")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _go(cell: str, distances: Sequence[int], steps: int, seed: int, stopped: Flag) -> list[Recall]:
    """Lead one net from distance to distance, training it as long as it keeps up."""
    model = _fresh_model(cell, seed)
    chance = Generator().manual_seed(seed)
    results, keeps_up = [], True
    for distance in distances:
        taken = _train(model, distance, steps, chance, stopped) if keeps_up else 0
        accuracy = _test(model, distance, chance)
        keeps_up = keeps_up and accuracy > _LEARNT - 0.05
        results.append(Recall(cell=cell, distance=distance, accuracy=accuracy, steps=taken))
    return results


def _train(model: RecurrentLanguageModel, distance: int, steps: int, chance: Generator, stopped: Flag) -> int:
    """Train until the task is learnt, or for `steps` steps; return how many were taken."""
    optimizer = torch.optim.Adam(model.parameters(), lr=_LEARNING_RATE, fused=True)
    running = 0.0
    for step in range(1, steps + 1):
        if stopped.is_set():
            raise StoppedError
        tokens, symbols = examples(distance, _BATCH_SIZE, chance)
        logits = _answer(model, tokens)
        optimizer.zero_grad()
        F.cross_entropy(logits, symbols).backward()
        nn.utils.clip_grad_norm_(model.parameters(), _MAX_GRAD_NORM)
        optimizer.step()
        running = 0.9 * running + 0.1 * _share_right(logits, symbols)
        if running > _LEARNT:
            return step
    return steps


@torch.no_grad()
def _test(model: RecurrentLanguageModel, distance: int, chance: Generator) -> float:
    right = 0.0
    for _ in range(_TEST_BATCHES):
        tokens, symbols = examples(distance, _BATCH_SIZE, chance)
        right += _share_right(_answer(model, tokens), symbols)
    return right / _TEST_BATCHES


def _answer(model: RecurrentLanguageModel, tokens: Tensor) -> Tensor:
    """Return the logits (B, V) after the question."""
    features, _ = model.features(tokens, model.initial_state(len(tokens)))
    return model.logits(features[:, -1])


def _share_right(logits: Tensor, symbols: Tensor) -> float:
    return (logits.argmax(-1) == symbols).double().mean().item()


def _fresh_model(cell: str, seed: int) -> RecurrentLanguageModel:
    config = RecurrentConfig(**CELLS[cell], embedding_dim=_HIDDEN_SIZE, hidden_size=_HIDDEN_SIZE, embedding_range=1.0)
    with drawn_from(seed):
        return RecurrentLanguageModel(config, vocab_size=_QUESTION + 1)
