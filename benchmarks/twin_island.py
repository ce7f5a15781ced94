"""A plain twin of textbook system D: a character model of a novel, one character at a time through the LSTM.

This is the rival of the speed benchmarks, written the way the textbook teaches it and no faster: float32, a Python loop
over the 40 positions, their losses summed, torch.optim.Adam with its defaults, one Categorical drawn at every step.
"""

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

EMBEDDING_DIM, HIDDEN_SIZE = 256, 512
BATCH_SIZE, SEQ_LEN = 64, 40
LEARNING_RATE = 1e-3


class IslandTwin(nn.Module):
    """Embedding 256, LSTM 512, linear layer to the characters; reads one character of each row at a time."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, EMBEDDING_DIM)
        self.lstm = nn.LSTM(EMBEDDING_DIM, HIDDEN_SIZE, batch_first=True)
        self.head = nn.Linear(HIDDEN_SIZE, vocab_size)

    def forward(self, token: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read one token (B,) per row; return logits (B, V) and the state, each part (1, B, H)."""
        embedded = self.embedding(token).unsqueeze(1)
        output, (h, c) = self.lstm(embedded, (h, c))
        return self.head(output).squeeze(1), h, c

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        """Return the zero state, two tensors (1, B, H)."""
        zeros = torch.zeros(1, batch_size, HIDDEN_SIZE, device=self.head.bias.device)
        return zeros, zeros.clone()


class IslandTraining:
    """The twin with its optimizer; `step` is the textbook's training step."""

    def __init__(self, vocab_size: int, device: torch.device) -> None:
        self.model = IslandTwin(vocab_size).to(device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)

    def step(self, inputs: Tensor, targets: Tensor) -> float:
        """Train on inputs and targets (B, T); return the mean loss over the positions."""
        self.model.train()
        h, c = self.model.initial_state(inputs.shape[0])
        self.optimizer.zero_grad()
        loss = torch.zeros((), device=inputs.device)
        for position in range(inputs.shape[1]):
            logits, h, c = self.model(inputs[:, position], h, c)
            loss = loss + self.criterion(logits, targets[:, position])
        loss.backward()
        self.optimizer.step()
        return loss.item() / inputs.shape[1]


def sample(model: IslandTwin, prompt_ids: list[int], length: int, scale: float = 1.0) -> list[int]:
    """Return the prompt and `length` more ids, drawn one at a time from the softmax of the scaled logits."""
    device = model.head.bias.device
    tokens = torch.tensor(prompt_ids, device=device)
    generated = list(prompt_ids)
    h, c = model.initial_state(1)
    for position in range(len(prompt_ids) - 1):
        _, h, c = model(tokens[position].view(1), h, c)
    last = tokens[-1].view(1)
    for _ in range(length):
        logits, h, c = model(last, h, c)
        last = Categorical(logits=logits.squeeze(0) * scale).sample().view(1)
        generated.append(int(last))
    return generated
