"""How wide the gates of a recurrent model stand, and how often they are stuck open or shut.

A gate near 0 or 1 has a flat sigmoid: almost no gradient goes through it, so it no longer learns.
Shapes: B batch, T time, E embedding, H hidden.
"""

import torch
from torch import Tensor

from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.models.stepping import inference

# The rows of the framework's weights, a block of H for each name. The candidates g and n are values, not gates.
BLOCKS = {"elman": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}
GATES = {"elman": (), "lstm": ("i", "f", "o"), "gru": ("r", "z")}

SHUT, OPEN = 0.1, 0.9


def gate_values(model: RecurrentLanguageModel, tokens: Tensor) -> dict[str, list[Tensor]]:
    """Return what each gate says while the model reads tokens (B, T) from its initial state.

    Returns:
        for each gate by its letter, one (B, T, H) for each layer: i, f, o of an LSTM; r, z of a GRU; none of Elman's.
    """
    with inference(model):
        state = model.initial_state(len(tokens))
        hidden = [state[0]]
        for token in tokens.split(1, dim=1):
            _, state = model.features(token, state)
            hidden.append(state[0])
        states = torch.stack(hidden, 1)  # (B, T + 1, layers, H)
        below = model.embedding(tokens)
        values: dict[str, list[Tensor]] = {gate: [] for gate in GATES[model.config.name]}
        for layer in range(model.config.num_layers):
            sums = _sums(model, layer, below, states[:, :-1, layer])
            for gate in values:
                values[gate].append(sums[gate].sigmoid())
            below = states[:, 1:, layer]
        return values


def saturation(model: RecurrentLanguageModel, tokens: Tensor) -> dict[str, float]:
    """Return for each gate the share of its values, over all layers, that are below 0.1 or above 0.9."""
    shares = {}
    for gate, layers in gate_values(model, tokens).items():
        values = torch.stack(layers)
        shares[gate] = ((values < SHUT) | (values > OPEN)).double().mean().item()
    return shares


def hidden_matrices(model: RecurrentLanguageModel) -> dict[str, Tensor]:
    """Return the hidden-to-hidden matrices (H, H) by layer and block: {"l0.i": ...}; an Elman layer has one, "l0.h"."""
    size = model.config.hidden_size
    return {
        f"l{layer}.{block}": matrix
        for layer in range(model.config.num_layers)
        for block, matrix in zip(
            BLOCKS[model.config.name], model.layers.get_parameter(f"weight_hh_l{layer}").split(size), strict=True
        )
    }


def _sums(model: RecurrentLanguageModel, layer: int, below: Tensor, before: Tensor) -> dict[str, Tensor]:
    """Return each block's sum before its sigmoid or tanh, from the layer's input and its state one token before.

    For the GRU's candidate, where the reset gate stands between the two products, the sum means nothing.
    """
    w_ih, w_hh, b_ih, b_hh = (
        model.layers.get_parameter(f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    sums = below @ w_ih.T + before @ w_hh.T + b_ih + b_hh
    return dict(zip(BLOCKS[model.config.name], sums.split(model.config.hidden_size, dim=-1), strict=True))
