"""Four mistakes that teaching code makes, each beside the test that catches it: what is right passes, the wrong fails.

1. an evaluation that reports the last batch only, or the mean of batches of unequal length
2. a carried state that is never cut from the graph which made it
3. a state that is not reset at the start of an epoch
4. padding that is read as if it were text

Every check below is a function that says whether some training or evaluation is sound. It is given our own code, and
then the mistake itself, written as it is seen in the wild. docs/recipes.md says what they do to real figures.
"""

from collections.abc import Callable, Iterable
from math import exp, log

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from anaphora.data.prepare import SplitCounts
from anaphora.data.stream import Batch, ConsecutiveWindows
from anaphora.evaluation.evaluate import evaluate_tokens
from anaphora.evaluation.signature import Signature
from anaphora.lab.scratch.char_rnn import sgd, train_epoch
from anaphora.models.baselines import UnigramConfig, UnigramLanguageModel
from anaphora.models.classifier import ClassifierConfig, DocumentClassifier
from anaphora.models.language_model import LanguageModel, Reading, State
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.stepper import Stepper

VOCAB_SIZE, BATCH_SIZE, BPTT, EPOCHS = 5, 2, 4, 3
TOKEN_IDS = np.random.default_rng(1).integers(VOCAB_SIZE, size=42)
WINDOWS = ConsecutiveWindows(TOKEN_IDS, BATCH_SIZE, BPTT)


# 1. The last batch only ----------------------------------------------------------------------------------------------

# Three quarters hard (four tokens, equally often), one quarter easy; the last window of 16 holds 10 easy tokens.
UNEVEN = np.array([0, 1, 2, 3] * 12 + [0] * 10, dtype=np.uint8)
# The unigram model adds one to each of the counts 22, 12, 12, 12.
UNEVEN_LOSS = -(22 * log(23 / 62) + 36 * log(13 / 62)) / 58
LAST_WINDOW_LOSS = -log(23 / 62)

Evaluate = Callable[[LanguageModel, int], float]


def ours(model: LanguageModel, window: int) -> float:
    counts = SplitCounts(tokens=58, unknown_tokens=0, characters=58, bytes=58)
    signature = Signature(unknown="none", split="test")
    return evaluate_tokens(model, UNEVEN, counts, start_id=0, signature=signature, window=window).loss


def batch_losses(model: LanguageModel, window: int) -> Iterable[float]:
    token_ids = torch.from_numpy(UNEVEN.astype(np.int64))
    inputs, targets = torch.cat((token_ids[:1], token_ids[:-1])), token_ids
    for part, wanted in zip(inputs.split(window), targets.split(window), strict=True):
        log_probs, _ = model.target_log_probs(part[None], wanted[None], model.initial_state(1))
        yield -float(log_probs.mean())


def last_batch_only(model: LanguageModel, window: int) -> float:
    loss = 0.0
    for batch_loss in batch_losses(model, window):
        loss = batch_loss  # meant to be +=
    return loss


def mean_of_batch_means(model: LanguageModel, window: int) -> float:
    losses = list(batch_losses(model, window))
    return sum(losses) / len(losses)  # the short last batch counts as much as a full one


def scores_every_token_once(evaluate: Evaluate) -> bool:
    model = UnigramLanguageModel(UnigramConfig(), 4).fit(UNEVEN)
    return all(abs(evaluate(model, window) - UNEVEN_LOSS) < 1e-6 for window in (1, 16, 58))


def test_the_evaluation_scores_every_token_once() -> None:
    assert scores_every_token_once(ours)


@pytest.mark.parametrize("mistake", [last_batch_only, mean_of_batch_means])
def test_an_evaluation_that_favours_the_last_batch_is_caught(mistake: Evaluate) -> None:
    assert not scores_every_token_once(mistake)


def test_what_the_last_batch_hides() -> None:
    model = UnigramLanguageModel(UnigramConfig(), 4).fit(UNEVEN)
    assert last_batch_only(model, 16) == pytest.approx(LAST_WINDOW_LOSS)
    assert exp(last_batch_only(model, 16)) == pytest.approx(2.70, abs=0.01)  # so it is claimed ...
    assert exp(ours(model, 16)) == pytest.approx(3.84, abs=0.01)  # ... and so it is


# 2. The graph that is never cut --------------------------------------------------------------------------------------


class Watched(RecurrentLanguageModel):
    """A model that notes each state it is given."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        super().__init__(RecurrentConfig(name="elman", embedding_dim=3, hidden_size=4), VOCAB_SIZE)
        self.given: list[State] = []

    def read(self, tokens: Tensor, state: State) -> tuple[Reading, State]:
        self.given.append(state)
        return super().read(tokens, state)


Train = Callable[[Watched], None]


def epochs() -> Iterable[Batch]:
    for epoch in range(EPOCHS):
        yield from WINDOWS.epoch(epoch)


def trained_by_the_stepper(model: Watched) -> None:
    config = TrainingConfig(optimizer="sgd", learning_rate=0.1)
    stepper = Stepper(Learner.of(model, config), config, precision="float32")
    for batch in epochs():
        stepper.step(batch, 0.1, 0.0)


def trained_from_scratch(model: Watched) -> None:
    for epoch in range(EPOCHS):
        train_epoch(model, WINDOWS.epoch(epoch), learning_rate=0.1, max_norm=1.0)


def without_detach(model: Watched) -> None:
    state = model.initial_state(BATCH_SIZE)
    for batch in epochs():
        loss, state = model.loss(batch.inputs, batch.targets, state if batch.continues else model.initial_state(2))
        loss.backward()
        sgd(model.parameters(), 0.1)


def without_detach_but_with_retain_graph(model: Watched) -> None:
    """Do what the error message of `without_detach` seems to advise."""
    state = model.initial_state(BATCH_SIZE)
    for batch in epochs():
        loss, state = model.loss(batch.inputs, batch.targets, state if batch.continues else model.initial_state(2))
        loss.backward(retain_graph=True)
        sgd(model.parameters(), 0.1)


def with_one_update_an_epoch(model: Watched) -> None:
    """Sum the losses of an epoch and go back through all of it: no error, and a graph as long as the text."""
    for epoch in range(EPOCHS):
        state, total = model.initial_state(BATCH_SIZE), torch.zeros(())
        for batch in WINDOWS.epoch(epoch):
            loss, state = model.loss(batch.inputs, batch.targets, state)
            total = total + loss
        total.backward()
        sgd(model.parameters(), 0.1)


def cuts_the_state_from_the_graph(train: Train) -> bool:
    model = Watched()
    try:
        train(model)
    except RuntimeError:  # torch noticed
        return False
    assert len(model.given) == EPOCHS * len(WINDOWS.epoch(0))
    return not any(part.requires_grad for state in model.given for part in state)


@pytest.mark.parametrize("train", [trained_by_the_stepper, trained_from_scratch])
def test_the_carried_state_is_cut_from_the_graph(train: Train) -> None:
    assert cuts_the_state_from_the_graph(train)


@pytest.mark.parametrize("mistake", [without_detach, without_detach_but_with_retain_graph, with_one_update_an_epoch])
def test_a_state_that_is_not_cut_is_caught(mistake: Train) -> None:
    assert not cuts_the_state_from_the_graph(mistake)


def test_what_torch_says_about_it() -> None:
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        without_detach(Watched())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        without_detach_but_with_retain_graph(Watched())


def test_the_graph_grows_with_every_window() -> None:
    """One more window, one more window's worth of graph: a backward pass gets slower by as much every time."""
    model, batch, sizes = Watched(), WINDOWS.epoch(0)[0], []
    state = model.initial_state(BATCH_SIZE)
    for _ in range(4):
        loss, state = model.loss(batch.inputs, batch.targets, state)
        sizes.append(graph_size(loss))
    growth = np.diff(sizes)
    assert growth[0] > 0
    assert set(growth) == {growth[0]}


def test_an_evaluation_keeps_no_graph() -> None:
    """The silent form of the mistake: nobody calls backward, so nothing fails until memory is full."""
    model = Watched()
    counts = SplitCounts(tokens=42, unknown_tokens=0, characters=42, bytes=42)
    signature = Signature(unknown="none", split="test")
    noted: list[bool] = []
    model.layers.register_forward_hook(lambda *_: noted.append(torch.is_grad_enabled()))
    evaluate_tokens(model, TOKEN_IDS, counts, start_id=0, signature=signature, window=8)
    assert len(noted) == 6
    assert not any(noted)


def graph_size(loss: Tensor) -> int:
    """Return how many operations a backward pass from here goes through."""
    seen: set[object] = set()
    waiting = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [before for before, _ in node.next_functions]
    return len(seen)


# 3. The state that outlives its epoch --------------------------------------------------------------------------------


def without_reset(model: Watched) -> None:
    state = model.initial_state(BATCH_SIZE)
    for batch in epochs():
        loss, state = model.loss(batch.inputs, batch.targets, tuple(part.detach() for part in state))
        loss.backward()
        sgd(model.parameters(), 0.1)


def with_a_reset_at_each_window(model: Watched) -> None:
    """Overdo it: nothing is ever carried."""
    for batch in epochs():
        loss, _ = model.loss(batch.inputs, batch.targets, model.initial_state(BATCH_SIZE))
        loss.backward()
        sgd(model.parameters(), 0.1)


def resets_at_each_epoch_only(train: Train) -> bool:
    model = Watched()
    train(model)
    empty = [not any(part.any() for part in state) for state in model.given]
    count = len(WINDOWS.epoch(0))
    return empty == ([True] + [False] * (count - 1)) * EPOCHS


@pytest.mark.parametrize("train", [trained_by_the_stepper, trained_from_scratch])
def test_each_epoch_starts_from_an_empty_state(train: Train) -> None:
    assert resets_at_each_epoch_only(train)


@pytest.mark.parametrize("mistake", [without_reset, with_a_reset_at_each_window])
def test_a_state_that_outlives_its_epoch_is_caught(mistake: Train) -> None:
    assert not resets_at_each_epoch_only(mistake)


def test_an_evaluation_starts_from_an_empty_state_each_time() -> None:
    model = Watched()
    counts = SplitCounts(tokens=42, unknown_tokens=0, characters=42, bytes=42)
    signature = Signature(unknown="none", split="test")
    first, second = (evaluate_tokens(model, TOKEN_IDS, counts, start_id=0, signature=signature).loss for _ in range(2))
    assert first == second


# 4. The padding that is read -----------------------------------------------------------------------------------------

LENGTHS = torch.tensor([6, 2, 4])
EMBEDDED = torch.randn(3, 6, 3, generator=torch.Generator().manual_seed(4))

Summarise = Callable[[Tensor, Tensor], Tensor]


def layer() -> nn.LSTM:
    torch.manual_seed(1)
    return nn.LSTM(3, 4, batch_first=True, bidirectional=True)


def our_classifier(embedded: Tensor, lengths: Tensor) -> Tensor:
    torch.manual_seed(1)
    encoder = {"name": "lstm", "embedding_dim": 3, "hidden_size": 4, "bidirectional": True}
    config = ClassifierConfig.model_validate({"encoder": encoder, "labels": ("a", "b"), "pooling": "concat"})
    return DocumentClassifier(config, VOCAB_SIZE).eval().logits_from_embedded(embedded, lengths)


def packed(embedded: Tensor, lengths: Tensor) -> Tensor:
    """Take the slower way of the textbooks, which is right."""
    rows = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
    _, (last, _) = layer()(rows)
    return torch.cat(tuple(last), 1)


def last_column(embedded: Tensor, lengths: Tensor) -> Tensor:
    outputs: Tensor = layer()(embedded)[0]
    return outputs[:, -1]


def final_state(embedded: Tensor, lengths: Tensor) -> Tensor:
    _, (last, _) = layer()(embedded)
    return torch.cat(tuple(last), 1)


def true_length_of_both_directions(embedded: Tensor, lengths: Tensor) -> Tensor:
    """Get it half right: the layer that reads backwards has come through the padding all the same."""
    outputs: Tensor = layer()(embedded)[0]
    return outputs[torch.arange(len(outputs)), lengths - 1]


def mean_of_all_columns(embedded: Tensor, lengths: Tensor) -> Tensor:
    outputs: Tensor = layer()(embedded)[0]
    return outputs.mean(1)


@torch.no_grad()
def reads_no_padding(summarise: Summarise) -> bool:
    alone = [summarise(row[None, :length], length[None])[0] for row, length in zip(EMBEDDED, LENGTHS, strict=True)]
    return torch.allclose(summarise(EMBEDDED, LENGTHS), torch.stack(alone), atol=1e-5)


@pytest.mark.parametrize("summarise", [our_classifier, packed])
def test_no_padding_is_read(summarise: Summarise) -> None:
    assert reads_no_padding(summarise)


@pytest.mark.parametrize("mistake", [last_column, final_state, true_length_of_both_directions, mean_of_all_columns])
def test_padding_that_is_read_is_caught(mistake: Summarise) -> None:
    assert not reads_no_padding(mistake)
