"""The `english` tokenizer: the words of English reviews and web text, for classifying rather than for writing.

HTML tags become white space, everything is lower case, emoticons stay (without noses, behind the words of their
line), all other characters that are no part of a word go. What it drops cannot be decoded again.
"""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from anaphora.text.lines import lines
from anaphora.text.normalizer import Normalizer
from anaphora.text.tokenizer import EOS, Kind
from anaphora.text.words import WordTokenizer

_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_EMOTICON = re.compile(r"[:;=]-?(?:[()]|[DP](?!\w))")
_WORD = re.compile(r"\w+")


class EnglishTokenizer(WordTokenizer):
    """Lower-case runs of letters, digits and underscores, then the emoticons `:) ;( =D :P ...` of the same line.

    A line is one document: `<eos>` follows its emoticons. A line of more than 65,536 characters is taken in parts.

    Example:
        "<b>This</b> is :-) a TEST!" gives `this is a test :)`.
    """

    kind: ClassVar[Kind] = "english"
    without_effect: ClassVar[tuple[str, ...]] = ("lower",)

    @classmethod
    def words(cls, chunks: Iterable[str], normalizer: Normalizer) -> Iterator[list[str]]:
        # Lines are looked at first, as written: emoticons need their capitals, and each line has its own.
        as_written = normalizer.replace(lower=False, line_breaks="keep")
        ends = [EOS] if normalizer.line_breaks == "eos" else []
        for group in lines(as_written.stream(chunks)):
            found: list[str] = []
            for line in group:
                found += english_words(line)
                if line.endswith("\n"):
                    found += ends
            yield found


def english_words(line: str) -> list[str]:
    """Return the words of one line, then its emoticons."""
    line = _TAG.sub(" ", line)
    emoticons = [emoticon.replace("-", "") for emoticon in _EMOTICON.findall(line)]
    if emoticons:
        line = _EMOTICON.sub(" ", line)
    return _WORD.findall(line.lower()) + emoticons
