"""When the validation split is scored, and how much of it."""

from typing import cast

import pytest

from anaphora.data.prepare import PreparedCorpus
from anaphora.evaluation.evaluate import evaluate_split
from anaphora.models.baselines import UniformLanguageModel
from anaphora.models.language_model import NeuralLanguageModel
from anaphora.training.config import TrainingConfig
from anaphora.training.language_modelling import LanguageModelling
from anaphora.training.run_state import RunState
from anaphora.training.validation import Validator


def validator(
    corpus: PreparedCorpus,
    config: TrainingConfig,
    *,
    time_limit: float | None = None,
    total_steps: int | None = None,
    steps_per_epoch: int = 100,
) -> Validator:
    model = UniformLanguageModel(UniformLanguageModel.config_class(name="uniform"), corpus.tokenizer.vocab_size)
    task = LanguageModelling(cast(NeuralLanguageModel, model), corpus, config)
    return Validator(task, time_limit=time_limit, total_steps=total_steps, steps_per_epoch=steps_per_epoch)


@pytest.mark.parametrize(
    ("total_steps", "due"),
    [(300, [30, 60, 90, 120, 150]), (995, [100]), (2000, [100])],
    ids=["a tenth of a short run", "a tenth just under an epoch", "every epoch of a long run"],
)
def test_by_default_each_epoch_or_tenth(corpus: PreparedCorpus, total_steps: int, due: list[int]) -> None:
    it = validator(corpus, TrainingConfig(), total_steps=total_steps)
    assert [step for step in range(1, 151) if it.is_due(RunState(step=step), epoch_ended=step == 100)] == due


def test_every_so_many_steps(corpus: PreparedCorpus) -> None:
    it = validator(corpus, TrainingConfig(eval_every_steps=40), total_steps=100)
    assert [step for step in range(1, 101) if it.is_due(RunState(step=step), epoch_ended=True)] == [40, 80]


def test_every_so_many_seconds(corpus: PreparedCorpus) -> None:
    it = validator(corpus, TrainingConfig(eval_every_seconds=5.0), total_steps=100)
    assert it.is_due(RunState(seconds=12.0, validated_seconds=7.0), epoch_ended=False)
    assert not it.is_due(RunState(seconds=11.9, validated_seconds=7.0), epoch_ended=True)


def test_against_the_clock_the_pause_grows_with_the_cost(corpus: PreparedCorpus) -> None:
    it = validator(corpus, TrainingConfig(minutes=10), time_limit=600.0)
    # 180 tokens at 20 a second take 9 seconds: wait 20 times as long, not just a twentieth of the run.
    slow = RunState(step=10, tokens=2000, seconds=100.0)
    assert it.expected_seconds(slow) == 9.0
    assert not it.is_due(slow, epoch_ended=True)
    assert it.is_due(RunState(step=10, tokens=3600, seconds=180.0), epoch_ended=False)
    fast = RunState(step=10, tokens=200_000, seconds=30.0)
    assert it.is_due(fast, epoch_ended=False)
    assert not it.is_due(RunState(step=10, tokens=200_000, seconds=29.0), epoch_ended=True)
    assert it.is_due(RunState(step=10, tokens=200_000, seconds=29.0), epoch_ended=True, run_seconds=500.0)


def test_all_of_the_split_is_scored_as_evaluation_does(corpus: PreparedCorpus) -> None:
    it, state = validator(corpus, TrainingConfig(), total_steps=100), RunState(step=1)
    model = UniformLanguageModel(UniformLanguageModel.config_class(name="uniform"), corpus.tokenizer.vocab_size)
    assert it.validate(state).loss == pytest.approx(evaluate_split(model, corpus, "valid").loss)
    assert state.valid_tokens == corpus.counts["valid"].tokens


def test_no_more_is_scored_than_half_of_what_is_trained_in_between(
    corpus: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anaphora.training.validation._MIN_INTERVAL_TARGETS", 10)
    config = TrainingConfig(batch_size=2, bptt=10, eval_every_steps=4)
    it, state = validator(corpus, config, total_steps=100), RunState(step=4)
    it.validate(state)
    assert state.valid_tokens == 40


def test_against_the_clock_no_more_is_scored_than_two_percent_of_the_time_can_train(
    corpus: PreparedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anaphora.training.validation._MIN_TARGETS", 10)
    it, state = validator(corpus, TrainingConfig(minutes=1), time_limit=60.0), RunState(tokens=1000, seconds=10.0)
    it.validate(state)
    assert state.valid_tokens == int(0.02 * 60 * 100)
    state.tokens = 100_000
    it.validate(state)
    assert state.valid_tokens == int(0.02 * 60 * 100)  # the same text each time, or the best could not be told
