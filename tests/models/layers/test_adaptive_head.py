"""The adaptive head: against the framework's, narrow bands, types in any order, the embedding it shares."""

import torch
from torch import nn

from anaphora.models.layers.adaptive_embedding import AdaptiveEmbedding
from anaphora.models.layers.adaptive_head import AdaptiveHead
from anaphora.models.layers.bands import Bands
from anaphora.models.layers.head import HeadConfig

V, WIDTH = 90, 64
CONFIG = HeadConfig(head="adaptive", head_cutoffs=(10, 30), head_div_value=2.0)


def make_head(embedding: nn.Module | None = None) -> AdaptiveHead:
    torch.manual_seed(1)
    config = CONFIG.replace(tie_weights=embedding is not None)
    head = AdaptiveHead(config, V, WIDTH, embedding or nn.Identity())
    head.reset_parameters()
    return head.double().eval()


def make_embedding() -> AdaptiveEmbedding:
    torch.manual_seed(2)
    embedding = AdaptiveEmbedding(Bands.of(V, WIDTH, CONFIG.head_cutoffs, CONFIG.head_div_value))
    embedding.reset_parameters(0.1)
    return embedding.double()


def test_it_is_the_frameworks_adaptive_softmax() -> None:
    """Check distribution, loss and prediction against torch.nn's, which has no bias in its bands of rare types."""
    head, rows = make_head(), torch.randn(7, WIDTH, dtype=torch.float64)
    twin = nn.AdaptiveLogSoftmaxWithLoss(WIDTH, V, [10, 30], div_value=2.0, head_bias=True, dtype=torch.float64)
    twin.head.weight.data = torch.cat([head.tables[0], head.gates]).data
    twin.head.bias.data = head.biases[0].data
    for tail, table, narrow in zip(twin.tail, list(head.tables)[1:], head.narrowing, strict=True):
        assert isinstance(tail, nn.Sequential)
        tail[0].weight.data, tail[1].weight.data = narrow.data, table.data
    torch.testing.assert_close(head.log_probs(rows), twin.log_prob(rows))
    targets = torch.tensor([0, 9, 10, 29, 30, 89, 5])
    torch.testing.assert_close(head.loss(rows, targets), twin(rows, targets).loss)
    assert torch.equal(head.score(rows, targets)[1], twin.predict(rows) == targets)


def test_bands_are_filled_by_frequency_whatever_the_ids() -> None:
    log_probs = torch.randn(V, dtype=torch.float64).log_softmax(0)
    head = make_head()
    head.start_from_unigrams(log_probs)
    assert torch.equal(head.ranks.argsort(), log_probs.argsort(descending=True))
    most_frequent = log_probs.argmax()
    rows = torch.zeros(1, WIDTH, dtype=torch.float64)
    assert head.score(rows, most_frequent.view(1))[1].item()


def test_a_tied_head_shares_tables_and_ranks() -> None:
    embedding = make_embedding()
    head = make_head(embedding)
    assert all(one is other for one, other in zip(head.tables, embedding.tables, strict=True))
    assert "own_ranks" not in head.state_dict()
    head.start_from_unigrams(torch.arange(V, dtype=torch.float64).log_softmax(0))
    assert embedding.ranks.tolist() == list(range(V))[::-1]


def test_the_embedding_is_its_matrix() -> None:
    embedding = make_embedding()
    embedding.ranks.copy_(torch.randperm(V))
    tokens = torch.randint(V, (4, 6))
    torch.testing.assert_close(embedding(tokens), embedding.weight[tokens])
    assert embedding.weight.shape == (V, WIDTH)


def test_vectors_of_all_bands_start_about_equally_long() -> None:
    lengths = make_embedding().weight.norm(dim=1)
    bands = [lengths[:10].mean(), lengths[10:30].mean(), lengths[30:].mean()]
    assert max(bands) < 1.3 * min(bands)


def test_the_embedding_works_under_autocast() -> None:
    embedding, tokens = make_embedding().float(), torch.arange(V)
    with torch.autocast("cpu", torch.bfloat16):
        short = embedding(tokens)
    torch.testing.assert_close(short, embedding(tokens), rtol=0, atol=0)
