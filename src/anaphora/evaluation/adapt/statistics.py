"""How large the gradients of a net usually are: what dynamic evaluation divides its steps by.

Gathered once from the text the net was trained on; the net is not changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anaphora.data.stream import ConsecutiveWindows
from anaphora.errors import CorpusError
from anaphora.evaluation.adapt.settings import DynamicSettings
from anaphora.models.language_model import LanguageModel, NeuralLanguageModel, detach
from anaphora.models.stepping import inference
from anaphora.progress import Event, Progress, silent

_ROWS = 100  # the authors': every gradient is a mean over so many segments, which sets the scale of the RMS


@dataclass(frozen=True, kw_only=True)
class GradientStatistics:
    """The size of a net's gradients.

    Attributes:
        rms: of each weight that can be trained, in the order of `parameters()`: the root of its mean squared gradient.
        tokens: how many were read.
        source: a hash of the text, for signatures; None where there is none.
    """

    rms: tuple[Tensor, ...]
    tokens: int
    source: str | None = None

    @property
    def mean(self) -> float:
        """The mean of the tensors' means: as in the authors' program, so that a decay means the same here."""
        return max(float(torch.stack([rms.mean() for rms in self.rms]).mean()), torch.finfo(torch.float32).tiny)


def gather_statistics(
    net: NeuralLanguageModel,
    token_ids: NDArray[np.integer[Any]],
    settings: DynamicSettings,
    *,
    source: str | None = None,
    progress: Progress = silent,
) -> GradientStatistics:
    """Read training text, and note how large the gradients are.

    The text is cut into 100 rows (fewer where it is short), and the beginning of each row is read, with the state
    carried: so what is read is spread over all of the text.

    Args:
        net: in any mode, on any device; neither its weights nor their `.grad` change.
        token_ids: (N,), the text that the net was trained on.
        settings: `segment` and `statistics_tokens` matter here.
        source: a hash of the text.
        progress: told of every segment.

    Raises:
        CorpusError: the text has no room for one segment and the target of its last token.
    """
    segment = settings.segment
    if len(token_ids) <= segment:
        raise CorpusError(
            f"the text for the gradient statistics has {len(token_ids):,} tokens, and segment = {segment} needs"
            f" {segment + 1:,}: use shorter segments or a longer text"
        )
    rows = min(_ROWS, len(token_ids) // (segment + 1))
    batches = ConsecutiveWindows(token_ids, rows, segment).epoch(0)
    count = min(len(batches), max(1, settings.statistics_tokens // (rows * segment)))
    weights = adapting_weights(net)
    with inference(net), with_gradients(net.device):
        squares = [torch.zeros_like(weight) for weight in weights]
        state = net.initial_state(rows)
        for number in range(count):
            batch = batches[number].to(net.device)
            loss, state = net.loss(batch.inputs, batch.targets, state)
            gradients = torch.autograd.grad(loss, weights, materialize_grads=True)
            state = detach(state)
            with torch.no_grad():
                torch._foreach_addcmul_(squares, gradients, gradients)
            progress(_event(number + 1, count, rows * segment))
        with torch.no_grad():
            rms = tuple(square.div_(count).sqrt_() for square in squares)
    return GradientStatistics(rms=rms, tokens=count * rows * segment, source=source)


def adapting_weights(model: LanguageModel) -> list[Tensor]:
    """Return the weights that follow a text: all that can be trained."""
    return [weight for weight in model.parameters() if weight.requires_grad]


@contextmanager
def with_gradients(device: torch.device) -> Iterator[None]:
    """Record gradients in the block, even inside `inference`.

    cuDNN's recurrent layers have no backward pass in evaluation mode; the framework's own CUDA kernels have one.
    """
    with torch.inference_mode(False), torch.enable_grad():
        if device.type == "cuda":
            with torch.backends.cudnn.flags(enabled=False):
                yield
        else:
            yield


def _event(done: int, total: int, tokens: int) -> Event:
    return Event(stage="statistics", done=done * tokens, total=total * tokens, unit="tokens")
