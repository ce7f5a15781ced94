"""Training an LSTM on a CPU with fewer operations than the framework's kernel: the first layer reads tokens by a table.

What the first layer adds to its gates depends on the token alone. So with few types and many positions, as in a text by
characters, its input product is made once for each type instead of once for each position, and looked up; the gradient
is summed per type in the same way. A third of the arithmetic goes where E = H / 2, half of it where E = H. What remains
is the recurrence, three products in H x 4H, written out below; deeper layers stay with the framework.

Shapes: B batch, T time, V vocabulary, E embedding, H hidden, L layers. Gates are 4H wide: i, f, g, o, as in nn.LSTM.
Everything here is time-major, (T, B, ...), so that one time step is one contiguous block.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from anaphora.models.language_model import State
from anaphora.models.lstm_gates import advance, retreat

# A time step here takes some 30 calls instead of one, and several threads have to meet at the products: the table must
# save more than that costs. In multiplications of the input product, for each time step; measured at hidden sizes of
# 128 to 512, where one thread breaks even at half of this.
_LEAST_SAVED_ONE_THREAD = 1 << 20
_LEAST_SAVED_MORE_THREADS = 3 << 20
_DTYPES = (torch.float32, torch.float64)


def table_pays(layers: nn.RNNBase, embedding: Tensor, tokens: Tensor) -> bool:
    """Whether `run_by_table` beats the framework's layers on tokens (B, T) with the embedding matrix (V, E).

    It does on a CPU in float32 and float64, when gradients are wanted and the sizes are not small. Under autocast
    and on CUDA the framework's kernels are faster.
    """
    if not isinstance(layers, nn.LSTM) or not embedding.is_cpu or embedding.dtype not in _DTYPES:
        return False
    if not torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
        return False
    (batch_size, seq_len), (vocab_size, embedding_dim) = tokens.shape, embedding.shape
    saved = (batch_size * seq_len - vocab_size) * embedding_dim * layers.hidden_size
    least = _LEAST_SAVED_ONE_THREAD if torch.get_num_threads() == 1 else _LEAST_SAVED_MORE_THREADS
    return saved >= least * seq_len


def run_by_table(layers: nn.LSTM, embedding: Tensor, tokens: Tensor, state: State) -> tuple[Tensor, State]:
    """Return what `layers` makes of the embedded tokens, and the last state; gradients flow once, not twice.

    Args:
        layers: one-directional and with biases.
        embedding: (V, E).
        tokens: (B, T), int64.
        state: (h, c), each (L, B, H).

    Returns:
        the last layer's output, (B, T, H), a view of a time-major tensor; the last (h, c), each (L, B, H).
    """
    (weight_ih, weight_hh, bias_ih, bias_hh), *deeper = layers.all_weights
    table = F.linear(embedding, weight_ih, bias_ih + bias_hh)
    hidden, c = recurrence(table, tokens.t().contiguous(), weight_hh, state[0][0], state[1][0])
    last = (hidden[-1:], c.unsqueeze(0))
    if deeper:
        dropped = F.dropout(hidden, layers.dropout, layers.training)
        weights: list[Tensor] = [weight for layer in deeper for weight in layer]
        above = (state[0][1:], state[1][1:])
        # The rest says: with biases, how many layers, the dropout between them, not in both directions, time first.
        hidden, h, c = torch.lstm(
            dropped, above, weights, True, len(deeper), layers.dropout, layers.training, False, False
        )
        last = (torch.cat([last[0], h]), torch.cat([last[1], c]))
    return hidden.transpose(0, 1), last


def recurrence(table: Tensor, tokens: Tensor, weight: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Run one LSTM layer over a window, given what its input adds to the gates for each type.

    Args:
        table: (V, 4H).
        tokens: (T, B), int64.
        weight: (4H, H), from the hidden state to the gates.
        h: (B, H), the hidden state before.
        c: (B, H), the cells before.

    Returns:
        the outputs (T, B, H), and the last cells (B, H).
    """
    return cast(tuple[Tensor, Tensor], _Recurrence.apply(table, tokens, weight, h, c))  # type: ignore[no-untyped-call]


class _Recurrence(torch.autograd.Function):
    """What `recurrence` computes, and its gradients written out.

    Each step makes its sums, a_t = table[tokens_t] + h_{t-1} W^T, and the rest of it is in `lstm_gates.py`. Backward,
    from the last step to the first, the state acts on the loss through this step's output and through the next step:
    dh_t = dL/dh_t + da_{t+1} W.

    The weights are the same at each step, so their gradients are sums: dW = sum_t da_t^T h_{t-1} is one product over
    all T B rows, and dtable[v] is the sum of da over the positions of the token v.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, tokens: Tensor, weight: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """See `recurrence`."""
        seq_len, (batch_size, hidden_size) = len(tokens), h.shape
        gates = table.new_empty(seq_len, batch_size, 4 * hidden_size)
        hidden, cells = table.new_empty(2, seq_len + 1, batch_size, hidden_size)
        hidden[0], cells[0] = h, c
        transposed = weight.t().contiguous()  # the product with a transposed view takes a fifth longer
        steps = zip(tokens.unbind(), gates.unbind(), hidden[1:].unbind(), cells[1:].unbind(), strict=True)
        for now, (token, sums, new_h, new_c) in enumerate(steps):
            torch.index_select(table, 0, token, out=sums)
            if now > 0 or h.any():  # nothing comes from a state of zeros
                sums.addmm_(h, transposed)
            advance(sums, c, new_c, new_h)
            h, c = new_h, new_c
        ctx.save_for_backward(tokens, weight, gates, hidden, cells)
        ctx.vocab_size = len(table)
        return hidden[1:], c.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor, d_c: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of `forward`'s arguments from those of what it returned."""
        tokens, weight, gates, hidden, cells = ctx.saved_tensors
        d_gates = torch.empty_like(gates)
        d_h, d_c, spare = torch.zeros_like(d_c), d_c.clone(), d_c.new_empty(2, *d_c.shape)
        steps = zip(gates.unbind(), d_gates.unbind(), cells[:-1].unbind(), cells[1:].unbind(), d_hidden, strict=True)
        for then, (activations, d_sums, old_c, c, d_output) in reversed(list(enumerate(steps))):
            d_h.add_(d_output)
            retreat(activations, old_c, c, d_h, d_c, d_sums, spare)
            if then > 0 or ctx.needs_input_grad[3]:
                torch.mm(d_sums, weight, out=d_h)
        rows = d_gates.flatten(0, 1)
        d_table = rows.new_zeros(ctx.vocab_size, rows.shape[1]).index_add_(0, tokens.flatten(), rows)
        d_weight = rows.t() @ hidden[:-1].flatten(0, 1)
        return d_table, None, d_weight, d_h, d_c
