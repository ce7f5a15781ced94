"""A session: the same scores as in one go, and a moment to come back to."""

import copy

import pytest
import torch
from torch import Tensor

from anaphora.evaluation.adapt.build import adapting
from anaphora.evaluation.adapt.dynamic import DynamicLanguageModel
from anaphora.evaluation.adapt.session import Session
from anaphora.evaluation.adapt.settings import AdaptSettings, CacheSettings, DynamicSettings
from anaphora.evaluation.adapt.statistics import GradientStatistics
from anaphora.models.language_model import LanguageModel, NeuralLanguageModel

DYNAMIC, CACHE = DynamicSettings(segment=5, learning_rate=0.003), CacheSettings(window=8)
WAYS = {
    "static": None,
    "dynamic": AdaptSettings(dynamic=DYNAMIC),
    "cache": AdaptSettings(cache=CACHE),
    "both": AdaptSettings(dynamic=DYNAMIC, cache=CACHE),
}


@pytest.fixture(params=WAYS, name="model")
def _model(request: pytest.FixtureRequest, net: NeuralLanguageModel, statistics: GradientStatistics) -> LanguageModel:
    settings = WAYS[request.param]
    return net if settings is None else adapting(net, settings, statistics)


def test_fed_by_and_by_it_scores_as_in_one_go(model: LanguageModel, text: tuple[Tensor, Tensor]) -> None:
    targets = text[1]
    whole = Session(model, start_id=2, batch_size=3).read(targets)
    session = Session(model, start_id=2, batch_size=3)
    pieces = [session.read(piece) for piece in targets.split([1, 4, 7, 11], 1)]
    torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-3, atol=1e-4)


def test_it_says_what_comes_next_and_stays_where_it_is(model: LanguageModel, text: tuple[Tensor, Tensor]) -> None:
    session = Session(model, start_id=2, batch_size=3)
    for t in range(12):
        expected = session.next_log_probs()
        assert torch.equal(session.next_log_probs(), expected)
        token = text[1][:, t : t + 1]
        torch.testing.assert_close(session.read(token), expected.gather(1, token), rtol=1e-4, atol=1e-5)


def test_a_moment_can_be_come_back_to(model: LanguageModel, text: tuple[Tensor, Tensor]) -> None:
    before, after = text[1][:, :12], text[1][:, 12:]
    session = Session(model, start_id=2, batch_size=3)
    session.read(before)
    moment = session.snapshot()
    expected = session.read(after)
    session.restore(moment)
    assert torch.equal(session.read(after), expected)
    other = Session(model, start_id=0, batch_size=3)
    other.restore(moment)
    assert torch.equal(other.read(after), expected)


def test_sessions_do_not_meet(model: LanguageModel, text: tuple[Tensor, Tensor]) -> None:
    weights = copy.deepcopy(model.state_dict())
    expected = Session(model, start_id=2, batch_size=3).read(text[1])
    first, second = (Session(model, start_id=2, batch_size=3) for _ in range(2))
    halves = [[session.read(half) for session in (first, second)] for half in text[1].split(12, 1)]
    for pieces in zip(*halves, strict=True):
        torch.testing.assert_close(torch.cat(pieces, 1), expected, rtol=1e-3, atol=1e-4)
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())
    if isinstance(model, DynamicLanguageModel):
        assert first.model is not second.model
