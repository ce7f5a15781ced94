"""Trained classifiers: how one is opened, and what it remembers of the files it was trained on."""

from pathlib import Path
from typing import Any

from anaphora.bundle import ClassifierBundle
from anaphora.bundle import load_classifier as read_classifier
from anaphora.runtime import choose_device


def load_classifier(path: str | Path, device: str = "auto") -> ClassifierBundle:
    """Open a classifier: its folder, or the run folder around it.

    Raises:
        BundleError: the folder is missing, incomplete, corrupt, or holds another kind of model.
        ConfigError: no such device.
    """
    return read_classifier(Path(path), choose_device(device))


def reading_of_training(bundle: ClassifierBundle) -> dict[str, Any]:
    """Return how the files of the training were read, as keys of `DocumentSettings`."""
    reading = bundle.provenance.get("reading")
    return dict(reading) if isinstance(reading, dict) else {"multi_label": bundle.model.multi_label}
