"""Starting from a trained model: its shape, its tokenizer and its weights go into a new run, on any text.

The vocabulary stays the model's own, for its weights know no other: what the new text has and it has not is unknown.
"""

import warnings
from pathlib import Path

from anaphora.bundle import Bundle, load_bundle
from anaphora.errors import AnaphoraWarning, ConfigError
from anaphora.models.language_model import LanguageModel, NeuralLanguageModel
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.training.checkpoint import load_model_tensors, model_tensors
from anaphora.training.sections import Sections


def open_init(sections: Sections) -> Bundle | None:
    """Open the model that `init` in [training] names, if it names one.

    Raises:
        BundleError: it cannot be opened.
        ConfigError: it is not trained by gradient, or [tokenizer] asks for another kind than the model's.
    """
    init, kind = sections["training"].get("init"), sections["tokenizer"].get("kind")
    if init is None:
        return None
    bundle = load_bundle(Path(init))
    if not isinstance(bundle.model, NeuralLanguageModel):
        raise ConfigError(f"init = {init!r} in [training]: that model is not trained by gradient; nothing can go on")
    if kind not in (None, bundle.tokenizer.kind):
        raise ConfigError(
            f"kind = {kind!r} in [tokenizer]: the run starts from {init}, whose tokenizer is of kind"
            f" {bundle.tokenizer.kind!r}; leave the tokenizer out"
        )
    defaults = TokenizerSettings()
    for key, value in sections["tokenizer"].items():
        if key != "kind" and value != getattr(defaults, key):
            warnings.warn(f"{key} in [tokenizer] has no effect with init = {init!r}", AnaphoraWarning, stacklevel=2)
    return bundle


def with_init(sections: Sections, bundle: Bundle) -> Sections:
    """Return the sections with the bundle's model below the settings of [model], and the kind of its tokenizer alone.

    Dropout may be set anew; what decides about shapes may not, as `put_weights` will say.
    """
    model = {**bundle.model.config.model_dump(mode="json"), **sections["model"]}
    training = {**sections["training"], "init": str(bundle.path.absolute())}
    return {**sections, "model": model, "training": training, "tokenizer": {"kind": bundle.tokenizer.kind}}


def put_weights(bundle: Bundle, model: LanguageModel) -> None:
    """Copy the bundle's weights into a new model.

    Raises:
        ConfigError: a setting of [model] has given the new one another shape.
    """
    try:
        load_model_tensors(model, model_tensors(bundle.model))
    except ValueError as fault:
        raise ConfigError(
            f"the weights of {bundle.path} do not fit [model]: {fault}; leave out what changes the model's shape"
        ) from None
