"""Checkpoints: one safetensors file that holds all tensors of a run, and its counters as JSON in the file's metadata.

Written whole or not at all, and without pickle: a checkpoint from a stranger cannot run code. `last` holds all that
an exact resume needs, `best` only the weights of the best validation.

    model/<name>              weights and buffers; a tied weight once
    optimizer/<name>/<what>   the optimizer's memory of a weight
    average/<name>            the average of a weight, where one is kept; average/count: of how many
    carried/<i>               the recurrent state between two batches
    generator/<device type>   torch's random generators
    good/...                  weights, memory and average to go back to, where they are not the current ones
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from anaphora import __version__
from anaphora.errors import BundleError
from anaphora.files import atomic_write
from anaphora.training.run_state import RunState

FORMAT = 1
_KEY = "anaphora"
_RUN_STATE = TypeAdapter(RunState)

Tensors = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What one checkpoint file holds.

    Attributes:
        tensors: by full name, on the CPU.
        state: where the run stands.
        origin: what the run was made from (corpus, tokenizer, model, training): see `resume.py`.
    """

    tensors: Tensors
    state: RunState
    origin: dict[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, atomically."""
    about = {
        "format": FORMAT,
        "version": __version__,
        "state": asdict(checkpoint.state),
        "origin": checkpoint.origin,
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    content = save(tensors, {_KEY: json.dumps(about, allow_nan=False)})
    with atomic_write(path) as file:
        file.write(content)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        BundleError: the file is missing, damaged, from a newer version, or no checkpoint.
    """
    if not path.is_file():
        raise BundleError(f"checkpoint {path} does not exist; was this run ever started?")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError) as fault:
        raise BundleError(f"checkpoint {path} is damaged: {fault}; it cannot be resumed") from None
    try:
        about = json.loads(metadata[_KEY])
        version = about["format"]
        if isinstance(version, int) and version > FORMAT:
            raise BundleError(
                f"checkpoint {path} has format {version}, this anaphora reads up to {FORMAT}; upgrade anaphora"
            )
        state = _RUN_STATE.validate_python(about["state"])
        origin = about["origin"]
        if version != FORMAT or not isinstance(origin, dict):
            raise ValueError("not our format")
    except (KeyError, TypeError, ValueError, ValidationError, RecursionError):
        raise BundleError(f"checkpoint {path} has no valid record of a run; it is no checkpoint of anaphora") from None
    return Checkpoint(tensors=tensors, state=state, origin=origin)


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors with `prefix`/ before each name."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors whose name starts with `prefix`/, without it."""
    start = f"{prefix}/"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def model_tensors(model: nn.Module) -> Tensors:
    """Return a model's weights and buffers by name, not copied; a tied weight once, under its first name."""
    tensors: Tensors = {}
    seen: set[int] = set()
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            tensors[name] = tensor
    return tensors


def load_model_tensors(model: nn.Module, saved: Mapping[str, Tensor]) -> None:
    """Copy `saved` into the model's own tensors, in place: cuDNN's flat weights stay one piece.

    Raises:
        ValueError: a name, shape or type differs.
    """
    own = model_tensors(model)
    if own.keys() != saved.keys():
        raise ValueError(f"the weights differ: {', '.join(sorted(own.keys() ^ saved.keys()))}")
    for name, tensor in own.items():
        if tensor.shape != saved[name].shape or tensor.dtype != saved[name].dtype:
            raise ValueError(
                f"tensor {name!r} is {saved[name].dtype} {tuple(saved[name].shape)}, "
                f"not {tensor.dtype} {tuple(tensor.shape)}"
            )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(saved[name])
