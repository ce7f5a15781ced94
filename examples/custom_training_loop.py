"""Your own training loop, on anaphora's text, windows and models.

    python examples/custom_training_loop.py book.txt --steps 500 --out my-model

The library's Trainer adds schedules, validation, checkpoints and exact resuming to what stands here. What comes out
is an ordinary model folder: `anaphora eval`, `anaphora generate` and `anaphora info` open it.
"""

import argparse
from itertools import chain, count, islice
from pathlib import Path

import torch

from anaphora.bundle import save_bundle
from anaphora.data.prepare import prepare
from anaphora.data.stream import ConsecutiveWindows
from anaphora.evaluation.evaluate import evaluate_split
from anaphora.models.language_model import NeuralLanguageModel, detach
from anaphora.models.registry import build_model, model_config
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings

BATCH_SIZE, BPTT = 16, 32


def main() -> None:
    """Train a small GRU for some steps, score it, save it."""
    parser = argparse.ArgumentParser(description="A training loop of your own.")
    parser.add_argument("text", help="a text file, or the name of a known corpus")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", type=Path, required=True, help="the model folder to write")
    arguments = parser.parse_args()

    torch.manual_seed(1)
    corpus = prepare(open_corpus(CorpusSettings(source=(arguments.text,))), TokenizerSettings(kind="chars"))
    model = build_model(model_config("gru", {"hidden_size": 128}), corpus.tokenizer.vocab_size)
    assert isinstance(model, NeuralLanguageModel)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    windows = ConsecutiveWindows(corpus.token_ids("train"), batch_size=BATCH_SIZE, bptt=BPTT)

    batches = chain.from_iterable(windows.epoch(epoch) for epoch in count())
    for step, batch in enumerate(islice(batches, arguments.steps), start=1):
        if not batch.continues:
            state = model.initial_state(BATCH_SIZE)
        loss, state = model.loss(batch.inputs, batch.targets, detach(state))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step}: {loss.item():.3f} nats per token")

    score = evaluate_split(model, corpus, "test")
    print(f"test: {score.bits_per_char:.3f} bits per character\n{score.signature}")
    bundle = save_bundle(arguments.out, model, corpus.tokenizer, {"corpus": corpus.name, "test": score.to_json()})
    print(f"saved {bundle.path}")


if __name__ == "__main__":
    main()
