"""The two corpora that need no file: numbers in words, and the manual that every Python carries.

They make demos, tests and first steps possible without a network. The texts are made on demand and never stored.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from num2words import num2words

from anaphora.errors import CorpusError

# fast.ai's Human Numbers: training text 1..7,999, validation text 8,001..9,999; 8,000 is in neither. There is no
# test split: the published one has none, and taking a third away would make its figures incomparable.
_HUMAN_NUMBERS = {"train": range(1, 8000), "valid": range(8001, 10000)}


@dataclass(frozen=True)
class MadeText:
    """A text that is generated in process; read like a file."""

    name: str
    text: str
    is_plain: Literal[False] = False  # no Gutenberg header can be in it

    def fingerprint(self) -> str:
        """Return a hash of the text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def documents(self) -> Iterator[Iterator[str]]:
        """Yield the one document of this text."""
        yield iter((self.text,))


def built_in_texts(name: str) -> dict[str, MadeText]:
    """Return the texts of a built-in corpus by split; "all" for one that is still to be split."""
    return {split: MadeText(f"{name} ({split})", text) for split, text in _MAKERS[name]().items()}


def human_numbers() -> dict[str, str]:
    """Return the training and validation text: a number a line in words, each line ending in a space."""
    return {
        split: "".join(f"{_in_words(number)} \n" for number in numbers) for split, numbers in _HUMAN_NUMBERS.items()
    }


def _in_words(number: int) -> str:
    """Return 1234 as "one thousand two hundred thirty four"."""
    words: str = num2words(number)
    return words.replace(" and ", " ").replace(",", "").replace("-", " ")


def python_manual() -> dict[str, str]:
    """Return the help topics of the running Python, sorted by name; the text differs between Python versions.

    Raises:
        CorpusError: this Python was installed without them.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise CorpusError(
            "python-manual is not here: this Python lacks its module pydoc_data; install the full standard library"
        ) from None
    return {"all": "".join(f"{topics[name].rstrip()}\n\n" for name in sorted(topics))}


_MAKERS: dict[str, Callable[[], dict[str, str]]] = {
    "human-numbers": human_numbers,
    "python-manual": python_manual,
}
