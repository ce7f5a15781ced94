"""`suggest`: the likeliest next words, from a model that is loaded, or from its folder."""

from pathlib import Path

from anaphora.api.models import loaded
from anaphora.bundle import Bundle
from anaphora.generation import suggest as writer
from anaphora.generation.suggest import Suggestions


def suggest(model: Bundle | str | Path, prefix: str = "", *, top: int = 5, device: str = "auto") -> Suggestions:
    """Suggest how a text goes on, word by word, as a keyboard does.

    Args:
        model: a loaded model, or its folder.
        prefix: the text so far. Where it ends in white space, the next word is suggested; otherwise the words that
            begin with the letters of its last.
        top: how many words.
        device: where a model is loaded to.

    Raises:
        AnaphoraError: no such model, `top` less than 1, a prefix the vocabulary cannot express.

    >>> [word.word for word in suggest("runs/book-lstm", "The old rep").words]  # doctest: +SKIP
    """
    bundle = loaded(model, device)
    return writer.suggest(bundle.model, bundle.tokenizer, prefix, top=top)
