"""The optimizers, in their fused form, and their memory as named tensors for checkpoints.

Weight decay acts on matrices only. A matrix entry multiplies an input and can fit noise; a bias moves one threshold,
cannot, and may hold a value that was set on purpose (an LSTM's forget gate starts at 1): decay would only drag it away.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from anaphora.errors import ConfigError
from anaphora.models.net import Net
from anaphora.training.config import TrainingConfig
from anaphora.training.finetune import learning_rate_scales
from anaphora.training.muon import Muon

_DEFAULT_MOMENTUM = {"sgd": 0.0, "nt-asgd": 0.0, "adam": 0.9, "adamw": 0.9, "muon": 0.95}
_FUSED_DEVICES = ("cpu", "cuda")  # one pass over the weights instead of a dozen; on one CPU core 5 times faster

Group = dict[str, Any]


class Updater:
    """Moves all weights of a model: one optimizer, or two that share them out, each weight with a rate of its own.

    Args:
        model: where it is to be trained; its weights move in place.
        config: for the optimizer and the rates.

    Raises:
        ConfigError: "muon" on a model that has no matrices for it.
    """

    def __init__(self, model: Net, config: TrainingConfig) -> None:
        self._names = {weight: name for name, weight in model.named_parameters()}
        self._optimizers = _optimizers(model, config)

    @property
    def weights(self) -> list[nn.Parameter]:
        """All weights."""
        return list(self._names)

    def step(self, learning_rate: float, momentum: float) -> None:
        """Move the weights that have a gradient, and forget the gradients.

        Args:
            learning_rate: of the topmost layers; the others' follows from it.
            momentum: of SGD and Muon, and Adam's beta1.
        """
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * group["scale"]
                if "betas" in group:
                    group["betas"] = (momentum, group["betas"][1])
                else:
                    group["momentum"] = momentum
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """Return the optimizers' memory, "<weight>/<name>" -> tensor; not copied."""
        return {
            f"{weight_name}/{name}": value
            for optimizer in self._optimizers
            for weight, weight_name in self._names.items()
            for name, value in optimizer.state.get(weight, {}).items()
            if isinstance(value, Tensor)  # SGD without momentum keeps a None
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back the memory that `tensors` returned; copies.

        Raises:
            ValueError: the tensors are not those of this optimizer on these weights.
        """
        memory: dict[str, dict[str, Tensor]] = defaultdict(dict)
        for key, tensor in tensors.items():
            weight, _, name = key.rpartition("/")
            memory[weight][name] = tensor
        for optimizer in self._optimizers:
            self._load_one(optimizer, memory)
        if memory:
            raise ValueError(f"unexpected memory of {min(memory)!r}")

    def _load_one(self, optimizer: Optimizer, memory: dict[str, dict[str, Tensor]]) -> None:
        """Give one optimizer its share of the memory, and take it out of there."""
        names = {"step", "exp_avg", "exp_avg_sq"} if isinstance(optimizer, Adam) else {"momentum_buffer"}
        loaded: dict[int, dict[str, Tensor]] = {}
        for number, weight in enumerate(weight for group in optimizer.param_groups for weight in group["params"]):
            values = memory.pop(self._names[weight], None)
            if values is None:
                continue
            if values.keys() != names:
                raise ValueError(f"memory of {self._names[weight]!r} holds {sorted(values)}, not {sorted(names)}")
            for name, tensor in values.items():
                shape = torch.Size() if name == "step" else weight.shape
                if tensor.shape != shape:
                    raise ValueError(
                        f"tensor {self._names[weight]}/{name} has shape {tuple(tensor.shape)}, not {tuple(shape)}"
                    )
            loaded[number] = {name: tensor.clone() for name, tensor in values.items()}
        optimizer.load_state_dict({**optimizer.state_dict(), "state": loaded})


def default_momentum(config: TrainingConfig) -> float:
    """Return the configured momentum (Adam: beta1), or what None stands for."""
    return _DEFAULT_MOMENTUM[config.optimizer] if config.momentum is None else config.momentum


def _optimizers(model: Net, config: TrainingConfig) -> list[Optimizer]:
    lr, momentum = config.learning_rate, default_momentum(config)
    fused = model.device.type in _FUSED_DEVICES
    hidden = dict(model.hidden_matrices()) if config.optimizer == "muon" else {}
    groups = _groups(model, config, hidden)
    if config.optimizer in ("sgd", "nt-asgd"):  # the averaging that makes the difference is in `averaging.py`
        return [SGD(groups, lr=lr, momentum=momentum, fused=fused)]
    kind = Adam if config.optimizer == "adam" else AdamW
    others = [group for group in groups if not group["gates"]]
    optimizers: list[Optimizer] = [kind(others, lr=lr, betas=(momentum, config.beta2), fused=fused)] if others else []
    if config.optimizer == "muon":
        if not hidden:
            raise ConfigError(
                "optimizer = 'muon' in [training] moves the matrices between embedding and head, and this model names"
                " none (`hidden_matrices`); use optimizer = 'adamw'"
            )
        optimizers.append(Muon((group for group in groups if group["gates"]), lr=lr, momentum=momentum))
    return optimizers


def _groups(model: Net, config: TrainingConfig, hidden: Mapping[nn.Parameter, int]) -> list[Group]:
    """Sort the weights by what is done to them: "gates" (0 where Muon does not move them), "scale", "weight_decay"."""
    layers = model.layer_groups()
    sorted_out: dict[tuple[int, float, float], list[nn.Parameter]] = defaultdict(list)
    for scale, layer in zip(learning_rate_scales(len(layers), config.layer_rate_factor), layers, strict=True):
        for weight in layer:
            decay = config.weight_decay if weight.ndim >= 2 else 0.0
            sorted_out[hidden.get(weight, 0), scale, decay].append(weight)
    return [
        {"params": weights, "gates": gates, "scale": scale, "weight_decay": decay}
        for (gates, scale, decay), weights in sorted_out.items()
    ]
