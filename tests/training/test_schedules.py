"""Schedules are functions of a fraction: their ends, their peak, their smoothness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.training.config import TrainingConfig
from anaphora.training.schedules import (
    OPEN_ENDED,
    SCHEDULES,
    cosine,
    one_cycle,
    slanted_triangular,
    warm_restarts,
)

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


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"warm-restarts"}))
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


@given(step=st.integers(0, 1000))
def test_the_slanted_triangle_is_the_papers(step: int) -> None:
    """Equation 3 of Howard and Ruder 2018, with T = 1000, cut_frac = 0.1 and ratio = 32."""
    cut = 100
    p = step / cut if step < cut else 1 - (step - cut) / (cut * (1 / 0.1 - 1))
    assert slanted_triangular(step / 1000).scale == pytest.approx((1 + p * (32 - 1)) / 32)


def test_warm_restarts() -> None:
    """Cycles of 1, 2, 4 and 8 fifteenths of the run, each from all of the learning rate to nothing."""
    for start, length in ((0, 1), (1, 2), (3, 4), (7, 8)):
        assert warm_restarts((start + 1e-9) / 15).scale == pytest.approx(1.0)
        assert warm_restarts((start + length / 2) / 15).scale == pytest.approx(0.5)
        assert warm_restarts((start + length - 1e-6) / 15).scale == pytest.approx(0.0, abs=1e-6)
    assert warm_restarts(1.0).scale == pytest.approx(0.0)
