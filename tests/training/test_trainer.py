"""A run from its first step to its best weights: every optimizer, schedule and rule to stop by, and what it reports."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from anaphora.data.prepare import PreparedCorpus
from anaphora.errors import ConfigError, CorpusError, TrainingError
from anaphora.evaluation.evaluate import evaluate_split
from anaphora.models.language_model import Losses, Reading, State
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.progress import Event
from anaphora.training.checkpoint import load_checkpoint, under
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.schedules import SCHEDULES
from anaphora.training.trainer import Trainer

MakeModel = Callable[..., RecurrentLanguageModel]
MakeConfig = Callable[..., TrainingConfig]


def records(folder: Path, key: str) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if key in line]


@pytest.mark.parametrize("schedule", sorted(SCHEDULES))
@pytest.mark.parametrize(
    ("optimizer", "learning_rate"), [("sgd", 2.0), ("adam", 0.02), ("adamw", 0.02), ("muon", 0.02)]
)
def test_the_loss_falls(
    corpus: PreparedCorpus,
    make_model: MakeModel,
    make_config: MakeConfig,
    tmp_path: Path,
    optimizer: str,
    learning_rate: float,
    schedule: str,
) -> None:
    config = make_config(optimizer=optimizer, learning_rate=learning_rate, schedule=schedule, steps=80)
    outcome = Trainer(LanguageModelling(make_model(), corpus, config), tmp_path / "run").run()
    assert outcome.best_valid_loss is not None
    assert outcome.best_valid_loss < 1.0 < math.log(corpus.tokenizer.vocab_size)
    losses = [record["loss"] for record in records(tmp_path / "run", "loss")]
    assert len(losses) == 80
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("average", ["ema", "swa"])
@pytest.mark.parametrize("validated", [True, False])
def test_the_average_is_what_is_validated_and_kept(
    corpus: PreparedCorpus,
    make_model: MakeModel,
    make_config: MakeConfig,
    tmp_path: Path,
    average: str,
    validated: bool,
) -> None:
    config = make_config(average=average, schedule="constant", steps=40)
    if average == "swa":
        config = config.replace(average_every=5, average_start=0.5)
    model = make_model()
    prepared = corpus if validated else replace(corpus, counts={"train": corpus.counts["train"]})
    outcome = Trainer(LanguageModelling(model, prepared, config), tmp_path / "run").run()
    last = load_checkpoint(tmp_path / "run" / "checkpoints" / "last.safetensors").tensors
    for name, weight in model.named_parameters():
        assert torch.equal(weight, last[f"average/{name}"])
        assert not torch.equal(weight, last[f"model/{name}"])
    if validated:
        assert outcome.best_step == 40
        assert outcome.best_valid_loss == pytest.approx(evaluate_split(model, corpus, "valid").loss)


def test_layers_thaw_from_the_top(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    """Three groups, the lowest of which begins to learn after 0.9 of the run: steps 1 to 18 leave the embedding."""
    seen: dict[int, Tensor] = {}

    class Watched(RecurrentLanguageModel):
        def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
            seen[len(seen)] = self.embedding.weight.detach().clone()  # before each step
            return super().losses(features, targets, label_smoothing)

    model = Watched(make_model().config, corpus.tokenizer.vocab_size)
    Trainer(LanguageModelling(model, corpus, make_config(unfreeze_share=0.9, steps=20)), tmp_path / "run").run()
    assert all(torch.equal(seen[step], seen[0]) for step in range(1, 19))
    assert not torch.equal(seen[19], seen[0])
    assert all(weight.requires_grad for weight in model.parameters())


def test_a_run_starts_as_good_as_the_unigram_model(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    first = {}
    for head_bias in ("unigram", "zero"):
        Trainer(
            LanguageModelling(make_model(head_bias=head_bias), corpus, make_config(steps=1)), tmp_path / head_bias
        ).run()
        first[head_bias] = records(tmp_path / head_bias, "loss")[0]["loss"]
    counts = np.bincount(corpus.token_ids("train"))
    frequencies = counts[counts > 0] / counts.sum()
    entropy = -float((frequencies * np.log(frequencies)).sum())
    assert first["unigram"] == pytest.approx(entropy, abs=0.2)
    assert first["zero"] == pytest.approx(math.log(corpus.tokenizer.vocab_size), abs=0.2)


@pytest.mark.parametrize("windows", ["consecutive", "random", "every-position"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_all_windows_in_both_precisions(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path, windows: str, precision: str
) -> None:
    config = make_config(windows=windows, precision=precision, steps=60)
    outcome = Trainer(LanguageModelling(make_model(), corpus, config), tmp_path / "run").run()
    assert outcome.best_valid_loss is not None
    assert outcome.best_valid_loss < 1.0


def test_what_a_run_by_epochs_writes_and_returns(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    events: list[Event] = []
    config = make_config(epochs=2, log_every=10, schedule="constant")
    outcome = Trainer(LanguageModelling(make_model(), corpus, config), tmp_path / "run", progress=events.append).run()
    per_epoch = (len(corpus.token_ids("train")) // 4 - 1) // 8
    assert (outcome.steps, outcome.epochs, outcome.stopped_by) == (2 * per_epoch, 2.0, "epochs")
    assert outcome.tokens == outcome.steps * 32
    assert not outcome.interrupted
    assert outcome.tokens_per_second > outcome.tokens / outcome.seconds  # validating and saving left out
    log = records(tmp_path / "run", "loss")
    assert [record["step"] for record in log] == [*range(10, 2 * per_epoch, 10), 2 * per_epoch]
    assert log[0].keys() == {"step", "epoch", "loss", "learning_rate", "grad_norm", "tokens_per_second"}
    assert [record["epoch"] for record in records(tmp_path / "run", "train_loss")] == [1.0, 2.0]
    tenth = math.ceil(2 * per_epoch / 10)
    valid = records(tmp_path / "run", "valid_loss")
    assert [record["step"] for record in valid] == sorted({*range(tenth, 2 * per_epoch, tenth), 2 * per_epoch})
    assert min(record["valid_loss"] for record in valid) == outcome.best_valid_loss
    last = events[-1]
    assert (last.stage, last.done, last.total, last.unit) == ("train", 2 * per_epoch, 2 * per_epoch, "steps")
    assert last.values.keys() == {"loss", "learning_rate", "tokens_per_second", "valid_perplexity"}


def test_the_epoch_mean_is_the_mean_of_its_steps(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    Trainer(LanguageModelling(make_model(), corpus, make_config(epochs=1)), tmp_path / "run").run()
    losses = [record["loss"] for record in records(tmp_path / "run", "loss")]
    (epoch,) = records(tmp_path / "run", "train_loss")
    assert epoch["train_loss"] == pytest.approx(sum(losses) / len(losses))


def test_a_run_against_the_clock_keeps_to_it(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    events: list[Event] = []
    config = make_config(minutes=1.0, log_every=1)
    trainer = Trainer(
        LanguageModelling(make_model(), corpus, config), tmp_path / "run", time_limit=1.0, progress=events.append
    )
    outcome = trainer.run()
    assert outcome.stopped_by == "time"
    rates = [record["learning_rate"] for record in records(tmp_path / "run", "loss")]
    assert max(rates) > 0.9 * config.learning_rate  # one cycle, whole
    assert rates[-1] < 0.2 * config.learning_rate
    assert (events[-1].total, events[-1].unit) == (1.0, "seconds")


def test_a_run_against_the_clock_ends_when_the_text_was_read_often_enough(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    events: list[Event] = []
    config = make_config(minutes=10.0, max_epochs=3, log_every=1)
    outcome = Trainer(LanguageModelling(make_model(), corpus, config), tmp_path / "run", progress=events.append).run()
    assert (outcome.stopped_by, outcome.epochs) == ("epochs", 3.0)
    rates = [record["learning_rate"] for record in records(tmp_path / "run", "loss")]
    assert max(rates) > 0.9 * config.learning_rate
    assert rates[-1] < 0.01 * config.learning_rate
    assert events[-1].done == events[-1].total


def test_patience_stops_the_run_and_the_best_weights_come_back(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(
        optimizer="sgd",
        learning_rate=30.0,
        max_grad_norm=None,
        schedule="constant",
        steps=500,
        eval_every_steps=5,
        patience=3,
    )
    model = make_model()
    outcome = Trainer(LanguageModelling(model, corpus, config), tmp_path / "run").run()
    assert outcome.stopped_by == "patience"
    assert outcome.best_step is not None
    assert outcome.steps == outcome.best_step + 3 * 5
    best = load_checkpoint(tmp_path / "run" / "checkpoints" / "best.safetensors")
    assert best.state.step == outcome.best_step
    for name, tensor in under("model", best.tensors).items():
        assert torch.equal(model.state_dict()[name], tensor)
    assert not model.training


def test_plateau_halves_when_validation_does_not_improve(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(
        optimizer="sgd", learning_rate=30.0, max_grad_norm=None, schedule="plateau", steps=60, eval_every_steps=5
    )
    Trainer(LanguageModelling(make_model(), corpus, config), tmp_path / "run").run()
    valid = [record["valid_loss"] for record in records(tmp_path / "run", "valid_loss")][:-1]
    stale = sum(loss >= min(valid[:i]) for i, loss in enumerate(valid) if i)
    assert stale > 0
    assert records(tmp_path / "run", "loss")[-1]["learning_rate"] == 30.0 / 2**stale


def test_validation_by_seconds(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    Trainer(
        LanguageModelling(make_model(), corpus, make_config(steps=3, eval_every_seconds=1e-6)), tmp_path / "run"
    ).run()
    assert [record["step"] for record in records(tmp_path / "run", "valid_loss")] == [1, 2, 3]


def test_the_jitter_of_window_lengths_scales_the_learning_rate(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(random_bptt=True, bptt=30, schedule="constant", steps=20)
    Trainer(LanguageModelling(make_model(), corpus, config), tmp_path / "run").run()
    rates = {record["learning_rate"] for record in records(tmp_path / "run", "loss")}
    assert len(rates) > 3
    assert all(rate * 30 / 0.02 == pytest.approx(round(rate * 30 / 0.02)) for rate in rates)


class Spy(RecurrentLanguageModel):
    """Notes the states that come in, and spoils the loss of chosen calls."""

    def __init__(
        self, config: RecurrentConfig, vocab_size: int, spoil: Callable[[int], bool] = lambda call: False
    ) -> None:
        super().__init__(config, vocab_size)
        self.states: list[State] = []
        self.spoil = spoil

    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        if self.training:
            self.states.append(state)
        return super().read(tokens, state)

    def losses(self, features: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Losses:
        nats, objective = super().losses(features, targets, label_smoothing)
        factor = math.nan if self.spoil(len(self.states)) else 1.0
        return Losses(nats * factor, objective * factor)


def spy(corpus: PreparedCorpus, spoil: Callable[[int], bool] = lambda call: False) -> Spy:
    torch.manual_seed(0)
    return Spy(
        RecurrentConfig(embedding_dim=8, hidden_size=16, embedding_range=1.0), corpus.tokenizer.vocab_size, spoil
    )


def test_the_state_is_carried_without_its_graph_and_reset_with_the_epoch(
    corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    model = spy(corpus)
    outcome = Trainer(LanguageModelling(model, corpus, make_config(epochs=2)), tmp_path / "run").run()
    assert all(not part.requires_grad and part.grad_fn is None for state in model.states for part in state)
    empty = [i for i, state in enumerate(model.states) if not any(part.any() for part in state)]
    assert empty == [0, outcome.steps // 2]


def test_a_loss_that_is_not_finite_takes_the_run_back(
    corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    events: list[Event] = []
    model = spy(corpus, lambda call: call == 30)
    config = make_config(steps=60, schedule="constant", eval_every_steps=20)
    outcome = Trainer(LanguageModelling(model, corpus, config), tmp_path / "run", progress=events.append).run()
    assert outcome.steps == 60
    assert outcome.best_valid_loss is not None
    assert outcome.best_valid_loss < 1.0
    messages = [event.message for event in events if event.message]
    assert messages == [
        "loss or gradients were not finite at step 30: back to the weights of step 20, with learning rate 0.01"
    ]
    losses = records(tmp_path / "run", "loss")
    assert [record["step"] for record in losses] == [step for step in range(1, 61) if step != 30]
    assert losses[-1]["learning_rate"] == 0.01
    assert not any(part.any() for part in model.states[30])  # the state was of the weights that were dropped
    assert records(tmp_path / "run", "learning_rate_scale") == [
        {"step": 30, "epoch": pytest.approx(30 / 100, abs=0.01), "learning_rate_scale": 0.5}
    ]


def test_the_third_loss_that_is_not_finite_ends_the_run(
    corpus: PreparedCorpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    trainer = Trainer(
        LanguageModelling(spy(corpus, lambda call: call >= 10), corpus, make_config(steps=60)), tmp_path / "run"
    )
    with pytest.raises(
        TrainingError, match=r"not finite at step 12, for the 3rd time.*lower learning_rate \(now 0.02\)"
    ):
        trainer.run()
    load_checkpoint(tmp_path / "run" / "checkpoints" / "last.safetensors")


def test_a_run_needs_a_rule_to_stop_by(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="says when to stop; set minutes, epochs or steps"):
        Trainer(LanguageModelling(make_model(), corpus, make_config()), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"patience": 3}, "patience = 3 in .* needs a validation split"), ({"schedule": "plateau"}, "'plateau' in")],
)
def test_what_needs_a_validation_split(
    corpus: PreparedCorpus,
    make_model: MakeModel,
    make_config: MakeConfig,
    tmp_path: Path,
    changes: dict[str, Any],
    message: str,
) -> None:
    train_only = without_valid(corpus)
    with pytest.raises(ConfigError, match=message):
        Trainer(LanguageModelling(make_model(), train_only, make_config(steps=3, **changes)), tmp_path / "run")


def test_without_a_validation_split_the_last_weights_are_kept(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    model = make_model()
    outcome = Trainer(LanguageModelling(model, without_valid(corpus), make_config(steps=3)), tmp_path / "run").run()
    assert (outcome.best_valid_loss, outcome.best_step) == (None, None)
    last = load_checkpoint(tmp_path / "run" / "checkpoints" / "last.safetensors")
    assert torch.equal(model.state_dict()["head.bias"], last.tensors["model/head.bias"])
    assert not (tmp_path / "run" / "checkpoints" / "best.safetensors").exists()


def test_a_text_too_short_for_one_batch(
    corpus: PreparedCorpus, make_model: MakeModel, make_config: MakeConfig, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match="too few for one batch"):
        Trainer(LanguageModelling(make_model(), corpus, make_config(steps=1, batch_size=4000)), tmp_path / "run").run()


def without_valid(corpus: PreparedCorpus) -> PreparedCorpus:
    return replace(corpus, counts={"train": corpus.counts["train"]})
