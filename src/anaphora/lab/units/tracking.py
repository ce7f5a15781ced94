"""Find the units of a recurrent model that track something readable, by their correlation with it.

Karpathy, Johnson and Fei-Fei, "Visualizing and understanding recurrent networks" (2015, arXiv 1506.02078), looked
at single units of character models and found some that count the line or know that a quote is open. Here the units
are searched instead of browsed. Shapes: T tokens, U units of all layers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from anaphora.bundle import Bundle
from anaphora.errors import ConfigError, CorpusError
from anaphora.generation.text_reader import text_pieces
from anaphora.lab.units.signals import SIGNALS, signal
from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.models.stepping import inference, make_stepper, step_threads
from anaphora.progress import Event, Progress, silent
from anaphora.runtime import num_threads

_PARTS = ("h", "c")  # of the state, in its order
_UNIT_NAME = re.compile(r"layer(\d+)\.([hc])(\d+)")
_REPORT_EVERY = 256
_STILL = 1e-6  # a unit that moves less than this does not move: its correlation would be one of rounding errors


@dataclass(frozen=True)
class Unit:
    """One number of the state: number `index` of the hidden (h) or cell (c) state of a layer. Layers count from 0."""

    layer: int
    part: str
    index: int

    def __str__(self) -> str:
        return f"layer{self.layer}.{self.part}{self.index}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Return the unit of that name, like "layer0.c117".

        Raises:
            ConfigError: this is not how units are called.
        """
        found = _UNIT_NAME.fullmatch(name)
        if not found:
            raise ConfigError(
                f"{name!r} is no unit; units are called like layer0.h17, or layer0.c17 for an LSTM's cell"
            )
        return cls(int(found[1]), found[2], int(found[3]))


@dataclass(frozen=True)
class TrackedUnit:
    """A unit, and its Pearson correlation with a signal: 1 or -1 for a unit that follows it exactly."""

    unit: Unit
    correlation: float


@dataclass(frozen=True)
class Finding:
    """The units that best track one signal, best first; none where the signal never changes in the text."""

    signal: str
    units: tuple[TrackedUnit, ...]


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """What a model's units did while it read a text.

    Attributes:
        model: the name of its folder.
        model_hash: the sha256 of its weights.
        pieces: the text that each token added, T strings; joined they are the text as the model saw it.
        activations: of the units in `findings` and `shown`, each (T,), float32, after the token was read.
        findings: one for each signal.
        shown: units that the caller asked for.
        num_units: U, how many were searched.
        whole: False when the text went on after the last token that was read.
    """

    model: str
    model_hash: str
    pieces: tuple[str, ...]
    activations: dict[Unit, NDArray[np.float32]]
    findings: tuple[Finding, ...]
    shown: tuple[Unit, ...]
    num_units: int
    whole: bool

    @property
    def text(self) -> str:
        """The text that was read."""
        return "".join(self.pieces)

    def to_json(self) -> dict[str, Any]:
        """Return what was found as JSON values."""
        return {
            "model": self.model,
            "model_hash": self.model_hash,
            "tokens": len(self.pieces),
            "characters": len(self.text),
            "whole": self.whole,
            "num_units": self.num_units,
            "signals": [
                {
                    "signal": finding.signal,
                    "units": [
                        {"unit": str(tracked.unit), "correlation": tracked.correlation} for tracked in finding.units
                    ],
                }
                for finding in self.findings
            ],
        }


def track(
    bundle: Bundle,
    text: str,
    *,
    top: int = 3,
    show: Sequence[str] = (),
    max_tokens: int = 10_000,
    progress: Progress = silent,
) -> Tracking:
    """Let a recurrent model read a text, and find the units that best track each signal.

    The best of many units looks good by chance on a short text: a few thousand tokens make the figures trustworthy.

    Args:
        bundle: a model with recurrent layers, and its tokenizer.
        text: to read; the model reads its start token before it.
        top: how many units to name for each signal.
        show: further units to keep the activations of, like "layer0.c117".
        max_tokens: read no more than so many tokens.
        progress: told of the tokens read.

    Raises:
        ConfigError: the model has no recurrent layers or no such unit; top or max_tokens is less than 1.
        CorpusError: the text is empty.
        TokenizerError: the text holds characters that the vocabulary cannot express.
    """
    for name, value in (("top", top), ("max_tokens", max_tokens)):
        if value < 1:
            raise ConfigError(f"{name} = {value}: use 1 or more")
    model = bundle.model
    if not isinstance(model, RecurrentLanguageModel):
        name = getattr(model.config, "name", type(model).__name__)
        raise ConfigError(f"the model {name!r} has no recurrent units to look at; use an elman, gru or lstm model")
    units = _units_of(model)
    shown = tuple(_known(Unit.parse(name), units) for name in show)
    token_ids = bundle.tokenizer.encode(text)
    if not token_ids:
        raise CorpusError("the text has no tokens: there is nothing to read")
    read = token_ids[:max_tokens]
    activations = _activations(model, [bundle.tokenizer.start_id, *read], progress)[1:]
    pieces = text_pieces(bundle.tokenizer, read)
    findings = _find(activations, units, pieces, top)
    keep = dict.fromkeys([*(tracked.unit for finding in findings for tracked in finding.units), *shown])
    return Tracking(
        model=bundle.path.name,
        model_hash=bundle.model_hash,
        pieces=pieces,
        activations={unit: activations[:, units[unit]].copy() for unit in keep},
        findings=findings,
        shown=shown,
        num_units=len(units),
        whole=len(read) == len(token_ids),
    )


def _units_of(model: RecurrentLanguageModel) -> dict[Unit, int]:
    """Return the column that each unit has in the activations."""
    layers, size = range(model.config.num_layers), range(model.config.hidden_size)
    parts = _PARTS[: len(model.initial_state(1))]
    units = (Unit(layer, part, index) for part in parts for layer in layers for index in size)
    return {unit: column for column, unit in enumerate(units)}


def _known(unit: Unit, units: dict[Unit, int]) -> Unit:
    if unit not in units:
        raise ConfigError(f"the model has no unit {unit}: its {len(units):,} units go to {list(units)[-1]}")
    return unit


def _activations(model: RecurrentLanguageModel, token_ids: Sequence[int], progress: Progress) -> NDArray[np.float32]:
    """Return the whole state after each token, (T, U)."""
    states = []
    with inference(model), num_threads(step_threads(model, 1)):
        stepper, state = make_stepper(model), model.initial_state(1)
        for done, token in enumerate(torch.tensor(token_ids, device=model.device).split(1), start=1):
            _, state = stepper.step(token, state)
            states.append(torch.cat([part.flatten() for part in state]))
            if done % _REPORT_EVERY == 0 or done == len(token_ids):
                progress(Event(stage="read", done=done, total=len(token_ids), unit="tokens"))
        return torch.stack(states).float().cpu().numpy()


def _find(
    activations: NDArray[np.float32], units: dict[Unit, int], pieces: Sequence[str], top: int
) -> tuple[Finding, ...]:
    text, ends = "".join(pieces), np.cumsum([len(piece) for piece in pieces])
    names = list(units)
    findings = []
    for name in SIGNALS:
        after_each_token = np.concatenate([[0.0], signal(name, text)])[ends]
        correlations = correlate(activations, after_each_token)
        changes = bool(after_each_token.std() > 0)
        best = np.argsort(-np.abs(correlations), kind="stable")[: top if changes else 0].tolist()
        findings.append(Finding(name, tuple(TrackedUnit(names[i], correlations[i].item()) for i in best)))
    return tuple(findings)


def correlate(activations: NDArray[np.float32], signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each column's Pearson correlation (U,), of activations (T, U), with a signal (T,); 0 where undefined."""
    spreads = activations.std(0, dtype=np.float64)
    deviation, spread = signal - signal.mean(), signal.std()
    correlations = np.zeros(len(spreads))
    together = deviation @ activations / len(signal)
    np.divide(together, spreads * spread, out=correlations, where=(spreads > _STILL) & (spread > 0))
    return correlations
