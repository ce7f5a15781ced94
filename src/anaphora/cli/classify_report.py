"""What `anaphora classify` shows of scores: tables on the screen, and a picture of what was taken for what."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from anaphora.cli import output

if TYPE_CHECKING:
    from anaphora.api.classify_run import ClassifyResult
    from anaphora.evaluation.classification import ClassificationScores

_MOST_CLASSES = 20  # rows of a table on the screen
_PICTURE = "confusion.png"


def draw(result: "ClassifyResult") -> Path | None:
    """Draw what was taken for what into the run folder, where matplotlib is installed."""
    scores = result.scores.get("test") or result.scores.get("valid")
    if scores is None or scores.confusion is None or find_spec("matplotlib") is None:
        return None
    from anaphora.lab.confusion import plot_confusion

    path = result.run / _PICTURE
    plot_confusion(scores.confusion, result.labels, path)
    return path


def show(result: "ClassifyResult", picture: Path | None) -> None:
    """Print the scores beside the baselines, each class, where the model lies, and what to type next."""
    rows = [
        (
            split,
            name,
            f"{found.accuracy:.2%}",
            f"{found.macro_f1:.2%}",
            f"{found.loss:.4f}",
            f"{found.calibration_error:.2%}",
        )
        for split, scores in _by_split(result).items()
        for name, found in scores.items()
    ]
    output.say_table(("split", "model", "accuracy", "macro F1", "nats", "calibration error"), rows)
    split = next((name for name in ("test", "valid") if name in result.scores), None)
    if split is not None:
        scores = result.scores[split]
        low, high = scores.accuracy_interval
        output.say(f"accuracy of {scores.documents:,} {split} documents: {low:.2%} to {high:.2%} with 95 % confidence")
        if "valid" in result.scores:
            output.say(
                f"temperature {result.temperature:.2f}, fitted on valid: calibration error on {split} was"
                f" {result.calibration_error_before[split]:.2%}, is {scores.calibration_error:.2%}"
            )
        output.say(scores.signature)
        output.say()
        show_classes(scores)
    output.say()
    if result.interrupted:
        output.say(
            f"broken off after {result.steps:,} steps; go on with  anaphora classify train --resume {result.run}"
        )
    output.say(f"model    {result.model}")
    if picture is not None:
        output.say(f"picture  {picture}")
    output.say(f"next     anaphora classify predict {result.run} FILE")


def show_classes(scores: "ClassificationScores") -> None:
    """Print precision, recall and F1 of each class, the most frequent first where there are many."""
    classes = list(scores.classes.items())
    if len(classes) > _MOST_CLASSES:
        classes = sorted(classes, key=lambda pair: -pair[1].expected)[:_MOST_CLASSES]
    rows = [
        (name, f"{found.precision:.2%}", f"{found.recall:.2%}", f"{found.f1:.2%}", f"{found.expected:,}")
        for name, found in classes
    ]
    output.say_table(("label", "precision", "recall", "F1", "documents"), rows)
    if len(scores.classes) > len(rows):
        output.say(f"and {len(scores.classes) - len(rows):,} rarer labels; --json has them all")


def _by_split(result: "ClassifyResult") -> "dict[str, dict[str, ClassificationScores]]":
    """Return, for each held-out split, the scores of the baselines, of those that vote, and of the classifier."""
    voters = {f"votes: {name}": scores for name, scores in result.voters.items()}
    return {
        split: {**{name: scores[split] for name, scores in {**result.baselines, **voters}.items()}, "classifier": found}
        for split, found in result.scores.items()
    }
