"""What is done to the characters of a text before it is cut into tokens: Unicode form, case, line breaks.

Belongs to the tokenizer and is saved with it, so that a prompt is treated exactly as the training text was.
"""

import unicodedata
from typing import ClassVar, Literal

from anaphora.settings import Settings


class Normalizer(Settings):
    """Unicode normalisation form, lower-casing, and the meaning of a line break.

    Attributes:
        unicode: normalisation form; NFC makes equal-looking text equal.
        lower: turn the text to lower case.
        line_breaks: "keep" (an ordinary character), "eos" (the tokenizer turns each into `<eos>`), or "space".
    """

    section: ClassVar[str] = "tokenizer.normalizer"

    unicode: Literal["NFC", "NFD", "NFKC", "NFKD", "none"] = "NFC"
    lower: bool = False
    line_breaks: Literal["keep", "eos", "space"] = "keep"

    def __call__(self, text: str) -> str:
        """Normalise a piece of text. Pieces must be cut where no character combines with the one before."""
        if not text.isascii() and self.unicode != "none":
            text = unicodedata.normalize(self.unicode, text)
        if self.lower:
            text = text.lower()
        if self.line_breaks == "space":
            text = text.replace("\n", " ")
        return text
