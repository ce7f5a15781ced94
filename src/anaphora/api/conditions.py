"""`given`: a conditional model told what its texts are, to write, score and search with like any other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anaphora.api.models import loaded
from anaphora.bundle import Bundle
from anaphora.errors import ConfigError
from anaphora.models.conditional import ConditionalLanguageModel


def given(model: Bundle | str | Path, condition: str | Sequence[float], *, device: str = "auto") -> Bundle:
    """Return a conditional model for texts of one condition; the one that is given is shared and never changed.

    Args:
        model: a loaded model, or its folder.
        condition: one of its labels, or a vector of as many numbers as its `condition_dim`.
        device: where a model is loaded to; one that is loaded already stays where it is.

    Raises:
        BundleError: as `load`.
        ConfigError: the model is not conditional, has no such label, or takes vectors of another width.

    >>> [sample] = generate(given("runs/reviews", "pos"), "The film")  # doctest: +SKIP
    """
    bundle = loaded(model, device)
    if not isinstance(bundle.model, ConditionalLanguageModel):
        raise ConfigError(
            f"condition {condition!r:.80}: the model {bundle.path} was trained without conditions; `anaphora train"
            " TABLE --condition COLUMN` trains one with the labels of a column"
        )
    return replace(bundle, model=bundle.model.given(condition))
