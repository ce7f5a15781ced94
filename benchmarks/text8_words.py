"""Textbook system A on the prefix of text8: the recipe text8-words and the textbook's plain program on equal tokens.

    python -m benchmarks.text8_words [--steps N] [--threads N]

Both read the same windows in the same order, are validated after the same steps, and halve the learning rate and keep
the best weights by the same rule; one evaluator scores both. At the end the textbook's own evaluation, which reports
the last batch only, is put beside it. Takes most of an hour on one core, so `make bench` leaves it out; --steps
shortens both trainings alike.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from anaphora import api
from anaphora.api.folder import CONFIG
from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.data.stream import ConsecutiveWindows
from anaphora.evaluation.evaluate import evaluate_split
from anaphora.files import write_json
from anaphora.models.language_model import LanguageModel
from anaphora.models.recurrent import RecurrentConfig
from anaphora.recipes import load_recipe, parse_command
from anaphora.runtime import num_threads, seed_everything
from anaphora.text.corpus import open_corpus
from anaphora.training.run_config import RunConfig, read_config
from benchmarks.harness import RESULTS, machine
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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one of the two reached: perplexities, training speed in tokens per second, loss by step."""

    valid: float
    test: float
    tokens_per_second: float
    losses: dict[int, float]


def train_ours(folder: Path, steps: int | None, threads: int) -> tuple[Outcome, int, PreparedCorpus]:
    """Run the recipe's command; return what it reached, in how many steps, and the text."""
    _, arguments = parse_command(load_recipe(RECIPE).command)
    arguments["settings"] += [f"threads={threads}", f"log_every={LOG_EVERY}"]
    if steps:
        arguments["steps"] = steps
        del arguments["epochs"]
    result = api.train(**arguments, out=folder, progress=lambda event: None)
    config = RunConfig.from_json(read_config(folder / CONFIG))
    corpus = prepare(open_corpus(config.corpus), config.tokenizer)
    records = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    losses = {record["step"]: record["loss"] for record in records if "loss" in record}
    model = api.load(result.model, "cpu").model
    valid, test = (score(model, corpus, split) for split in ("valid", "test"))
    ours = Outcome(valid=valid, test=test, tokens_per_second=result.tokens_per_second, losses=losses)
    return ours, result.steps, corpus


def train_twin(corpus: PreparedCorpus, steps: int) -> tuple[Outcome, Text8Twin]:
    """Train the plain program for as many steps; return what it reached, and the net with its best weights."""
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
            losses[step], sums = sums / LOG_EVERY, 0.0
        if step % VALIDATE_EVERY == 0 or step == steps:
            perplexity = score(as_ours(twin.model), corpus, "valid")
            if perplexity < best:
                best, best_weights = perplexity, deepcopy(twin.model.state_dict())
            else:
                learning_rate /= 2
                for group in twin.optimizer.param_groups:
                    group["lr"] = learning_rate
    twin.model.load_state_dict(best_weights)
    test = score(as_ours(twin.model), corpus, "test")
    speed = steps * BATCH_SIZE * SEQ_LEN / seconds
    return Outcome(valid=best, test=test, tokens_per_second=speed, losses=losses), twin.model


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


def main() -> None:
    """Train both, score both, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, help="steps of each training (default: the recipe's two epochs)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, num_threads(options.threads):
        ours, steps, corpus = train_ours(Path(folder) / "run", options.steps, options.threads)
        twin, net = train_twin(corpus, steps)
        record: dict[str, Any] = {
            "name": RECIPE,
            "about": "textbook system A on the prefix of text8: the recipe and the textbook's plain program",
            "machine": machine(CPU),
            "threads": options.threads,
            "steps": steps,
            "tokens": {split: corpus.counts[split].tokens for split in corpus.splits},
            "vocab_size": corpus.tokenizer.vocab_size,
            "ours": asdict(ours),
            "twin": asdict(twin),
            "twin's validation perplexity": last_batch_mistake(net, corpus),
        }
    print(json.dumps(record, indent=2))
    if not options.no_save:
        write_json(RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{RECIPE}.json", record)


if __name__ == "__main__":
    main()
