"""The one dial: from a text, a machine and a number of minutes to a model and a way to train it.

    survey of two or three sizes -> tokens a second of every size -> the size expected to predict best -> batch, window,
    learning rate, dropout

What the user has fixed is kept, and the rest is chosen around it. Where the figures behind the rules come from stands
with them, here and in `sizes.py`.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from anaphora.data.prepare import PreparedCorpus
from anaphora.models.cells.cell import StackConfig
from anaphora.models.headed import HeadedConfig
from anaphora.models.language_model import ModelConfig
from anaphora.progress import Progress, silent
from anaphora.training.config import TrainingConfig
from anaphora.training.probe import Clock, Speed, tokens_per_second, warm_up
from anaphora.training.sizes import Size, shortfall, sizes
from anaphora.training.survey import Survey

_PROBE_SHARE = 0.05  # of the time
_PROBE_SECONDS = 8.0  # at most
_TRAINING_SHARE = 0.95  # of the time left; validation, checkpoints and the start take the rest
_LEAST_SHARE = 0.1  # of the time is taken to be left, where a slow start has used up a very short run

# (batch_size, bptt), smallest first. A run needs steps more than it needs large batches: 20 s of tinyshakespeare gave
# 1.64 nats in 2,085 steps of 16 x 32, 1.68 in 1,149 of 16 x 64, 1.72 in 685 of 32 x 64 tokens (LSTM 256, learning rate
# 0.01); in 90 s, 9,128 steps of 16 x 32 and 3,180 of 32 x 64 were equal (1.525, 1.524).
_BATCHES = ((2, 16), (4, 16), (8, 16), (8, 32), (16, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128))
_PROBE_TOKENS = {"cpu": 512, "cuda": 4096}  # of one step; fewer would leave the device idle
_ENOUGH_STEPS = 3000
# A processor with matrix units may be idle at that, too: a larger batch that is so much faster is worth fewer steps.
# The Mysterious Island in bfloat16, 32 x 32 and 16 x 32 tokens: 49,000 and 33,000 characters a second; bits a character
# after a minute 1.864 and 1.903 (2,490 and 3,350 steps), after two 1.815 and 1.849 (2026-11-29-dial-batch.json).
_BATCH_GAIN, _FEWEST_STEPS = 1.2, 2000
_STEPS_PER_EPOCH = 8
_MOST_LOGITS = 1 << 27  # of one step: half a gigabyte in float32, and training holds several copies

# Highest learning rate of AdamW at 256 units, of a run of seconds to minutes. LSTM, 20 s: 0.004 gave 1.80, 0.01 gave
# 1.64, 0.02 gave 1.61 nats; words (PTB, tied 200 units, 60 s): 0.004 gave perplexity 309, 0.01 gave 220.
_LEARNING_RATE = {"lstm": 0.012, "gru": 0.006, "elman": 0.003}
_OTHER_LEARNING_RATE = 0.006  # of the other cells, which have not been measured so
_SGD_LEARNING_RATE = 1.0  # Zaremba et al. 2014 (arXiv 1409.2329), with clipped gradients

# A net that reads for ever never starts anew, and evaluation does. 20 s of tinyshakespeare gave 1.646 nats without, and
# 1.624 with one row in fifty started anew (16 x 32, learning rate 0.02); at 32 x 64 and 0.004 it was 2.50 and 1.89.
_DROPOUT_STATE = 0.02

# Dropout for each doubling of the pressure to learn by heart. The Time Machine (161,000 characters, LSTM 256, 10 epochs
# in 30 s): 0.3 gave 1.459 nats, 0.5 gave 1.489.
_DROPOUT = 0.08
_MOST_DROPOUT = 0.5
_DEFAULT_DROPOUT_OF_STACK = StackConfig.model_fields["dropout_output"].default

_ADAPTIVE = ": with so many, an adaptive softmax reads several times as much in the time"
_UNITS = {"chars": "characters", "bytes": "bytes", "words": "words", "english": "words"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the dial chose.

    Attributes:
        model, training: complete configurations; what the user fixed is in them.
        reasons: why, in short sentences with the figures, for the user.
        measured: the probes and the sizes that were weighed, as JSON values.
    """

    model: ModelConfig
    training: TrainingConfig
    reasons: tuple[str, ...]
    measured: dict[str, Any]


@dataclass(frozen=True)
class _Candidate:
    """One size of net and what it is worth: its speed in tokens a second, all it will read, see `shortfall`."""

    size: Size
    speed: float
    tokens_read: float
    shortfall: float

    def to_json(self) -> dict[str, Any]:
        return {
            "size": self.size.label,
            "weights": self.size.weights,
            "tokens_per_second": round(self.speed),
            "tokens": round(self.tokens_read),
            "shortfall": round(self.shortfall, 4),
        }


def choose(
    corpus: PreparedCorpus,
    model_name: str,
    fixed_model: Mapping[str, Any],
    fixed_training: Mapping[str, Any],
    *,
    seconds: float,
    device: torch.device,
    progress: Progress = silent,
    clock: Clock = time.perf_counter,
    speed: Speed = tokens_per_second,
) -> Choice:
    """Choose size, dropout, batch, window and learning rate for a run of `seconds`, the probe included.

    Args:
        corpus: to train on.
        model_name: of a net in `models/registry.py`.
        fixed_model: keys of [model] that the user has set.
        fixed_training: the same of [training].
        seconds: for this call and the training after it.
        device: to train on.
        progress: gets events of the stage "probe".
        clock: returns seconds.
        speed: measures tokens a second, see `probe.tokens_per_second`.

    Raises:
        ConfigError: a fixed key or value that does not exist.
    """
    started = clock()
    warm_up()
    vocab_size, train_tokens = corpus.tokenizer.vocab_size, corpus.counts["train"].tokens
    if fixed_training.get("label_smoothing"):  # of all types, which only the full softmax looks at
        fixed_model = {"head": "full", **fixed_model}
    options = sizes(model_name, vocab_size, fixed_model)
    survey = Survey(
        vocab_size, device, min(_PROBE_SECONDS, _PROBE_SHARE * seconds), progress=progress, clock=clock, speed=speed
    )
    most_tokens = min(train_tokens / _STEPS_PER_EPOCH, _MOST_LOGITS / vocab_size)
    batch_size, bptt = _largest_batch(min(most_tokens, _PROBE_TOKENS[device.type]))
    training = TrainingConfig(**{"batch_size": batch_size, "bptt": bptt, **fixed_training})
    training = survey.machine_settings(options, training)
    larger = training
    if device.type == "cpu" and not _has_shape(fixed_training):
        larger = _of_shape(training, _largest_batch(min(most_tokens, 2 * batch_size * bptt)))
    gain = survey.gain(options, training, larger)
    speeds = survey.speeds(options, training)
    left = max(seconds - (clock() - started), _LEAST_SHARE * seconds) * _TRAINING_SHARE
    candidates = _candidates(options, speeds, left, training, train_tokens)
    if gain >= _BATCH_GAIN:
        faster = _candidates(options, [speed * gain for speed in speeds], left, training, train_tokens)
        if _best(faster).tokens_read >= _FEWEST_STEPS * larger.batch_size * larger.bptt:
            training, candidates = larger, faster
    best = _best(candidates)
    training = _training(best, training, most_tokens, fixed_training)
    model = _with_dropout(best, train_tokens, fixed_model)
    return Choice(
        model=model,
        training=training,
        reasons=_reasons(corpus, best, model, training, seconds),
        measured={
            "seconds": round(clock() - started, 3),
            "probes": survey.table,
            "sizes": [candidate.to_json() for candidate in candidates],
        },
    )


def _candidates(
    options: Sequence[Size], speeds: Sequence[float], seconds: float, training: TrainingConfig, train_tokens: int
) -> list[_Candidate]:
    """Return what each size makes of the seconds, at its tokens a second."""
    candidates = []
    for size, rate in zip(options, speeds, strict=True):
        tokens = rate * seconds
        if training.max_epochs is not None:
            tokens = min(tokens, training.max_epochs * train_tokens)
        candidates.append(_Candidate(size, rate, tokens, shortfall(size, tokens, train_tokens)))
    return candidates


def _best(candidates: Sequence[_Candidate]) -> _Candidate:
    return min(candidates, key=lambda candidate: candidate.shortfall)


def _largest_batch(most_tokens: float) -> tuple[int, int]:
    """Return (batch_size, bptt) of the largest step of at most so many tokens; at least the smallest there is."""
    fitting = [shape for shape in _BATCHES if math.prod(shape) <= most_tokens]
    return fitting[-1] if fitting else _BATCHES[0]


def _has_shape(fixed: Mapping[str, Any]) -> bool:
    """Whether the user has set the shape of a step, or one side of it."""
    return not {"batch_size", "bptt"}.isdisjoint(fixed)


def _of_shape(training: TrainingConfig, shape: tuple[int, int]) -> TrainingConfig:
    """Return `training` with steps of (batch_size, bptt)."""
    return training.replace(batch_size=shape[0], bptt=shape[1])


def _training(
    best: _Candidate, training: TrainingConfig, most_tokens: float, fixed: Mapping[str, Any]
) -> TrainingConfig:
    """Return `training` with the largest batch that leaves enough steps, and the learning rate of the size."""
    chosen: dict[str, Any] = {}
    shape = _largest_batch(min(most_tokens, best.tokens_read / _ENOUGH_STEPS))
    if not _has_shape(fixed) and math.prod(shape) > training.batch_size * training.bptt:
        training = _of_shape(training, shape)
    if "dropout_state" not in fixed and training.windows == "consecutive":
        chosen["dropout_state"] = _DROPOUT_STATE
    if "learning_rate" not in fixed:
        chosen["learning_rate"] = _learning_rate(best.size.config, training)
    return training.replace(**chosen)


def _learning_rate(config: HeadedConfig, training: TrainingConfig) -> float:
    """Return the highest learning rate, to two digits: less for larger nets."""
    if training.optimizer in ("sgd", "nt-asgd"):
        return _SGD_LEARNING_RATE
    rate = _LEARNING_RATE.get(config.name, _OTHER_LEARNING_RATE)
    return float(f"{rate * min(1.5, math.sqrt(256 / (config.hidden_size * config.num_layers))):.2g}")


def _with_dropout(best: _Candidate, train_tokens: int, fixed: Mapping[str, Any]) -> ModelConfig:
    """Return the model's configuration with dropout: the more, the better it could learn its text by heart.

    0.08 for each doubling of epochs x (weights / tokens of the text)^1/2, at most a half, in steps of 0.05.
    """
    config = best.size.config
    pressure = best.tokens_read / max(1, train_tokens) * math.sqrt(best.size.weights / max(1, train_tokens))
    dropout = min(_MOST_DROPOUT, round(_DROPOUT * math.log2(max(pressure, 1.0)) * 20) / 20)
    if isinstance(config, StackConfig):  # has five, whose proportions are its own
        chosen = {"drop_mult": round(dropout / _DEFAULT_DROPOUT_OF_STACK, 3)}
    else:
        chosen = {"dropout_input": round(dropout / 2, 3), "dropout_output": dropout}
        if config.num_layers > 1:
            chosen["dropout_hidden"] = dropout
    return config.replace(**{key: value for key, value in chosen.items() if key not in fixed})


def _reasons(
    corpus: PreparedCorpus, best: _Candidate, model: ModelConfig, training: TrainingConfig, seconds: float
) -> tuple[str, ...]:
    """Say why, in sentences with the figures that decided."""
    count = corpus.counts["train"].tokens
    unit = _UNITS.get(corpus.tokenizer.kind, "tokens")
    threads = "1 thread" if training.threads == 1 else f"{training.threads} threads"
    dropout = getattr(model, "dropout_output", 0.0) * getattr(model, "drop_mult", 1.0)
    epochs = _readable(best.tokens_read / max(1, count))
    needed, enough = seconds, ""
    if training.max_epochs is not None and best.tokens_read >= training.max_epochs * count:
        needed, enough = best.tokens_read / best.speed, ": more would be learning by heart"
    steps = _readable(best.tokens_read / (training.batch_size * training.bptt))
    adaptive = getattr(model, "head", "full") == "adaptive"
    types = f"{corpus.tokenizer.vocab_size:,} different ones" + (_ADAPTIVE if adaptive else "")
    return (
        f"the training text has {_readable(count)} {unit}, {types}",
        f"{best.size.config.name} with {best.size.label}: this machine trains it on {_readable(best.speed)} {unit}"
        f" a second ({training.precision}, {threads}), which makes {epochs} epochs in {_duration(needed)}{enough}",
        f"dropout {dropout:g} for {epochs} epochs",
        f"{training.batch_size} rows of {training.bptt} {unit} a step, about {steps} steps,"
        f" learning rate up to {training.learning_rate:g}",
    )


def _readable(count: float) -> str:
    """Write a count with two or three figures: 0.12, 9.8, 950, 62,000, 1.0 million."""
    for size, name in ((1e9, " billion"), (1e6, " million")):
        if count >= size:
            return f"{count / size:.1f}{name}"
    if count < 10:
        return f"{count:.2g}"
    digits = max(0, len(str(int(count))) - 2)
    return f"{round(count, -digits):,.0f}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.3g} minutes"
