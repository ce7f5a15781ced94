"""How long a training step takes by cell, beside nn.LSTM with as many weights: forward and backward, one thread.

V 80, B 64, T 128; the LSTM has 512 units, every stack the width that gives it as many weights between embedding and
head. Beside them stand the products of that many weights alone, which bound every cell. The rivals take turns; times
are processor time of the one thread, so that other processes count for less.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.models.language_model import NeuralLanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.runtime import num_threads
from anaphora.training.config import TrainingConfig
from anaphora.training.regularizers import Objective
from benchmarks.harness import Figure, Options, Result, Row, parse_options

VOCAB_SIZE, HIDDEN_SIZE, BATCH_SIZE, SEQ_LEN = 80, 512, 64, 128
TARGETS = {"float32": 1.3, "bfloat16": 2.0}  # times nn.LSTM's speed; the second where bfloat16 is fast
STEP = 8  # widths are multiples of it
# What is stacked, and how many layers of it.
STACKS: dict[str, tuple[dict[str, object], int]] = {
    "mingru": ({"name": "mingru"}, 4),
    "minlstm": ({"name": "minlstm"}, 3),
    "qrnn": ({"name": "qrnn"}, 2),
    "rglru": ({"name": "rglru"}, 3),
    "sru": ({"name": "sru"}, 3),
    "block of mingru": ({"name": "block", "cell": "mingru"}, 2),
    "block of qrnn": ({"name": "block", "cell": "qrnn"}, 2),
}
_NO_DROPOUT = {f"dropout_{place}": 0.0 for place in ("embedding", "input", "hidden", "output", "weight")}


class PlainLstm(nn.Module):
    """Embedding, nn.LSTM, head: what anyone would write."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB_SIZE, HIDDEN_SIZE)
        self.layers = nn.LSTM(HIDDEN_SIZE, HIDDEN_SIZE, batch_first=True)
        self.head = nn.Linear(HIDDEN_SIZE, VOCAB_SIZE)

    def loss(self, tokens: Tensor) -> Tensor:
        """Return the mean loss where the targets are the tokens."""
        hidden, _ = self.layers(self.embedding(tokens))
        return F.cross_entropy(self.head(hidden).float().flatten(0, 1), tokens.flatten())


def inner_weights(model: nn.Module) -> int:
    """Return how many weights stand between embedding and head."""
    return sum(
        weight.numel() for name, weight in model.named_parameters() if not name.startswith(("embedding", "head"))
    )


def stack_of(values: dict[str, object], layers: int, width: int) -> NeuralLanguageModel:
    """Return a stack of that width."""
    sizes = {"embedding_dim": width, "hidden_size": width, "num_layers": layers, "tie_weights": False}
    model = build_model(model_config(str(values["name"]), {**_NO_DROPOUT, **sizes, **values}), VOCAB_SIZE)
    assert isinstance(model, NeuralLanguageModel)
    return model


def of_equal_weights(values: dict[str, object], layers: int, wanted: int) -> NeuralLanguageModel:
    """Return the stack whose number of weights is nearest to the wanted one."""
    widths = range(STEP, 2 * HIDDEN_SIZE, STEP)
    with torch.device("meta"):
        sizes = {width: inner_weights(stack_of(values, layers, width)) for width in widths}
    return stack_of(values, layers, min(widths, key=lambda width: abs(sizes[width] - wanted)))


def step_of(model: nn.Module, tokens: Tensor, autocast: bool) -> Callable[[], None]:
    """Return one forward and backward pass."""
    objective = Objective.of(TrainingConfig())

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            if isinstance(model, PlainLstm):
                loss = model.loss(tokens)
            else:
                assert isinstance(model, NeuralLanguageModel)
                losses, _ = objective(model, tokens, tokens, model.initial_state(len(tokens)))
                loss = losses.objective
        loss.backward()
        model.zero_grad()

    return step


def products_of(weights: int, autocast: bool) -> Callable[[], None]:
    """Return the three products that so many weights cost a step, in one matrix: no cell can be faster."""
    kind = torch.bfloat16 if autocast else torch.float32
    inputs = torch.randn(BATCH_SIZE * SEQ_LEN, HIDDEN_SIZE, dtype=kind)
    matrix = torch.randn(weights // HIDDEN_SIZE, HIDDEN_SIZE, dtype=kind)
    gradient = torch.randn(len(inputs), len(matrix), dtype=kind)

    def step() -> None:
        F.linear(inputs, matrix)
        gradient @ matrix
        gradient.t() @ inputs

    return step


def processor_seconds(rivals: dict[str, Callable[[], None]], options: Options) -> dict[str, Row]:
    """Run each once to warm up, then all in turn; return a row for each."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for repetition in range(options.repetitions + 1):
        for name, work in rivals.items():
            started = time.process_time()
            work()
            if repetition:
                seconds[name].append(time.process_time() - started)
    units = BATCH_SIZE * SEQ_LEN
    return {name: Row(name=name, seconds=tuple(values), units=units, unit="tokens") for name, values in seconds.items()}


def main() -> None:
    """Measure every cell in both precisions."""
    options = parse_options(__doc__.splitlines()[0] if __doc__ else "")
    result = Result(name="cells", about="forward and backward, V 80, B 64, T 128, equal weights, processor time")
    torch.manual_seed(1)
    plain = PlainLstm()
    models: dict[str, nn.Module] = {
        "nn.LSTM": plain,
        "anaphora's lstm": stack_of_lstm(),
        **{name: of_equal_weights(*what, inner_weights(plain)) for name, what in STACKS.items()},
    }
    result.details["weights between embedding and head"] = {
        name: inner_weights(model) for name, model in models.items()
    }
    tokens = torch.randint(VOCAB_SIZE, (BATCH_SIZE, SEQ_LEN))
    with num_threads(1):
        for precision, target in TARGETS.items():
            autocast = precision == "bfloat16"
            rivals = {name: step_of(model, tokens, autocast) for name, model in models.items()}
            rivals["the products alone"] = products_of(inner_weights(plain), autocast)
            rows = processor_seconds(rivals, options)
            for name, row in rows.items():
                result.rows.append(
                    Row(name=f"{name}, {precision}", seconds=row.seconds, units=row.units, unit=row.unit)
                )
                if name != "nn.LSTM":
                    ratio = rows["nn.LSTM"].median / row.median
                    wanted = target if name in STACKS else None
                    result.figures.append(
                        Figure(name=f"{name}, {precision}: speed / nn.LSTM's", value=ratio, at_least=wanted)
                    )
    result.publish(options)


def stack_of_lstm() -> NeuralLanguageModel:
    """Return anaphora's LSTM of the same size, which in float32 looks its input product up in a table."""
    sizes = {"embedding_dim": HIDDEN_SIZE, "hidden_size": HIDDEN_SIZE}
    model = build_model(model_config("lstm", sizes), VOCAB_SIZE)
    assert isinstance(model, NeuralLanguageModel)
    return model


if __name__ == "__main__":
    main()
