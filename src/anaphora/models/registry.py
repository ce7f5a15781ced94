"""The one table of models, and how a name becomes a configuration and a configuration a model."""

from collections.abc import Mapping
from typing import Any

from anaphora.errors import ConfigError
from anaphora.models.baselines import UniformLanguageModel, UnigramLanguageModel
from anaphora.models.conditional import ConditionalLanguageModel
from anaphora.models.language_model import LanguageModel, ModelConfig
from anaphora.models.mixture import MixtureLanguageModel
from anaphora.models.ngram.model import NGramLanguageModel
from anaphora.models.ngram.names import FAMILIES, HIGHEST_ORDER, NAMES
from anaphora.models.recurrent import RecurrentLanguageModel
from anaphora.models.stack import StackLanguageModel
from anaphora.settings import did_you_mean

MODELS: dict[str, type[LanguageModel]] = {
    "awd-elman": StackLanguageModel,
    "awd-gru": StackLanguageModel,
    "awd-lstm": StackLanguageModel,
    "block": StackLanguageModel,
    "conditional": ConditionalLanguageModel,
    "elman": RecurrentLanguageModel,
    "gru": RecurrentLanguageModel,
    "layernorm-lstm": StackLanguageModel,
    "lstm": RecurrentLanguageModel,
    "mingru": StackLanguageModel,
    "minlstm": StackLanguageModel,
    "mixture": MixtureLanguageModel,
    "mogrifier": StackLanguageModel,
    "qrnn": StackLanguageModel,
    "rglru": StackLanguageModel,
    "sru": StackLanguageModel,
    "uniform": UniformLanguageModel,
    "unigram": UnigramLanguageModel,
    "zoneout-lstm": StackLanguageModel,
    **dict.fromkeys(NAMES, NGramLanguageModel),
}


def model_class(name: object) -> type[LanguageModel]:
    """Return the class of the model of that name.

    Raises:
        ConfigError: no model has that name.
    """
    if not isinstance(name, str) or name not in MODELS:
        known = [known for known in MODELS if known not in NAMES]
        raise ConfigError(
            f"name = {name!r} in [model]: no such model{did_you_mean(str(name), list(MODELS))} (known:"
            f" {', '.join(known)}, and n-grams of order 1 to {HIGHEST_ORDER}: {', '.join(FAMILIES)}, as in kn5)"
        )
    return MODELS[name]


def model_config(name: str, values: Mapping[str, Any] | None = None) -> ModelConfig:
    """Return the configuration of the model of that name with some `values` set.

    Raises:
        ConfigError: no such model, or a key or value that its configuration does not have.
    """
    return model_class(name).config_class_for(name)(**{**(values or {}), "name": name})


def build_model(config: ModelConfig, vocab_size: int) -> LanguageModel:
    """Make a new model; its weights are drawn from torch's generator."""
    return model_class(getattr(config, "name", None))(config, vocab_size)
