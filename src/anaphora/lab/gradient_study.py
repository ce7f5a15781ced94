"""The three experiments on how far back gradients reach: a cell before and after training, a model, and W's radius.

Each returns a GradientStudy: a few GradientFlows side by side, with one picture.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from anaphora.data.stream import ConsecutiveWindows
from anaphora.errors import ConfigError
from anaphora.lab.gradient_flow import GradientFlow, gradient_flow, plot_gradients, scale_to_radius
from anaphora.lab.ladder.numbers import numbers
from anaphora.lab.parallel import drawn_from
from anaphora.models.language_model import detach
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.settings import did_you_mean

CELLS = ("elman", "gru", "lstm")
RADII = (0.5, 0.8, 1.0, 1.2, 1.5)


@dataclass(frozen=True)
class GradientStudy:
    """A few models measured on the same text."""

    flows: tuple[GradientFlow, ...]
    title: str = "How far back the gradient reaches"

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {"title": self.title, "flows": [flow.to_json() for flow in self.flows]}

    def plot(self, path: Path) -> None:
        """Draw the study; PNG or SVG by the suffix of `path`."""
        plot_gradients(list(self.flows), path, title=self.title)


def study_cell(
    cell: str, *, hidden_size: int = 64, lags: int = 100, steps: int = 300, max_grad_norm: float = 0.25, seed: int = 1
) -> GradientStudy:
    """Measure a cell at initialisation and after `steps` training steps on Human Numbers.

    Raises:
        ConfigError: no cell has this name.
    """
    token_ids = numbers()[0]
    fresh = _fresh_model(cell, hidden_size, seed)
    trained, clipped_share = train_briefly(fresh, token_ids, steps=steps, max_grad_norm=max_grad_norm)
    before = gradient_flow(fresh, token_ids, lags=lags)
    after = gradient_flow(trained, token_ids, lags=lags)
    return GradientStudy(
        (replace(before, stage="initial"), replace(after, stage="trained", clipped_share=clipped_share))
    )


def study_cells(cells: Sequence[str] = CELLS, **settings: Any) -> GradientStudy:
    """Do `study_cell`, with its settings, for several cells side by side in one picture."""
    return GradientStudy(tuple(flow for cell in cells for flow in study_cell(cell, **settings).flows))


def study_model(
    model: RecurrentLanguageModel,
    token_ids: Tensor,
    *,
    lags: int = 100,
    steps: int = 20,
    max_grad_norm: float = 0.25,
    name: str | None = None,
) -> GradientStudy:
    """Measure a model on token_ids (N,), int64, of its own vocabulary, and count clipped steps as it would train on.

    The steps are taken on a copy: the model is left as it is.

    Raises:
        ConfigError: the text is shorter than lags + 2 tokens.
        CorpusError: it is too short for one training batch.
    """
    flow = gradient_flow(model, token_ids, lags=lags, name=name)
    _, clipped_share = train_briefly(model, token_ids, steps=steps, max_grad_norm=max_grad_norm)
    return GradientStudy((replace(flow, clipped_share=clipped_share),))


def study_radii(
    radii: Sequence[float] = RADII, *, hidden_size: int = 64, lags: int = 50, seed: int = 1
) -> GradientStudy:
    """Show vanishing and exploding: one Elman net, with W_hh scaled to each spectral radius.

    W_hh starts as an orthogonal matrix, all of whose eigenvalues have absolute value 1, and the biases are zero: near
    the zero state, where tanh' = 1, the gradient at lag k is radius^k exactly. Further from it tanh' < 1 holds a
    radius above 1 back, and that is why gradients of a real Elman net explode more seldom than they vanish.
    """
    flows = []
    for radius in radii:
        model = _fresh_model("elman", hidden_size, seed, initialization="orthogonal", embedding_range=1e-9)
        for name, weight in model.layers.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(weight)
        scale_to_radius(model, radius)
        flows.append(gradient_flow(model, numbers()[0], lags=lags, name=f"radius {radius:g}"))
    return GradientStudy(tuple(flows), "An Elman net with W_hh scaled to a spectral radius")


def train_briefly(
    model: RecurrentLanguageModel,
    token_ids: Tensor,
    *,
    steps: int,
    max_grad_norm: float,
    learning_rate: float = 3e-3,
    batch_size: int = 16,
    bptt: int = 35,
) -> tuple[RecurrentLanguageModel, float | None]:
    """Train a copy of `model` with Adam for `steps` steps; return it, and the share of steps that were clipped."""
    trained = copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(trained.parameters(), lr=learning_rate)
    windows = ConsecutiveWindows(token_ids.cpu().numpy(), batch_size, bptt).epoch(0)
    state = trained.initial_state(batch_size)
    clipped = 0
    for step in range(steps):
        batch = windows[step % len(windows)].to(trained.device)
        state = detach(state) if batch.continues else trained.initial_state(batch_size)
        loss, state = trained.loss(batch.inputs, batch.targets, state)
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(trained.parameters(), max_grad_norm)
        clipped += bool(norm > max_grad_norm)
        optimizer.step()
    return trained.eval(), clipped / steps if steps else None


def _fresh_model(cell: str, hidden_size: int, seed: int, **settings: Any) -> RecurrentLanguageModel:
    if cell not in CELLS:
        raise ConfigError(
            f"there is no cell {cell!r}: it is one of {', '.join(CELLS)}{did_you_mean(cell, list(CELLS))}"
        )
    sizes = {"embedding_dim": hidden_size, "hidden_size": hidden_size}
    config = RecurrentConfig(**{"name": cell, **sizes, **settings})
    with drawn_from(seed):
        return RecurrentLanguageModel(config, vocab_size=len(numbers()[1])).eval()
