"""The task of a conditional model: a loss under labels, exact resume, and scores that a plain reading confirms."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anaphora.data.documents import EncodedDocuments, encode_documents
from anaphora.evaluation.conditional import score_documents
from anaphora.generation.generate import GenerationSettings, generate
from anaphora.models.conditional import ConditionalConfig, ConditionalLanguageModel
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.conditional import ConditionalModelling
from anaphora.training.config import TrainingConfig
from anaphora.training.trainer import Trainer

TOKENIZER = CharacterTokenizer.train(["0123456789\n"], TokenizerSettings())


def counting() -> EncodedDocuments:
    """Return texts that count upwards (label 0) or downwards (label 1) from any digit, of six to twelve digits."""
    texts = [
        "".join(str((start + way * place) % 10) for place in range(6 + start % 7)) + "\n"
        for way in (1, -1)
        for start in range(10)
    ]
    return encode_documents(texts * 4, np.tile(np.repeat([0, 1], 10), 4), TOKENIZER)


def task(**training: Any) -> ConditionalModelling:
    torch.manual_seed(1)
    net = {"name": "gru", "embedding_dim": 8, "hidden_size": 24}
    config = ConditionalConfig(net=net, labels=("up", "down"), condition_dim=4, dropout_condition=0.1)
    model = ConditionalLanguageModel(config, TOKENIZER.vocab_size)
    how = {"learning_rate": 0.03, "batch_size": 12, "bptt": 5, "precision": "float32", "threads": 1, **training}
    splits = {"train": counting(), "valid": counting()}
    return ConditionalModelling(
        model, splits, TrainingConfig(**how), start_id=TOKENIZER.start_id, name="digits", origin={"corpus": "1"}
    )


def test_the_label_decides_what_is_written(tmp_path: Path) -> None:
    learning = task(epochs=20)
    Trainer(learning, tmp_path).run()
    greedy = GenerationSettings(max_new_tokens=4, temperature=0.0)
    texts = [generate(learning.model.given(label), TOKENIZER, "3", greedy)[0].text for label in ("up", "down")]
    assert texts == ["4567", "2109"]
    with_label = score_documents(learning.model, counting(), start_id=TOKENIZER.start_id)
    without = score_documents(learning.model, counting(), start_id=TOKENIZER.start_id, with_label=False)
    assert with_label.nats < without.nats


def test_a_run_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    whole = task(steps=16, schedule="constant")
    Trainer(whole, tmp_path / "whole").run()
    for steps in (7, 16):
        part = task(steps=steps, schedule="constant")
        Trainer(part, tmp_path / "parts").run(resume=steps == 16)
    assert all(map(torch.equal, whole.model.state_dict().values(), part.model.state_dict().values()))


def test_every_window_of_a_document_teaches_its_label() -> None:
    learning = task(steps=1)
    first, second = learning.epoch(0)[:2]
    assert second.continues
    losses, state = learning.lesson.losses(learning.model, first, None)
    carried = tuple(part.detach() for part in state)
    losses, _ = learning.lesson.losses(learning.model, second, carried)
    losses.objective.backward()
    grad = learning.model.table.weight.grad
    assert grad is not None
    assert grad.abs().sum() > 0


@pytest.mark.parametrize("with_label", [True, False])
def test_scores_are_those_of_each_document_alone(with_label: bool) -> None:
    model, documents = task(steps=1).model.eval(), counting()
    nats = 0.0
    for place in range(len(documents)):
        targets = torch.from_numpy(documents[place].astype(np.int64)).unsqueeze(0)
        inputs = torch.cat((torch.tensor([[TOKENIZER.start_id]]), targets[:, :-1]), 1)
        label = torch.from_numpy(documents.labels[place : place + 1]) if with_label else torch.tensor([-1])
        log_probs, _ = model.target_log_probs(inputs, targets, model.initial_state_for(label))
        nats -= float(log_probs.sum().detach())
    sums = score_documents(model, documents, start_id=TOKENIZER.start_id, with_label=with_label)
    assert sums.nats + sums.unknown_nats == pytest.approx(nats, rel=1e-5)
    assert sums.tokens == len(documents.token_ids)


def test_validation_reads_some_documents_of_all_parts() -> None:
    learning = task(steps=1)
    assert learning.validate(50).loss != learning.validate(10_000).loss
    assert learning.validate(50) == learning.validate(50)
    assert learning.num_valid == len(counting().token_ids)
