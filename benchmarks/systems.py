"""Textbook systems D (a novel, by characters) and A (text8, by words) side by side: plain twin and anaphora's own.

Both sides get the same weights and the same batch, so that benchmarks time the same work; `check_agreement` proves it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from anaphora.data.stream import Batch
from anaphora.models.recurrent import RecurrentConfig, RecurrentLanguageModel
from anaphora.runtime import Precision
from anaphora.training.config import TrainingConfig
from anaphora.training.learner import Learner
from anaphora.training.stepper import Stepper
from benchmarks import twin_island, twin_text8
from benchmarks.texts import island_text, text8_text

# Adam as torch and the textbooks set it: 0.001, (0.9, 0.999), no weight decay.
_ADAM = TrainingConfig(optimizer="adam", learning_rate=1e-3, weight_decay=0.0, beta2=0.999)
_TOLERANCE = 1e-4  # nats; float32 sums in different orders


@dataclass(frozen=True, kw_only=True)
class System:
    """One textbook system, ready to train on one batch over and over.

    Attributes:
        source: the text the batch comes from, real or made up.
        unit: what a token is, in the plural.
        make_twin: makes the plain training, with weights from torch's generator.
        config, vocab_size: of anaphora's model of the same sizes.
        batch: inputs and targets, on the device.
        steps: training steps that one timed run takes.
    """

    name: str
    source: str
    unit: str
    make_twin: Callable[[], twin_island.IslandTraining | twin_text8.Text8Training]
    config: RecurrentConfig
    vocab_size: int
    batch: Batch
    max_grad_norm: float | None
    steps: int

    @property
    def tokens(self) -> int:
        """Tokens that one timed run trains on."""
        return self.steps * self.batch.targets.numel()

    def make_ours(self, precision: Precision, weights: nn.Module) -> Stepper:
        """Return anaphora's training step for a model with the weights of a twin."""
        model = same_model(weights, self.config, self.vocab_size).to(self.batch.inputs.device)
        config = _ADAM.replace(max_grad_norm=self.max_grad_norm)
        return Stepper(Learner.of(model, config), config, precision=precision)

    def check_agreement(self) -> tuple[float, float]:
        """Return the loss of the twin's and of anaphora's first step; fail when they differ."""
        twin = self.make_twin()
        ours = self.make_ours("float32", twin.model)
        expected = twin.step(self.batch.inputs, self.batch.targets)
        ours.step(self.batch, _ADAM.learning_rate, 0.9)
        (found,) = ours.read()
        assert abs(found.loss - expected) < _TOLERANCE, (self.name, found.loss, expected)
        return expected, found.loss


def island_system(device: torch.device) -> System:
    """Return system D: 64 windows of 40 characters, embedding 256, LSTM 512."""
    text, source = island_text()
    token_ids, vocab_size = encode_characters(text)
    return System(
        name="island-chars",
        source=source,
        unit="characters",
        make_twin=lambda: twin_island.IslandTraining(vocab_size, device),
        config=RecurrentConfig(embedding_dim=twin_island.EMBEDDING_DIM, hidden_size=twin_island.HIDDEN_SIZE),
        vocab_size=vocab_size,
        batch=_batch(token_ids, twin_island.BATCH_SIZE, twin_island.SEQ_LEN, device),
        max_grad_norm=None,
        steps=2,
    )


def text8_system(device: torch.device) -> System:
    """Return system A: 32 windows of 50 words, embedding 100, LSTM 100, 50,002 words."""
    text, source = text8_text()
    return System(
        name="text8-words",
        source=source,
        unit="words",
        make_twin=lambda: twin_text8.Text8Training(twin_text8.VOCAB_SIZE, device),
        config=RecurrentConfig(embedding_dim=twin_text8.EMBEDDING_DIM, hidden_size=twin_text8.HIDDEN_SIZE),
        vocab_size=twin_text8.VOCAB_SIZE,
        batch=_batch(_encode_words(text), twin_text8.BATCH_SIZE, twin_text8.SEQ_LEN, device),
        max_grad_norm=twin_text8.MAX_GRAD_NORM,
        steps=1,
    )


def same_model(twin: nn.Module, config: RecurrentConfig, vocab_size: int) -> RecurrentLanguageModel:
    """Return anaphora's model with the weights of a twin."""
    model = RecurrentLanguageModel(config, vocab_size)
    model.load_state_dict({key.replace("lstm.", "layers."): t for key, t in twin.state_dict().items()})
    return model


def encode_characters(text: str) -> tuple[Tensor, int]:
    """Return the characters of a text as ids, sorted by code point, and how many distinct ones there are."""
    types, token_ids = np.unique(np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32), return_inverse=True)
    return torch.from_numpy(token_ids.astype(np.int64)), len(types)


def _encode_words(text: str) -> Tensor:
    """Return the words of a text as ids, by first appearance; types beyond the vocabulary share the last id."""
    known: dict[str, int] = {}
    last = twin_text8.VOCAB_SIZE - 1
    return torch.tensor([min(known.setdefault(word, len(known)), last) for word in text.split()])


def _batch(token_ids: Tensor, batch_size: int, seq_len: int, device: torch.device) -> Batch:
    """Return windows that lie side by side in the text, as one batch."""
    rows = token_ids[: batch_size * (seq_len + 1)].view(batch_size, seq_len + 1).to(device)
    return Batch(inputs=rows[:, :-1].contiguous(), targets=rows[:, 1:].contiguous(), continues=False)
