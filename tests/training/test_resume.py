"""Broken off and taken up again: bit for bit what the unbroken run gives, however it was broken off."""

import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from anaphora.data.prepare import PreparedCorpus, prepare
from anaphora.errors import BundleError, ConfigError
from anaphora.models.language_model import Losses
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.models.registry import build_model, model_config
from anaphora.models.stack import StackLanguageModel
from anaphora.progress import Event
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.checkpoint import load_checkpoint, save_checkpoint
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.trainer import Trainer, TrainingOutcome

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


@pytest.fixture(autouse=True)
def save_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save after every step, so that a run that crashes has a checkpoint near; and don't wait for the disk."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    monkeypatch.setattr("anaphora.training.sitting._SAVE_SECONDS", 0.0)
    monkeypatch.setattr("anaphora.training.sitting._SAVE_PAUSE", 0.0)
    monkeypatch.setattr("anaphora.training.sitting._KEEP_EVERY", 10)


CONFIGS: dict[str, dict[str, Any]] = {
    "adamw, one-cycle": {"schedule": "one-cycle", "steps": 40},
    "sgd, plateau": {
        "optimizer": "sgd",
        "learning_rate": 5.0,
        "schedule": "plateau",
        "steps": 40,
        "eval_every_steps": 7,
    },
    "sgd with momentum": {"optimizer": "sgd", "schedule": "constant", "momentum": 0.9, "steps": 40},
    "adam, cosine, random windows": {"optimizer": "adam", "schedule": "cosine", "windows": "random", "steps": 40},
    "every position": {"windows": "every-position", "steps": 40},
    "epochs of jittered windows": {"random_bptt": True, "bptt": 80, "epochs": 3, "log_every": 7},
    "nt-asgd, triggered after the accident": {
        "optimizer": "nt-asgd",
        "learning_rate": 8.0,
        "schedule": "constant",
        "steps": 40,
        "eval_every_steps": 3,
        "average_trigger": 1,
    },
    "nt-asgd, triggered before": {
        "optimizer": "nt-asgd",
        "learning_rate": 40.0,
        "schedule": "constant",
        "steps": 40,
        "eval_every_steps": 2,
        "average_trigger": 1,
    },
    "muon, slanted triangle": {"optimizer": "muon", "schedule": "slanted-triangular", "steps": 40},
    "ema, warm restarts": {"average": "ema", "average_decay": 0.9, "schedule": "warm-restarts", "steps": 40},
    "swa of snapshots, no validation in between": {
        "average": "swa",
        "average_start": 0.4,
        "average_every": 3,
        "steps": 40,
        "eval_every_steps": 1000,
    },
    "partial shuffle": {"partial_shuffle": True, "bptt": 80, "epochs": 3},
    "unfreezing, with a rate for each layer": {
        "unfreeze_share": 0.9,
        "layer_rate_factor": 2.6,
        "steps": 40,
        "optimizer": "muon",
        "average": "ema",
    },
    "penalties and smoothing": {
        "activation_penalty": 2.0,
        "temporal_penalty": 1.0,
        "label_smoothing": 0.1,
        "random_bptt": True,
        "steps": 40,
    },
    "bfloat16, sparse log": {"precision": "bfloat16", "steps": 40, "log_every": 25},
}


AVERAGES = ["nt-asgd, triggered before", "ema, warm restarts", "swa of snapshots, no validation in between"]


@pytest.mark.parametrize("accident", [crash, interrupt])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_broken_run_ends_as_the_unbroken_one(
    corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path, name: str, accident: Callable[[], None]
) -> None:
    config, vocab_size = make_config(**CONFIGS[name]), corpus.tokenizer.vocab_size
    Trainer(LanguageModelling(Brittle(vocab_size), corpus, config), tmp_path / "whole").run()

    broken = tmp_path / "broken"
    try:
        outcome = Trainer(LanguageModelling(Brittle(vocab_size, accident, at=23), corpus, config), broken).run()
        assert (outcome.interrupted, outcome.stopped_by, outcome.steps) == (True, "interrupt", 23)
    except AccidentError:
        assert load_checkpoint(broken / LAST).state.step == 22
    torch.manual_seed(99)  # nothing may hang on the generators of the new process
    model = Brittle(vocab_size)
    torch.nn.init.zeros_(model.embedding.weight)
    outcome = Trainer(LanguageModelling(model, corpus, config), broken).run(resume=True)
    assert not outcome.interrupted
    assert_same_run(tmp_path / "whole", broken)


@pytest.mark.parametrize("name", ["awd-lstm", "mogrifier", "zoneout-lstm"])
def test_the_masks_of_a_stack_go_on_too(
    corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    config = make_config(steps=20, activation_penalty=2.0)

    def model() -> StackLanguageModel:
        torch.manual_seed(0)
        values = {"embedding_dim": 6, "hidden_size": 8, "num_layers": 2}
        return cast(StackLanguageModel, build_model(model_config(name, values), corpus.tokenizer.vocab_size))

    Trainer(LanguageModelling(model(), corpus, config), tmp_path / "whole").run()
    calls = iter(range(1, 100))
    with monkeypatch.context() as patch, pytest.raises(AccidentError):
        read = StackLanguageModel.read
        patch.setattr(StackLanguageModel, "read", lambda *given: crash() if next(calls) == 13 else read(*given))
        Trainer(LanguageModelling(model(), corpus, config), tmp_path / "broken").run()
    torch.manual_seed(99)
    Trainer(LanguageModelling(model(), corpus, config), tmp_path / "broken").run(resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.parametrize("name", ["adamw, one-cycle", *AVERAGES, "unfreezing, with a rate for each layer"])
def test_recoveries_are_the_same_too(
    corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path, name: str
) -> None:
    config = make_config(**{**CONFIGS[name], "steps": 60, "log_every": 5})
    vocab_size = corpus.tokenizer.vocab_size
    Trainer(LanguageModelling(Brittle(vocab_size, spoilt=(25, 35)), corpus, config), tmp_path / "whole").run()
    broken = tmp_path / "broken"
    Trainer(LanguageModelling(Brittle(vocab_size, interrupt, at=34, spoilt=(25,)), corpus, config), broken).run()
    Trainer(LanguageModelling(Brittle(vocab_size, spoilt=(35,), first=35), corpus, config), broken).run(resume=True)
    saved = load_checkpoint(broken / LAST)
    assert saved.state.recoveries == 2
    assert all(tensor.isfinite().all() for tensor in saved.tensors.values())
    assert_same_run(tmp_path / "whole", broken)


def test_a_death_between_last_and_best(
    corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, vocab_size = make_config(steps=60, eval_every_steps=20), corpus.tokenizer.vocab_size
    Trainer(LanguageModelling(Brittle(vocab_size), corpus, config), tmp_path / "whole").run()
    broken = tmp_path / "broken"
    with monkeypatch.context() as patch, pytest.raises(AccidentError):
        patch.setattr("anaphora.training.sitting.Sitting._save_best", lambda self: crash())
        Trainer(LanguageModelling(Brittle(vocab_size), corpus, config), broken).run()
    assert not (broken / BEST).exists()
    Trainer(LanguageModelling(Brittle(vocab_size), corpus, config), broken).run(resume=True)
    assert_same_run(tmp_path / "whole", broken)


SCRIPT = """
import sys, torch
from pathlib import Path
import anaphora.training.sitting as sitting
from anaphora.data.prepare import prepare
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.trainer import Trainer

sitting._SAVE_SECONDS, sitting._SAVE_PAUSE = 0.0, 0.0
text, folder = map(Path, sys.argv[1:])
corpus = prepare(open_corpus(CorpusSettings(source=(str(text),))), TokenizerSettings())
torch.manual_seed(0)
shape = RecurrentConfig(embedding_dim=8, hidden_size=16, dropout_output=0.2)
model = RecurrentLanguageModel(shape, corpus.tokenizer.vocab_size)
config = TrainingConfig(
    batch_size=4, bptt=8, steps=100_000, schedule="constant", learning_rate=0.02, threads=1,
    precision="float32", log_every=1,
)
outcome = Trainer(LanguageModelling(model, corpus, config), folder).run()
print(outcome.stopped_by, outcome.steps)
"""


def start(tmp_path: Path) -> subprocess.Popen[str]:
    """Start an endless run in another process and wait until it has made some steps."""
    (tmp_path / "toy.txt").write_text("abcdefgh " * 400)
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "toy.txt"), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = folder / "metrics.jsonl"
    while process.poll() is None and not (log.exists() and len(log.read_bytes()) > 2000):
        threading.Event().wait(0.02)
    assert process.poll() is None, process.stderr and process.stderr.read()
    return process


def test_kill_9_leaves_a_checkpoint_and_an_exact_resume(tmp_path: Path, make_config: MakeConfig) -> None:
    process = start(tmp_path)
    process.kill()
    process.communicate()
    saved = load_checkpoint(tmp_path / "run" / LAST)
    assert saved.state.step > 0

    corpus = prepare(open_corpus(CorpusSettings(source=(str(tmp_path / "toy.txt"),))), TokenizerSettings())
    steps = saved.state.step + 10
    config = make_config(steps=steps, schedule="constant")

    def model() -> RecurrentLanguageModel:
        torch.manual_seed(0)
        return RecurrentLanguageModel(
            RecurrentConfig(embedding_dim=8, hidden_size=16, dropout_output=0.2), corpus.tokenizer.vocab_size
        )

    # The killed run was meant to be longer, and validated at other steps; steps and losses of training are the same.
    Trainer(LanguageModelling(model(), corpus, config), tmp_path / "run").run(resume=True)
    Trainer(LanguageModelling(model(), corpus, config), tmp_path / "whole").run()
    one, other = ([line for line in losses(tmp_path / name) if "loss" in line] for name in ("run", "whole"))
    assert one == other
    left, right = load_checkpoint(tmp_path / "run" / LAST), load_checkpoint(tmp_path / "whole" / LAST)
    assert all(torch.equal(tensor, right.tensors[key]) for key, tensor in left.tensors.items())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_in_order(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    reason, steps = out.split()
    assert (process.returncode, err, reason) == (0, "", "interrupt")
    assert load_checkpoint(tmp_path / "run" / LAST).state.step == int(steps)


def test_the_second_ctrl_c_does_not_wait(corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path) -> None:
    def twice() -> None:
        interrupt()
        interrupt()

    model = Brittle(corpus.tokenizer.vocab_size, twice, at=5)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Trainer(LanguageModelling(model, corpus, make_config(steps=60)), tmp_path / "run").run()
    assert signal.getsignal(signal.SIGINT) is before
    assert load_checkpoint(tmp_path / "run" / LAST).state.step == 4


def test_training_outside_the_main_thread(corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path) -> None:
    trainer = Trainer(
        LanguageModelling(Brittle(corpus.tokenizer.vocab_size), corpus, make_config(steps=3)), tmp_path / "run"
    )
    outcomes: list[TrainingOutcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(trainer.run()))
    thread.start()
    thread.join()
    assert outcomes[0].steps == 3


def test_a_longer_run_goes_on_where_the_schedule_is_open(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=10, schedule="constant")
    Trainer(LanguageModelling(make_model(), corpus, config), tmp_path / "run").run()
    outcome = Trainer(LanguageModelling(make_model(), corpus, config.replace(steps=20)), tmp_path / "run").run(
        resume=True
    )
    assert outcome.steps == 20
    assert [line["step"] for line in losses(tmp_path / "run") if "loss" in line] == list(range(1, 21))


def test_a_finished_run_has_nothing_to_resume(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    first, second = make_model(), make_model()
    Trainer(LanguageModelling(first, corpus, make_config(steps=10)), tmp_path / "run").run()
    outcome = Trainer(LanguageModelling(second, corpus, make_config(steps=10)), tmp_path / "run").run(resume=True)
    assert (outcome.steps, outcome.stopped_by) == (10, "steps")
    assert torch.equal(first.state_dict()["head.bias"], second.state_dict()["head.bias"])


def test_a_run_against_the_clock_has_the_time_left(
    corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    config, vocab_size = make_config(minutes=1.0), corpus.tokenizer.vocab_size
    first = Trainer(
        LanguageModelling(Brittle(vocab_size, interrupt, at=20), corpus, config), tmp_path / "run", time_limit=0.5
    ).run()
    events: list[Event] = []
    second = Trainer(
        LanguageModelling(Brittle(vocab_size), corpus, config),
        tmp_path / "run",
        time_limit=77.0,
        progress=events.append,
    )
    outcome = second.run(resume=True)
    assert first.seconds < outcome.seconds
    assert events[-1].total == 0.5  # of the first sitting


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.5}, r"learning_rate in \[training\] was 0.02 when this run was begun and is 0.5 now"),
        ({"batch_size": 2}, r"batch_size in \[training\] was 4"),
        ({"seed": 2}, r"seed in \[training\] was 1"),
        ({"steps": 50}, r"steps in \[training\] was 60 .* the schedule 'one-cycle' was laid over the old length"),
        ({"steps": None, "epochs": 2}, "was laid over the old length"),
    ],
)
def test_other_settings_are_refused(
    corpus: PreparedCorpus,
    make_model: MakeModel,
    make_config: MakeConfig,
    tmp_path: Path,
    changes: dict[str, Any],
    message: str,
) -> None:
    broken_off(corpus, make_config, tmp_path / "run")
    config = make_config(**{"steps": 60, **changes})
    with pytest.raises(ConfigError, match=message):
        Trainer(LanguageModelling(Brittle(corpus.tokenizer.vocab_size), corpus, config), tmp_path / "run").run(
            resume=True
        )


def test_another_model_is_refused(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    broken_off(corpus, make_config, tmp_path / "run")
    with pytest.raises(
        ConfigError, match=r"dropout_hidden in \[model\] was 0.3 when this run was begun and is 0.0 now"
    ):
        Trainer(LanguageModelling(make_model(num_layers=2), corpus, make_config(steps=60)), tmp_path / "run").run(
            resume=True
        )


def test_another_text_is_refused(corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path) -> None:
    broken_off(corpus, make_config, tmp_path / "run")
    (tmp_path / "other.txt").write_text("hgfedcba " * 400)
    other = prepare(open_corpus(CorpusSettings(source=(str(tmp_path / "other.txt"),))), TokenizerSettings())
    trainer = Trainer(
        LanguageModelling(Brittle(other.tokenizer.vocab_size), other, make_config(steps=60)), tmp_path / "run"
    )
    with pytest.raises(ConfigError, match="this run was begun with another text"):
        trainer.run(resume=True)


def test_checkpoints_that_do_not_fit(corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def resume() -> None:
        Trainer(LanguageModelling(Brittle(corpus.tokenizer.vocab_size), corpus, make_config(steps=60)), run).run(
            resume=True
        )

    with pytest.raises(BundleError, match="does not exist; was this run ever started"):
        resume()
    broken_off(corpus, make_config, run)
    last, best = (run / LAST).read_bytes(), (run / BEST).read_bytes()
    for spoil, message in SPOILS.items():
        (run / LAST).write_bytes(last)
        rewrite(run / LAST, spoil)
        with pytest.raises(BundleError, match=message):
            resume()
    (run / LAST).write_bytes(last)
    rewrite(run / BEST, "best_step")
    with pytest.raises(BundleError, match=r"best\.safetensors is not of step 18, as .*last\.safetensors says"):
        resume()
    (run / BEST).unlink()
    with pytest.raises(BundleError, match=r"best\.safetensors does not exist"):
        resume()
    (run / BEST).write_bytes(best)
    resume()


SPOILS = {
    "model/head.bias": "does not fit this run: the weights differ: head.bias",
    "optimizer/embedding.weight/step": "does not fit this run: memory of .*",
    "carried/0": "does not fit this run: the carried state does not fit the model",
    "generator/cpu": "does not fit this run: the state of the random generator is not usable",
    "index": "names batch 1000000 of",
}


def rewrite(path: Path, spoil: str) -> None:
    """Take one tensor out of a checkpoint, or spoil a counter."""
    checkpoint = load_checkpoint(path)
    checkpoint.tensors.pop(spoil, None)
    if spoil == "index":
        checkpoint.state.index = 1_000_000
    if spoil == "best_step":
        checkpoint.state.step = 6
    save_checkpoint(path, checkpoint)


def broken_off(corpus: PreparedCorpus, make_config: MakeConfig, folder: Path) -> None:
    model = Brittle(corpus.tokenizer.vocab_size, interrupt, at=20)
    Trainer(LanguageModelling(model, corpus, make_config(steps=60)), folder).run()
