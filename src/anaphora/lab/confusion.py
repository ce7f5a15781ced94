"""The confusion matrix as a picture: what a classifier takes for what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anaphora.lab.plots import COLOURS, picture

_MOST_NUMBERED = 20  # labels, up to which every count is written into its square
_CHARACTERS_OF_A_LABEL = 24


def plot_confusion(matrix: ArrayLike, labels: Sequence[str], path: Path) -> None:
    """Draw counts (C, C), rows the true labels and columns the predicted ones; PNG or SVG by the suffix of `path`.

    A square is as dark as its share of its row, so that a rare class shows its errors as well as a common one.

    Raises:
        ConfigError: another suffix, or matplotlib is not installed.
    """
    counts = np.asarray(matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [_shortened(label) for label in labels]
    places = np.arange(len(names))
    side = min(16.0, 1.9 + 0.55 * max(len(names), 3) + 0.07 * max(map(len, names)))
    with picture(path, size=(side + 0.9, side)) as (axes,):
        image = axes.imshow(shares, cmap=_white_to_blue(), vmin=0, vmax=1)
        axes.grid(visible=False)
        axes.set(xlabel="predicted", ylabel="true")
        axes.set_xticks(places, names, rotation=90 if max(map(len, names)) > 4 and len(names) > 3 else 0)
        axes.set_yticks(places, names)
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set_parse_math(False)
        if len(names) <= _MOST_NUMBERED:
            for row, column in np.ndindex(*counts.shape):
                colour = "white" if shares[row, column] > 0.55 else "black"
                look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9}
                axes.text(column, row, f"{counts[row, column]:,}", color=colour, **look)
        bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, format=lambda share, _: f"{share:.0%}")
        bar.set_label("of the true label's documents")
        bar.outline.set_visible(False)


def _shortened(label: str) -> str:
    return label if len(label) <= _CHARACTERS_OF_A_LABEL else label[: _CHARACTERS_OF_A_LABEL - 1] + "…"


def _white_to_blue() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("share", ["#FFFFFF", COLOURS[0]])
