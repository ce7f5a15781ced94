"""When a run is over, and how far it is: by steps, epochs, the clock, and how often a text may be read."""

import pytest

from anaphora.training.config import TrainingConfig
from anaphora.training.run_length import RunLength
from anaphora.training.run_state import RunState


def stops(length: RunLength, state: RunState, epochs: float = 0.0) -> str:
    return length.reason_to_stop(state, epochs=epochs, next_step=1.0, rest=5.0)


def test_a_run_by_steps() -> None:
    length = RunLength(TrainingConfig(steps=10), None)
    assert [stops(length, RunState(step=step), 99.0) for step in (9, 10)] == ["", "steps"]
    assert length.fraction(RunState(step=4), epochs=99.0, rest=5.0) == 0.4
    assert length.seconds(RunState(step=4, seconds=3.0), epochs=99.0) is None


def test_a_run_by_epochs() -> None:
    length = RunLength(TrainingConfig(epochs=100), None)  # more than a run by minutes reads
    assert [stops(length, RunState(), epochs) for epochs in (99.9, 100.0)] == ["", "epochs"]
    assert length.fraction(RunState(), epochs=70.0, rest=5.0) == 0.7


def test_a_run_against_the_clock_leaves_time_for_the_rest() -> None:
    length = RunLength(TrainingConfig(minutes=1.0, max_epochs=None), 60.0)
    assert [stops(length, RunState(seconds=seconds), 1e6) for seconds in (54.0, 54.1)] == ["", "time"]
    assert length.fraction(RunState(seconds=11.0), epochs=1e6, rest=5.0) == pytest.approx(0.2)
    assert length.fraction(RunState(seconds=58.0), epochs=1e6, rest=5.0) == 1.0
    assert length.seconds(RunState(seconds=11.0), epochs=1e6) == 60.0


def test_a_small_text_ends_it_before() -> None:
    length = RunLength(TrainingConfig(minutes=1.0, max_epochs=20), 60.0)
    assert [stops(length, RunState(seconds=9.0), epochs) for epochs in (19.9, 20.0)] == ["", "epochs"]
    state = RunState(seconds=3.0)
    assert length.fraction(state, epochs=10.0, rest=5.0) == 0.5
    assert length.seconds(state, epochs=10.0) == 6.0
    assert length.seconds(RunState(), epochs=0.0) == 60.0  # nothing is known yet
    assert length.fraction(state, epochs=0.1, rest=5.0) == pytest.approx(3 / 55)  # a large one does not
    assert length.seconds(state, epochs=0.1) == 60.0


def test_patience() -> None:
    length = RunLength(TrainingConfig(steps=10, patience=2), None)
    assert [stops(length, RunState(stale_validations=count)) for count in (1, 2)] == ["", "patience"]
