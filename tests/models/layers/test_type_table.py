"""Products looked up by type: the same as products of embedded tokens, also over the border of two windows."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from anaphora.models import vector_math
from anaphora.models.layers.type_table import look_up, table_pays

T, B, V, N = 5, 3, 4, 19


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()


TOKENS = torch.randint(V, (T, B), generator=torch.Generator().manual_seed(5))


def composed(tables: Tensor, tokens: Tensor, border: Tensor) -> Tensor:
    total = F.pad(border, (0, 0, 0, 0, 0, len(tokens)))[: len(tokens)]
    for lag, table in enumerate(tables):
        seen = F.embedding(tokens[: max(0, len(tokens) - lag)], table)
        total = total + F.pad(seen, (0, 0, 0, 0, len(tokens) - len(seen), 0))
    return total


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("steps", [1, 2, T])
@pytest.mark.parametrize("lags", [1, 2, 4])
def test_it_is_the_sum_of_embedded_tokens(lags: int, steps: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(vector_math, "_LEAST_WORK", 1)
    tables, border = drawn(lags, V, N), drawn(min(lags - 1, steps), B, N, seed=2)
    found, expected = (way(tables, TOKENS[:steps], border) for way in (look_up, composed))
    torch.testing.assert_close(found, expected)
    wanted = drawn(steps, B, N, seed=3).detach()
    one, other = (torch.autograd.grad(part, (tables, border), wanted) for part in (found, expected))
    for gradient, true in zip(one, other, strict=True):
        torch.testing.assert_close(gradient, true)


def test_short_tables_have_gradients_that_were_summed_at_full_length() -> None:
    """In bfloat16, which has 8 bits, a running sum of ones would stop at 256."""
    tokens, tables = (
        torch.zeros(512, 1, dtype=torch.int64),
        torch.ones(1, 1, N, dtype=torch.bfloat16, requires_grad=True),
    )
    look_up(tables, tokens, tables.detach().new_empty(0, 1, N)).sum().backward()
    assert tables.grad is not None
    assert (tables.grad == 512).all()


@pytest.mark.parametrize("wrong", [-1, V])
def test_a_token_that_is_not_in_the_table_is_refused(wrong: int) -> None:
    with pytest.raises(IndexError, match=f"in a table of {V} rows"):
        look_up(drawn(1, V, N), torch.full((2, B), wrong), torch.empty(0, B, N))


def test_it_pays_where_types_are_few() -> None:
    assert table_pays(torch.zeros(4, 2), torch.zeros(2, 4))
    assert not table_pays(torch.zeros(4, 2), torch.zeros(1, 4))
    assert not table_pays(torch.zeros(4, 2, dtype=torch.float64), torch.zeros(9, 9))
