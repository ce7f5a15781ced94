"""The modern block is its equations, keeps its stream, and its settings do what they say."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from anaphora.models.cells.block import BlockCell, BlockConfig
from anaphora.models.registry import build_model, model_config

B, T, D = 3, 6, 8
SIZE: dict[str, Any] = {"embedding_dim": D, "hidden_size": D}


def make(**settings: Any) -> BlockCell:
    torch.manual_seed(3)
    cell = BlockCell(D, D, BlockConfig(**{**SIZE, **settings})).double()
    cell.reset_parameters()
    for weight in cell.parameters():  # ones and zeros at the start would hide mistakes
        weight.data.add_(0.1 * torch.randn_like(weight))
    return cell.eval()


def window() -> Tensor:
    return torch.randn(B, T, D, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("cell", ["mingru", "qrnn"])
@pytest.mark.parametrize("conv_window", [1, 3])
def test_it_is_its_equations(cell: str, conv_window: int) -> None:
    block, x = make(cell=cell, conv_window=conv_window), window()
    state = block.initial_state(B)
    assert len(state) == block.num_state_parts
    found, _ = block(x, state)

    normed = F.layer_norm(x, (D,)) * block.norm.weight
    if block.taps is not None:
        padded = torch.cat([torch.zeros(B, conv_window - 1, D).double(), normed], 1)
        normed = torch.stack([(padded[:, t : t + conv_window] * block.taps).sum(1) for t in range(T)], 1)
    x = x + block.cell(normed, block.cell.initial_state(B))[0]
    layer: Any = block.layer
    u, v = (F.layer_norm(x, (D,)) * layer.norm.weight @ layer.up.weight.T).chunk(2, -1)
    torch.testing.assert_close(found, x + (u * u.sigmoid() * v) @ layer.down.weight.T)


def test_the_convolution_starts_as_nothing() -> None:
    torch.manual_seed(3)
    plain, mixed = BlockCell(D, D, BlockConfig(**SIZE)), BlockCell(D, D, BlockConfig(**SIZE, conv_window=4))
    plain.reset_parameters()
    mixed.reset_parameters()
    mixed.load_state_dict({**plain.state_dict(), "taps": mixed.taps})
    x = window().float()
    torch.testing.assert_close(plain(x, plain.initial_state(B))[0], mixed(x, mixed.initial_state(B))[0])


def test_without_expansion_there_is_no_gated_layer() -> None:
    assert make(expansion=0).layer is None


def test_where_widths_differ_a_matrix_leads_the_stream_across() -> None:
    torch.manual_seed(3)
    block = BlockCell(D, D + 1, BlockConfig(**SIZE, expansion=0)).double()
    block.reset_parameters()
    x, state = window(), block.initial_state(B)
    assert block.across is not None
    torch.testing.assert_close(block(x, state)[0], x @ block.across.weight.T + block.cell(block.norm(x), state)[0])
    assert make().across is None


def test_the_sum_is_normed_before_the_head() -> None:
    model: Any = build_model(model_config("block", SIZE), 5)
    reading, _ = model.read(torch.zeros(2, 3, dtype=torch.int64), model.initial_state(2))
    torch.testing.assert_close(reading.raw.square().mean(-1), torch.ones(2, 3), rtol=1e-2, atol=1e-2)
