"""IMDb in one table: anaphora beside the commonest label, naive Bayes and TF-IDF, for few labels and for many.

    python -m benchmarks.imdb_table [--labels N ...] [--seeds N] [--minutes M] [--threads N] [--plot curve.png]

Everybody gets the same number of labelled reviews of the official training split, chosen by the same seeds, and is
measured on the 25,000 of the test split; of anaphora a tenth of the labels goes into validation. Where ours loses to
TF-IDF, the table says so. With the defaults it takes some four hours, so `make bench` leaves it out.
"""

import argparse
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from anaphora import api
from anaphora.files import write_json
from anaphora.lab.learning_curve import CurvePoint, plot_learning_curve
from benchmarks.harness import RESULTS, machine
from benchmarks.texts import imdb_reviews, shared_folder
from benchmarks.tfidf import LABELS, STRONGEST, Rivals, labelled_rows

OURS = "anaphora"
Accuracies = dict[str, dict[int, list[float]]]


def measure(labels: Sequence[int], seeds: int, minutes: float, threads: int) -> Accuracies:
    """Return the accuracies on the test split: {name: {number of labels: one a seed}}."""
    train, test = imdb_reviews("train"), imdb_reviews("test")
    rivals = Rivals(train, test)
    found: Accuracies = {}
    for number in labels:
        for seed in range(1, 1 + (seeds if number < len(train.labels) else 1)):
            for score in rivals.scores(labelled_rows(train.labels, number, seed), seed):
                found.setdefault(score.name, {}).setdefault(number, []).append(score.accuracy)
            found.setdefault(OURS, {}).setdefault(number, []).append(train_ours(number, seed, minutes, threads))
            print(f"{number:>7,} labels, seed {seed}: {latest(found, number)}", flush=True)
    return found


def train_ours(number: int, seed: int, minutes: float, threads: int) -> float:
    """Train the default classifier on so many labels for so long; return its accuracy on the test split."""
    with tempfile.TemporaryDirectory() as folder:
        result = api.train_classifier(
            "imdb",
            labelled=number,
            minutes=minutes,
            seed=seed,
            settings=[f"documents.seed={seed}", f"documents.data_dir={shared_folder()}", f"threads={threads}"],
            out=Path(folder) / "run",
        )
    return result.scores["test"].accuracy


def latest(found: Accuracies, number: int) -> str:
    """Say what each reached last."""
    return ", ".join(f"{name} {curve[number][-1]:.4f}" for name, curve in found.items())


def points(curve: Mapping[int, Sequence[float]]) -> list[CurvePoint]:
    """Return a curve as the picture wants it."""
    return [CurvePoint.of(number, accuracies) for number, accuracies in sorted(curve.items())]


def table(found: Accuracies, labels: Iterable[int]) -> str:
    """Return the means as a table in Markdown, and what is to be said where ours loses."""
    numbers = list(labels)
    lines = [f"| | {' | '.join(f'{number:,} labels' for number in numbers)} |", "| --- |" + " ---: |" * len(numbers)]
    means = {name: {point.num_labels: point.accuracy for point in points(curve)} for name, curve in found.items()}
    lines += [f"| {name} | {' | '.join(f'{of[number]:.4f}' for number in numbers)} |" for name, of in means.items()]
    lost = [f"{number:,}" for number in numbers if means[OURS][number] < means[STRONGEST][number]]
    if lost:
        lines.append(f"\n{OURS} loses to {STRONGEST} with {', '.join(lost)} labels.")
    return "\n".join(lines)


def main() -> None:
    """Measure all, print the table, write the result and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, nargs="+", default=LABELS, help="numbers of labelled reviews")
    parser.add_argument("--seeds", type=int, default=3, help="choices of them; of all 25,000 there is but one")
    parser.add_argument("--minutes", type=float, default=20.0, help="of each training of ours")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plot", type=Path, help="draw the learning curve there")
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    options = parser.parse_args()
    found = measure(options.labels, options.seeds, options.minutes, options.threads)
    print(table(found, options.labels))
    if options.plot:
        rivals = {name: points(curve) for name, curve in found.items() if name != OURS}
        plot_learning_curve({OURS: points(found[OURS])}, rivals, options.plot)
    record = {
        "name": "imdb-table",
        "about": __doc__.splitlines()[0],
        "machine": machine(torch.device("cpu")),
        "minutes": options.minutes,
        "threads": options.threads,
        "accuracies": found,
    }
    if not options.no_save:
        write_json(RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-imdb-table.json", record)


if __name__ == "__main__":
    main()
