"""Token ids to text as they come: whole characters only, and never a part of a stop string.

A token is not always text of its own: a byte may be a quarter of a character, a word brings the space before it, a
stop string may lie across several tokens. So text is held back until no later token can change it.
"""

from collections.abc import Sequence

from anaphora.text.tokenizer import Tokenizer

_REPLACEMENT = "\ufffd"  # how decoders show bytes that are no whole character (yet)


class TextReader:
    """Turns the tokens that follow a context into text. All fields are immutable values, so `copy.copy` forks it.

    Attributes:
        stopped: a stop string was found; the text ends before it, and further tokens are ignored.
    """

    def __init__(self, tokenizer: Tokenizer, context: Sequence[int] = (), stop: tuple[str, ...] = ()) -> None:
        self._tokenizer = tokenizer
        self._stop = stop
        # The last token read stays in the window: decoders put a space between two tokens, not before the first.
        self._window = tuple(context[-1:])
        self._done = len(tokenizer.decode(self._window)) if self._window else 0
        self._held = ""
        self.stopped = False

    def push(self, token_ids: Sequence[int]) -> str:
        """Take tokens; return the text that is certain now, often none."""
        if self.stopped:
            return ""
        self._window += tuple(token_ids)
        text = self._tokenizer.decode(self._window)
        whole = text.rstrip(_REPLACEMENT)
        fresh = whole[self._done :]
        self._done = max(self._done, len(whole))
        if whole == text:
            self._window = self._window[-1:]
            self._done = len(self._tokenizer.decode(self._window))
        return self._release(self._held + fresh)

    def finish(self) -> str:
        """Return the text that was held back. An incomplete character at the very end is left out."""
        if self.stopped:
            return ""
        pending = self._tokenizer.decode(self._window)[self._done :] if self._window else ""
        text = self._release(self._held + pending.removesuffix(_REPLACEMENT))
        held, self._held = self._held, ""
        return text + held

    def _release(self, text: str) -> str:
        """Cut the text before the first stop string in it, or hold back an end that may become one."""
        found = [position for position in map(text.find, self._stop) if position >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)]
        keep = len(text) - max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[keep:]
        return text[:keep]


def text_pieces(tokenizer: Tokenizer, token_ids: Sequence[int]) -> tuple[str, ...]:
    """Return the text that each token adds; nothing for a token that is a part of a character only."""
    reader = TextReader(tokenizer)
    pieces = [reader.push([token_id]) for token_id in token_ids]
    pieces[-1] += reader.finish()
    return tuple(pieces)


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of `text` that begins `stop` without being all of it."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
