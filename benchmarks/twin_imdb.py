"""A plain twin of textbook system D's classifier, which tells whether a film review is praise or blame.

This is the rival of the speed benchmark, written the way the textbook teaches it and no faster: reviews in random
order, each batch padded to its longest, the true lengths handed to `pack_padded_sequence`, one sigmoid, binary cross
entropy, torch.optim.Adam.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

VOCAB_SIZE = 69_025  # 69,023 types, <pad> and <unk>
EMBEDDING_DIM, HIDDEN_SIZE, CLASSIFIER_DIM = 20, 64, 64
BATCH_SIZE, LEARNING_RATE = 32, 1e-3


class ReviewTwin(nn.Module):
    """Embedding 20, LSTM 64 in one direction or both, 64 rectified units, one probability."""

    def __init__(self, vocab_size: int = VOCAB_SIZE, *, bidirectional: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, EMBEDDING_DIM, padding_idx=0)
        self.lstm = nn.LSTM(EMBEDDING_DIM, HIDDEN_SIZE, batch_first=True, bidirectional=bidirectional)
        self.hidden = nn.Linear(HIDDEN_SIZE * (2 if bidirectional else 1), CLASSIFIER_DIM)
        self.output = nn.Linear(CLASSIFIER_DIM, 1)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return the probability (B,) that each of the reviews (B, T), of `lengths` (B,), is praise."""
        packed = pack_padded_sequence(self.embedding(tokens), lengths, enforce_sorted=False, batch_first=True)
        _, (last, _) = self.lstm(packed)
        probability: Tensor = self.output(self.hidden(torch.cat(tuple(last), 1)).relu()).sigmoid()
        return probability.squeeze(1)


class ReviewTraining:
    """The twin with its optimizer."""

    def __init__(self, *, bidirectional: bool = False) -> None:
        self.model = ReviewTwin(bidirectional=bidirectional)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)

    def step(self, reviews: Sequence[Tensor], labels: Tensor) -> float:
        """Train on reviews, each (T,), with labels (B,), float; return the mean loss."""
        self.model.train()
        tokens = pad_sequence(list(reviews), batch_first=True)
        lengths = torch.tensor([len(review) for review in reviews])
        self.optimizer.zero_grad()
        loss = F.binary_cross_entropy(self.model(tokens, lengths), labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()
