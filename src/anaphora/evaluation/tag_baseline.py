"""The baseline of taggers: each word gets the tag it has most often, an unknown one the tag that new words have.

In English it finds nine parts of speech in ten (Charniak et al. 1993), so a tagger's accuracy means little without it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from anaphora.text.conll import TaggedSentence


class MostFrequentTag:
    """Tags words without looking at their neighbours.

    Args:
        sentences: to count; at least one word.
    """

    def __init__(self, sentences: Sequence[TaggedSentence]) -> None:
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            for word, tag in zip(sentence.tokens, sentence.tags, strict=True):
                counts[word][tag] += 1
        self._tag_of = {word: _likeliest(tags) for word, tags in counts.items()}
        rare = Counter(tag for tags in counts.values() if tags.total() == 1 for tag in tags)
        self._tag_of_unknown = _likeliest(rare or sum(counts.values(), Counter()))

    def tag(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the tag of each word."""
        return tuple(self._tag_of.get(word, self._tag_of_unknown) for word in words)


def _likeliest(tags: Counter[str]) -> str:
    return min(tags, key=lambda tag: (-tags[tag], tag))
