"""`load` and `info`: open a model folder, and say what is in it."""

from pathlib import Path
from typing import Any

from anaphora.bundle import AnyBundle, Bundle, load_any, load_bundle
from anaphora.runtime import choose_device


def load(path: str | Path, device: str = "auto") -> Bundle:
    """Open a model: its folder, or the run folder around it.

    Raises:
        BundleError: the folder is missing, incomplete, corrupt, or from a newer version.
        ConfigError: no such device.

    >>> bundle = load("runs/book-lstm")  # doctest: +SKIP
    >>> bundle.model.num_parameters, bundle.tokenizer.vocab_size  # doctest: +SKIP
    """
    return load_bundle(Path(path), choose_device(device))


def loaded(model: Bundle | str | Path, device: str = "auto") -> Bundle:
    """Return a model that is loaded already as it is, and load it from its folder otherwise."""
    return model if isinstance(model, Bundle) else load(model, device)


def info(model: AnyBundle[Any] | str | Path) -> dict[str, Any]:
    """Say what a model of any kind is, as JSON values: sizes, settings, tokenizer, hashes, provenance with results.

    Raises:
        BundleError: as `load`.
    """
    bundle = model if isinstance(model, AnyBundle) else load_any(Path(model))
    tokenizer = bundle.tokenizer
    return {
        "path": str(bundle.path),
        "bytes": sum(file.stat().st_size for file in bundle.path.iterdir() if file.is_file()),
        "parameters": bundle.model.num_parameters,
        "model": bundle.model.config.model_dump(mode="json"),
        "model_hash": bundle.model_hash,
        "tokenizer": {
            "kind": tokenizer.kind,
            "vocab_size": tokenizer.vocab_size,
            "normalizer": tokenizer.normalizer.model_dump(mode="json"),
            "hash": tokenizer.hash,
        },
        **bundle.provenance,
    }
