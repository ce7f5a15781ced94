"""From a text file to a model, a score and a few lines of its own.

    python examples/train_and_generate.py book.txt --minutes 2

The same as `anaphora train book.txt --minutes 2` and `anaphora generate`, from Python.
"""

import argparse
from pathlib import Path

import anaphora


def main() -> None:
    """Train on the text, print the test score, write three samples."""
    parser = argparse.ArgumentParser(description="Train a language model on a text and let it write.")
    parser.add_argument("text", help="a text file, or the name of a known corpus")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="how long to train in all (default: 2)")
    budget.add_argument("--steps", type=int, help="train this many steps instead")
    parser.add_argument("--out", type=Path, help="the run folder (default: a new one under runs/)")
    arguments = parser.parse_args()
    minutes = 2.0 if arguments.minutes is None and arguments.steps is None else arguments.minutes

    result = anaphora.train(arguments.text, minutes=minutes, steps=arguments.steps, out=arguments.out)
    if result.test is not None:
        print(f"perplexity {result.test.perplexity:.2f}, {result.test.bits_per_char:.3f} bits per character")
        print(result.test.signature)

    bundle = anaphora.load(result.model)
    for sample in anaphora.generate(bundle, max_new_tokens=200, temperature=0.8, num=3, seed=1):
        print(f"\n--- {sample.log_prob / sample.tokens:.3f} nats per token\n{sample.text}")


if __name__ == "__main__":
    main()
