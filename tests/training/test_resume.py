"""Broken off and taken up again: bit for bit what the unbroken run gives, however it was broken off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from tests.training.accidents import (
    BEST,
    LAST,
    AccidentError,
    Brittle,
    MakeConfig,
    MakeModel,
    assert_same_run,
    crash,
    interrupt,
    losses,
)

from anaphora.data.prepare import PreparedCorpus
from anaphora.models.registry import build_model, model_config
from anaphora.models.stack import StackLanguageModel
from anaphora.progress import Event
from anaphora.training.checkpoint import load_checkpoint
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("save_often")

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
