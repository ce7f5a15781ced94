"""The learning curve of a classifier as a picture: how good it is with how many labelled documents, and its rivals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anaphora.lab.plots import COLOURS, GREY, picture


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """What was reached with a number of labelled documents: the mean, and the lowest and highest of several runs."""

    num_labels: int
    accuracy: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, num_labels: int, accuracies: Sequence[float]) -> "CurvePoint":
        """Return the point of one or more runs."""
        mean = sum(accuracies) / len(accuracies)
        return cls(num_labels=num_labels, accuracy=mean, lowest=min(accuracies), highest=max(accuracies))


def plot_learning_curve(
    ours: Mapping[str, Sequence[CurvePoint]], baselines: Mapping[str, Sequence[CurvePoint]], path: Path
) -> None:
    """Draw accuracy over the number of labels: ours as lines, baselines dashed; a band from the lowest to the highest.

    Raises:
        ConfigError: the suffix of `path` is not .png or .svg, or matplotlib is not installed.
    """
    sizes = sorted({point.num_labels for curve in (*ours.values(), *baselines.values()) for point in curve})
    with picture(path, size=(7.5, 4.6)) as (axes,):
        axes.set(xscale="log", xlabel="labelled documents", ylabel="accuracy on the test split")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        drawn = [*((name, curve, "-") for name, curve in ours.items())]
        drawn += [(name, curve, "--") for name, curve in baselines.items()]
        for (name, curve, style), colour in zip(drawn, [*COLOURS, *[GREY] * len(drawn)], strict=False):
            numbers = [point.num_labels for point in curve]
            means = [point.accuracy for point in curve]
            axes.plot(numbers, means, style, marker="o", markersize=4, color=colour, label=name)
            lows, highs = [point.lowest for point in curve], [point.highest for point in curve]
            axes.fill_between(numbers, lows, highs, color=colour, alpha=0.12, linewidth=0)
        for text in axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2).get_texts():
            text.set_parse_math(False)
