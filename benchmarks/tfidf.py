"""The rivals without a recurrent net: the commonest label, naive Bayes, logistic regression on TF-IDF of word pairs.

    python -m benchmarks.tfidf [--labels N ...] [--seeds N]

scikit-learn's, given their best chance: words and pairs of words, term counts taken by logarithm, the one setting of
each chosen on a held-out fifth of the labels, and then fitted again to all of them. Alone it measures them on IMDb;
benchmarks/imdb_table.py puts them beside ours, where a recurrent model that loses to them is reported as losing.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB

from anaphora.files import write_json
from benchmarks.harness import RESULTS, machine
from benchmarks.texts import Reviews, imdb_reviews

LABELS = (100, 500, 2_500, 25_000)
STRONGEST = "logistic regression, TF-IDF"
_MARKUP = "<br />"
_SMOOTHINGS = (0.01, 0.03, 0.1, 0.3, 1.0)
_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # C, the inverse of the penalty's weight


@dataclass(frozen=True, kw_only=True)
class RivalScore:
    """What one rival reached.

    Attributes:
        name: of the rival.
        num_labels: how many labelled texts it was given.
        seed: of their choice.
        accuracy: on the test split.
        setting: the value that the held-out labels chose; None where there is nothing to choose.
        seconds: of the choice and the last fit together; counting the words, which is done once for all, left out.
    """

    name: str
    num_labels: int
    seed: int
    accuracy: float
    setting: float | None
    seconds: float


class Rivals:
    """All three, on one training and one test split whose words are counted once."""

    def __init__(self, train: Reviews, test: Reviews) -> None:
        counter = CountVectorizer(
            ngram_range=(1, 2), preprocessor=_plain, token_pattern=r"\b\w[\w']*", dtype=np.float32
        )
        self._counts = counter.fit_transform(train.texts)
        self._test_counts = counter.transform(test.texts)
        self._labels, self._test_labels = np.array(train.labels), np.array(test.labels)

    def scores(self, rows: Sequence[int], seed: int) -> Iterator[RivalScore]:
        """Fit each to these rows of the training split; yield what it reaches on the test split."""
        chosen = np.array(rows)
        labels = self._labels[chosen]
        kept, held_out = train_test_split(chosen, test_size=0.2, stratify=labels, random_state=seed)
        names, counts = np.unique(labels, return_counts=True)
        commonest = float((self._test_labels == names[counts.argmax()]).mean())
        yield RivalScore(
            name="majority", num_labels=len(rows), seed=seed, accuracy=commonest, setting=None, seconds=0.0
        )
        for name, make, settings in _TUNED:
            started = time.perf_counter()
            fitted, asked = _vectors(self._counts[kept], self._counts[held_out])
            reached = [
                make(setting).fit(fitted, self._labels[kept]).score(asked, self._labels[held_out])
                for setting in settings
            ]
            setting = settings[int(np.argmax(reached))]
            fitted, asked = _vectors(self._counts[chosen], self._test_counts)
            model = make(setting).fit(fitted, labels)
            seconds = time.perf_counter() - started
            yield RivalScore(
                name=name,
                num_labels=len(rows),
                seed=seed,
                accuracy=float(model.score(asked, self._test_labels)),
                setting=setting,
                seconds=seconds,
            )


def labelled_rows(labels: Sequence[str], number: int, seed: int) -> list[int]:
    """Choose `number` rows at random, as many of each label as of the others; a larger choice holds a smaller."""
    order = np.random.default_rng(seed).permutation(len(labels))
    by_label = [[row for row in order if labels[row] == label] for label in sorted(set(labels))]
    turns = [row for rows in zip(*by_label, strict=True) for row in rows]
    return sorted(int(row) for row in turns[:number])


def _vectors(counts: Any, others: Any) -> tuple[Any, Any]:
    """Weigh both matrices (texts, terms), for the terms that occur in the first."""
    occurring = np.unique(counts.indices)
    weigh = TfidfTransformer(sublinear_tf=True).fit(counts[:, occurring])
    return weigh.transform(counts[:, occurring]), weigh.transform(others[:, occurring])


def _plain(text: str) -> str:
    return text.replace(_MARKUP, " ").lower()


def _naive_bayes(smoothing: float) -> MultinomialNB:
    return MultinomialNB(alpha=smoothing)


def _regression(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, solver="liblinear", random_state=0)


_TUNED: tuple[tuple[str, Callable[[float], Any], tuple[float, ...]], ...] = (
    ("naive Bayes, TF-IDF", _naive_bayes, _SMOOTHINGS),
    (STRONGEST, _regression, _STRENGTHS),
)


def main() -> None:
    """Measure all three on IMDb for each number of labels, print them, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, nargs="+", default=LABELS, help="numbers of labelled reviews")
    parser.add_argument("--seeds", type=int, default=3, help="choices of them; of all 25,000 there is but one")
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    options = parser.parse_args()
    train, test = imdb_reviews("train"), imdb_reviews("test")
    rivals, scores = Rivals(train, test), []
    for number in options.labels:
        for seed in range(1, 1 + (options.seeds if number < len(train.labels) else 1)):
            for score in rivals.scores(labelled_rows(train.labels, number, seed), seed):
                print(score, flush=True)
                scores.append(asdict(score))
    record = {
        "name": "imdb-tfidf",
        "about": __doc__.splitlines()[0],
        "machine": machine(torch.device("cpu")),
        "scores": scores,
    }
    if not options.no_save:
        write_json(RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-imdb-tfidf.json", record)


if __name__ == "__main__":
    main()
