"""Probes: what they choose, that they leave no trace, and that no cache is no error. No test looks at real speed."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from anaphora.files import cache_folder
from anaphora.models.language_model import NeuralLanguageModel
from anaphora.models.net import Net
from anaphora.models.registry import build_model, model_config
from anaphora.runtime import Precision
from anaphora.training import probe
from anaphora.training.config import TrainingConfig


class FakeSpeed:
    """Answers with figures by precision and threads, and remembers what it was asked."""

    def __init__(self, figures: dict[tuple[str, int], float]) -> None:
        self.figures = figures
        self.asked: list[tuple[str, int]] = []
        self.allowed = 0.0

    def __call__(
        self,
        model: Net,
        training: TrainingConfig,
        precision: Precision,
        threads: int,
        allowance: float,
    ) -> float:
        self.asked.append((precision, threads))
        self.allowed += allowance
        figure = self.figures[precision, threads]
        if figure < 0:
            raise RuntimeError("not implemented for 'BFloat16'")
        return figure


def make_model(**values: Any) -> NeuralLanguageModel:
    shape = {"hidden_size": 8, "embedding_dim": 8, "dropout_output": 0.5}
    return cast(NeuralLanguageModel, build_model(model_config("lstm", {**shape, **values}), vocab_size=11))


def make_training(**values: Any) -> TrainingConfig:
    return TrainingConfig(**{"batch_size": 2, "bptt": 20, **values})


def without_omp(monkeypatch: pytest.MonkeyPatch, *, free: int) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(probe, "free_cpus", lambda: free)
    monkeypatch.setattr(probe, "available_cpus", lambda: free)


@pytest.mark.parametrize(
    ("plain", "short", "chosen"),
    [(100, 300, "bfloat16"), (100, 120, "bfloat16"), (100, 119, "float32"), (100, 50, "float32"), (100, -1, "float32")],
)
def test_bfloat16_has_to_be_a_fifth_faster(plain: float, short: float, chosen: str) -> None:
    speed = FakeSpeed({("float32", 1): plain, ("bfloat16", 1): short})
    assert probe.choose_precision(make_model(), make_training(), allowance=1.0, speed=speed) == chosen
    assert speed.allowed == 1.0


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_users_precision_is_not_questioned(precision: str) -> None:
    speed = FakeSpeed({})
    assert probe.choose_precision(make_model(), make_training(precision=precision), speed=speed) == precision
    assert speed.asked == []


def test_the_second_run_needs_no_probe() -> None:
    speed = FakeSpeed({("float32", 1): 1.0, ("bfloat16", 1): 2.0})
    for _ in range(2):
        assert probe.choose_precision(make_model(), make_training(), speed=speed) == "bfloat16"
    assert len(speed.asked) == 2
    probe.choose_precision(make_model(hidden_size=64), make_training(), speed=speed)
    assert len(speed.asked) == 4  # another shape is another question


@pytest.mark.parametrize("content", ["", "[]", '{"a": {}}', "\x00"])
def test_a_damaged_cache_is_measured_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    monkeypatch.setenv("ANAPHORA_CACHE", str(tmp_path))
    (tmp_path / "probes.json").write_text(content)
    speed = FakeSpeed({("float32", 1): 1.0, ("bfloat16", 1): 2.0})
    assert probe.choose_precision(make_model(), make_training(), speed=speed) == "bfloat16"
    assert "bfloat16" in json.loads((tmp_path / "probes.json").read_text()).values()


@pytest.mark.parametrize("kept", ["float16", 3, None, [], {}])
def test_nonsense_in_the_cache_is_no_answer(kept: object) -> None:
    speed = FakeSpeed({("float32", 1): 1.0, ("bfloat16", 1): 2.0})
    probe.choose_precision(make_model(), make_training(), speed=speed)
    path = cache_folder() / "probes.json"
    path.write_text(json.dumps(dict.fromkeys(json.loads(path.read_text()), kept)))
    assert probe.choose_precision(make_model(), make_training(), speed=speed) == "bfloat16"
    assert len(speed.asked) == 4


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ANAPHORA_CACHE", str(tmp_path / "file" / "cache"))
    speed = FakeSpeed({("float32", 1): 1.0, ("bfloat16", 1): 1.0})
    assert probe.choose_precision(make_model(), make_training(), speed=speed) == "float32"


@pytest.mark.parametrize(
    ("free", "figures", "chosen"),
    [
        (2, {1: 100, 2: 190}, 2),
        (2, {1: 100, 2: 110}, 1),
        (2, {1: 100, 2: 6}, 1),
        (6, {1: 100, 2: 180, 4: 300, 6: 310}, 4),
        (6, {1: 100, 2: 105, 4: 300, 6: 400}, 6),
    ],
)
def test_threads_have_to_earn_their_processors(
    monkeypatch: pytest.MonkeyPatch, free: int, figures: dict[int, float], chosen: int
) -> None:
    without_omp(monkeypatch, free=free)
    speed = FakeSpeed({("float32", threads): figure for threads, figure in figures.items()})
    for _ in range(2):
        assert probe.choose_threads(make_model(), make_training(), speed=speed) == chosen
    assert [threads for _, threads in speed.asked] == list(figures)


def test_threads_are_asked_for_where_the_user_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    speed = FakeSpeed({})
    without_omp(monkeypatch, free=8)
    assert probe.choose_threads(make_model(), make_training(threads=3), speed=speed) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert probe.choose_threads(make_model(), make_training(), speed=speed) == 5
    assert speed.asked == []


def test_one_free_processor_leaves_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    without_omp(monkeypatch, free=1)
    speed = FakeSpeed({})
    assert probe.choose_threads(make_model(), make_training(), speed=speed) == 1
    assert speed.asked == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_probe_leaves_no_trace(precision: Precision) -> None:
    model = make_model().eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    assert probe.tokens_per_second(model, make_training(), precision, 1, 0.01) > 0
    assert torch.equal(torch.rand(4), expected)
    assert torch.get_num_threads() == threads
    assert not model.training
    assert all(weight.grad is None for weight in model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


class FakeClock:
    """Moves by a fixed time whenever it is read."""

    def __init__(self, tick: float) -> None:
        self.now, self.tick = 0.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def test_speed_is_tokens_over_time() -> None:
    # Each step reads the clock before and after: it takes one tick of 0.01 s for 2 x 20 tokens.
    measured = probe.tokens_per_second(make_model(), make_training(), "float32", 1, 1.0, clock=FakeClock(0.01))
    assert measured == pytest.approx(2 * 20 / 0.01)


def test_a_step_that_is_too_long_is_measured_on_a_short_window() -> None:
    measured = probe.tokens_per_second(make_model(), make_training(), "float32", 1, 1.0, clock=FakeClock(10.0))
    assert measured == pytest.approx(2 * 8 / 10.0)


@pytest.mark.parametrize("allowance", [0.1, 1.0])
def test_a_probe_keeps_to_its_allowance(allowance: float) -> None:
    clock = FakeClock(0.01)
    probe.tokens_per_second(make_model(), make_training(), "float32", 1, allowance, clock=clock)
    assert clock.now <= allowance + 0.06  # and the clock itself, the first step and the last look cost a tick each
