"""What each head costs: loss and gradients of one training step against cross_entropy(linear), time and peak memory.

    python -m benchmarks.heads [--repetitions N] [--threads N ...] [--no-save]

Rows of 1,600 positions, features 128 and, for the full softmax over 50,000 types, 100 and 512 wide. Targets follow
Zipf's law, as words do: an adaptive softmax is made for them. Memory is what a step adds to a process of its own.
Beside the full softmax stand its three products alone, which bound it.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.layers.head import HeadConfig
from anaphora.models.layers.heads import HEADS, make_embedding, make_head
from anaphora.runtime import num_threads
from benchmarks.harness import Figure, Options, Result, parse_options, peak_memory, take_turns

ROWS, WIDTH = 1600, 128
SIZES = (80, 1000, 10_000, 50_000)
BLOCK = 2048  # types whose logits stay in the cache
WIDE = (100, 512)  # at the largest vocabulary
PLAIN, PRODUCTS = "cross_entropy(linear)", "the products alone"
EXPERTS = 4  # of the mixture
LEAST, LEAST_AT_50_000 = 1.0, 1.5  # times faster than the plain way

Step = Callable[[], object]


def zipf(vocab_size: int) -> Tensor:
    """Return log-frequencies (V,) that fall with the rank."""
    return torch.arange(1, vocab_size + 1, dtype=torch.float32).log().neg().log_softmax(0)


def make_step(name: str, vocab_size: int, width: int, device: torch.device) -> Step:
    """Return what makes loss and gradients once, with a head of that name or the plain way."""
    torch.manual_seed(1)
    frequencies = zipf(vocab_size)
    features = torch.randn(ROWS, width, device=device, requires_grad=True)
    targets = torch.multinomial(frequencies.exp(), ROWS, replacement=True).to(device)
    if name == PLAIN:
        layer = nn.Linear(width, vocab_size, device=device)
        return lambda: _once(F.cross_entropy(layer(features), targets), features, layer)
    if name == PRODUCTS:
        return products(vocab_size, width, device)
    settings: dict[str, Any] = {"head": name}
    if name == "mixture-of-softmaxes":
        settings["head_experts"] = EXPERTS
    config = HeadConfig(**settings)
    head = make_head(config, vocab_size, width, make_embedding(config, vocab_size, width))
    head.reset_parameters()
    head.start_from_unigrams(frequencies)
    head.to(device).train()
    return lambda: _once(head.loss(features, targets), features, head)


def products(vocab_size: int, width: int, device: torch.device) -> Step:
    """Return what makes the logits, and of their gradient those of features and weights; a block of them at a time."""
    features, table = torch.randn(ROWS, width, device=device), torch.randn(vocab_size, width, device=device)
    block = torch.empty(ROWS, min(vocab_size, BLOCK), device=device)
    transposed = table.t().contiguous()
    d_table, d_features = torch.empty_like(table), torch.empty_like(features)

    def step() -> None:
        for start in range(0, vocab_size, BLOCK):
            end = min(start + BLOCK, vocab_size)
            logits = block[:, : end - start]
            torch.mm(features, transposed[:, start:end], out=logits)
            torch.mm(logits, table[start:end], out=d_features)
            torch.mm(logits.t(), features, out=d_table[start:end])

    return step


def _once(loss: Tensor, features: Tensor, layers: nn.Module) -> None:
    loss.backward()
    features.grad = None
    layers.zero_grad(set_to_none=True)


def added_memory(name: str, vocab_size: int, width: int) -> float:
    """Return the MB that two steps add to a process of its own which already holds the weights."""
    command = [sys.executable, "-m", "benchmarks.heads", "--memory", name, str(vocab_size), str(width)]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def print_added_memory(name: str, vocab_size: int, width: int) -> None:
    """Be that process."""
    torch.set_num_threads(1)
    step = make_step(name, vocab_size, width, torch.device("cpu"))
    before = peak_memory()
    step()
    step()
    print(json.dumps(peak_memory() - before))


def measure(result: Result, options: Options, threads: int, vocab_size: int, width: int, names: list[str]) -> None:
    """Let the heads and the plain way take turns; add their rows and figures to the result."""
    steps = {name: make_step(name, vocab_size, width, options.device) for name in (PLAIN, *names)}
    label = f"V {vocab_size:,}, D {width}"
    rows = take_turns(
        {f"{label}: {name}": step for name, step in steps.items()},
        options=options,
        threads=threads,
        units=ROWS,
        unit="targets",
    )
    result.rows += rows
    for name, row in zip(names, rows[1:], strict=True):
        least = LEAST_AT_50_000 if vocab_size >= 50_000 else LEAST
        result.figures.append(
            Figure(
                name=f"{row.name}, times as fast as {PLAIN}",
                value=rows[0].median / row.median,
                at_least=least if name == "full" else None,
            )
        )
    if options.device.type == "cpu" and threads == options.threads[0]:
        for name in (PLAIN, *(name for name in names if name != PRODUCTS)):
            value = added_memory(name, vocab_size, width)
            result.figures.append(Figure(name=f"{label}: {name}, memory of a step, MB", value=value))


def main() -> None:
    """Measure every head at every size."""
    if sys.argv[1:2] == ["--memory"]:
        print_added_memory(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    options = parse_options(__doc__.splitlines()[0] if __doc__ else "", repetitions=3)
    result = Result(name="heads", about=f"loss and gradients of {ROWS:,} targets, by head, float32")
    for threads in options.threads:
        with num_threads(threads):
            for vocab_size in SIZES:
                measure(result, options, threads, vocab_size, WIDTH, [PRODUCTS, *HEADS])
            for width in WIDE:
                measure(result, options, threads, SIZES[-1], width, [PRODUCTS, "full"])
    result.publish(options)


if __name__ == "__main__":
    main()
