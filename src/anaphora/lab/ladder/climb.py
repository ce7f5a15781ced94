"""The rungs of the ladder with their settings, and the climb: every rung with several seeds, side by side on all cores.

Rungs, settings and the accuracies to reach come from chapter 12 of fast.ai's book (Howard and Gugger 2020).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from torch import nn

from anaphora.errors import ConfigError
from anaphora.lab.ladder.nets import AwdLstm, Loop, Net, RecurrentLayers, Stack, WrittenOut
from anaphora.lab.ladder.numbers import Batches, numbers, sixteens_in_lanes, threes_in_lanes, threes_in_order
from anaphora.lab.ladder.training import Climb, Recipe, train
from anaphora.lab.parallel import drawn_from, side_by_side
from anaphora.lab.plots import COLOURS, GREY, picture
from anaphora.progress import Progress, silent


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One rung: what is new on it, how the text is cut, the net for (vocab_size, seed), and how it is trained."""

    name: str
    cut: Callable[[], tuple[Batches, Batches]]
    net: Callable[[int, int], Net]
    recipe: Recipe


def _regularised(layers: RecurrentLayers) -> Callable[[int, int], Net]:
    return lambda vocab_size, seed: Stack(vocab_size, layers, dropout=0.5, tied=True, seed=seed)


_REGULARISED = Recipe(epochs=15, learning_rate=1e-2, weight_decay=0.1, activation_penalty=2.0, slowness_penalty=1.0)

RUNGS: tuple[Rung, ...] = (
    Rung(
        name="three tokens, the layer written out three times",
        cut=threes_in_order,
        net=lambda vocab_size, seed: WrittenOut(vocab_size),
        recipe=Recipe(epochs=4, learning_rate=1e-3, keep_state=False),
    ),
    Rung(
        name="the same as a loop",
        cut=threes_in_order,
        net=lambda vocab_size, seed: Loop(vocab_size),
        recipe=Recipe(epochs=4, learning_rate=1e-3, keep_state=False),
    ),
    Rung(
        name="the state is kept between batches",
        cut=threes_in_lanes,
        net=lambda vocab_size, seed: Loop(vocab_size),
        recipe=Recipe(epochs=10, learning_rate=3e-3),
    ),
    Rung(
        name="a target after every token",
        cut=sixteens_in_lanes,
        net=lambda vocab_size, seed: Loop(vocab_size),
        recipe=Recipe(epochs=15, learning_rate=3e-3),
    ),
    Rung(
        name="two Elman layers",
        cut=sixteens_in_lanes,
        net=lambda vocab_size, seed: Stack(vocab_size, nn.RNN),
        recipe=Recipe(epochs=15, learning_rate=3e-3),
    ),
    Rung(
        name="two LSTM layers",
        cut=sixteens_in_lanes,
        net=lambda vocab_size, seed: Stack(vocab_size, nn.LSTM),
        recipe=Recipe(epochs=15, learning_rate=1e-2),
    ),
    Rung(
        name="dropout, AR, TAR, tied weights",
        cut=sixteens_in_lanes,
        net=_regularised(nn.LSTM),
        recipe=_REGULARISED,
    ),
    Rung(
        name="the same with two GRU layers",
        cut=sixteens_in_lanes,
        net=_regularised(nn.GRU),
        recipe=_REGULARISED,
    ),
    Rung(
        name="AWD-LSTM with all five dropouts",
        cut=sixteens_in_lanes,
        net=lambda vocab_size, seed: AwdLstm(vocab_size, drop_mult=1.0, seed=seed),
        recipe=_REGULARISED,
    ),
)


@dataclass(frozen=True, kw_only=True)
class RungResult:
    """What one rung reached.

    Attributes:
        rung: its number; 0 is the baseline, which always guesses the most frequent token.
        name: what is new on it.
        accuracy: share of the validation targets guessed right after the last epoch; mean over the seeds.
        spread: standard deviation of that over the seeds; 0 for one seed.
        seconds: to train and validate one seed; mean.
        curve: accuracy after each epoch; mean over the seeds.
    """

    rung: int
    name: str
    accuracy: float
    spread: float
    seconds: float
    curve: tuple[float, ...]


@dataclass(frozen=True)
class Ladder:
    """The whole climb, from rung 0 up."""

    rungs: tuple[RungResult, ...]
    seeds: int

    def to_json(self) -> dict[str, Any]:
        """Return the results as JSON values."""
        return {"seeds": self.seeds, "rungs": [{**vars(rung), "curve": list(rung.curve)} for rung in self.rungs]}


def climb(seeds: int = 5, *, rungs: tuple[Rung, ...] = RUNGS, progress: Progress = silent) -> Ladder:
    """Train every rung with `seeds` seeds; side by side on all processors.

    Raises:
        ConfigError: fewer than one seed.
    """
    if seeds < 1:
        raise ConfigError(f"seeds = {seeds}: the ladder needs at least 1")
    jobs = []
    for rung in rungs:
        batches = rung.cut()
        jobs += [partial(train, _fresh_net(rung, seed), rung.recipe, *batches) for seed in range(1, seeds + 1)]
    climbs = side_by_side(jobs, stage="ladder", progress=progress)
    results = [
        _summary(number, rung.name, climbs[seeds * (number - 1) : seeds * number])
        for number, rung in enumerate(rungs, start=1)
    ]
    return Ladder((baseline(), *results), seeds)


def baseline() -> RungResult:
    """Return rung 0: the most frequent of rung 1's validation targets, guessed always."""
    _, valid = threes_in_order()
    counts = Counter(target for _, targets in valid for target in targets.tolist())
    token_id, count = counts.most_common(1)[0]
    share = count / counts.total()
    name = f"always {numbers()[1][token_id]!r}"
    return RungResult(rung=0, name=name, accuracy=share, spread=0.0, seconds=0.0, curve=())


def plot_ladder(ladder: Ladder, path: Path) -> None:
    """Draw what each rung reaches, and how; PNG or SVG by the suffix of `path`."""
    with picture(path, panels=2, size=(12, 4.6)) as (reached, curves):
        reached.set_title("Accuracy after the last epoch")
        reached.set_xlim(0, 1.08)
        reached.grid(axis="y", visible=False)
        reached.invert_yaxis()
        reached.set_yticks([rung.rung for rung in ladder.rungs], [f"{rung.name}  {rung.rung}" for rung in ladder.rungs])
        curves.set_title("Accuracy after each epoch")
        curves.set_xlabel("epoch")
        for rung, colour in zip(ladder.rungs, cycle((GREY, *COLOURS)), strict=False):
            reached.barh(rung.rung, rung.accuracy, xerr=rung.spread, color=colour, ecolor="#444444", height=0.6)
            reached.text(
                rung.accuracy + rung.spread + 0.015, rung.rung, f"{rung.accuracy:.3f}", va="center", fontsize=9
            )
            if rung.curve:
                epochs = range(1, len(rung.curve) + 1)
                curves.plot(epochs, rung.curve, color=colour, label=f"rung {rung.rung}")
        curves.axhline(ladder.rungs[0].accuracy, color=GREY, linestyle=":", label="rung 0")
        curves.set_ylim(0, 1)
        curves.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _fresh_net(rung: Rung, seed: int) -> Net:
    with drawn_from(seed):
        return rung.net(len(numbers()[1]), seed)


def _summary(number: int, name: str, climbs: list[Climb]) -> RungResult:
    last = [one.accuracies[-1] for one in climbs]
    return RungResult(
        rung=number,
        name=name,
        accuracy=mean(last),
        spread=stdev(last) if len(last) > 1 else 0.0,
        seconds=mean(one.seconds for one in climbs),
        curve=tuple(mean(epoch) for epoch in zip(*(one.accuracies for one in climbs), strict=True)),
    )
