"""Back-propagation through time for the Elman net, written out by hand once; autograd must agree.

Shapes: B batch, T time, E input, H hidden, Q output classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ElmanWeights:
    """The five parameters of an Elman net with a linear output; also what a gradient with respect to them looks like.

    Attributes:
        w_xh: (E, H).
        w_hh: (H, H).
        b_h: (H,).
        w_hq: (H, Q).
        b_q: (Q,).
    """

    w_xh: Tensor
    w_hh: Tensor
    b_h: Tensor
    w_hq: Tensor
    b_q: Tensor


def loss(weights: ElmanWeights, inputs: Tensor, targets: Tensor, h: Tensor) -> Tensor:
    """Return the mean cross entropy in nats of inputs (B, T, E), targets (B, T), from state h (B, H)."""
    hidden = _forward(weights, inputs, h)[1:]
    log_probs = (torch.stack(hidden, 1) @ weights.w_hq + weights.b_q).log_softmax(-1)
    return -log_probs.gather(-1, targets.unsqueeze(-1)).mean()


@torch.no_grad()
def gradients(
    weights: ElmanWeights, inputs: Tensor, targets: Tensor, h: Tensor, *, truncate: int | None = None
) -> ElmanWeights:
    r"""Return the gradient of `loss` with respect to each parameter; arguments as there.

    Forward, with a_t = x_t W_xh + h_{t-1} W_hh + b_h:

        h_t = tanh(a_t)        o_t = h_t W_hq + b_q        L = 1/N sum_t -log softmax(o_t)[y_t]        N = B T

    Output. The gradient of cross entropy is the predicted distribution minus the true one, one-hot:

        dL/do_t = (softmax(o_t) - onehot(y_t)) / N
        dL/dW_hq = sum_t h_t^T dL/do_t        dL/db_q = sum_t dL/do_t

    Hidden state. h_t acts on the loss in two ways: through o_t now, and through a_{t+1} on all that follows:

        dL/dh_t = dL/do_t W_hq^T + dL/da_{t+1} W_hh^T        (the second term is 0 at t = T)
        dL/da_t = dL/dh_t (1 - h_t^2)                        since tanh' = 1 - tanh^2

    Walking from T down to 1, each step multiplies what comes from the future by diag(1 - h^2) W_hh^T. The product of
    these Jacobians is what vanishes or explodes: gradient_flow.py measures it.

    Weights. The same matrices are used at every step, so their gradients add up over time:

        dL/dW_hh = sum_t h_{t-1}^T dL/da_t        dL/dW_xh = sum_t x_t^T dL/da_t        dL/db_h = sum_t dL/da_t

    `truncate` = k cuts the state from the graph before tokens k, 2k, ...: nothing flows back over a cut.
    """
    states = _forward(weights, inputs, h)
    gradient = ElmanWeights(**{name: torch.zeros_like(weight) for name, weight in vars(weights).items()})
    from_future = torch.zeros_like(h)  # dL/da_{t+1} W_hh^T
    for t in range(inputs.shape[1], 0, -1):
        before, now, x = states[t - 1], states[t], inputs[:, t - 1]
        d_output = (now @ weights.w_hq + weights.b_q).softmax(-1)
        d_output[torch.arange(len(x)), targets[:, t - 1]] -= 1
        d_output /= targets.numel()
        d_hidden = d_output @ weights.w_hq.T + from_future
        d_sum = d_hidden * (1 - now**2)

        gradient.w_hq.add_(now.T @ d_output)
        gradient.b_q.add_(d_output.sum(0))
        gradient.w_hh.add_(before.T @ d_sum)
        gradient.w_xh.add_(x.T @ d_sum)
        gradient.b_h.add_(d_sum.sum(0))

        at_cut = truncate is not None and (t - 1) % truncate == 0
        from_future = torch.zeros_like(h) if at_cut else d_sum @ weights.w_hh.T
    return gradient


def _forward(weights: ElmanWeights, inputs: Tensor, h: Tensor) -> list[Tensor]:
    """Return the state before the first token and after each: h_0, h_1 ... h_T."""
    states = [h]
    for x in inputs.unbind(1):
        states.append(torch.tanh(x @ weights.w_xh + states[-1] @ weights.w_hh + weights.b_h))
    return states
