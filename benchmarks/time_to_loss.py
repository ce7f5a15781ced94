"""How long until as good as an LSTM? Fast recurrences and LSTMs train side by side, each on a clock of its own.

    python -m benchmarks.time_to_loss {chars,words} [--seconds 60] [--only NAME ...] [--no-save]

One process, one thread. The rivals take turns of two seconds, so what else the machine does slows all alike, and each
is charged the processor time of its own training steps; validation is free. Every rival has two runs, one over the
whole budget and one over the budget divided by the target, each with a one-cycle schedule over its own time: a rival
reaches the target when its shorter run ends below the longer one of an LSTM with as many weights. A smaller LSTM, which
reads more in the same time, is there to tell what that is worth. Takes some ten minutes for each text, so `make bench`
leaves it out.
"""

import argparse
import time
from dataclasses import dataclass, field
from typing import Any

import torch

from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.data.stream import ConsecutiveWindows
from anaphora.evaluation.evaluate import evaluate_split
from anaphora.models.language_model import NeuralLanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.runtime import Precision, keep_freed_memory, num_threads, seed_everything
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import Kind, TokenizerSettings
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.schedules import one_cycle
from anaphora.training.stepper import Stepper
from benchmarks.harness import Figure, Options, Result

TARGET = 1.5
TURN = 2.0  # seconds: a step right after another model's finds its own numbers far from the processor
SEED, LANES, VALIDATIONS = 1, 40, 4
CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A model and how it is trained; the learning rates are the best of a few tried for each."""

    name: str
    model: dict[str, Any]
    training: dict[str, Any]


@dataclass(kw_only=True)
class Run:
    """One training in progress."""

    name: str
    budget: float  # seconds of processor time
    model: NeuralLanguageModel
    stepper: Stepper
    windows: ConsecutiveWindows
    learning_rate: float
    spent: float = 0.0
    steps: int = 0
    curve: list[tuple[float, float]] = field(default_factory=list)  # seconds, validation loss in nats per token

    def step(self) -> None:
        """Make one step and charge its time."""
        epoch, index = divmod(self.steps, len(self.windows.epoch(0)))
        batch = self.windows.epoch(epoch)[index]
        point = one_cycle(self.spent / self.budget)
        started = time.process_time()
        self.stepper.step(batch, self.learning_rate * point.scale, point.momentum or 0.9)
        self.stepper.read()
        self.spent += time.process_time() - started
        self.steps += 1

    @property
    def finished(self) -> bool:
        """Whether the budget is spent."""
        return self.spent >= self.budget

    @property
    def validation_is_due(self) -> bool:
        """Whether the next quarter of the budget is spent."""
        return self.spent >= self.budget * (len(self.curve) + 1) / VALIDATIONS


def start(rival: Rival, corpus: PreparedCorpus, budget: float, precision: Precision) -> Run:
    """Make a rival's model, seeded as all others, and what trains it."""
    seed_everything(SEED)
    config = TrainingConfig(**rival.training)
    values = dict(rival.model)
    model = build_model(model_config(values.pop("name"), values), corpus.tokenizer.vocab_size)
    assert isinstance(model, NeuralLanguageModel)
    ids = corpus.token_ids("train")
    counts = torch.bincount(torch.from_numpy(ids.astype("int64")), minlength=model.vocab_size) + 1.0
    model.start_from_unigrams((counts / counts.sum()).log())
    model.train()
    return Run(
        name=rival.name,
        budget=budget,
        model=model,
        stepper=Stepper(Learner.of(model, config), config, precision=precision),
        windows=ConsecutiveWindows(ids, config.batch_size, config.bptt),
        learning_rate=config.learning_rate,
    )


def train(runs: list[Run], corpus: PreparedCorpus) -> None:
    """Train all side by side to the end of their budgets; the one that has spent least is next."""
    while waiting := [run for run in runs if not run.finished]:
        run = min(waiting, key=lambda run: run.spent / run.budget)
        end = run.spent + TURN
        while run.spent < end and not run.finished and not run.validation_is_due:
            run.step()
        if run.validation_is_due:
            loss = evaluate_split(run.model, corpus, "valid", batch_size=LANES).loss
            run.model.train()
            run.curve.append((round(run.spent, 2), round(loss, 4)))
            print(
                f"  {run.name:<44} {run.spent:6.1f} of {run.budget:.0f} s  step {run.steps:>6}  valid {loss:.4f}",
                flush=True,
            )


_NO_DROPOUT: dict[str, Any] = {
    f"dropout_{place}": 0.0 for place in ("embedding", "input", "hidden", "output", "weight")
}
_QRNN = {**_NO_DROPOUT, "name": "qrnn", "num_layers": 2}
_CHARS = {"weight_decay": 0.05, "batch_size": 16, "bptt": 64}
_WORDS = {"weight_decay": 0.05, "batch_size": 20, "bptt": 35}
# With a full softmax over ten thousand words most of the time would go into the head, which all rivals share.
_TIED = {
    "tie_weights": True,
    "dropout_output": 0.2,
    "head": "adaptive",
    "head_cutoffs": [1000, 4000],
    "head_div_value": 1.0,
}
# Of each text the first LSTM is the one to beat: the cells after it have as many weights between embedding and head.
RIVALS: dict[str, list[Rival]] = {
    "chars": [
        Rival(
            name="lstm, 1 x 512",
            model={"name": "lstm", "embedding_dim": 512, "hidden_size": 512},
            training={**_CHARS, "batch_size": 32, "learning_rate": 4e-3},
        ),
        Rival(
            name="lstm, 1 x 256",
            model={"name": "lstm", "embedding_dim": 256, "hidden_size": 256},
            training={**_CHARS, "learning_rate": 6e-3},
        ),
        Rival(
            name="qrnn, 2 x 416",
            model={**_QRNN, "embedding_dim": 416, "hidden_size": 416, "tie_weights": False},
            training={**_CHARS, "learning_rate": 6e-3},
        ),
        Rival(
            name="block of qrnn, 2 x 296",
            model={"name": "block", "embedding_dim": 296, "hidden_size": 296},
            training={**_CHARS, "learning_rate": 3e-3},
        ),
    ],
    "words": [
        Rival(
            name="lstm, 1 x 512, tied",
            model={**_TIED, "name": "lstm", "embedding_dim": 512, "hidden_size": 512},
            training={**_WORDS, "learning_rate": 8e-3},
        ),
        Rival(
            name="lstm, 1 x 256, tied",
            model={**_TIED, "name": "lstm", "embedding_dim": 256, "hidden_size": 256},
            training={**_WORDS, "learning_rate": 8e-3},
        ),
        Rival(
            name="qrnn, 512 - 344 - 512, tied",
            model={**_QRNN, **_TIED, "embedding_dim": 512, "hidden_size": 344},
            training={**_WORDS, "learning_rate": 6e-3},
        ),
        Rival(
            name="block of mingru, 1 x 512, tied",
            model={
                **_TIED,
                "name": "block",
                "cell": "mingru",
                "num_layers": 1,
                "embedding_dim": 512,
                "hidden_size": 512,
                "embedding_range": 0.1,
            },
            training={**_WORDS, "learning_rate": 6e-3},
        ),
    ],
}
TEXTS: dict[str, tuple[str, Kind]] = {"chars": ("tinyshakespeare", "chars"), "words": ("ptb", "words")}


def summarise(runs: list[Run], seconds: float, result: Result) -> None:
    """Add each run's curve, and for each shorter run how it ended beside the LSTMs' longer ones."""
    finals = {run.name: run.curve[-1][1] for run in runs if run.budget == seconds and run.name.startswith("lstm")}
    for run in runs:
        result.details[f"{run.name}, {run.budget:.0f} s"] = {
            "weights": run.model.num_parameters,
            "steps": run.steps,
            "seconds, validation loss": run.curve,
        }
        if run.name.startswith("lstm"):
            continue
        share = run.budget / seconds
        for place, (name, final) in enumerate(finals.items()):
            result.figures.append(
                Figure(
                    name=f"{run.name}, {share:.2f} of the time: loss / that of {name}",
                    value=run.curve[-1][1] / final,
                    at_most=1.0 if share < 1 and place == 0 else None,
                )
            )


def main() -> None:
    """Train the rivals on one text, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", choices=sorted(TEXTS))
    parser.add_argument("--seconds", type=float, default=60.0, help="budget of the longer runs, processor time")
    parser.add_argument("--only", nargs="+", help="names of rivals (default: all)")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    chosen = parser.parse_args()
    keep_freed_memory()
    name, tokenizer = TEXTS[chosen.text]
    text = open_corpus(CorpusSettings(source=(name,)))
    corpus = prepare(text, TokenizerSettings(kind=tokenizer, line_breaks=text.default_line_breaks))
    rivals = [rival for rival in RIVALS[chosen.text] if chosen.only is None or rival.name in chosen.only]
    with num_threads(1):
        runs = [
            start(rival, corpus, budget, chosen.precision)
            for rival in rivals
            for budget in (chosen.seconds, chosen.seconds / TARGET)
        ]
        train(runs, corpus)
    result = Result(
        name=f"time-to-loss-{chosen.text}",
        about=f"{name}, {chosen.precision}, one thread, {chosen.seconds:.0f} s and 1/{TARGET:g} of it",
    )
    summarise(runs, chosen.seconds, result)
    result.publish(Options(repetitions=1, device=CPU, threads=(1,), save=not chosen.no_save))


if __name__ == "__main__":
    main()
