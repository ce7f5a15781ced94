"""How the [encoder] section becomes an encoder."""

from collections.abc import Mapping
from typing import Any

from anaphora.models.encoders.encoder import Encoder, EncoderConfig
from anaphora.models.encoders.pretrained import PretrainedEncoder, PretrainedEncoderConfig
from anaphora.models.encoders.stack import StackEncoder, StackEncoderConfig


def encoder_config(values: Mapping[str, Any]) -> EncoderConfig:
    """Return the configuration of the encoder that `values` name; without a name, a bidirectional LSTM.

    Raises:
        ConfigError: no such encoder, or a key or value that its configuration does not have.
    """
    return encoder_config_class(values.get("name"))(**values)


def encoder_config_class(name: object) -> type[EncoderConfig]:
    """Return the class of the configuration of the encoder of that name."""
    return PretrainedEncoderConfig if name == "language-model" else StackEncoderConfig


def build_encoder(config: EncoderConfig, vocab_size: int) -> Encoder:
    """Make a new encoder; its weights are drawn from torch's generator."""
    if isinstance(config, PretrainedEncoderConfig):
        return PretrainedEncoder(config, vocab_size)
    assert isinstance(config, StackEncoderConfig)
    return StackEncoder(config, vocab_size)
