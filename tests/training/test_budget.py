"""The one dial, with a fake machine: what it picks, keeps, says, and that it measures no longer than it may."""

import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from anaphora.data.prepare import PreparedCorpus, SplitCounts
from anaphora.errors import ConfigError
from anaphora.models.net import Net
from anaphora.models.recurrent import RecurrentConfig
from anaphora.models.registry import build_model
from anaphora.progress import Event
from anaphora.runtime import Precision
from anaphora.text.tokenizer import Tokenizer
from anaphora.training import survey
from anaphora.training.budget import Choice, _readable, choose
from anaphora.training.config import TrainingConfig

CPU = torch.device("cpu")

# The choice needs many models of few shapes; the fake machine only counts their weights.
built_once = cache(build_model)


@pytest.fixture(autouse=True)
def _build_each_shape_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "build_model", built_once)


class Machine:
    """Trains at a fixed arithmetic speed, bfloat16 three times faster, and has a clock that only measuring moves.

    `overrun` is what a measurement takes beyond its allowance, as a fraction of it.
    """

    def __init__(self, flops: float = 5e10, overrun: float = 0.0) -> None:
        self.flops, self.overrun = flops, overrun
        self.now = 100.0
        self.measured: list[Net] = []
        self.trainings: list[TrainingConfig] = []

    def clock(self) -> float:
        return self.now

    def speed(
        self,
        model: Net,
        training: TrainingConfig,
        precision: Precision,
        threads: int,
        allowance: float,
    ) -> float:
        self.now += allowance * (1 + self.overrun)
        self.measured.append(model)
        self.trainings.append(training)
        return self.flops * (3 if precision == "bfloat16" else 1) / (6 * model.num_parameters)


def make_corpus(tokens: int, vocab_size: int = 65, kind: str = "chars") -> PreparedCorpus:
    return PreparedCorpus(
        name="test",
        folder=Path("nowhere"),
        tokenizer=cast(Tokenizer, SimpleNamespace(vocab_size=vocab_size, kind=kind)),
        source_hash="",
        counts={"train": SplitCounts(tokens=tokens, unknown_tokens=0, characters=tokens, bytes=tokens)},
    )


def pick(
    corpus: PreparedCorpus,
    seconds: float,
    *,
    model: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
    name: str = "lstm",
    machine: Machine | None = None,
    events: list[Event] | None = None,
) -> Choice:
    machine = machine or Machine()
    return choose(
        corpus,
        name,
        model or {},
        training or {},
        seconds=seconds,
        device=CPU,
        progress=(events if events is not None else []).append,
        clock=machine.clock,
        speed=machine.speed,
    )


def config(choice: Choice) -> RecurrentConfig:
    assert isinstance(choice.model, RecurrentConfig)
    return choice.model


@pytest.mark.parametrize(("vocab_size", "kind"), [(65, "chars"), (10_000, "words")])
def test_more_time_never_picks_a_smaller_net(vocab_size: int, kind: str) -> None:
    corpus = make_corpus(1_000_000, vocab_size, kind)
    chosen = [config(pick(corpus, seconds)) for seconds in (6, 30, 120, 600, 3600, 36_000)]
    widths = [model.hidden_size * model.num_layers for model in chosen]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_a_faster_machine_gets_a_larger_net() -> None:
    corpus = make_corpus(1_000_000)
    slow, fast = (config(pick(corpus, 120, machine=Machine(flops))) for flops in (1e9, 1e12))
    assert slow.hidden_size < fast.hidden_size


def test_a_tiny_text_gets_a_small_net_much_dropout_and_windows_that_fit() -> None:
    choice = pick(make_corpus(1800), 120)
    assert config(choice).hidden_size <= 128
    assert config(choice).dropout_output == 0.5
    assert choice.training.batch_size * choice.training.bptt * 8 <= 1800


def test_a_text_that_is_hardly_read_once_needs_no_dropout() -> None:
    choice = pick(make_corpus(10**9), 120)
    assert config(choice).dropout_output == 0
    assert choice.training.batch_size * choice.training.bptt >= 512


def test_a_machine_that_needs_larger_batches_gets_them_where_the_steps_allow_it() -> None:
    class Idle(Machine):
        """Twice as fast on twice the tokens, as a processor with matrix units may be."""

        def speed(
            self, model: Net, training: TrainingConfig, precision: Precision, threads: int, allowance: float
        ) -> float:
            full = training.batch_size * training.bptt >= 1024
            return super().speed(model, training, precision, threads, allowance) * (2 if full else 1)

    corpus = make_corpus(1_000_000)
    shapes = [
        (choice.training.batch_size, choice.training.bptt)
        for machine in (Machine(2e10), Idle(2e10))
        for choice in (pick(corpus, seconds, machine=machine) for seconds in (60, 200))
    ]
    assert shapes == [(16, 32), (16, 32), (16, 32), (32, 32)]


def test_dropout_grows_with_time() -> None:
    corpus = make_corpus(200_000)
    drops = [config(pick(corpus, seconds)).dropout_output for seconds in (5, 60, 600, 6000)]
    assert drops == sorted(drops)
    assert drops[0] < drops[-1] <= 0.5


def test_words_get_tied_weights() -> None:
    assert config(pick(make_corpus(900_000, 10_000, "words"), 120)).tie_weights
    assert not config(pick(make_corpus(900_000, 65), 120)).tie_weights


def test_long_runs_take_larger_steps_and_none_holds_too_many_logits() -> None:
    corpus = make_corpus(50_000_000)
    sizes = [pick(corpus, seconds).training for seconds in (20, 36_000)]
    assert sizes[0].batch_size * sizes[0].bptt < sizes[1].batch_size * sizes[1].bptt
    large = pick(make_corpus(50_000_000, 50_000, "words"), 360_000).training
    assert large.batch_size * large.bptt * 50_000 <= 1 << 27


@pytest.mark.parametrize("name", ["lstm", "gru", "elman"])
def test_every_model_has_its_own_learning_rate(name: str) -> None:
    choice = pick(make_corpus(1_000_000), 60, name=name)
    assert config(choice).name == name
    assert 0.0005 <= choice.training.learning_rate <= 0.02
    assert choice.training.schedule == "one-cycle"


def test_a_stack_gets_its_dropouts_scaled_together() -> None:
    model = pick(make_corpus(1800), 120, name="awd-lstm").model.model_dump()
    assert (model["name"], model["drop_mult"], model["dropout_output"]) == ("awd-lstm", 1.25, 0.4)
    assert (
        pick(make_corpus(1800), 120, name="awd-lstm", model={"drop_mult": 0.1}).model.model_dump()["drop_mult"] == 0.1
    )


def test_larger_nets_learn_more_slowly() -> None:
    corpus = make_corpus(1_000_000)
    small, large = (pick(corpus, 60, model={"hidden_size": size}).training.learning_rate for size in (256, 1024))
    assert large < small


def test_what_the_user_fixed_is_kept() -> None:
    model = {"hidden_size": 50, "num_layers": 2, "dropout_output": 0.1, "embedding_dim": 7, "tie_weights": True}
    training = {
        "batch_size": 5,
        "bptt": 9,
        "learning_rate": 0.5,
        "precision": "float32",
        "threads": 3,
        "minutes": 2.0,
        "schedule": "cosine",
        "seed": 7,
    }
    machine = Machine()
    choice = pick(make_corpus(1_000_000), 120, model=model, training=training, machine=machine)
    assert model.items() <= dict(choice.model).items()
    assert training.items() <= dict(choice.training).items()
    assert {(tried.batch_size, tried.bptt, tried.threads) for tried in machine.trainings} == {(5, 9, 3)}


def test_one_fixed_side_of_the_batch_leaves_the_other_as_probed() -> None:
    choice = pick(make_corpus(1_000_000), 36_000, training={"batch_size": 24})
    assert choice.training.batch_size == 24


def test_sgd_gets_a_learning_rate_of_its_own() -> None:
    assert pick(make_corpus(1_000_000), 60, training={"optimizer": "sgd"}).training.learning_rate == 1.0


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown key 'hiden_size'"):
        pick(make_corpus(1000), 60, model={"hiden_size": 5})
    with pytest.raises(ConfigError, match="unknown key 'batchsize'"):
        pick(make_corpus(1000), 60, training={"batchsize": 5})


def test_the_machine_settings_are_filled_in() -> None:
    choice = pick(make_corpus(1_000_000), 60)
    assert choice.training.precision == "bfloat16"
    assert choice.training.threads == 1


@pytest.mark.parametrize("seconds", [1, 6, 120, 36_000])
def test_the_probe_keeps_to_its_allowance(seconds: float) -> None:
    machine = Machine()
    pick(make_corpus(1_000_000), seconds, machine=machine)
    assert machine.now - 100 <= min(8.0, 0.05 * seconds) + 1e-9


def test_after_measurements_that_took_too_long_no_more_are_begun() -> None:
    machine = Machine(overrun=20.0)
    choice = pick(make_corpus(1_000_000), 20, machine=machine)
    assert len(choice.measured["probes"]) == 1
    assert config(choice).hidden_size


def test_sizes_that_would_outlast_the_allowance_are_not_measured() -> None:
    assert len(pick(make_corpus(1_000_000), 120).measured["probes"]) == 3
    assert len(pick(make_corpus(1_000_000), 6, machine=Machine(1e9)).measured["probes"]) < 3


def test_a_start_that_used_up_the_time_still_gives_a_small_net() -> None:
    machine = Machine(overrun=1000.0)
    choice = pick(make_corpus(1_000_000), 6, machine=machine)
    assert config(choice).hidden_size <= 256


def test_reasons_carry_the_figures() -> None:
    choice = pick(make_corpus(1_003_854), 120)
    text = "\n".join(choice.reasons)
    assert "1.0 million characters, 65 different ones" in text
    assert f"lstm with hidden {config(choice).hidden_size}: this machine trains it on " in text
    assert "characters a second (bfloat16, 1 thread), which makes " in text
    assert "epochs in 2 minutes" in text
    assert f"dropout {config(choice).dropout_output:g} for " in text
    assert f"learning rate up to {choice.training.learning_rate:g}" in text
    assert "an adaptive softmax reads several times as much" in pick(make_corpus(900, 20_000, "words"), 60).reasons[0]
    assert "words, 10,000 different ones" in pick(make_corpus(900, 10_000, "words"), 60).reasons[0]


def test_a_small_text_is_read_fifty_times_and_no_more() -> None:
    corpus = make_corpus(30_000)
    choice = pick(corpus, 600)
    assert max(size["tokens"] for size in choice.measured["sizes"]) == 50 * 30_000
    assert "50 epochs in " in choice.reasons[1]
    assert choice.reasons[1].endswith("s: more would be learning by heart")
    endless = pick(corpus, 600, training={"max_epochs": None})
    assert max(size["tokens"] for size in endless.measured["sizes"]) > 1000 * 30_000
    assert endless.reasons[1].endswith("epochs in 10 minutes")
    assert config(endless).hidden_size <= config(choice).hidden_size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0.123, "0.12"),
        (9.84, "9.8"),
        (1, "1"),
        (95, "95"),
        (956, "960"),
        (62_345, "62,000"),
        (1_003_854, "1.0 million"),
    ],
)
def test_counts_are_readable(count: float, text: str) -> None:
    assert _readable(count) == text


def test_what_was_measured_is_json_and_lists_every_size() -> None:
    measured = pick(make_corpus(1_000_000), 120).measured
    assert json.loads(json.dumps(measured)) == measured
    assert len(measured["sizes"]) > len(measured["probes"]) == 3


def test_probes_report_their_progress() -> None:
    events: list[Event] = []
    pick(make_corpus(1_000_000), 120, events=events)
    assert [event.stage for event in events] == ["probe"] * 3
    assert all(event.unit == "seconds" and event.total == 6.0 for event in events)
    assert all(event.values["tokens_per_second"] > 0 for event in events)


def test_choosing_does_not_move_the_random_generator() -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    choose(make_corpus(5000), "lstm", {}, {}, seconds=0.1, device=CPU)
    assert torch.equal(torch.rand(2), expected)


def test_label_smoothing_needs_the_full_softmax() -> None:
    corpus = make_corpus(10_000, 20_000, "words")
    assert getattr(pick(corpus, 60).model, "head", None) == "adaptive"
    assert getattr(pick(corpus, 60, training={"label_smoothing": 0.1}).model, "head", None) == "full"
