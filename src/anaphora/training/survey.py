"""How fast each size of net trains on this machine: a few are measured, the others follow from their arithmetic.

A size reaches some arithmetic speed (flops a second), which changes slowly from size to size; between two measured ones
it is read off a line. Used by `budget.py`, which turns speeds into a choice.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch

from anaphora.models.language_model import NeuralLanguageModel
from anaphora.models.registry import build_model
from anaphora.progress import Event, Progress
from anaphora.runtime import Precision
from anaphora.training.config import TrainingConfig
from anaphora.training.probe import Clock, Speed, choose_precision, choose_threads
from anaphora.training.sizes import Size

_PROBED = (0.25, 0.5, 0.75)  # of the way up the sizes
_MACHINE_SHARE = 0.2  # of the allowance, for number format, for threads and for the batch each
_AMPLE = 2.0  # seconds of allowance: enough to ask about number format and threads on the middle size
_BUILD_SECONDS = 5e-8  # for each weight: to draw it, copy it and take the first optimizer step


class Survey:
    """Measures some sizes within an allowance of seconds, and reports on it.

    Args:
        vocab_size: of the models that are built to be measured.
        device: that trains them.
        allowance: seconds in all. A step that has begun is not broken off.
        progress: gets events of the stage "probe".
        clock: returns seconds.
        speed: measures tokens a second, see `probe.tokens_per_second`.
    """

    def __init__(
        self,
        vocab_size: int,
        device: torch.device,
        allowance: float,
        *,
        progress: Progress,
        clock: Clock,
        speed: Speed,
    ) -> None:
        self._vocab_size, self._device, self._allowance = vocab_size, device, allowance
        self._progress, self._clock, self._speed = progress, clock, speed
        self._started = clock()
        self.table: list[dict[str, Any]] = []

    @property
    def _left(self) -> float:
        return self._allowance - (self._clock() - self._started)

    def machine_settings(self, options: Sequence[Size], training: TrainingConfig) -> TrainingConfig:
        """Return `training` with number format and thread count filled in."""
        probed = _probed(options)
        model = self._build(probed[len(probed) // 2 if self._allowance >= _AMPLE else 0])
        share = self._allowance * _MACHINE_SHARE
        precision = choose_precision(model, training, allowance=share, speed=self._speed)
        threads = choose_threads(model, training, precision=precision, allowance=share, speed=self._speed)
        return training.replace(precision=precision, threads=threads)

    def gain(self, options: Sequence[Size], training: TrainingConfig, larger: TrainingConfig) -> float:
        """Return how many times as fast the middle size trains with a larger batch; 1 where no time is left to see."""
        if self._allowance < _AMPLE or self._left <= 0 or larger == training:
            return 1.0
        probed = _probed(options)
        model, precision = self._build(probed[len(probed) // 2]), cast(Precision, training.precision)
        share = self._allowance * _MACHINE_SHARE / 2
        plain, more = (self._speed(model, each, precision, training.threads or 1, share) for each in (training, larger))
        return more / plain

    def speeds(self, options: Sequence[Size], training: TrainingConfig) -> list[float]:
        """Return the tokens a second of each size: measured for some, and by their arithmetic for the others.

        The first is always measured; each larger one only when the time left is enough for it.
        """
        probed = _probed(options)
        power: dict[int, float] = {}  # flops of a size -> flops a second that it reaches
        for number, size in enumerate(probed):
            if power:
                rate = power[max(power)] / size.flops
                tokens = training.batch_size * training.bptt
                if tokens / rate + _BUILD_SECONDS * (size.weights + size.head) > self._left:
                    break
            allowance = max(0.0, self._left) / (len(probed) - number)
            precision = cast(Precision, training.precision)
            rate = self._speed(self._build(size), training, precision, training.threads or 1, allowance)
            power[size.flops] = rate * size.flops
            self._report(size, rate)
        return [_interpolate(power, size.flops) / size.flops for size in options]

    def _build(self, size: Size) -> NeuralLanguageModel:
        with torch.random.fork_rng(devices=[]):
            model = build_model(size.config, self._vocab_size)
        return cast(NeuralLanguageModel, model.to(self._device))

    def _report(self, size: Size, rate: float) -> None:
        self.table.append({"size": size.label, "tokens_per_second": round(rate)})
        spent = self._clock() - self._started
        values = {"hidden_size": float(size.config.hidden_size), "tokens_per_second": rate}
        self._progress(Event(stage="probe", done=spent, total=self._allowance, unit="seconds", values=values))


def _probed(options: Sequence[Size]) -> list[Size]:
    """Return the sizes worth measuring, smallest first, each once."""
    numbers = sorted({round(share * (len(options) - 1)) for share in _PROBED})
    return [options[number] for number in numbers]


def _interpolate(known: Mapping[int, float], flops: int) -> float:
    """Return the value at `flops` on straight lines between the `known` points over log(flops); flat outside."""
    points = sorted(known.items())
    for (low, low_value), (high, high_value) in pairwise(points):
        if low <= flops <= high:
            share = math.log(flops / low) / math.log(high / low)
            return low_value + share * (high_value - low_value)
    return points[0][1] if flops < points[0][0] else points[-1][1]
