"""A plain twin of textbook system A: a word-level LSTM on text8 with a full softmax over 50,002 words.

This is the rival of the speed benchmarks, written the way the textbook teaches it and no faster: float32, all logits at
once, cross_entropy, torch.optim.Adam, the carried state detached, the gradient's norm clipped at 5.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EMBEDDING_DIM, HIDDEN_SIZE = 100, 100
VOCAB_SIZE = 50_002
BATCH_SIZE, SEQ_LEN = 32, 50
LEARNING_RATE, MAX_GRAD_NORM = 1e-3, 5.0


class Text8Twin(nn.Module):
    """Embedding 100, LSTM 100, linear layer to the vocabulary; reads a whole window."""

    def __init__(self, vocab_size: int = VOCAB_SIZE) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, EMBEDDING_DIM)
        self.lstm = nn.LSTM(EMBEDDING_DIM, HIDDEN_SIZE, batch_first=True)
        self.head = nn.Linear(HIDDEN_SIZE, vocab_size)

    def forward(self, tokens: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Read tokens (B, T); return logits (B, T, V) and the state, each part (1, B, H)."""
        output, state = self.lstm(self.embedding(tokens), state)
        return self.head(output), state


class Text8Training:
    """The twin with its optimizer and the state it carries from window to window."""

    def __init__(self, vocab_size: int, device: torch.device) -> None:
        self.model = Text8Twin(vocab_size).to(device)
        self.vocab_size = vocab_size
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)
        zeros = torch.zeros(1, BATCH_SIZE, HIDDEN_SIZE, device=device)
        self.state = (zeros, zeros.clone())

    def step(self, inputs: Tensor, targets: Tensor) -> float:
        """Train on inputs and targets (B, T); return the mean loss."""
        self.model.train()
        h, c = self.state
        self.optimizer.zero_grad()
        logits, self.state = self.model(inputs, (h.detach(), c.detach()))
        loss = F.cross_entropy(logits.reshape(-1, self.vocab_size), targets.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRAD_NORM)
        self.optimizer.step()
        return loss.item()
