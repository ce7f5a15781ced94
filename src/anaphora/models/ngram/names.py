"""The names of n-gram models: a smoothing method and an order, as in `kn5`.

In a file of its own so that the registry knows all names without loading what estimates or looks up.
"""

HIGHEST_ORDER = 8

# Short name in `--model`: the smoothing method that `estimate` knows, and what people call it.
FAMILIES: dict[str, tuple[str, str]] = {
    "ml": ("maximum-likelihood", "maximum likelihood"),
    "additive": ("additive", "additive"),
    "katz": ("katz", "Katz, Good-Turing"),
    "wb": ("witten-bell", "Witten-Bell"),
    "abs": ("absolute-discounting", "absolute discounting"),
    "okn": ("kneser-ney", "Kneser-Ney with one discount"),
    "kn": ("modified-kneser-ney", "interpolated modified Kneser-Ney"),
    "stupid": ("stupid-backoff", "stupid back-off"),
}
IMPORTED = "arpa"  # read from an ARPA file; nobody knows how it was estimated

NAMES = tuple(f"{family}{order}" for family in (*FAMILIES, IMPORTED) for order in range(1, HIGHEST_ORDER + 1))


def family_and_order(name: str) -> tuple[str, int]:
    """Return ("kn", 5) for "kn5". The name is one of NAMES."""
    return name[:-1], int(name[-1])
