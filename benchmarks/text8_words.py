"""Textbook system A on the prefix of text8: the recipe text8-words and the textbook's plain program on equal tokens.

    python -m benchmarks.text8_words [--steps N] [--threads N]

Each is trained in a process of its own, which reports its speed, its perplexities and the most memory it held. Both
read the same windows in the same order, are validated after the same steps, and halve the learning rate and keep the
best weights by the same rule; one evaluator scores both. At the end the textbook's own evaluation, which reports the
last batch only, is put beside it. The twin takes most of an hour on one core, so `make bench` leaves this out; --steps
shortens both trainings alike.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch.nn import functional as F

from anaphora.api.configure import resolve
from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.data.stream import ConsecutiveWindows
from anaphora.errors import AnaphoraError
from anaphora.evaluation.evaluate import evaluate_split
from anaphora.files import read_json, write_json
from anaphora.models.language_model import LanguageModel, NeuralLanguageModel
from anaphora.models.recurrent import RecurrentConfig
from anaphora.models.registry import build_model
from anaphora.recipes import load_recipe, parse_command
from anaphora.runtime import num_threads, seed_everything
from anaphora.text.corpus import open_corpus
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.run_config import RunConfig
from anaphora.training.trainer import Trainer
from benchmarks.harness import Figure, Options, Result, Row, peak_memory
from benchmarks.systems import same_model
from benchmarks.twin_text8 import (
    BATCH_SIZE,
    EMBEDDING_DIM,
    HIDDEN_SIZE,
    LEARNING_RATE,
    SEQ_LEN,
    VOCAB_SIZE,
    Text8Training,
    Text8Twin,
)

RECIPE = "text8-words"
VALIDATE_EVERY, LOG_EVERY, SEED = 1000, 50, 1
CONFIG_OF_TWIN = RecurrentConfig(embedding_dim=EMBEDDING_DIM, hidden_size=HIDDEN_SIZE)
CPU = torch.device("cpu")
TIMES_FASTER, TIMES_PERPLEXITY, TIMES_MEMORY = 10.0, 1.02, 1 / 3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one of the two reached.

    Attributes:
        steps: of training.
        valid, test: perplexities.
        tokens_per_second: of training alone.
        peak_mb: the most memory its process held, everything included.
        losses: mean training loss by step.
        valid_by_the_textbook: what its evaluation, which keeps one batch, could have reported; of the twin only.
    """

    steps: int
    valid: float
    test: float
    tokens_per_second: float
    peak_mb: float
    losses: dict[str, float]
    valid_by_the_textbook: dict[str, float] = field(default_factory=dict)


def train_ours(folder: Path, steps: int | None, threads: int) -> Outcome:
    """Train as the recipe says, with the files of the run in `folder`; return what it reached."""
    config, corpus = configured(steps, threads)
    seed_everything(config.training.seed)
    model = build_model(config.model, corpus.tokenizer.vocab_size)
    assert isinstance(model, NeuralLanguageModel)
    outcome = Trainer(LanguageModelling(model, corpus, config.training), folder).run()
    records = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return Outcome(
        steps=outcome.steps,
        valid=score(model, corpus, "valid"),
        test=score(model, corpus, "test"),
        tokens_per_second=outcome.tokens_per_second,
        peak_mb=peak_memory(),
        losses={str(record["step"]): record["loss"] for record in records if "loss" in record},
    )


def configured(steps: int | None, threads: int) -> tuple[RunConfig, PreparedCorpus]:
    """Return the recipe's configuration, cut short after `steps`, and its text, tokenised.

    The command itself also counts an n-gram model to compare with, which the twin does not: so neither does it here.
    """
    _, arguments = parse_command(load_recipe(RECIPE).command)
    stop = f"steps={steps}" if steps else f"epochs={arguments['epochs']}"
    settings = [*arguments["settings"], f"seed={SEED}", f"threads={threads}", f"log_every={LOG_EVERY}", stop]
    config = resolve(arguments["corpus"], tokenizer=arguments["tokenizer"], settings=settings)
    return config, prepare(open_corpus(config.corpus), config.tokenizer)


def train_twin(corpus: PreparedCorpus, steps: int) -> Outcome:
    """Train the plain program for as many steps; return what its best weights reached."""
    seed_everything(SEED)
    twin = Text8Training(VOCAB_SIZE, CPU)
    windows = ConsecutiveWindows(corpus.token_ids("train"), BATCH_SIZE, SEQ_LEN)
    best, best_weights = math.inf, twin.model.state_dict()
    learning_rate, seconds, sums, losses = LEARNING_RATE, 0.0, 0.0, {}
    for step in range(1, steps + 1):
        epoch, index = divmod(step - 1, len(windows.epoch(0)))
        batch = windows.epoch(epoch)[index]
        if not batch.continues:
            twin.state = (torch.zeros_like(twin.state[0]), torch.zeros_like(twin.state[1]))
        started = time.perf_counter()
        sums += twin.step(batch.inputs, batch.targets)
        seconds += time.perf_counter() - started
        if step % LOG_EVERY == 0:
            losses[str(step)], sums = sums / LOG_EVERY, 0.0
        if step % VALIDATE_EVERY == 0 or step == steps:
            perplexity = score(as_ours(twin.model), corpus, "valid")
            if perplexity < best:
                best, best_weights = perplexity, deepcopy(twin.model.state_dict())
            else:
                learning_rate /= 2
                for group in twin.optimizer.param_groups:
                    group["lr"] = learning_rate
    peak_mb = peak_memory()
    twin.model.load_state_dict(best_weights)
    return Outcome(
        steps=steps,
        valid=best,
        test=score(as_ours(twin.model), corpus, "test"),
        tokens_per_second=steps * BATCH_SIZE * SEQ_LEN / seconds,
        peak_mb=peak_mb,
        losses=losses,
        valid_by_the_textbook=last_batch_mistake(twin.model, corpus),
    )


def as_ours(twin: Text8Twin) -> LanguageModel:
    """Return the twin as a model that the evaluator knows."""
    return same_model(twin, CONFIG_OF_TWIN, VOCAB_SIZE)


def score(model: LanguageModel, corpus: PreparedCorpus, split: str) -> float:
    """Return the perplexity over all tokens of a split, in as many lanes as training has."""
    return evaluate_split(model, corpus, split, batch_size=BATCH_SIZE).perplexity


@torch.no_grad()
def batch_losses(model: Text8Twin, corpus: PreparedCorpus, split: str) -> Iterator[float]:
    """Evaluate as the textbook does; yield the loss of each batch. Its program returns the last of them."""
    model.eval()
    zeros = torch.zeros(1, BATCH_SIZE, HIDDEN_SIZE)
    state = (zeros, zeros)
    for batch in ConsecutiveWindows(corpus.token_ids(split), BATCH_SIZE, SEQ_LEN).epoch(0):
        logits, state = model(batch.inputs, state)
        yield F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten()).item()


def last_batch_mistake(model: Text8Twin, corpus: PreparedCorpus) -> dict[str, float]:
    """Return the perplexities that the textbook's evaluation could have reported, had the text ended elsewhere."""
    losses = list(batch_losses(model, corpus, "valid"))
    return {
        "all batches": math.exp(sum(losses) / len(losses)),
        "last batch": math.exp(losses[-1]),
        "easiest batch": math.exp(min(losses)),
        "hardest batch": math.exp(max(losses)),
    }


def in_its_own_process(side: str, folder: Path, steps: int | None, threads: int) -> Outcome:
    """Train one of the two ("ours" or "twin") in a process of its own; return what it reached."""
    path = folder / f"{side}.json"
    command = [sys.executable, "-m", "benchmarks.text8_words", "--side", side, "--folder", str(folder)]
    options = ["--threads", str(threads), *(["--steps", str(steps)] if steps else [])]
    subprocess.run([*command, *options], check=True)
    return Outcome(**read_json(path, AnaphoraError, "outcome"))


def train_side(side: str, folder: Path, steps: int | None, threads: int) -> None:
    """Be the process of one of the two: train it and leave its outcome in `folder`."""
    with num_threads(threads):
        if side == "ours":
            outcome = train_ours(folder / "run", steps, threads)
        else:
            assert steps is not None
            outcome = train_twin(configured(steps, threads)[1], steps)
    write_json(folder / f"{side}.json", asdict(outcome))


def compare(ours: Outcome, twin: Outcome, corpus: PreparedCorpus, threads: int) -> Result:
    """Return both with the figures that the benchmark exists for."""
    tokens = ours.steps * BATCH_SIZE * SEQ_LEN
    result = Result(name=RECIPE, about=f"textbook system A on the prefix of text8, {ours.steps} steps of each")
    for name, side in (("anaphora", ours), ("textbook twin", twin)):
        seconds = tokens / side.tokens_per_second
        result.rows.append(Row(name=f"{name}, {threads} thread(s)", seconds=(seconds,), units=tokens, unit="words"))
        result.figures.append(Figure(name=f"{name}: validation perplexity", value=side.valid))
        result.figures.append(Figure(name=f"{name}: test perplexity", value=side.test))
        result.figures.append(Figure(name=f"{name}: peak memory of the process, MB", value=side.peak_mb))
    speed, memory = ours.tokens_per_second / twin.tokens_per_second, ours.peak_mb / twin.peak_mb
    result.figures += [
        Figure(name="words a second, of the twin's", value=speed, at_least=TIMES_FASTER),
        Figure(name="validation perplexity, of the twin's", value=ours.valid / twin.valid, at_most=TIMES_PERPLEXITY),
        Figure(name="peak memory, of the twin's", value=memory, at_most=TIMES_MEMORY),
    ]
    result.details = {
        "command": " ".join(load_recipe(RECIPE).command.split()),
        "tokens": {split: corpus.counts[split].tokens for split in corpus.splits},
        "vocab_size": corpus.tokenizer.vocab_size,
        "ours": asdict(ours),
        "twin": asdict(twin),
    }
    return result


def main() -> None:
    """Train both, score both, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, help="steps of each training (default: the recipe's two epochs)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    parser.add_argument("--side", choices=("ours", "twin"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        train_side(asked.side, asked.folder, asked.steps, asked.threads)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = in_its_own_process("ours", folder, asked.steps, asked.threads)
        twin = in_its_own_process("twin", folder, ours.steps, asked.threads)
        result = compare(ours, twin, configured(ours.steps, asked.threads)[1], asked.threads)
    result.publish(Options(repetitions=1, device=CPU, threads=(asked.threads,), save=not asked.no_save))


if __name__ == "__main__":
    main()
