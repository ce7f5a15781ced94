"""Conditions by hand, and a small one-to-many task: what is written depends on the label alone."""

from collections.abc import Callable

import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.generation.generate import GenerationSettings, generate
from anaphora.models.conditional import ConditionalLanguageModel, condition_of
from anaphora.models.registry import build_model, model_config
from anaphora.text.characters import CharacterTokenizer
from anaphora.text.tokenizer import TokenizerSettings

V, D = 9, 3


def conditional(vocab_size: int = V, net: str = "gru", **settings: object) -> ConditionalLanguageModel:
    torch.manual_seed(3)
    about = {"net": {"name": net, "embedding_dim": 8, "hidden_size": 24}, "condition_dim": D, "labels": ["up", "down"]}
    model = build_model(model_config("conditional", {**about, **settings}), vocab_size)
    assert isinstance(model, ConditionalLanguageModel)
    return model.eval()


def test_a_condition_is_added_to_every_embedded_token() -> None:
    model, tokens = conditional(), torch.tensor([[1, 4, 4, 2]])
    vector = torch.tensor([[0.5, -1.0, 2.0]])
    state = model.initial_state_for(vector)
    logits, after = model(tokens, state)
    embedded = model.net.embedding.weight[tokens] + vector @ model.projection.weight.t()
    reading, _ = model.net.read_embedded(embedded, model.net.initial_state(1))
    torch.testing.assert_close(logits, model.net.logits(reading.features))
    assert torch.equal(after[0], vector)


def test_labels_and_their_numbers_are_rows_of_the_table() -> None:
    model = conditional()
    labels = model.initial_state_for(["down", None, "up"])[0]
    assert torch.equal(labels, model.table.weight[torch.tensor([2, 0, 1])])
    assert torch.equal(model.initial_state_for(torch.tensor([1, -1, 0]))[0], labels)
    assert torch.equal(model.initial_state(2)[0], model.table.weight[:1].expand(2, -1))


def test_none_begins_as_the_net_itself() -> None:
    model, tokens = conditional(), torch.tensor([[1, 4]])
    found, _ = model.next_log_probs(tokens, model.initial_state(1))
    wanted, _ = model.net.next_log_probs(tokens, model.net.initial_state(1))
    torch.testing.assert_close(found, wanted)


def test_a_given_model_shares_the_weights_and_leaves_the_other_alone() -> None:
    model = conditional()
    told = model.given("down")
    assert torch.equal(told.initial_state(2)[0], model.table.weight[[2, 2]])
    assert torch.equal(model.initial_state(1)[0], model.table.weight[:1])
    assert told.net is model.net
    assert (condition_of(told), condition_of(model)) == ("down", None)
    by_vector = told.given([0.0, 1.0, 2.0])
    assert by_vector.initial_state(1)[0].tolist() == [[0.0, 1.0, 2.0]]
    assert str(condition_of(by_vector)).startswith("vector-")


def test_a_state_keeps_its_memory_under_another_condition() -> None:
    model = conditional()
    _, after = model(torch.tensor([[1, 2]]), model.initial_state_for(["up"]))
    moved = model.with_condition(after, ["down"])
    assert torch.equal(moved[0], model.table.weight[2:3])
    assert all(one is other for one, other in zip(moved[1:], after[1:], strict=True))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("dwon", r"condition 'dwon': the model has no such label \(it has: 'up', 'down'\); did you mean 'down'\?"),
        ([1.0, 2.0], "a condition of 2 numbers: this model takes 3"),
    ],
)
def test_a_condition_that_cannot_be(condition: str | list[float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        conditional().given(condition)


def test_a_model_of_vectors_says_that_it_has_no_labels() -> None:
    with pytest.raises(ConfigError, match="it has: none, it takes vectors"):
        conditional(labels=()).given("up")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"net": {"name": "kn3"}}, "net = 'kn3' in .model.: a conditional model needs a net with an embedding"),
        ({"labels": ["a", "b", "a"]}, "labels = .* each label once"),
        ({"net": {"name": "lstm", "hiden_size": 3}}, "unknown key 'hiden_size'"),
    ],
)
def test_a_configuration_that_cannot_be(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(model_config("conditional", settings), V)


@pytest.fixture(scope="module", name="counter")
def _counter() -> tuple[ConditionalLanguageModel, CharacterTokenizer]:
    """Return a model that was taught to count upwards or downwards, from any digit, and its tokenizer.

    The first digit alone does not tell the direction: only the label does.
    """
    tokenizer = CharacterTokenizer.train(["0123456789\n"], TokenizerSettings())
    ways: dict[str, Callable[[int, int], int]] = {"up": lambda n, i: (n + i) % 10, "down": lambda n, i: (n - i) % 10}
    texts = [(label, "".join(str(way(n, i)) for i in range(8))) for label, way in ways.items() for n in range(10)]
    model = conditional(tokenizer.vocab_size).train()
    rows = torch.tensor([[tokenizer.start_id, *tokenizer.encode(text)] for _, text in texts])
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(120):
        loss, _ = model.loss(rows[:, :-1], rows[:, 1:], model.initial_state_for([label for label, _ in texts]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), tokenizer


@pytest.mark.parametrize(("label", "expected"), [("up", "456789"), ("down", "210987")])
@pytest.mark.parametrize("beam", [1, 3])
def test_the_label_decides_what_is_written(
    counter: tuple[ConditionalLanguageModel, CharacterTokenizer], label: str, expected: str, beam: int
) -> None:
    model, tokenizer = counter
    greedy = GenerationSettings(max_new_tokens=6, temperature=0.0 if beam == 1 else 1.0, beam=beam)
    [sample] = generate(model.given(label), tokenizer, "3", greedy)
    assert sample.text == expected


def test_a_label_is_a_vector_like_any_other(counter: tuple[ConditionalLanguageModel, CharacterTokenizer]) -> None:
    model, tokenizer = counter
    greedy = GenerationSettings(max_new_tokens=6, temperature=0.0)
    [vector] = model.initial_state_for(["down"])[0].tolist()
    assert generate(model.given(vector), tokenizer, "3", greedy)[0].text == "210987"
