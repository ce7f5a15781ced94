"""Tables from counts: KenLM's own figures, n-gram by n-gram; what is kept for unseen words; odd texts; refusals."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import anaphora
from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.models.ngram.counts import NGramCounts, count_ngrams
from anaphora.models.ngram.estimate import estimate
from anaphora.models.ngram.smoothing import SMOOTHINGS
from anaphora.models.ngram.tables import NGramTables

Gram = tuple[int, ...]


def read_lines(path: Path, vocabulary: dict[str, int]) -> list[int]:
    """Return the ids of a text, each line ended by token 0; new words are added to the vocabulary."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [vocabulary.setdefault(word, len(vocabulary)) for line in lines for word in [*line.split(), "</s>"]]


def listed(tables: NGramTables) -> list[tuple[list[Gram], list[float], list[float]]]:
    """Return for each order its n-grams, their log-probabilities and their back-off weights, both as log10."""
    grams: list[Gram] = [(token,) for token in range(tables.vocab_size)]
    found = []
    for k in range(tables.order):
        if k:
            sizes = tables.children[k - 1][1:] - tables.children[k - 1][:-1]
            parents = np.repeat(np.arange(len(grams)), sizes)
            grams = [(*grams[parent], int(word)) for parent, word in zip(parents, tables.words[k], strict=True)]
        backoffs = tables.backoffs[k] if k < tables.order - 1 else np.zeros(len(grams))
        found.append((grams, [x / math.log(10) for x in tables.log_probs[k]], [x / math.log(10) for x in backoffs]))
    return found


def read_arpa(path: Path, vocabulary: dict[str, int]) -> list[dict[Gram, tuple[float, float]]]:
    """Return probability and back-off weight of each n-gram, for each order, as log10; `<s>` and `</s>` are token 0."""
    orders: list[dict[Gram, tuple[float, float]]] = []
    sentence_start = 0.0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.endswith("-grams:"):
            orders.append({})
        elif "\t" in line:
            prob, words, *backoff = line.split("\t")
            if words == "<s>":
                sentence_start = float(backoff[0])
                continue
            gram = tuple(0 if word in ("<s>", "</s>") else vocabulary[word] for word in words.split())
            orders[-1][gram] = float(prob), float(backoff[0]) if backoff else 0.0
    orders[0][0,] = orders[0][0,][0], sentence_start
    return orders


@pytest.mark.parametrize(("name", "prune"), [("order3", ()), ("order3-pruned", (0, 1, 1))])
def test_lmplz_gives_the_same_model(root: Path, name: str, prune: tuple[int, ...]) -> None:
    folder = root / "tests" / "golden" / "lmplz"
    vocabulary = {"</s>": 0, "<unk>": 1}
    text = np.array(read_lines(folder / "text.txt", vocabulary))
    counts = count_ngrams(text, order=3, vocab_size=len(vocabulary), start_id=0, sentences=True)
    tables = listed(estimate(counts, unk_id=1, prune=prune))
    for (grams, probs, backoffs), golden in zip(tables, read_arpa(folder / f"{name}.arpa", vocabulary), strict=True):
        assert set(grams) == set(golden)
        assert probs == pytest.approx([golden[gram][0] for gram in grams], abs=1e-6)
        assert backoffs == pytest.approx([golden[gram][1] for gram in grams], abs=1e-6)


@pytest.mark.parametrize(
    ("order", "rows", "perplexity"),
    [
        (3, [10_000, 264_990, 586_558], 148.28149950),
        (5, [10_000, 264_990, 586_558, 717_733, 737_952], 141.18620709),
    ],
)
def test_kenlm_gives_the_same_perplexity_on_the_penn_treebank(
    shared_data: Path, order: int, rows: list[int], perplexity: float
) -> None:
    vocabulary = {"</s>": 0}
    train = np.array(read_lines(shared_data / "ptb" / "ptb.train.txt", vocabulary))
    test = np.array(read_lines(shared_data / "ptb" / "ptb.test.txt", vocabulary))
    tables = estimate(
        count_ngrams(train, order=order, vocab_size=10_000, start_id=0, sentences=True), unk_id=vocabulary["<unk>"]
    )
    assert [len(words) for words in tables.words] == rows
    assert math.exp(-score_lines(tables, test).mean()) == pytest.approx(perplexity, rel=3e-8)


def score_lines(tables: NGramTables, token_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log-probability of each token, all at once; each line begins with the end of the one before."""
    text = np.concatenate(([0], token_ids)).astype(np.int64)
    keys = [
        np.repeat(np.arange(len(children) - 1), children[1:] - children[:-1]) * tables.vocab_size + words
        for children, words in zip(tables.children, tables.words[1:], strict=True)
    ]
    # rows[k][i]: the row of the n-gram of order k + 1 that ends at position i of the text, -1 where there is none
    rows = [text]
    for key in keys:
        row = np.full(len(text), -1)
        wanted = rows[-1][:-1] * tables.vocab_size + text[1:]
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        found = (key[place] == wanted) & (rows[-1][:-1] >= 0)
        row[1:][found] = place[found]
        rows.append(row)
    total = np.zeros(len(token_ids))
    open_ = np.ones(len(token_ids), bool)
    for k in range(tables.order - 1, -1, -1):
        hit = open_ & (rows[k][1:] >= 0)
        total[hit] += tables.log_probs[k][rows[k][1:][hit]]
        open_ &= ~hit
        if k:
            known = open_ & (rows[k - 1][:-1] >= 0)
            total[known] += tables.backoffs[k - 1][rows[k - 1][:-1][known]]
    return total


def test_estimation_does_not_wait_for_torch() -> None:
    code = "import sys, anaphora.models.ngram.estimate; assert 'torch' not in sys.modules"
    source = str(Path(anaphora.__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": source}, check=True)


def count(token_ids: list[int], vocab_size: int, order: int = 3, sentences: bool = True) -> NGramCounts:
    return count_ngrams(np.array(token_ids), order=order, vocab_size=vocab_size, start_id=0, sentences=sentences)


def total_of_unigrams(tables: NGramTables) -> float:
    return float(np.exp(tables.log_probs[0].astype(np.float64)).sum())


@pytest.mark.parametrize("smoothing", ["witten-bell", "additive"])
def test_a_counted_unknown_word_keeps_a_share_for_words_never_seen(smoothing: str) -> None:
    with_unknown = count([2, 1, 3, 0, 2, 1, 0], 4, order=1)
    kept = estimate(with_unknown, smoothing=smoothing, unk_id=1)
    assert total_of_unigrams(kept) < 0.99
    whole = estimate(with_unknown, smoothing=smoothing, unk_id=1, reserve_unseen=False)
    assert total_of_unigrams(whole) == pytest.approx(1, abs=1e-6)
    without_unknown = count([2, 2, 3, 0, 2, 2, 0], 4, order=1)
    assert total_of_unigrams(estimate(without_unknown, smoothing=smoothing, unk_id=1)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("sentences", [True, False])
@pytest.mark.parametrize("smoothing", sorted(SMOOTHINGS))
@pytest.mark.parametrize("token_ids", [[0], [1], [1, 1], [0, 0, 0], [1] * 40, [0] * 40])
@pytest.mark.filterwarnings("ignore::anaphora.errors.AnaphoraWarning")
def test_texts_of_next_to_nothing(token_ids: list[int], smoothing: str, sentences: bool) -> None:
    tables = estimate(count(token_ids, max(token_ids) + 1, 8, sentences), smoothing=smoothing)
    assert tables.order == 8
    assert tables.normalized == (smoothing != "stupid-backoff")
    for log_probs in tables.log_probs:
        assert not np.isnan(log_probs).any()
        assert (log_probs <= 0).all()
    if tables.normalized:
        assert total_of_unigrams(tables) == pytest.approx(1, abs=1e-6)


def test_discounts_that_do_not_exist_are_reported_once_with_their_orders() -> None:
    with pytest.warns(AnaphoraWarning, match=r"modified-kneser-ney: no discounts .* order 1, 2, because") as caught:
        estimate(count([1, 2, 1, 2, 0], 3, order=2))
    assert len(caught) == 1


def test_pruned_ngrams_leave_and_their_paths_stay_whole() -> None:
    tables = estimate(count([1, 2, 0, 1, 2, 0, 1, 3, 0], 4), smoothing="witten-bell", prune=(0, 1))
    (unigrams, *_), (bigrams, *_), (trigrams, *_) = listed(tables)
    assert len(unigrams) == 4
    assert bigrams == [(0, 1), (1, 2), (2, 0)]
    assert trigrams == [(0, 1, 2), (1, 2, 0)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"smoothing": "kneser-nay"},
            r"smoothing = 'kneser-nay': no such method; did you mean 'kneser-ney'\? \(known: ",
        ),
        ({"prune": (0, 2, 1)}, r"prune = \[0, 2, 1\]: no threshold may be less than the one before"),
        ({"prune": (-1,)}, r"prune = \[-1\]: no threshold may be less than .* 0"),
        ({"prune": (0, 0, 0, 1)}, r"prune = \[0, 0, 0, 1\]: thresholds for 4 orders, but the model has order 3"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        estimate(count([1, 2, 0], 3), **options)  # type: ignore[arg-type]
