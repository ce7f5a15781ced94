"""A character model with nothing hidden: one-hot input, five matrices, clipping and gradient descent by hand.

It keeps the contract of every model in the house, so the same windows train it, the same evaluator scores it and the
same generator writes with it. Shapes: B batch, T time, V vocabulary, H hidden.
"""

from collections.abc import Iterable, Sequence
from math import exp, sqrt

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.data.stream import Batch
from anaphora.models.language_model import ModelConfig, NeuralLanguageModel, Reading, State, detach


class ScratchConfig(ModelConfig):
    """H and the standard deviation of the normal distribution that all five parameters are drawn from."""

    hidden_size: int = Field(default=256, ge=1)
    init_std: float = Field(default=0.01, gt=0.0)


class ScratchCharRNN(NeuralLanguageModel):
    """H = tanh(X W_xh + H W_hh + b_h) and logits = H W_hq + b_q, where X is one-hot; the state is (h,), (B, H)."""

    config_class = ScratchConfig

    def __init__(self, config: ScratchConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        hidden_size = config.hidden_size

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(shape) * config.init_std)

        self.w_xh = normal(vocab_size, hidden_size)
        self.w_hh = normal(hidden_size, hidden_size)
        self.b_h = normal(hidden_size)
        self.w_hq = normal(hidden_size, vocab_size)
        self.b_q = normal(vocab_size)

    def initial_state(self, batch_size: int) -> State:
        return (self.w_hh.new_zeros(batch_size, len(self.w_hh)),)

    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        (h,) = state
        hidden = []
        for token in tokens.unbind(1):
            one_hot = F.one_hot(token, self.vocab_size).to(self.w_xh.dtype)
            h = torch.tanh(one_hot @ self.w_xh + h @ self.w_hh + self.b_h)
            hidden.append(h)
        features = torch.stack(hidden, 1)
        return Reading(features, features, features), (h,)

    def logits(self, features: Tensor) -> Tensor:
        return features @ self.w_hq + self.b_q


def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Shrink all gradients by one factor, so that their common norm is at most `max_norm`; return the norm before."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
    if norm > max_norm:
        for gradient in gradients:
            gradient *= max_norm / norm
    return norm


def sgd(parameters: Iterable[Tensor], learning_rate: float) -> None:
    """Move each parameter against its gradient, and forget the gradient."""
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= learning_rate * parameter.grad
                parameter.grad = None


def train_epoch(
    model: NeuralLanguageModel, batches: Sequence[Batch], *, learning_rate: float, max_norm: float
) -> float:
    """Train on the batches of one epoch; return the perplexity over all of their targets, while it was learning.

    The state is cut from the graph before each batch, and reset where a batch does not continue the one before.
    """
    parameters = list(model.parameters())
    total_nats, count = 0.0, 0
    state = model.initial_state(1)
    for batch in batches:
        state = detach(state) if batch.continues else model.initial_state(len(batch.inputs))
        loss, state = model.loss(batch.inputs, batch.targets, state)
        loss.backward()
        clip_gradients(parameters, max_norm)
        sgd(parameters, learning_rate)
        total_nats += loss.item() * batch.targets.numel()
        count += batch.targets.numel()
    return exp(total_nats / count)


@torch.no_grad()
def predict(model: NeuralLanguageModel, prefix: Sequence[int], num_tokens: int) -> list[int]:
    """Warm the state up on the ids of `prefix`, then feed back the most probable id; return prefix and `num_tokens`."""
    token_ids = list(prefix)
    state = model.initial_state(1)
    unread = torch.tensor([token_ids])
    for _ in range(num_tokens):
        logits, state = model(unread, state)
        unread = logits[:, -1:].argmax(-1)
        token_ids.append(int(unread))
    return token_ids
