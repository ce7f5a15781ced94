"""A run that breaks off where it is told to, and how two runs are compared bit for bit."""

import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from anaphora.data.prepare import PreparedCorpus
from anaphora.models.language_model import Losses
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.training.checkpoint import load_checkpoint
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.trainer import Trainer

MakeModel = Callable[..., RecurrentLanguageModel]
MakeConfig = Callable[..., TrainingConfig]

LAST = Path("checkpoints", "last.safetensors")
BEST = Path("checkpoints", "best.safetensors")
CLOCK = {"seconds", "overhead_seconds", "validated_seconds"}


class Brittle(RecurrentLanguageModel):
    """Calls `accident` before the steps numbered in `at` (1, 2 ...), and spoils the loss of those in `spoilt`."""

    def __init__(
        self,
        vocab_size: int,
        accident: Callable[[], None] = lambda: None,
        at: int | None = None,
        spoilt: tuple[int, ...] = (),
        first: int = 1,
    ) -> None:
        torch.manual_seed(0)
        config = RecurrentConfig(embedding_dim=8, hidden_size=16, num_layers=2, dropout_hidden=0.3, dropout_output=0.2)
        super().__init__(config, vocab_size)
        self.accident, self.at, self.spoilt, self.step = accident, at, spoilt, first - 1

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        self.step += 1
        if self.step == self.at:
            self.accident()
        nats, objective = super().losses(features, targets, label_smoothing)
        factor = math.nan if self.step in self.spoilt else 1.0
        return Losses(nats * factor, objective * factor)


class AccidentError(Exception):
    """What breaks a run off without leave to save, like kill -9 does."""


def crash() -> None:
    raise AccidentError


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def losses(folder: Path) -> list[dict[str, float]]:
    """Return metrics.jsonl without speeds."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in record.items() if key != "tokens_per_second"} for record in records]


def assert_same_run(one: Path, other: Path) -> None:
    """Compare logs, counters and all tensors of two finished runs, bit for bit."""
    assert losses(one) == losses(other)
    for name in (LAST, BEST):
        left, right = load_checkpoint(one / name), load_checkpoint(other / name)
        assert left.tensors.keys() == right.tensors.keys()
        assert all(torch.equal(tensor, right.tensors[key]) for key, tensor in left.tensors.items())
        for key, value in vars(left.state).items():
            assert key in CLOCK or value == vars(right.state)[key], key


def broken_off(corpus: PreparedCorpus, make_config: MakeConfig, folder: Path) -> None:
    """Begin a run of 60 steps that Ctrl-C ends in the 20th."""
    model = Brittle(corpus.tokenizer.vocab_size, interrupt, at=20)
    Trainer(LanguageModelling(model, corpus, make_config(steps=60)), folder).run()
