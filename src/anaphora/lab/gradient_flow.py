"""How far back a recurrent model learns: the norm of dL/dh at each lag, and what makes it vanish or explode.

L is the loss at the last token, h the state `lag` tokens before. By the chain rule that gradient is a product of as
many Jacobians as the lag is long (derived in bptt.py); with a spectral radius of W_hh below 1 it vanishes, above 1 it
may explode. Bengio, Simard and Frasconi (1994); Pascanu, Mikolov and Bengio, arXiv 1211.5063.

Shapes: B batch, T time, H hidden, L layers.
"""

import copy
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from anaphora.errors import ConfigError
from anaphora.lab.gates import hidden_matrices, saturation
from anaphora.lab.plots import CELL_COLOURS, COLOURS, GREY, picture
from anaphora.models.recurrent import RecurrentLanguageModel

FORGOTTEN = 0.01  # of the gradient at lag 0


@dataclass(frozen=True, kw_only=True)
class GradientFlow:
    """What is known of one model.

    Attributes:
        name: of the model, for tables and pictures.
        stage: "initial" or "trained" where one model is measured twice, else empty.
        norms: of dL/dh at lag 0, 1, 2 ...; h is the state that one token hands to the next, all layers of it; mean
            over the rows.
        cell_norms: the same of dL/dc, the LSTM's second path, at lag 1, 2 ...; empty for the others.
        spectral_radii: of each hidden-to-hidden matrix: {"l0.h": 0.6}, by layer and gate.
        saturation: of each gate, the share of values below 0.1 or above 0.9.
        clipped_share: share of training steps whose gradient was clipped; None when no step was taken.
    """

    name: str
    norms: tuple[float, ...]
    cell_norms: tuple[float, ...]
    spectral_radii: dict[str, float]
    saturation: dict[str, float]
    clipped_share: float | None = None
    stage: str = ""

    @property
    def memory_length(self) -> int | None:
        """The first lag at which the gradient is below 1 % of lag 0; None when it never is."""
        limit = FORGOTTEN * self.norms[0]
        return next((lag for lag, norm in enumerate(self.norms) if norm < limit), None)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            **vars(self),
            "norms": list(self.norms),
            "cell_norms": list(self.cell_norms),
            "memory_length": self.memory_length,
        }


def gradient_flow(
    model: RecurrentLanguageModel, token_ids: Tensor, *, lags: int = 100, rows: int = 16, name: str | None = None
) -> GradientFlow:
    """Measure a model on a text; the model is left as it is. Works in float64, so that 0.5^100 is not yet zero.

    Args:
        model: trained or not.
        token_ids: (N,), int64. `rows` stretches, spread evenly over the text, are read, each lags + 2 tokens long.
        lags: how far back to look.
        rows: how many stretches to average over.
        name: instead of the model's.

    Raises:
        ConfigError: the text is shorter than one stretch.
    """
    length = lags + 2
    if len(token_ids) < length:
        raise ConfigError(
            f"lags = {lags} needs a text of {length} tokens, this one has {len(token_ids)}; set fewer lags"
        )
    starts = torch.linspace(0, len(token_ids) - length, rows).long()
    stretches = token_ids[starts[:, None] + torch.arange(length)].to(model.device)
    exact = copy.deepcopy(model).double().eval()
    norms = state_gradients(exact, stretches[:, :-1], stretches[:, -1])
    return GradientFlow(
        name=name or model.config.name,
        norms=norms[0],
        cell_norms=norms[1][1:] if len(norms) > 1 else (),
        spectral_radii={key: spectral_radius(matrix) for key, matrix in hidden_matrices(exact).items()},
        saturation=saturation(exact, stretches[:, :-1]),
    )


def state_gradients(model: RecurrentLanguageModel, tokens: Tensor, target: Tensor) -> tuple[tuple[float, ...], ...]:
    """Return, for each part of the state, the norm of dL/d(part) at lag 0, 1, ... T - 1; at lag 0 of h only.

    L is the loss of target (B,) after tokens (B, T); each norm is of one row's gradient (L, H), averaged over rows.
    """
    state = model.initial_state(len(tokens))
    states = []
    with torch.backends.cudnn.flags(enabled=False):  # cuDNN gives no gradients in evaluation mode
        for token in tokens.split(1, dim=1):
            _, state = model.features(token, state)
            for part in state:
                part.retain_grad()
            states.append(state)
        top = state[0][:, -1]  # the head reads the highest layer
        logits = model.logits(top if model.projection is None else model.projection(top))
        F.cross_entropy(logits, target, reduction="sum").backward()
    return tuple(tuple(_row_norm(part) for part in reversed(parts)) for parts in zip(*states, strict=True))


def spectral_radius(matrix: Tensor) -> float:
    """Return the largest absolute eigenvalue of a square matrix."""
    return float(torch.linalg.eigvals(matrix.detach()).abs().max())


def scale_to_radius(model: RecurrentLanguageModel, radius: float) -> None:
    """Multiply each hidden-to-hidden matrix in place, so that its spectral radius is `radius`."""
    for matrix in hidden_matrices(model).values():
        matrix.data.mul_(radius / spectral_radius(matrix))


def plot_gradients(flows: list[GradientFlow], path: Path, *, title: str = "How far back the gradient reaches") -> None:
    """Draw the norms, each as a share of lag 0, over the lag; PNG or SVG by the suffix of `path`."""
    names = list(dict.fromkeys(flow.name for flow in flows))
    with picture(path) as (axes,):
        axes.set_title(title)
        axes.set_xlabel("lag (tokens back from the loss)")
        axes.set_ylabel("‖∂L/∂h‖, lag 0 = 1")
        axes.set_yscale("log")
        colours = {name: CELL_COLOURS.get(name, colour) for name, colour in zip(names, cycle(COLOURS), strict=False)}
        for flow in flows:
            shares = [norm / flow.norms[0] for norm in flow.norms]
            style = "--" if flow.stage == "initial" else "-"
            label = f"{flow.name}, {flow.stage}" if flow.stage else flow.name
            axes.plot(shares, style, color=colours[flow.name], label=label)
        axes.axhline(FORGOTTEN, color=GREY, linestyle=":", label="1 %: forgotten")
        smallest = min(norm / flow.norms[0] for flow in flows for norm in flow.norms)
        axes.set_ylim(bottom=max(smallest / 3, 1e-12))  # below that, nothing is left to see
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _row_norm(part: Tensor) -> float:
    """Return the mean over the rows of the gradient's norm; 0 where the loss does not depend on this part."""
    return 0.0 if part.grad is None else part.grad.flatten(1).norm(dim=1).mean().item()
