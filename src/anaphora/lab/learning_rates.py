"""The learning-rate range test: raise the rate at each step, and watch where the loss falls and where it breaks.

Smith 2017, "Cyclical learning rates for training neural networks" (arXiv 1506.01186), section 3.3, with an exponential
instead of a linear rise. Every training setting but rate and schedule is the run's own, so what is found holds for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import mean
from typing import Any

from anaphora.data.prepare import prepare
from anaphora.errors import ConfigError
from anaphora.lab.plots import COLOURS, GREY, picture
from anaphora.models.baselines import unigram_log_probs
from anaphora.models.language_model import NeuralLanguageModel
from anaphora.models.registry import build_model
from anaphora.progress import Event, Progress, silent
from anaphora.runtime import choose_device, num_threads, seed_everything
from anaphora.text.corpus import open_corpus
from anaphora.training.learner import Learner
from anaphora.training.optimizers import default_momentum
from anaphora.training.probe import choose_precision, choose_threads
from anaphora.training.run_config import RunConfig
from anaphora.training.stepper import Stepper
from anaphora.training.windows import make_sampler

_AROUND = 5  # losses on either side that are averaged with one
_BROKEN = 1.5  # times the first losses: the rate is too high from here on
_FALLEN = 0.98  # times the first losses: less is a fall, and no chance
_AT_LEAST = 4 * _AROUND  # losses, to say anything


@dataclass(frozen=True, kw_only=True)
class RangeTest:
    """What was measured.

    Attributes:
        corpus, model, optimizer: what was trained, and how.
        learning_rates: of each step, rising.
        losses: mean nats per token of each step.
        smoothed: each loss averaged with its neighbours.
        lowest: the rate at the lowest smoothed loss: beyond it training suffers.
        suggestion: a highest rate for one-cycle: a third of `lowest`, to keep a distance from the edge; None where no
            rate lowered the loss.
    """

    corpus: str
    model: str
    optimizer: str
    learning_rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    lowest: float
    suggestion: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the test as JSON values."""
        return dict(vars(self))


def range_test(
    config: RunConfig,
    *,
    lowest: float = 1e-5,
    highest: float = 10.0,
    steps: int = 200,
    progress: Progress = silent,
) -> RangeTest:
    """Train a new model while its learning rate rises from `lowest` to `highest`, or until the loss breaks.

    Args:
        config: of the run that a rate is wanted for; its schedule and its length are left aside.
        lowest: the first learning rate.
        highest: the last one.
        steps: from the one to the other; the text is read again where it is short.
        progress: gets events of the stage "learning rates".

    Raises:
        ConfigError: the model has nothing to learn by gradient, or the range is empty.
    """
    if not 0 < lowest < highest or steps < _AT_LEAST:
        raise ConfigError(
            f"learning rates from {lowest:g} to {highest:g} in {steps} steps: set 0 < lowest < highest, and at least"
            f" {_AT_LEAST} steps"
        )
    corpus = prepare(open_corpus(config.corpus, progress=progress), config.tokenizer, progress=progress)
    training = config.training
    seed_everything(training.seed)
    model = build_model(config.model, corpus.tokenizer.vocab_size).to(choose_device(training.device))
    if not isinstance(model, NeuralLanguageModel):
        raise ConfigError(f"name = {config.to_json()['model']['name']!r} in [model]: it is not trained by gradient")
    threads = choose_threads(model, training)
    token_ids = corpus.token_ids("train")
    model.start_from_unigrams(unigram_log_probs(token_ids, model.vocab_size))
    batches = cycle(make_sampler(token_ids, training).epoch(0))
    with num_threads(threads):
        precision = choose_precision(model, training, threads=threads)
        stepper = Stepper(Learner.of(model.train(), training), training, precision=precision)
        rates: list[float] = []
        losses: list[float] = []
        for number, batch in enumerate(islice(batches, steps)):
            rate = lowest * (highest / lowest) ** (number / (steps - 1))
            stepper.step(batch, rate * batch.learning_rate_scale, default_momentum(training))
            (result,) = stepper.read()
            progress(Event(stage="learning rates", done=number + 1, total=steps, values={"loss": result.loss}))
            if not result.is_finite:
                break
            rates.append(rate)
            losses.append(result.loss)
            if mean(losses[-_AROUND:]) > _BROKEN * mean(losses[:_AROUND]):
                break
    smoothed = smooth(losses)
    lowest_rate, suggestion = suggest(rates, smoothed)
    return RangeTest(
        corpus=corpus.name,
        model=str(config.to_json()["model"]["name"]),
        optimizer=training.optimizer,
        learning_rates=tuple(rates),
        losses=tuple(losses),
        smoothed=tuple(smoothed),
        lowest=lowest_rate,
        suggestion=suggestion,
    )


def smooth(losses: Sequence[float]) -> list[float]:
    """Return each loss averaged with the 5 on either side, or with as many as there are on both."""
    smoothed = []
    for place in range(len(losses)):
        around = min(_AROUND, place, len(losses) - 1 - place)
        smoothed.append(mean(losses[place - around : place + around + 1]))
    return smoothed


def suggest(rates: Sequence[float], smoothed: Sequence[float]) -> tuple[float, float | None]:
    """Return `lowest` and `suggestion`, as `RangeTest` explains them.

    Raises:
        ConfigError: the test ended too soon to say anything.
    """
    if len(smoothed) < _AT_LEAST:
        reached = f", at a learning rate of {rates[-1]:g}" if rates else ""
        raise ConfigError(
            f"the loss broke after {len(smoothed)} steps{reached}; begin with a lower one, or take more steps"
        )
    best = min(range(len(smoothed)), key=smoothed.__getitem__)
    if smoothed[best] > _FALLEN * mean(smoothed[:_AROUND]):
        return rates[best], None
    return rates[best], float(f"{rates[best] / 3:.2g}")


def plot_range_test(test: RangeTest, path: Path) -> None:
    """Draw the losses over the learning rate, the suggestion marked; PNG or SVG by the suffix of `path`."""
    with picture(path) as (axes,):
        axes.set_title(f"Learning-rate range test: {test.model} with {test.optimizer} on {test.corpus}")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss in nats per token")
        axes.set_xscale("log")
        axes.plot(test.learning_rates, test.losses, color=GREY, linewidth=0.8, label="each step")
        axes.plot(test.learning_rates, test.smoothed, color=COLOURS[0], label="moving average")
        axes.set_ylim(top=_BROKEN * test.smoothed[0])  # what lies above is broken
        if test.suggestion is not None:
            axes.axvline(test.suggestion, color=COLOURS[1], linestyle="--", label=f"suggestion {test.suggestion:g}")
        axes.legend(loc="lower left")
