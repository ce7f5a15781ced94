"""`generate` and `stream`: text from a model that is loaded, or from its folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anaphora.api.models import loaded
from anaphora.bundle import Bundle
from anaphora.generation import generate as writer
from anaphora.generation.generate import GenerationSettings, Sample


def generate(model: Bundle | str | Path, prompt: str = "", **settings: Any) -> list[Sample]:
    """Write texts that continue a prompt.

    Args:
        model: a loaded model, or its folder.
        prompt: the text to go on from; an empty one lets the model begin.
        settings: see `anaphora.generation.generate.GenerationSettings`: max_new_tokens, temperature, top_k, top_p,
            min_p, repetition_penalty, beam, num, seed, stop, allow_special.

    Raises:
        AnaphoraError: no such model, a setting that cannot be, a prompt that the vocabulary cannot express.

    >>> [sample] = generate("runs/book-lstm", "Once", temperature=0.8, seed=1)  # doctest: +SKIP
    """
    options = GenerationSettings(**settings)
    bundle = loaded(model)
    return writer.generate(bundle.model, bundle.tokenizer, prompt, options)


def stream(model: Bundle | str | Path, prompt: str = "", **settings: Any) -> Iterator[str]:
    """Write one text piece by piece, as it comes. Arguments and errors as for `generate`."""
    options = GenerationSettings(**settings)
    bundle = loaded(model)
    return writer.stream(bundle.model, bundle.tokenizer, prompt, options)
