"""Measure, in about a second, what no table can know: how fast this machine trains this model.

Every figure comes from whole training steps on a copy of the model, so that the model, its gradients and the random
generators stay untouched. Number format and thread count are kept in the cache folder: the second run asks no more.
"""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from statistics import median
from typing import Any

import torch

from anaphora.errors import AnaphoraError, ConfigError
from anaphora.files import cache_folder, read_json, sha256_json, write_json
from anaphora.models.net import Net
from anaphora.runtime import Precision, available_cpus, chip_name, free_cpus, num_threads, requested_threads
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import NextToken
from anaphora.training.learner import Learner
from anaphora.training.optimizers import default_momentum
from anaphora.training.stepper import Stepper
from anaphora.training.task import Lesson

Clock = Callable[[], float]
Speed = Callable[[Net, TrainingConfig, Precision, int, float], float]

_ALLOWANCE = 1.0  # seconds for one choice
_BFLOAT16_GAIN = 1.2  # it rounds to 8 bits: it has to be worth it
_THREADS_GAIN = 1.15  # of the next thread count over the best before it: processors have other work to do
_SHORT_WINDOW = 8  # tokens, for a first look at how long a step takes
_MOST_STEPS = 50
_PRECISIONS: dict[str, Precision] = {"float32": "float32", "bfloat16": "bfloat16"}


def warm_up() -> None:
    """Load what a process needs for its first training step: the optimizers alone take seconds to import."""
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])


def tokens_per_second(
    model: Net,
    training: TrainingConfig,
    precision: Precision,
    threads: int,
    allowance: float = _ALLOWANCE,
    *,
    clock: Clock = time.perf_counter,
    lesson: Lesson | None = None,
) -> float:
    """Measure how many tokens a second training gets through: the median over whole steps.

    Args:
        model: trained on a copy, on the device where it is.
        training: gives batch size, window, optimizer and clipping.
        precision: to measure with.
        threads: to measure with, on the CPU.
        allowance: seconds. A step is not broken off, so one that takes longer is measured once, on a short window.
        clock: returns seconds.
        lesson: what a step does; by default, it learns to predict the next token.
    """
    lesson = NextToken(training) if lesson is None else lesson
    with _untouched_generators(model.device), num_threads(threads):
        twin = copy.deepcopy(model).train()
        stepper = Stepper(Learner.of(twin, training), training, precision=precision, lesson=lesson)

        def seconds(seq_len: int) -> float:
            before = clock()
            batch = lesson.example(twin, training, seq_len)
            stepper.step(batch, training.learning_rate, default_momentum(training))
            stepper.read()  # waits for the device
            return clock() - before

        short = min(training.bptt, _SHORT_WINDOW)
        seconds(short)  # the first step sets up kernels and memory
        started = clock()
        seq_len, expected = short, seconds(short)
        if short < training.bptt and 3 * expected * training.bptt / short <= allowance - (clock() - started):
            seq_len = training.bptt
            expected = seconds(seq_len)
        measured = [expected]
        while len(measured) < _MOST_STEPS and clock() - started + measured[-1] <= allowance:
            measured.append(seconds(seq_len))
    return training.batch_size * seq_len / max(median(measured), 1e-9)


def speed_of(lesson: Lesson) -> Speed:
    """Return how to measure the speed of a lesson."""
    return partial(tokens_per_second, lesson=lesson)


def choose_precision(
    model: Net,
    training: TrainingConfig,
    *,
    threads: int = 1,
    allowance: float = _ALLOWANCE,
    speed: Speed = tokens_per_second,
) -> Precision:
    """Return the configured precision; for "auto", bfloat16 when training is at least 1.2 times faster with it.

    Args:
        model: to be trained, on the device where it will be.
        training: gives the shape of a step.
        threads: that training will run on.
        allowance: seconds to measure for, when the cache holds no answer.
        speed: measures tokens a second; see `tokens_per_second`.
    """
    if training.precision != "auto":
        return training.precision
    key = _key("precision", model, training, threads)
    known = _recall(key)
    if isinstance(known, str) and known in _PRECISIONS:
        return _PRECISIONS[known]
    plain = speed(model, training, "float32", threads, allowance / 2)
    try:
        short = speed(model, training, "bfloat16", threads, allowance / 2)
    except RuntimeError:  # a layer without a bfloat16 kernel on this device
        short = 0.0
    chosen: Precision = "bfloat16" if short >= _BFLOAT16_GAIN * plain else "float32"
    _remember(key, chosen)
    return chosen


def choose_threads(
    model: Net,
    training: TrainingConfig,
    *,
    precision: Precision = "float32",
    allowance: float = _ALLOWANCE,
    speed: Speed = tokens_per_second,
) -> int:
    """Return the thread count that trains fastest: the configured one, else OMP_NUM_THREADS, else a measured one.

    Candidates are powers of two up to the processors that other work leaves free, and that number itself. More
    threads are taken only for 1.15 times the speed. On a GPU one thread does: it only hands out work.
    """
    if (asked := training.threads or requested_threads()) is not None:
        return asked
    free = free_cpus()
    if free == 1 or model.device.type != "cpu":
        return 1
    key = _key("threads", model, training, free, precision)
    known = _recall(key)
    if isinstance(known, int) and 1 <= known <= available_cpus():
        return known
    counts = [*(1 << power for power in range(free.bit_length()) if 1 << power < free), free]
    best, best_speed = 1, 0.0
    for count in counts:
        measured = speed(model, training, precision, count, allowance / len(counts))
        if measured >= _THREADS_GAIN * best_speed:
            best, best_speed = count, measured
    _remember(key, best)
    return best


@contextmanager
def _untouched_generators(device: torch.device) -> Iterator[None]:
    """Give torch's random generators back as they were: a probe must not change what a seed stands for."""
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=devices, device_type="cuda"):
        yield


def _key(question: str, model: Net, training: TrainingConfig, *conditions: int | str) -> str:
    """Name a measurement: chip, torch, and the shape of the work up to a factor of two."""
    sizes = (model.num_parameters, getattr(model, "vocab_size", 0), training.batch_size, training.bptt)
    return sha256_json(
        {
            "question": question,
            "chip": chip_name(model.device),
            "torch": str(torch.__version__),
            "model": [type(model).__name__, str(getattr(model.config, "name", ""))],
            "sizes": [size.bit_length() for size in sizes],
            "conditions": list(conditions),
        }
    )


def _recall(key: str) -> Any:
    """Return what the cache holds under `key`; None without a readable cache."""
    with suppress(AnaphoraError):
        return read_json(cache_folder() / "probes.json", ConfigError, "probe cache").get(key)
    return None


def _remember(key: str, value: str | int) -> None:
    """Keep an answer; a cache that cannot be read or written costs the next run a second, no more."""
    path = cache_folder() / "probes.json"
    answers: dict[str, Any] = {}
    with suppress(AnaphoraError):
        answers = read_json(path, ConfigError, "probe cache")
    with suppress(OSError):
        write_json(path, {**answers, key: value})
