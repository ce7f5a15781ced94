"""The three dropouts: what is masked together, that the mean stays, and that evaluation drops nothing."""

import pytest
import torch
from torch import Generator, nn

from anaphora.models.layers.dropout import LockedDropout, draw_mask, drop_weights, embed_with_dropout, masks_from

B, T, H = 3, 7, 400


def test_locked_dropout_has_one_mask_for_all_steps_and_one_for_each_row() -> None:
    torch.manual_seed(1)
    dropped = LockedDropout(0.25)(torch.ones(B, T, H))
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert (dropped == dropped[:, :1]).all()
    assert not torch.equal(dropped[0], dropped[1])
    assert abs(dropped[:, 0].mean().item() - 1) < 0.05


def test_locked_dropout_keeps_the_time_first_in_memory() -> None:
    dropped = LockedDropout(0.5)(torch.ones(T, B, H).transpose(0, 1))
    assert dropped.transpose(0, 1).is_contiguous()


def test_locked_dropout_rests_in_evaluation() -> None:
    activations = torch.ones(B, T, H)
    assert LockedDropout(0.5).eval()(activations) is activations


def test_embedding_dropout_drops_a_type_wherever_it_occurs() -> None:
    torch.manual_seed(1)
    embedding = nn.Embedding(50, 4)
    tokens = torch.randint(50, (B, 60))
    found = embed_with_dropout(embedding, tokens, 0.5, training=True)
    whole = embedding(tokens)
    kept = found.abs().sum(-1) > 0
    torch.testing.assert_close(found[kept], 2 * whole[kept])
    for token in range(50):
        assert len(kept[tokens == token].unique()) <= 1
    assert 0.2 < kept.float().mean() < 0.8
    assert torch.equal(embed_with_dropout(embedding, tokens, 0.5, training=False), whole)


def test_weight_dropout_drops_single_weights_and_hands_gradients_on() -> None:
    torch.manual_seed(1)
    weight = nn.Parameter(torch.ones(40, H))
    dropped = drop_weights(weight, 0.5, training=True)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert dropped.is_contiguous()
    dropped.sum().backward()
    assert weight.grad is not None
    assert torch.equal(weight.grad, dropped.detach())
    assert drop_weights(weight, 0.5, training=False) is weight


@pytest.mark.parametrize("p", [0.1, 0.5, 0.83])
def test_a_mask_drops_its_share_and_keeps_the_mean(p: float) -> None:
    torch.manual_seed(1)
    mask = draw_mask(torch.empty(301, 997, dtype=torch.float64), p)
    deviation = (p * (1 - p) / mask.numel()) ** 0.5
    assert abs((mask == 0).double().mean().item() - p) < 4 * deviation + 1e-5
    assert abs(mask.mean().item() - 1) < 4 * deviation / (1 - p)
    rows = (mask == 0).double()
    assert abs(torch.corrcoef(torch.stack([rows.flatten()[:-1], rows.flatten()[1:]]))[0, 1]) < 0.01


def test_a_mask_of_almost_certain_dropping_still_has_a_mean() -> None:
    assert draw_mask(torch.ones(3, 3), 1 - 1e-9).isfinite().all()


def test_masks_may_come_from_a_generator_of_ones_own() -> None:
    before = torch.get_rng_state()
    masks = []
    for _ in range(2):
        with masks_from(Generator().manual_seed(3)):
            masks.append(draw_mask(torch.ones(5, 7), 0.5))
    assert torch.equal(*masks)
    assert torch.equal(torch.get_rng_state(), before)
    draw_mask(torch.ones(5, 7), 0.5)
    assert not torch.equal(torch.get_rng_state(), before)


def test_masks_come_from_the_seed() -> None:
    masks = []
    for _ in range(2):
        torch.manual_seed(7)
        masks.append(draw_mask(torch.ones(5, 7), 0.5))
    assert torch.equal(*masks)
