"""Schedules are functions of a fraction: their ends, their peak, their smoothness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.training.config import TrainingConfig
from anaphora.training.schedules import OPEN_ENDED, SCHEDULES, cosine, one_cycle

FRACTIONS = st.floats(0.0, 1.0)


def test_the_table_and_the_configuration_know_the_same_names() -> None:
    choices = TrainingConfig.model_json_schema()["properties"]["schedule"]["enum"]
    assert sorted(choices) == sorted(SCHEDULES)
    assert set(SCHEDULES) > OPEN_ENDED


@pytest.mark.parametrize("name", sorted(SCHEDULES))
@given(fraction=FRACTIONS)
def test_no_schedule_leaves_its_range(name: str, fraction: float) -> None:
    scale, momentum = SCHEDULES[name](fraction)
    assert 0.0 <= scale <= 1.0
    assert momentum is None or 0.85 <= momentum <= 0.95


@pytest.mark.parametrize("name", sorted(OPEN_ENDED))
@given(fraction=FRACTIONS)
def test_open_ended_schedules_do_not_look_at_the_clock(name: str, fraction: float) -> None:
    assert SCHEDULES[name](fraction) == (1.0, None)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
@given(fraction=st.floats(0.0, 0.999))
def test_no_schedule_jumps(name: str, fraction: float) -> None:
    assert SCHEDULES[name](fraction + 0.001).scale == pytest.approx(SCHEDULES[name](fraction).scale, abs=0.05)


def test_cosine_points() -> None:
    assert cosine(0.0).scale == pytest.approx(1 / 25)
    assert cosine(0.02).scale == 1.0
    assert cosine(0.51).scale == pytest.approx(0.5)
    assert cosine(1.0).scale == pytest.approx(0.0)


def test_one_cycle_points() -> None:
    assert one_cycle(0.0) == pytest.approx((1 / 25, 0.95))
    assert one_cycle(0.125) == pytest.approx(((1 + 1 / 25) / 2, 0.9))
    assert one_cycle(0.25) == pytest.approx((1.0, 0.85))
    assert one_cycle(0.625) == pytest.approx((0.5, 0.9), abs=1e-5)
    assert one_cycle(1.0) == pytest.approx((1e-5, 0.95))
