"""Side by side: results in order, reports, and an error that stops the others."""

from functools import partial
from threading import Event as Flag

import pytest
import torch

from anaphora.lab.parallel import StoppedError, drawn_from, side_by_side
from anaphora.progress import Event, silent


def test_results_come_in_the_order_of_the_jobs_and_each_is_reported() -> None:
    events: list[Event] = []

    def job(number: int, stopped: Flag) -> tuple[int, int]:
        return number, torch.get_num_threads()

    results = side_by_side([partial(job, number) for number in range(9)], stage="ladder", progress=events.append)
    assert results == [(number, 1) for number in range(9)]
    assert [(event.stage, event.done, event.total) for event in events] == [("ladder", n, 9) for n in range(1, 10)]


def test_an_error_stops_the_others() -> None:
    stopped_early = []

    def fails(stopped: Flag) -> None:
        raise ValueError("no")

    def waits(stopped: Flag) -> None:
        stopped_early.append(stopped.wait(timeout=30))
        raise StoppedError

    with pytest.raises(ValueError, match="no"):
        side_by_side([fails, waits], stage="memory", progress=silent)
    assert stopped_early in ([True], [])  # on one processor the second may never have begun


def test_jobs_that_draw_at_once_draw_what_each_draws_alone() -> None:
    def draw(seed: int, stopped: Flag) -> list[float]:
        with drawn_from(seed):
            return [float(torch.rand(())) for _ in range(200)]

    alone = [draw(seed, Flag()) for seed in range(8)]
    before = torch.get_rng_state()
    found = side_by_side([partial(draw, seed) for seed in range(8)], stage="draw", progress=silent)
    assert found == alone
    assert torch.equal(torch.get_rng_state(), before)
