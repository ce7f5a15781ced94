"""The tagger: padding that must not matter, what a batch and a single sentence have in common, and its parts."""

from typing import Any

import pytest
import torch
from torch import Tensor

from anaphora.errors import ConfigError
from anaphora.models.tagger import Tagger, TaggerConfig, Words

V = 11
ENCODER = {"embedding_dim": 5, "hidden_size": 4}
SPELLING = {"embedding_dim": 3, "hidden_size": 2}
SMALL: dict[str, Any] = {"tags": ("N", "V", "X"), "encoder": ENCODER, "spelling": SPELLING, "characters": "abc"}
LSTM = {"name": "lstm", "embedding_dim": 5, "hidden_size": 6}

CASES: dict[str, dict[str, Any]] = {
    "words and spellings": {},
    "words alone": {"spelling": None},
    "forwards, two layers": {"encoder": {**ENCODER, "bidirectional": False, "num_layers": 2}},
    "gru": {"encoder": {**ENCODER, "name": "gru"}},
    "elman": {"encoder": {**ENCODER, "name": "elman"}},
    "on a language model": {"language_model": {"net": LSTM}},
    "on a backward one, words alone": {"language_model": {"net": LSTM, "backward": True}, "spelling": None},
}


@pytest.fixture(params=CASES, name="model")
def _model(request: pytest.FixtureRequest) -> Tagger:
    return tagger(**CASES[request.param])


def tagger(**settings: Any) -> Tagger:
    torch.manual_seed(2)
    return Tagger(TaggerConfig(**{**SMALL, **settings}), V).eval()


def words() -> Words:
    """Return two sentences: three words, of one, two and one tokens; and one word."""
    return Words(
        tokens=torch.tensor([[0, 4, 5, 6, 7], [0, 9, 0, 0, 0]]),
        ends=torch.tensor([[1, 3, 4], [1, 0, 0]]),
        lengths=torch.tensor([3, 1]),
        spellings=torch.tensor([[1, 2, 0], [3, 0, 0]]),
        spelling_lengths=torch.tensor([2, 1]),
        spelling_of=torch.tensor([[0, 1, 0], [1, 0, 0]]),
    )


def mask(given: Words) -> Tensor:
    """Return which places are words, (B, T), bool."""
    return torch.arange(given.ends.shape[1]) < given.lengths.unsqueeze(1)


def padded(given: Words) -> Words:
    """Return the same sentences with more padding, of other numbers."""

    def wider(part: Tensor, filling: int) -> Tensor:
        return torch.nn.functional.pad(part, (0, 2), value=filling)

    tokens = wider(given.tokens, 8)
    tokens[1, 2:] = 3
    spellings = wider(given.spellings, 2)
    spellings[1, 1:] = 1
    ends, spelling_of = wider(given.ends, 4), wider(given.spelling_of, 1)
    ends[1, 1:], spelling_of[1, 1:] = 2, 1
    return given._replace(tokens=tokens, ends=ends, spellings=spellings, spelling_of=spelling_of)


def test_padding_changes_nothing(model: Tagger) -> None:
    one, other = words(), padded(words())
    torch.testing.assert_close(model(one)[mask(one)], model(other)[mask(other)])
    assert model.tag_log_probs(one).shape == (2, 3, 3)


def test_a_batch_equals_its_sentences(model: Tagger) -> None:
    batch = words()
    alone = batch._replace(tokens=batch.tokens[1:, :2], ends=batch.ends[1:, :1], lengths=batch.lengths[1:])
    alone = alone._replace(spelling_of=batch.spelling_of[1:, :1])
    torch.testing.assert_close(model(batch)[1, :1], model(alone)[0])


def test_every_weight_belongs_to_a_group(model: Tagger) -> None:
    grouped = [weight for group in model.layer_groups() for weight in group]
    assert sorted(map(id, grouped)) == sorted(map(id, model.parameters()))
    inner = {id(weight) for group in model.layer_groups()[:-1] for weight in group}
    assert model.hidden_matrices()
    for matrix, gates in model.hidden_matrices():
        assert id(matrix) in inner
        assert len(matrix) % gates == 0


def test_every_weight_learns(model: Tagger) -> None:
    model(words())[mask(words())].square().sum().backward()
    assert all(weight.grad is not None for weight in model.parameters())


@pytest.mark.parametrize(("bidirectional", "sees"), [(True, True), (False, False)])
def test_only_both_directions_see_what_comes_after(bidirectional: bool, sees: bool) -> None:
    model, given = tagger(encoder={**ENCODER, "bidirectional": bidirectional}), words()
    changed = given._replace(tokens=torch.where(given.tokens == 7, 2, given.tokens))
    assert (not torch.equal(model(given)[0, 0], model(changed)[0, 0])) is sees


def test_the_spelling_counts_and_unknown_characters_share_one_vector() -> None:
    model, given = tagger(), words()
    other = given._replace(spellings=given.spellings.flip(0), spelling_lengths=given.spelling_lengths.flip(0))
    assert not torch.equal(model(given)[0, 0], model(other)[0, 0])
    assert model.spelling is not None
    assert model.spelling.embedding.num_embeddings == 1 + len("abc")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tags": ("N", "N")}, r"tags = .* in \[tagger\]: each of them once"),
        ({"characters": "aba"}, r"characters = 'aba' in \[tagger\]: each of them once"),
        ({"encoder": {"hiden_size": 3}}, r"unknown key 'hiden_size' in \[encoder\]; did you mean 'hidden_size'"),
        ({"encodr": {}}, r"unknown key 'encodr' in \[tagger\]; did you mean 'encoder'"),
        ({"language_model": {"net": {"name": "kn3"}}}, "a 'kn3' model cannot be an encoder"),
    ],
)
def test_configurations_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tagger(**settings)


def test_a_configuration_comes_back_from_json(model: Tagger) -> None:
    assert TaggerConfig(**model.config.model_dump(mode="json")) == model.config
