"""IMDb in one table: anaphora beside the commonest label, naive Bayes and TF-IDF, for few labels and for many.

    python -m benchmarks.imdb_table [--labels N ...] [--seeds N] [--minutes M | --encoder MODEL] [--self-training N]
                                    [--threads N] [--with RESULT ...] [--plot curve.png]

Everybody gets the same number of labelled reviews of the official training split, chosen by the same seeds, and is
measured on the 25,000 of the test split; of anaphora a tenth of the labels goes into validation. Ours is the vote of a
net and a linear classifier of n-grams; each of the two alone has a row of its own. The other reviews are text without
labels. `--encoder` names a language model that has read them, as a run by minutes leaves one in
RUN/language-model-forward: all trainings then begin with it, and read as many documents as anaphora does without a rule
to stop by. Otherwise each trains its own in `--minutes`, and the table takes some four hours. It can be measured in
parts: `--with` adds earlier results to the table and the picture. Where ours loses to TF-IDF, the table says so. `make
bench` leaves it out.
"""

import argparse
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from anaphora import api
from anaphora.errors import AnaphoraError
from anaphora.files import read_json, write_json
from anaphora.lab.learning_curve import CurvePoint, plot_learning_curve
from benchmarks.harness import RESULTS, machine
from benchmarks.texts import imdb_reviews, shared_folder
from benchmarks.tfidf import LABELS, STRONGEST, Rivals, labelled_rows

OURS = "anaphora"
PARTS = {"forward": "its net alone", "n-grams": "its n-grams alone"}
_ALL = 25_000  # reviews of the training split
Accuracies = dict[str, dict[int, list[float]]]


@dataclass(frozen=True)
class Ours:
    """How ours are trained."""

    minutes: float | None
    encoder: str | None
    self_training: int
    threads: int


def measure(labels: Sequence[int], seeds: int, ours: Ours) -> Accuracies:
    """Return the accuracies on the test split: {name: {number of labels: one a seed}}."""
    train, test = imdb_reviews("train"), imdb_reviews("test")
    rivals = Rivals(train, test)
    found: Accuracies = {}
    for number in labels:
        for seed in range(1, 1 + (seeds if number < len(train.labels) else 1)):
            for score in rivals.scores(labelled_rows(train.labels, number, seed), seed):
                found.setdefault(score.name, {}).setdefault(number, []).append(score.accuracy)
            for name, accuracy in train_ours(number, seed, ours).items():
                found.setdefault(name, {}).setdefault(number, []).append(accuracy)
            print(f"{number:>7,} labels, seed {seed}: {latest(found, number)}", flush=True)
    return found


def train_ours(number: int, seed: int, ours: Ours) -> dict[str, float]:
    """Train a classifier on so many labels; return the accuracies on the test split, of its parts alone too."""
    settings = [f"documents.seed={seed}", f"documents.data_dir={shared_folder()}", f"threads={ours.threads}"]
    with tempfile.TemporaryDirectory() as folder:
        result = api.train_classifier(
            "imdb",
            labelled=number,
            minutes=ours.minutes,
            encoder=ours.encoder,
            self_training=ours.self_training if number < _ALL else None,
            ngrams=True,
            seed=seed,
            settings=settings,
            out=Path(folder) / "run",
        )
    parts = {PARTS[name]: scores["test"].accuracy for name, scores in result.voters.items()}
    return {**parts, OURS: result.scores["test"].accuracy}


def join(found: Accuracies, earlier: Iterable[Path]) -> Accuracies:
    """Return accuracies together with those of earlier result files; what was measured again replaces the old."""
    joined: Accuracies = {}
    for path in earlier:
        for name, curve in read_json(path, AnaphoraError, "an earlier result")["accuracies"].items():
            joined.setdefault(name, {}).update({int(number): accuracies for number, accuracies in curve.items()})
    for name, curve in found.items():
        joined.setdefault(name, {}).update(curve)
    return joined


def latest(found: Accuracies, number: int) -> str:
    """Say what each reached last."""
    return ", ".join(f"{name} {curve[number][-1]:.4f}" for name, curve in found.items())


def points(curve: Mapping[int, Sequence[float]]) -> list[CurvePoint]:
    """Return a curve as the picture wants it."""
    return [CurvePoint.of(number, accuracies) for number, accuracies in sorted(curve.items())]


def table(found: Accuracies) -> str:
    """Return the means as a table in Markdown, and what is to be said where ours loses."""
    numbers = sorted(found[OURS])
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
    parser.add_argument("--labels", type=int, nargs="*", default=LABELS, help="numbers of labelled reviews")
    parser.add_argument("--seeds", type=int, default=3, help="choices of them; of all 25,000 there is but one")
    parser.add_argument("--minutes", type=float, default=20.0, help="of each training of ours, without --encoder")
    parser.add_argument("--encoder", help="a language model that has read the training reviews")
    parser.add_argument("--self-training", type=int, default=0, metavar="N", help="rounds")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--with", dest="earlier", type=Path, nargs="+", default=[], help="results to show together")
    parser.add_argument("--plot", type=Path, help="draw the learning curve there")
    parser.add_argument("--no-save", action="store_true", help="print only, write no result file")
    options = parser.parse_args()
    ours = Ours(
        minutes=None if options.encoder else options.minutes,
        encoder=options.encoder,
        self_training=options.self_training,
        threads=options.threads,
    )
    found = measure(options.labels, options.seeds, ours)
    found = join(found, options.earlier)
    print(table(found))
    if options.plot:
        own = (OURS, *PARTS.values())
        rivals = {name: points(curve) for name, curve in found.items() if name not in own}
        plot_learning_curve({name: points(found[name]) for name in own}, rivals, options.plot)
    record = {
        "name": "imdb-table",
        "about": __doc__.splitlines()[0],
        "machine": machine(torch.device("cpu")),
        "ours": asdict(ours),
        "accuracies": found,
    }
    if not options.no_save:
        write_json(RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-imdb-table.json", record)


if __name__ == "__main__":
    main()
