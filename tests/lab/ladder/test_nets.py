"""The nets of the ladder: the loop is what was written out, and each does what its rung adds."""

import torch
from torch import nn

from anaphora.lab.ladder.nets import HIDDEN_SIZE, AwdLstm, Loop, Stack, WrittenOut

VOCAB = 30


def test_the_loop_is_what_was_written_out() -> None:
    written, loop = WrittenOut(VOCAB), Loop(VOCAB)
    loop.load_state_dict(written.state_dict())
    tokens = torch.randint(VOCAB, (4, 3))
    assert torch.equal(loop(tokens, None).logits[:, -1], written(tokens, None).logits[:, 0])


def test_a_kept_state_joins_two_windows() -> None:
    awd = AwdLstm(VOCAB, drop_mult=1.0, seed=1).eval()
    for net in (Loop(VOCAB), Stack(VOCAB, nn.RNN), Stack(VOCAB, nn.LSTM), Stack(VOCAB, nn.GRU), awd):
        tokens = torch.randint(VOCAB, (4, 8))
        whole = net(tokens, None).logits
        first = net(tokens[:, :5], None)
        second = net(tokens[:, 5:], first.state)
        assert torch.allclose(torch.cat([first.logits, second.logits], 1), whole, atol=1e-6)


def test_a_tied_head_is_the_embedding() -> None:
    net = Stack(VOCAB, nn.LSTM, tied=True)
    assert net.head.weight is net.embedding.weight


def test_dropout_acts_in_training_only_and_comes_from_its_own_generator() -> None:
    tokens = torch.randint(VOCAB, (4, 8))
    net = Stack(VOCAB, nn.LSTM, dropout=0.5, seed=1)
    before = torch.get_rng_state()
    reading = net(tokens, None)
    assert torch.equal(torch.get_rng_state(), before)
    kept = reading.dropped != 0
    assert 0.4 < kept.double().mean() < 0.6
    assert torch.allclose(reading.dropped[kept], 2 * reading.hidden[kept])
    assert reading.hidden.shape == (4, 8, HIDDEN_SIZE)
    net.eval()
    reading = net(tokens, None)
    assert torch.equal(reading.dropped, reading.hidden)


def test_the_masks_of_awd_lstm_come_from_its_own_generator() -> None:
    tokens = torch.randint(VOCAB, (4, 8))
    net = AwdLstm(VOCAB, drop_mult=1.0, seed=1)
    before = torch.get_rng_state()
    first = net(tokens, None).logits
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    net.chance.manual_seed(1)
    assert torch.equal(net(tokens, None).logits, first)
