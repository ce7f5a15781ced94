"""From nats to the numbers that people compare: perplexity, bits per character, bits per byte.

Pure arithmetic. Everywhere else in the library a loss is in nats; only this file knows of bits.
"""

import math


def perplexity(loss: float) -> float:
    """Return exp(loss), the perplexity for a loss in nats per token; infinite where that exceeds a float (709 nats)."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def bits(nats: float) -> float:
    """Return nats as bits."""
    return nats / math.log(2.0)


def bits_per(total_nats: float, units: int) -> float:
    """Return the bits that a text costs per unit: `units` counts the characters or bytes of the raw text.

    The text's own counts make results of different tokenizers comparable; ids cannot tell how long the text was.
    """
    return bits(total_nats) / units


def finite_or_none(value: float) -> float | None:
    """Return the value, or None where JSON has no number for it (infinity, not a number)."""
    return value if math.isfinite(value) else None
