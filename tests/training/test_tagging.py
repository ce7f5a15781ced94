"""Tagging as a task: a tag that depends on the next word, unknown words by their endings, and exact resume."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from anaphora.data.sentences import EncodedSentences, characters_of
from anaphora.models.tagger import Tagger, TaggerConfig
from anaphora.text.conll import TaggedSentence
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer
from anaphora.training.config import TrainingConfig
from anaphora.training.tagging import Tagging
from anaphora.training.trainer import Trainer

WORDS = ("a", "b", "c", "d")
TAGS = ("last", "low", "high")


def by_next_word(number: int, seed: int) -> list[TaggedSentence]:
    """Return sentences of random letters; each is tagged by whether a or b, c or d, or nothing comes after it."""
    chance = Random(seed)
    sentences = []
    for _ in range(number):
        words = chance.choices(WORDS, k=chance.randint(1, 6))
        tags = ["low" if word in "ab" else "high" for word in words[1:]] + ["last"]
        sentences.append(TaggedSentence(tuple(words), tuple(tags), "made up"))
    return sentences


def by_ending(number: int, seed: int) -> list[TaggedSentence]:
    """Return sentences of made-up words, hardly any of them twice, tagged by their last letter."""
    chance = Random(seed)
    sentences = []
    for _ in range(number):
        words = ["".join(chance.choices("bdgklmnpr", k=5)) + chance.choice("aeiou") for _ in range(4)]
        sentences.append(TaggedSentence(tuple(words), tuple(TAGS["aeiou".index(word[-1]) // 2] for word in words), ""))
    return sentences


def task(sentences: list[TaggedSentence], *, settings: dict[str, Any], training: dict[str, Any]) -> Tagging:
    """Return a small tagger, the last hundred sentences to validate it on, and the others to train it."""
    train, valid = sentences[:-100], sentences[-100:]
    how = TokenizerSettings(kind="words", line_breaks="space", learn_unknown=True)
    tokenizer = train_tokenizer(how, (f"{' '.join(one.tokens)}\n" for one in train))
    torch.manual_seed(1)
    small = {"embedding_dim": 12, "hidden_size": 16, "dropout_input": 0.1}
    config = TaggerConfig(
        tags=TAGS,
        characters=characters_of(train),
        **{"encoder": small, "spelling": {**small, "embedding_dim": 8}, "dropout_output": 0.1, **settings},
    )
    splits = {
        name: EncodedSentences(part, tokenizer, TAGS, config.characters)
        for name, part in (("train", train), ("valid", valid))
    }
    how_to_train = TrainingConfig(
        **{"learning_rate": 0.03, "batch_size": 16, "precision": "float32", "threads": 1, **training}
    )
    model = Tagger(config, tokenizer.vocab_size)
    return Tagging(model, splits, how_to_train, name="letters", hashes={"corpus": "1", "tokenizer": "2"})


@pytest.mark.parametrize(("bidirectional", "low", "high"), [(True, 0.99, 1.0), (False, 0.3, 0.75)])
def test_only_who_reads_backwards_too_knows_what_comes_next(
    bidirectional: bool, low: float, high: float, tmp_path: Path
) -> None:
    encoder = {"embedding_dim": 12, "hidden_size": 16, "bidirectional": bidirectional, "dropout_input": 0.0}
    learning = task(by_next_word(400, seed=1), settings={"encoder": encoder, "spelling": None}, training={"epochs": 8})
    Trainer(learning, tmp_path).run()
    found = learning.validate(10_000)
    assert found.accuracy is not None
    assert low <= found.accuracy <= high


@pytest.mark.parametrize(("spelt", "low", "high"), [(True, 0.95, 1.0), (False, 0.2, 0.6)])
def test_spelling_tells_what_an_unknown_word_is(spelt: bool, low: float, high: float, tmp_path: Path) -> None:
    learning = task(by_ending(500, seed=1), settings={} if spelt else {"spelling": None}, training={"epochs": 5})
    Trainer(learning, tmp_path).run()
    found = learning.validate(10_000)
    assert found.accuracy is not None
    assert low <= found.accuracy <= high


def test_a_run_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    whole = task(by_next_word(260, seed=1), settings={}, training={"steps": 14, "schedule": "constant"})
    Trainer(whole, tmp_path / "whole").run()
    for steps in (6, 14):
        part = task(by_next_word(260, seed=1), settings={}, training={"steps": steps, "schedule": "constant"})
        Trainer(part, tmp_path / "parts").run(resume=steps == 14)
    assert all(map(torch.equal, whole.model.state_dict().values(), part.model.state_dict().values()))


def test_validation_reads_as_many_words_as_it_is_given() -> None:
    learning = task(by_next_word(260, seed=1), settings={}, training={"steps": 1})
    few, all_of_them = learning.validate(20), learning.validate(10_000)
    assert few != all_of_them
    assert learning.validate(20) == few
    assert learning.num_valid == learning._splits["valid"].num_words
    assert learning.unit == "words"


def test_label_smoothing_is_learnt_from_and_not_reported() -> None:
    learning = task(by_next_word(200, seed=1), settings={}, training={"steps": 1, "label_smoothing": 0.2})
    learning.model.eval()
    losses, state = learning.lesson.losses(learning.model, learning.epoch(0)[0], None)
    assert state == ()
    assert float(losses.objective.detach()) != float(losses.nats.detach())
