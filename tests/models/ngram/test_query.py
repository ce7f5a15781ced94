"""The fast look-up against dictionaries: whole texts, single words, whole distributions, the best word."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.models.ngram.plain import PlainModel, random_model

from anaphora.models.ngram.lookup import extend
from anaphora.models.ngram.query import NOTHING, NGramQuery
from anaphora.models.ngram.store import pack

V = 6


@st.composite
def models(draw: st.DrawFn) -> PlainModel:
    """Return a random model of a random text."""
    return random_model(
        draw(st.lists(st.integers(0, V - 1), max_size=40)),
        V,
        draw(st.integers(1, 5)),
        seed=draw(st.integers(0, 99)),
        sentence_end=draw(st.sampled_from([None, 1])),
        unseen_backoff=draw(st.sampled_from([0.0, -0.75])),
    )


def query_of(model: PlainModel, *, quantized: bool = False) -> NGramQuery:
    return NGramQuery(pack(model.tables(), quantized=quantized, sentence_end=model.sentence_end))


def arrays(*parts: Any) -> list[Any]:
    return [np.array(part, np.int64) for part in parts]


texts = st.lists(st.integers(0, V - 1), min_size=1, max_size=30)


@given(model=models(), text=texts, start=st.lists(st.integers(-1, V - 1), min_size=4, max_size=4), follow=st.booleans())
def test_a_text_as_array_work_is_one_look_up_after_the_other(
    model: PlainModel, text: list[int], start: list[int], follow: bool
) -> None:
    state = start[4 - model.order + 1 :]
    tokens, targets = text[:-1] or text, (text[1:] if follow else text[::-1][: len(text) - 1]) or text
    scores, hits = query_of(model).score(*arrays([tokens], [targets], [state]), want_hits=True)
    for t, target in enumerate(targets):
        context = [*state, *tokens[: t + 1]]
        context = context[len(context) - context[::-1].index(NOTHING) :] if NOTHING in context else context
        expected = [model.log_prob(context, token) for token in range(V)]
        assert scores[0, t] == pytest.approx(expected[target], abs=1e-6)
        assert hits[0, t] == (int(np.argmax(expected)) == target)


@given(model=models(), state=st.lists(st.integers(-1, V - 1), min_size=4, max_size=4))
def test_one_word_and_the_whole_vocabulary(model: PlainModel, state: list[int]) -> None:
    state = state[4 - model.order + 1 :]
    known = state[len(state) - state[::-1].index(NOTHING) :] if NOTHING in state else state
    query = query_of(model)
    expected = [model.log_prob(known, token) for token in range(V)]
    full = query.next_log_probs(np.array([state], np.int64))
    np.testing.assert_allclose(full, [expected], atol=1e-6)
    np.testing.assert_allclose([query.log_prob(token, state) for token in range(V)], expected, atol=1e-6)


@given(model=models())
def test_few_distinct_numbers_stay_exact_when_quantized(model: PlainModel) -> None:
    states = np.random.default_rng(3).integers(NOTHING, V, (50, model.order - 1))
    found = query_of(model, quantized=True).next_log_probs(states)
    np.testing.assert_array_equal(found, query_of(model).next_log_probs(states))


@given(st.data())
def test_extend_finds_what_a_plain_search_finds(data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=6))
    chance = np.random.default_rng(data.draw(st.integers(0, 99)))
    words = np.concatenate([np.sort(chance.choice(60, count, replace=False)) for count in counts]).astype(np.uint16)
    children = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
    rows, tokens = (part.ravel() for part in np.meshgrid(range(-1, len(counts)), range(-1, 61)))
    found = extend(rows, tokens, words, children, 0, len(words))
    for row, token, place in zip(rows, tokens, found, strict=True):
        siblings = words[children[row] : children[row + 1]].tolist() if row >= 0 else []
        assert place == (children[row] + siblings.index(token) if token in siblings else -1)


def test_a_context_with_very_many_continuations() -> None:
    words = np.arange(0, 120_000, 2, dtype=np.uint32)
    wanted = np.array([0, 1, 59_998, 119_998, 119_999])
    found = extend(np.zeros(5, np.int64), wanted, words, np.array([0, len(words)], np.uint32), 0, len(words))
    assert found.tolist() == [0, -1, 29_999, 59_999, -1]


@given(st.data())
def test_damaged_tables_give_wrong_scores_and_nothing_worse(data: st.DataObject) -> None:
    chance = np.random.default_rng(data.draw(st.integers(0, 999)))
    tables = pack(random_model(chance.integers(0, V, 40).tolist(), V, 4).tables())
    for name in ("words", "first_child"):
        part = getattr(tables, name)
        part[:] = chance.integers(
            0, data.draw(st.sampled_from([V, len(tables.words) + 9, np.iinfo(part.dtype).max])), len(part)
        )
    tables.log_probs[:] = np.where(chance.random(len(tables.log_probs)) < 0.2, np.nan, -1.0)
    query = NGramQuery(tables)
    tokens = chance.integers(0, V, (2, 30))
    scores, hits = query.score(tokens, tokens[:, ::-1].copy(), np.full((2, 3), NOTHING), want_hits=True)
    assert scores.shape == hits.shape == (2, 30)
    assert query.next_log_probs(tokens[:, :3]).shape == (2, V)
    assert isinstance(query.log_prob(2, tokens[0, :3].tolist()), float)
    for k in range(1, 5):
        assert len(query.ngrams(k, 0, tables.sizes[k - 1])) == k


@given(model=models())
def test_rows_come_back_as_ngrams(model: PlainModel) -> None:
    query = query_of(model)
    for k in range(1, model.order + 1):
        level = sorted(ngram for ngram in model.log_probs if len(ngram) == k)
        found = query.ngrams(k, 0, len(level))
        assert list(zip(*(part.tolist() for part in found), strict=True)) == level
        log_probs, backoffs = query.rows(k, 0, len(level))
        np.testing.assert_allclose(log_probs, [model.log_probs[ngram] for ngram in level])
        assert (backoffs is None) == (k == model.order)
