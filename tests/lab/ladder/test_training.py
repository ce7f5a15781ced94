"""One rung's training: the penalties by hand, the kept state, reproducibility, and the flag that stops it."""

from threading import Event as Flag

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anaphora.lab.ladder.nets import Loop, Reading, Stack
from anaphora.lab.ladder.training import Recipe, accuracy, loss_of, train
from anaphora.lab.parallel import StoppedError

VOCAB = 5
RECIPE = Recipe(epochs=3, learning_rate=1e-2)


def counting(windows: int) -> list[tuple[Tensor, Tensor]]:
    """Batches in lanes of 0 1 2 3 4 0 1 ...: the next token is always one more."""
    tokens = torch.arange(windows * 6 + 1) % VOCAB
    return [(piece[:-1].repeat(4, 1), piece[1:].repeat(4, 1)) for piece in tokens.unfold(0, 7, 6)]


def test_activation_and_slowness_penalties_by_hand() -> None:
    hidden, dropped = torch.randn(2, 4, 3), torch.randn(2, 4, 3)
    logits, targets = torch.randn(2, 4, VOCAB), torch.randint(VOCAB, (2, 4))
    recipe = Recipe(epochs=1, learning_rate=1.0, activation_penalty=2.0, slowness_penalty=1.0)
    expected = F.cross_entropy(logits.reshape(8, VOCAB), targets.reshape(8))
    expected += 2.0 * (dropped**2).mean() + 1.0 * ((hidden[:, 1:] - hidden[:, :-1]) ** 2).mean()
    assert torch.allclose(loss_of(Reading(logits, None, hidden, dropped), targets, recipe), expected)


def test_one_target_after_a_window_is_scored_at_its_last_token() -> None:
    logits, targets, hidden = torch.randn(2, 3, VOCAB), torch.randint(VOCAB, (2,)), torch.zeros(2, 3, 1)
    loss = loss_of(Reading(logits, None, hidden, hidden), targets, RECIPE)
    assert torch.allclose(loss, F.cross_entropy(logits[:, -1], targets))


def test_it_learns_and_the_same_seed_gives_the_same_climb() -> None:
    climbs = []
    for _ in range(2):
        torch.manual_seed(1)
        net = Stack(VOCAB, nn.LSTM, dropout=0.2, tied=True, seed=1)
        climbs.append(train(net, RECIPE, counting(20), counting(5), Flag()))
    assert climbs[0].accuracies == climbs[1].accuracies
    assert len(climbs[0].accuracies) == 3
    assert climbs[0].accuracies[-1] == 1.0


class Counter(Loop):
    """A net that remembers whether each of its windows came with a state, and with a graph behind it."""

    seen: list[str]

    def forward(self, tokens: Tensor, state: tuple[Tensor, ...] | None) -> Reading:
        self.seen.append("fresh" if state is None else "graph" if state[0].requires_grad else "kept")
        return super().forward(tokens, state)


def test_the_state_is_kept_detached_and_reset_at_each_epoch_and_validation() -> None:
    net = Counter(VOCAB)
    net.seen = []
    train(net, Recipe(epochs=2, learning_rate=1e-3), counting(3), counting(2), Flag())
    assert net.seen == ["fresh", "kept", "kept", "fresh", "kept"] * 2
    net.seen = []
    train(net, Recipe(epochs=1, learning_rate=1e-3, keep_state=False), counting(3), counting(2), Flag())
    assert net.seen == ["fresh"] * 5


def test_accuracy_is_over_all_targets() -> None:
    net = Loop(VOCAB)
    nn.init.zeros_(net.head.weight)
    with torch.no_grad():
        net.head.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0]))  # always guesses 1
    tokens = torch.zeros(1, 4, dtype=torch.int64)
    batches = [(tokens, torch.tensor([[1, 1, 1, 0]])), (tokens[:, :1], torch.tensor([[0]]))]
    assert accuracy(net, RECIPE, batches) == pytest.approx(3 / 5)


def test_a_set_flag_stops_the_training() -> None:
    stopped = Flag()
    stopped.set()
    with pytest.raises(StoppedError):
        train(Loop(VOCAB), RECIPE, counting(3), counting(2), stopped)
