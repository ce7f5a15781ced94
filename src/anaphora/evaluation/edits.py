"""How wrong a text is beside its reference: word, character and sentence errors.

Errors are counts and rates their quotients over many texts, so that a long text weighs more than a short one.
"""

from collections.abc import Hashable, Sequence


def edit_distance(found: Sequence[Hashable], expected: Sequence[Hashable]) -> int:
    """Return the fewest insertions, deletions and substitutions that turn one sequence into the other (Levenshtein).

    All cells of a column at once, a bit for each (Myers 1999, in the form of Hyyrö 2003): a column of the usual table
    only ever changes by one from cell to cell, and Python's integers are as long as need be.
    """
    if not expected:
        return len(found)
    places: dict[Hashable, int] = {}
    for place, item in enumerate(expected):
        places[item] = places.get(item, 0) | 1 << place
    whole, last = (1 << len(expected)) - 1, 1 << (len(expected) - 1)
    rises, falls, distance = whole, 0, len(expected)
    for item in found:
        equal = places.get(item, 0)
        diagonal = (((equal & rises) + rises) ^ rises) | equal | falls
        rises_across, falls_across = falls | ~(diagonal | rises), rises & diagonal
        distance += bool(rises_across & last) - bool(falls_across & last)
        rises_across = rises_across << 1 | 1
        rises = (falls_across << 1 | ~(diagonal | rises_across)) & whole
        falls = rises_across & diagonal & whole
    return distance


METRICS = ("wer", "cer", "ser")


def _units(metric: str, text: str) -> Sequence[str]:
    """Return what is compared: characters without white space, or words."""
    return "".join(text.split()) if metric == "cer" else text.split()


def count_errors(metric: str, text: str, references: Sequence[str]) -> int:
    """Return the errors of a text: against the reference that it is nearest to, when there are several.

    `wer` counts edited words, `cer` edited characters (white space aside), `ser` 1 for a text that is not right.
    """
    fewest = min(edit_distance(_units(metric, text), _units(metric, reference)) for reference in references)
    return min(1, fewest) if metric == "ser" else fewest


def count_units(metric: str, references: Sequence[str]) -> float:
    """Return what errors are divided by: the mean length of the references, or 1 for a whole sentence."""
    if metric == "ser":
        return 1.0
    return sum(len(_units(metric, reference)) for reference in references) / len(references)
