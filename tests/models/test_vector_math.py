"""The functions that compiled loops call: as accurate as the library's, and bfloat16 as PyTorch has it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from anaphora.compiled import compiled_on_vectors
from anaphora.models import vector_math
from anaphora.models.vector_math import (
    Array,
    as_array,
    exp,
    expm1,
    in_lanes,
    loops_serve,
    of_rank,
    rank,
    read,
    sigmoid,
    stored,
    tanh,
)


@compiled_on_vectors
def apply(kind: int, given: Array, results: Array) -> None:
    for place in range(len(given)):
        x = read(given[place])
        if kind == 0:
            y = exp(x)
        elif kind == 1:
            y = expm1(x)
        elif kind == 2:
            y = sigmoid(x)
        elif kind == 3:
            y = tanh(x)
        elif kind == 4:
            y = of_rank(rank(x))
        else:
            y = x
        results[place] = stored(y, results)


def numbers() -> torch.Tensor:
    chance = torch.Generator().manual_seed(1)
    small = torch.randn(20_000, generator=chance)
    return torch.cat([small, 30 * small, 1e-6 * small, torch.linspace(-100, 100, 4001), torch.zeros(3)])


@pytest.mark.parametrize(("kind", "true"), [(0, torch.exp), (1, torch.expm1), (2, torch.sigmoid), (3, torch.tanh)])
def test_all_digits_are_right(kind: int, true: Callable[[torch.Tensor], torch.Tensor]) -> None:
    given = numbers()
    given = given[(given > -87) & (given < 88)]  # where results are normal numbers
    found = torch.empty_like(given)
    apply(kind, as_array(given), as_array(found))
    torch.testing.assert_close(found.double(), true(given.double()), rtol=3e-7, atol=0)


@pytest.mark.parametrize("kind", range(5))
def test_what_is_no_number_stays_none_and_the_ends_are_finite(kind: int) -> None:
    given = torch.tensor([float("nan"), -1e4, 1e4])
    found = torch.empty_like(given)
    apply(kind, as_array(given), as_array(found))
    assert found.isnan().tolist() == [True, False, False]
    assert found[1:].isfinite().all()


def test_ranks_are_in_the_order_of_the_numbers_and_lead_back() -> None:
    given = numbers()
    found = torch.empty_like(given)
    apply(4, as_array(given), as_array(found))
    assert torch.equal(found, given)

    @compiled_on_vectors
    def ranks(given: Array, results: Array) -> None:
        for place in range(len(given)):
            results[place] = rank(given[place])

    results = np.empty(len(given), np.int32)
    ranks(as_array(given), results)
    assert (np.diff(results[given.argsort(stable=True).numpy()].astype(np.int64)) >= 0).all()


def test_bfloat16_is_read_and_rounded_as_pytorch_does() -> None:
    given = torch.cat([numbers(), torch.tensor([1.00390625, 1.01171875, 3.4e38, float("inf"), float("nan")])])
    short = torch.empty_like(given, dtype=torch.bfloat16)
    apply(5, as_array(given), as_array(short))
    assert torch.equal(short.nan_to_num(7.0), given.bfloat16().nan_to_num(7.0))
    wide = torch.empty_like(given)
    apply(5, as_array(short), as_array(wide))
    assert torch.equal(wide.nan_to_num(7.0), short.float().nan_to_num(7.0))


def test_loops_read_single_precision_on_the_cpu_only() -> None:
    assert loops_serve(torch.zeros(1), torch.zeros(1, dtype=torch.bfloat16))
    assert not loops_serve(torch.zeros(1), torch.zeros(1, dtype=torch.float64))
    assert not loops_serve(torch.zeros(1, device="meta"))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_lanes_share_all_rows_out_once(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(vector_math, "_LEAST_WORK", 1)
    seen = np.zeros(7, np.int64)

    def count(first: int, last: int, rows: Array) -> None:
        rows[first:last] += 1

    in_lanes(count, 7, 7, (seen,))
    in_lanes(count, 1, 1, (seen,))
    assert seen.tolist() == [2, 1, 1, 1, 1, 1, 1]


def test_what_goes_wrong_in_another_lane_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(vector_math, "_LEAST_WORK", 1)

    def fail(first: int, last: int) -> None:
        if first:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        in_lanes(fail, 4, 4, ())
