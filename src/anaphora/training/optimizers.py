"""The optimizers, in their fused form, and their memory as named tensors for checkpoints.

Weight decay acts on matrices only. A matrix entry multiplies an input and can fit noise; a bias moves one threshold,
cannot, and may hold a value that was set on purpose (an LSTM's forget gate starts at 1): decay would only drag it away.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from anaphora.training.config import TrainingConfig

_DEFAULT_MOMENTUM = {"sgd": 0.0, "adam": 0.9, "adamw": 0.9}
_FUSED_DEVICES = ("cpu", "cuda")  # one pass over the weights instead of a dozen; on one CPU core 5 times faster


def build_optimizer(model: nn.Module, config: TrainingConfig) -> Optimizer:
    """Return the optimizer of `model`'s weights, on the device where they are."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(weight.device.type in _FUSED_DEVICES for weight in weights)
    momentum = default_momentum(config)
    if config.optimizer == "sgd":
        return SGD(groups, lr=config.learning_rate, momentum=momentum, fused=fused)
    kind = Adam if config.optimizer == "adam" else AdamW
    return kind(groups, lr=config.learning_rate, betas=(momentum, config.beta2), fused=fused)


def default_momentum(config: TrainingConfig) -> float:
    """Return the configured momentum (Adam: beta1), or what None stands for."""
    return _DEFAULT_MOMENTUM[config.optimizer] if config.momentum is None else config.momentum


def set_learning_rate(optimizer: Optimizer, learning_rate: float, momentum: float) -> None:
    """Set both for the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        else:
            group["momentum"] = momentum


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's memory, "<number of the weight>/<name>" -> tensor; not copied."""
    memory = optimizer.state_dict()["state"]
    return {
        f"{number}/{name}": value
        for number, values in memory.items()
        for name, value in values.items()
        if isinstance(value, Tensor)  # SGD without momentum keeps a None
    }


def load_optimizer_tensors(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give the optimizer the memory that `optimizer_tensors` returned; copies.

    Raises:
        ValueError: the tensors are not those of this optimizer on these weights.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    names = {"momentum_buffer"} if isinstance(optimizer, SGD) else {"step", "exp_avg", "exp_avg_sq"}
    memory: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition("/")
        if not number.isdecimal() or int(number) >= len(weights) or name not in names:
            raise ValueError(f"unexpected tensor {key!r}")
        shape = torch.Size() if name == "step" else weights[int(number)].shape
        if tensor.shape != shape:
            raise ValueError(f"tensor {key!r} has shape {tuple(tensor.shape)}, not {tuple(shape)}")
        memory.setdefault(int(number), {})[name] = tensor.clone()
    if any(set(values) != names for values in memory.values()):
        raise ValueError("a tensor is missing")
    optimizer.load_state_dict({**optimizer.state_dict(), "state": memory})
