"""The nets of the ladder, from three layers written out by hand to a regularised LSTM.

Shapes: B batch, T time, V vocabulary, H hidden (64). Each net reads tokens (B, T) and a state, and returns a Reading.
A state is (h,) or (h, c), each (layers, B, H), or None for zeros.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from anaphora.models.cells.fused import AwdLstmConfig
from anaphora.models.layers.dropout import masks_from
from anaphora.models.stack import StackLanguageModel

HIDDEN_SIZE = 64

NetState = tuple[Tensor, ...] | None
RecurrentLayers = type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]


class Reading(NamedTuple):
    """What a net makes of a window.

    Attributes:
        logits: (B, T, V) for the token after each; (B, 1, V) from a net that guesses only once.
        state: after the last token.
        hidden: (B, T, H), what the recurrent layers say.
        dropped: the same after dropout, what the head reads.
    """

    logits: Tensor
    state: NetState
    hidden: Tensor
    dropped: Tensor


class Net(nn.Module):
    """Whatever stands on a rung: it reads tokens (B, T) after a state, and returns a Reading."""


class SmallNet(Net):
    """An embedding below, a linear head above; between them whatever the rung is about."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, HIDDEN_SIZE)
        self.head = nn.Linear(HIDDEN_SIZE, vocab_size)


class WrittenOut(SmallNet):
    """Rung 1: three tokens in, one guess out; the same hidden layer three times, no loop and no memory."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.hidden_layer = nn.Linear(HIDDEN_SIZE, HIDDEN_SIZE)

    def forward(self, tokens: Tensor, state: NetState) -> Reading:
        """Read tokens (B, 3)."""
        del state
        h = F.relu(self.hidden_layer(self.embedding(tokens[:, 0])))
        h = h + self.embedding(tokens[:, 1])
        h = F.relu(self.hidden_layer(h))
        h = h + self.embedding(tokens[:, 2])
        h = F.relu(self.hidden_layer(h))
        hidden = h.unsqueeze(1)
        return Reading(self.head(hidden), None, hidden, hidden)


class Loop(SmallNet):
    """Rungs 2 to 4: the same as a loop, which makes it recurrent: any length, and a state to hand on."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__(vocab_size)
        self.hidden_layer = nn.Linear(HIDDEN_SIZE, HIDDEN_SIZE)

    def forward(self, tokens: Tensor, state: NetState) -> Reading:
        """Read tokens (B, T)."""
        h = torch.zeros(()) if state is None else state[0]
        steps = []
        for embedded in self.embedding(tokens).unbind(1):
            h = F.relu(self.hidden_layer(h + embedded))
            steps.append(h)
        hidden = torch.stack(steps, 1)
        return Reading(self.head(hidden), (h,), hidden, hidden)


class Stack(SmallNet):
    """Rungs 5 to 8: two of the framework's recurrent layers on top of each other.

    `tied` makes the head share the embedding matrix (Press and Wolf 2017); `dropout` acts on what the head reads. Its
    masks come from a generator of its own, so that nets trained side by side do not disturb each other's chance.
    """

    def __init__(
        self, vocab_size: int, layers: RecurrentLayers, *, dropout: float = 0.0, tied: bool = False, seed: int = 0
    ) -> None:
        super().__init__(vocab_size)
        self.layers = layers(HIDDEN_SIZE, HIDDEN_SIZE, num_layers=2, batch_first=True)
        self.dropout = dropout
        self.chance = Generator().manual_seed(seed)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: NetState) -> Reading:
        """Read tokens (B, T)."""
        before = state[0] if state is not None and len(state) == 1 else state
        hidden, after = self.layers(self.embedding(tokens), before)
        dropped = self._drop(hidden)
        return Reading(self.head(dropped), after if isinstance(after, tuple) else (after,), hidden, dropped)

    def _drop(self, hidden: Tensor) -> Tensor:
        if not (self.training and self.dropout):
            return hidden
        keep = 1 - self.dropout
        return hidden * torch.empty_like(hidden).bernoulli_(keep, generator=self.chance) / keep


class AwdLstm(Net):
    """Rung 9: the toolkit's own AWD-LSTM (Merity et al. 2018), with two layers and dropout in all five places.

    The proportions of the dropouts are those of fast.ai's language models; `drop_mult` scales them all.
    """

    def __init__(self, vocab_size: int, *, drop_mult: float, seed: int) -> None:
        super().__init__()
        self.model = StackLanguageModel(
            AwdLstmConfig(
                embedding_dim=HIDDEN_SIZE,
                hidden_size=HIDDEN_SIZE,
                num_layers=2,
                dropout_embedding=0.02,
                dropout_input=0.25,
                dropout_hidden=0.15,
                dropout_output=0.1,
                dropout_weight=0.2,
                drop_mult=drop_mult,
                embedding_range=3**0.5,  # of variance 1, as the nets below
            ),
            vocab_size,
        )
        self.chance = Generator().manual_seed(seed)

    def forward(self, tokens: Tensor, state: NetState) -> Reading:
        """Read tokens (B, T)."""
        before = self.model.initial_state(len(tokens)) if state is None else state
        with masks_from(self.chance):
            reading, after = self.model.read(tokens, before)
        return Reading(self.model.logits(reading.features), after, reading.raw, reading.dropped)
