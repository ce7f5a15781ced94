"""What is done to the characters of a text before it is cut into tokens: Unicode form, case, line breaks.

Belongs to the tokenizer and is saved with it, so that a prompt is treated exactly as the training text was.
Works on a stream: the characters that might still combine with what comes next are held back until it has come.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import ClassVar, Literal

from anaphora.settings import Settings

UnicodeForm = Literal["NFC", "NFD", "NFKC", "NFKD", "none"]
LineBreaks = Literal["keep", "eos", "space"]

# How far back to look for a place to cut. Written language never stacks that many marks on a letter; a run that does
# is cut anyway, so that memory stays bounded.
_REACH = 4096


class Normalizer(Settings):
    """Unicode normalisation form, lower-casing, and the meaning of a line break.

    Attributes:
        unicode: normalisation form; NFC makes equal-looking text equal.
        lower: turn the text to lower case.
        line_breaks: "keep" (an ordinary character), "eos" (the tokenizer turns each into `<eos>`), or "space".
    """

    section: ClassVar[str] = "tokenizer.normalizer"

    unicode: UnicodeForm = "NFC"
    lower: bool = False
    line_breaks: LineBreaks = "keep"

    def __call__(self, text: str) -> str:
        """Normalise a whole text."""
        if not text.isascii() and self.unicode != "none":
            text = unicodedata.normalize(self.unicode, text)
        if self.lower:
            text = text.lower()
        if self.line_breaks == "space":
            text = text.replace("\n", " ")
        return text

    def stream(self, chunks: Iterable[str]) -> Iterator[str]:
        """Normalise a text that comes in pieces, wherever they are cut: the results joined equal the whole text's."""
        held = ""
        for chunk in chunks:
            text = held + chunk
            cut = self._last_cut(text)
            if cut:
                yield self(text[:cut])
            held = text[cut:]
        if held:
            yield self(held)

    def _last_cut(self, text: str) -> int:
        """Return the last position where `text` may be cut; 0 when it must be held back whole."""
        if self.unicode == "none" and not self.lower:
            return len(text)
        for position in range(len(text) - 1, max(0, len(text) - _REACH), -1):
            if self._may_cut(text[position - 1], text[position]):
                return position
        return len(text) if len(text) > _REACH else 0

    def _may_cut(self, before: str, after: str) -> bool:
        if after in " \n\t":
            return True
        if not _starts_afresh(after):
            return False
        return not self.lower or (_lower_alone(before) and _lower_alone(after))


@lru_cache(maxsize=65_536)
def _starts_afresh(char: str) -> bool:
    """Say whether no normalisation form joins `char` to the one before it.

    It does so with marks and with the vowels and final consonants of Hangul, also where a character only decomposes
    into one of them (the halfwidth forms).
    """
    if char.isascii():
        return True
    first = unicodedata.normalize("NFKD", char)[0]
    is_jamo = "\u1160" <= first <= "\u11ff" or "\ud7b0" <= first <= "\ud7ff"
    return not is_jamo and "M" not in (unicodedata.category(char)[0], unicodedata.category(first)[0])


@lru_cache(maxsize=65_536)
def _lower_alone(char: str) -> bool:
    """Say whether lower-casing `char` does not depend on its neighbours, nor theirs on what lies beyond it.

    One letter depends on them: the Greek sigma has another form at the end of a word. Letters and digits end that
    search; apostrophes, full stops and marks are looked through.
    """
    plain = unicodedata.category(char) in {"Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No"}
    return plain and "Σ" not in unicodedata.normalize("NFKC", char)
