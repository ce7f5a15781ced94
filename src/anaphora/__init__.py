"""anaphora: recurrent language models, from n-grams to LSTMs, on PyTorch.

The public names load on first use, so that `import anaphora` costs nothing that the caller did not ask for.
Each door of the project (this module, the command line, later the server) leads to `anaphora.api`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from anaphora.api import evaluate, generate, info, load, train
    from anaphora.errors import AnaphoraError

# Where each public name lives: the one list that __getattr__ and the tests read.
_HOMES = {
    "AnaphoraError": "anaphora.errors",
    "evaluate": "anaphora.api",
    "generate": "anaphora.api",
    "info": "anaphora.api",
    "load": "anaphora.api",
    "train": "anaphora.api",
}

__all__ = ["AnaphoraError", "__version__", "evaluate", "generate", "info", "load", "train"]


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name when the name is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'anaphora' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
