"""What does a model find strange in a text? A score for the whole, and the lines it least expected.

    python examples/evaluate_a_text.py runs/book-lstm letter.txt

Shows the contract that every model keeps: hand over tokens, targets and a state, get log-probabilities (nats) and the
next state. The state is carried from line to line, so each line is read in the light of all before it.
"""

import argparse
import math
from pathlib import Path

import torch

import anaphora

LINES = 5


def main() -> None:
    """Print the score of a text, then its most surprising lines."""
    parser = argparse.ArgumentParser(description="Measure a model on a text, as a whole and line by line.")
    parser.add_argument("model", type=Path, help="a run or model folder")
    parser.add_argument("text", type=Path, help="a text file")
    arguments = parser.parse_args()

    bundle = anaphora.load(arguments.model)
    score = anaphora.evaluate(bundle, arguments.text)
    print(f"{score.bits_per_char:.3f} bits per character over {score.characters:,} characters\n{score.signature}\n")

    model, tokenizer = bundle.model, bundle.tokenizer
    state, previous = model.initial_state(1), tokenizer.start_id
    surprise: list[tuple[float, str]] = []
    with torch.inference_mode():
        for line in arguments.text.read_text(encoding="utf-8").splitlines(keepends=True):
            token_ids = tokenizer.encode(line)
            if not token_ids:
                continue
            tokens = torch.tensor([[previous, *token_ids[:-1]]], device=model.device)
            targets = torch.tensor([token_ids], device=model.device)
            log_probs, state = model.target_log_probs(tokens, targets, state)
            surprise.append((-log_probs.sum().item() / math.log(2) / len(line), line.strip()))
            previous = token_ids[-1]

    print("least expected lines, in bits per character:")
    for bits, line in sorted(surprise, reverse=True)[:LINES]:
        print(f"{bits:7.3f}  {line}")


if __name__ == "__main__":
    main()
