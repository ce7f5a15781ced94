"""One token at a time, fast: what generation asks of a model, thousands of times in a row.

The framework's recurrent layers are built for whole windows: called for a single token they repack their weights each
time, which costs several times the arithmetic. A RecurrentStepper lays the weights out once and then takes each step
in a few plain matrix products. Every other model steps through its own `next_log_probs`.

Shapes: B batch, V vocabulary, E embedding, H hidden, L layers, G gates (1 Elman, 3 GRU, 4 LSTM).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from anaphora.models.conditional import ConditionalLanguageModel
from anaphora.models.language_model import LanguageModel, State, at_least_float32
from anaphora.models.layers.full_head import FullHead
from anaphora.models.layers.head import Head
from anaphora.models.net import evaluating
from anaphora.models.recurrent import RecurrentLanguageModel

# The product of embedding and input weights is made once for all V tokens when it has at most this many entries
# (16 MB); a larger table would take longer to make than a short sample takes without it.
_MAX_TABLE = 1 << 22
_LEAST_ROWS = 4  # of a product on the CPU
_MAX_ONE_THREAD = 1 << 27  # rows times weights: about 3 ms of one thread


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Run the block without gradients and with the model in evaluation mode; its mode is restored after."""
    with evaluating(model), torch.inference_mode():
        yield


def step_threads(model: LanguageModel, rows: int) -> int:
    """Return how many threads a step of that many rows should use on the CPU.

    One where a step is over in a few milliseconds. Two may halve that on an idle machine, but a step waits for its
    slowest thread: beside one other busy process, two were measured to be nine times slower than one (LSTM 512).
    """
    return 1 if rows * model.num_parameters < _MAX_ONE_THREAD else torch.get_num_threads()


class Stepper:
    """Reads one token for each row; this base class asks the model itself, whatever it is."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B,), int64; return log-probabilities (B, V) of the next token, in nats, and the state.

        States are those of the model: a stepper can take over from it and hand back at any token.
        """
        return self.model.next_log_probs(tokens.unsqueeze(1), state)


def make_stepper(model: LanguageModel) -> Stepper:
    """Return the fastest stepper for a model. It copies weights: make a new one after they change."""
    if isinstance(model, ConditionalLanguageModel) and isinstance(model.net, RecurrentLanguageModel):
        return ConditionalStepper(model, model.net)
    return RecurrentStepper(model) if isinstance(model, RecurrentLanguageModel) else Stepper(model)


@dataclass(frozen=True)
class _Layer:
    """One recurrent layer, its matrices transposed and contiguous: (E or H, G*H) and (H, G*H).

    The two biases of a gate add up wherever the layer adds the products they belong to: all but the GRU's, whose
    reset gate stands between them.
    """

    input_weight: Tensor
    hidden_weight: Tensor
    input_bias: Tensor
    hidden_bias: Tensor | None


# What a cell makes of its input's share of the gates (B, G*H), the state of its layer, each (B, H), and its weights.
_Cell = Callable[[Tensor, State, _Layer], State]


class RecurrentStepper(Stepper):
    """Steps an Elman, LSTM or GRU model in plain matrix products."""

    def __init__(self, model: RecurrentLanguageModel) -> None:
        super().__init__(model)
        with torch.inference_mode():
            self._cell = _CELLS[model.config.activation if model.config.name == "elman" else model.config.name]
            self._layers = [_prepare(model, layer) for layer in range(model.config.num_layers)]
            self._embedding, self._table = model.embedding.weight, _input_table(model, self._layers[0])
            self._projection = None if model.projection is None else model.projection.weight.t().contiguous()
            self._log_probs = _prepare_head(model.head)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        return self._step(self._read(tokens), state)

    def _read(self, tokens: Tensor) -> Tensor:
        """Return what tokens (B,) add to the gates of the first layer, (B, G*H)."""
        if self._table is not None:
            return self._table.index_select(0, tokens)
        first = self._layers[0]
        return _product(first.input_bias, self._embedding.index_select(0, tokens), first.input_weight)

    def _step(self, gates: Tensor, state: State) -> tuple[Tensor, State]:
        """Go on from what the inputs add to the gates of the first layer, (B, G*H)."""
        new_states: list[State] = []
        for layer, old in zip(self._layers, zip(*(part.unbind(1) for part in state), strict=True), strict=True):
            if new_states:
                gates = _product(layer.input_bias, new_states[-1][0], layer.input_weight)
            new_states.append(self._cell(gates, old, layer))
        features = new_states[-1][0]
        if self._projection is not None:
            features = _product(features.new_zeros(()), features, self._projection)
        new_state = tuple(torch.stack(parts, 1) for parts in zip(*new_states, strict=True))
        return self._log_probs(features), new_state


class ConditionalStepper(RecurrentStepper):
    """Steps such a net under a condition, whose share of the first layer's gates is one product more."""

    def __init__(self, model: ConditionalLanguageModel, net: RecurrentLanguageModel) -> None:
        super().__init__(net)
        with torch.inference_mode():
            self._condition_weight = model.projection.weight.t() @ self._layers[0].input_weight

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        condition, *inner = state
        gates = _product(self._read(tokens), condition, self._condition_weight)
        log_probs, after = self._step(gates, tuple(inner))
        return log_probs, (condition, *after)


def _product(added: Tensor, rows: Tensor, matrix: Tensor) -> Tensor:
    """Return added + rows @ matrix, each row to the last bit the same however many there are.

    On a CPU few rows are computed as four: BLAS libraries take other paths for them, with other rounding (one row on
    Intel's processors, up to three on AMD's), and then the first of five samples would not always be the sample that is
    drawn alone. For the same reason the cells take sigmoids of slices of the gates: at the end of a contiguous tensor
    the framework rounds otherwise. What remains: with fewer than 12 columns, AMD's rows differ by where they stand.
    """
    return torch.mm(_four(rows), matrix)[: len(rows)] + added


def _four(rows: Tensor) -> Tensor:
    """Return one to three rows on the CPU with the first repeated, see `_product`; anything else as it is."""
    missing = _LEAST_ROWS - len(rows)
    return torch.cat([rows, rows[:1].expand(missing, -1)]) if missing > 0 and rows.is_cpu else rows


def _prepare(model: RecurrentLanguageModel, layer: int) -> _Layer:
    """Lay out one layer's weights for products from the right."""
    weight_ih, weight_hh, bias_ih, bias_hh = (
        getattr(model.layers, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    matrices = (weight_ih.t().contiguous(), weight_hh.t().contiguous())
    if model.config.name == "gru":
        return _Layer(*matrices, bias_ih, bias_hh)
    return _Layer(*matrices, bias_ih + bias_hh, None)


def _prepare_head(head: Head) -> Callable[[Tensor], Tensor]:
    """Return what turns features (B, D) into log-probabilities (B, V); for a full softmax with its matrix laid out."""
    if not isinstance(head, FullHead):
        return lambda features: head.log_probs(_four(features))[: len(features)]
    matrix, bias = head.matrix.t().contiguous(), head.bias
    return lambda features: at_least_float32(_product(bias, features, matrix)).log_softmax(-1)


def _input_table(model: RecurrentLanguageModel, first: _Layer) -> Tensor | None:
    """Return what the first layer adds to its gates for each token, (V, G*H), or None when that is too large."""
    if model.vocab_size * len(first.input_bias) > _MAX_TABLE:
        return None
    return torch.addmm(first.input_bias, model.embedding.weight, first.input_weight)


def _lstm(gates: Tensor, state: State, layer: _Layer) -> State:
    i, f, g, o = _product(gates, state[0], layer.hidden_weight).chunk(4, 1)
    cell = torch.addcmul(f.sigmoid() * state[1], i.sigmoid(), g.tanh())
    return o.sigmoid() * cell.tanh(), cell


def _gru(gates: Tensor, state: State, layer: _Layer) -> State:
    assert layer.hidden_bias is not None
    hidden = _product(layer.hidden_bias, state[0], layer.hidden_weight)
    reset, update, _ = (gates + hidden).chunk(3, 1)
    input_n, hidden_n = gates.chunk(3, 1)[2], hidden.chunk(3, 1)[2]
    new = torch.addcmul(input_n, reset.sigmoid(), hidden_n).tanh()
    return (new + update.sigmoid() * (state[0] - new),)


def _elman_tanh(gates: Tensor, state: State, layer: _Layer) -> State:
    return (_product(gates, state[0], layer.hidden_weight).tanh(),)


def _elman_relu(gates: Tensor, state: State, layer: _Layer) -> State:
    return (_product(gates, state[0], layer.hidden_weight).relu(),)


_CELLS: dict[str, _Cell] = {"lstm": _lstm, "gru": _gru, "tanh": _elman_tanh, "relu": _elman_relu}
