"""What three classic mistakes do to textbook system B, the character net on lyrics, and to system A's memory.

    python -m benchmarks.classic_mistakes [--epochs N]

1. the perplexity of the last batch only, beside that of the epoch
2. a state that is never cut from its graph: bytes that are kept, and seconds of the backward pass, window after window
3. a state that is not reset at the start of an epoch: what the net then makes of a text that begins
`tests/test_classic_mistakes.py` catches all three. Takes ten minutes on one core, so `make bench` leaves it out.
"""

import argparse
import json
import math
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from weakref import WeakSet

import numpy as np
import torch
from torch import Tensor

from anaphora.data.stream import Batch, ConsecutiveWindows
from anaphora.files import write_json
from anaphora.lab.chars import BATCH_SIZE, BPTT, HIDDEN_SIZE, LEARNING_RATE, MAX_GRAD_NORM, ConciseCharRNN
from anaphora.lab.scratch.char_rnn import ScratchConfig, clip_gradients, sgd
from anaphora.models.language_model import NeuralLanguageModel, detach
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.runtime import num_threads, seed_everything
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer
from benchmarks.harness import RESULTS, machine
from benchmarks.texts import shared_folder
from benchmarks.twin_text8 import BATCH_SIZE as TEXT8_BATCH_SIZE
from benchmarks.twin_text8 import EMBEDDING_DIM as TEXT8_EMBEDDING_DIM
from benchmarks.twin_text8 import HIDDEN_SIZE as TEXT8_HIDDEN_SIZE
from benchmarks.twin_text8 import SEQ_LEN as TEXT8_SEQ_LEN
from benchmarks.twin_text8 import VOCAB_SIZE as TEXT8_VOCAB_SIZE

EPOCHS, REPORT_EVERY, SEEDS, WINDOWS_KEPT = 250, 50, (1, 2), 4
CPU = torch.device("cpu")


def lyrics() -> tuple[np.ndarray, int]:
    """Return the ids of the first 10,000 characters, and how many types there are."""
    opened = open_corpus(CorpusSettings(source=("jaychou-lyrics",), data_dir=str(shared_folder())))
    text = "".join(opened.chunks("train"))[:10_000]
    tokenizer = train_tokenizer(TokenizerSettings(kind="chars", line_breaks=opened.default_line_breaks), [text])
    return np.array(tokenizer.encode(text)), tokenizer.vocab_size


def train(windows: ConsecutiveWindows, vocab_size: int, *, seed: int, epochs: int, reset: bool) -> list[dict[str, Any]]:
    """Train system B; return every fifty epochs what an honest and a careless report would say."""
    seed_everything(seed)
    model = ConciseCharRNN(ScratchConfig(hidden_size=HIDDEN_SIZE), vocab_size)
    reports = []
    state = model.initial_state(BATCH_SIZE)
    for epoch in range(1, epochs + 1):
        losses = []
        for batch in windows.epoch(epoch):
            begins = reset and not batch.continues
            state = model.initial_state(BATCH_SIZE) if begins else detach(state)
            loss, state = model.loss(batch.inputs, batch.targets, state)
            loss.backward()
            clip_gradients(model.parameters(), MAX_GRAD_NORM)
            sgd(model.parameters(), LEARNING_RATE)
            losses.append(loss.item())
        if epoch % REPORT_EVERY == 0:
            reports.append(
                {
                    "epoch": epoch,
                    "perplexity of the epoch": math.exp(sum(losses) / len(losses)),
                    "of its last batch": math.exp(losses[-1]),
                    "of the first window, read from an empty state": first_window(model, windows),
                }
            )
    return reports


@torch.no_grad()
def first_window(model: NeuralLanguageModel, windows: ConsecutiveWindows) -> float:
    """Return the perplexity of the first window of every lane when the state is empty, as for every prompt."""
    batch = windows.epoch(0)[0]
    return math.exp(model.loss(batch.inputs, batch.targets, model.initial_state(BATCH_SIZE))[0].item())


class Kept:
    """A tensor that a graph holds on to for its backward pass; gone when the graph is."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    @staticmethod
    def bytes_of(kept: Iterable["Kept"], weights: set[int]) -> int:
        """Return the memory behind these tensors, each piece once, the model's own weights left out."""
        storages = {storage.data_ptr(): storage.nbytes() for storage in (one.tensor.untyped_storage() for one in kept)}
        return sum(size for place, size in storages.items() if place not in weights)


def graph_growth(model: NeuralLanguageModel, batches: Sequence[Batch], *, keep_losses: bool) -> list[dict[str, float]]:
    """Carry the state without cutting it; return, after each window, what is kept and how long going back takes.

    Each backward pass leaves the graph standing, as `retain_graph=True` does. No weight is changed: torch would refuse
    the next backward pass. `keep_losses` adds the second form of the mistake, `total_loss += loss` without `.item()`.
    """
    kept: WeakSet[Kept] = WeakSet()

    def pack(tensor: Tensor) -> Kept:
        one = Kept(tensor.detach())  # else an output would hold the node that holds it
        kept.add(one)
        return one

    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    growth, losses = [], []
    state = model.initial_state(len(batches[0].inputs))
    for batch in batches:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda one: one.tensor):
            loss, state = model.loss(batch.inputs, batch.targets, state)
        started = time.perf_counter()
        loss.backward(retain_graph=True)
        seconds = time.perf_counter() - started
        if keep_losses:
            losses.append(loss)
        growth.append({"megabytes kept": Kept.bytes_of(kept, weights) / 1e6, "seconds to go back": seconds})
    return growth


def text8_batches() -> list[Batch]:
    """Return windows of system A's shape; which words they hold does not matter to memory and time."""
    length = TEXT8_BATCH_SIZE * (WINDOWS_KEPT * TEXT8_SEQ_LEN + 1)
    token_ids = np.random.default_rng(1).integers(TEXT8_VOCAB_SIZE, size=length)
    return list(ConsecutiveWindows(token_ids, TEXT8_BATCH_SIZE, TEXT8_SEQ_LEN).epoch(0))


def main() -> None:
    """Measure all three, print them, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    options = parser.parse_args()
    token_ids, vocab_size = lyrics()
    windows = ConsecutiveWindows(token_ids, BATCH_SIZE, BPTT)
    # Weights as large as a trained net's: with smaller ones gradients fade into denormal numbers, which are slow.
    chars = ConciseCharRNN(ScratchConfig(hidden_size=HIDDEN_SIZE, init_std=HIDDEN_SIZE**-0.5), vocab_size)
    config = RecurrentConfig(embedding_dim=TEXT8_EMBEDDING_DIM, hidden_size=TEXT8_HIDDEN_SIZE)
    words = RecurrentLanguageModel(config, TEXT8_VOCAB_SIZE)
    with num_threads(1):
        record = {
            "name": "classic-mistakes",
            "about": __doc__.splitlines()[0],
            "machine": machine(CPU),
            "lyrics-chars": {
                f"seed {seed}, {'reset each epoch' if reset else 'never reset'}": train(
                    windows, vocab_size, seed=seed, epochs=options.epochs, reset=reset
                )
                for seed in SEEDS
                for reset in (True, False)
            },
            **{
                f"{name}, nothing detached{', losses kept' if keep_losses else ''}": graph_growth(
                    model, batches, keep_losses=keep_losses
                )
                for name, model, batches in (
                    ("lyrics-chars", chars, windows.epoch(0)),
                    ("text8-words", words, text8_batches()),
                )
                for keep_losses in (False, True)
            },
        }
    print(json.dumps(record, indent=2))
    if not options.no_save:
        write_json(RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-classic-mistakes.json", record)


if __name__ == "__main__":
    main()
