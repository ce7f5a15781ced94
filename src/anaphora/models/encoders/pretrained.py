"""A language model as an encoder: all of it but its head (Howard and Ruder 2018, arXiv 1801.06146).

Shapes: B batch, T time, E embedding, W width of the model's last layer.
"""

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from anaphora.errors import ConfigError
from anaphora.models.encoders.encoder import Encoded, Encoder, EncoderConfig, at, read_in_pieces, take, turned
from anaphora.models.headed import HeadedLanguageModel
from anaphora.models.language_model import LanguageModel, State
from anaphora.models.registry import build_model, model_config


class PretrainedEncoderConfig(EncoderConfig):
    """What an encoder made from a language model is.

    Attributes:
        net: the [model] section of the language model; its dropouts may differ from those it was trained with.
        backward: whether it reads documents from their end to their beginning, as its training text was.
    """

    name: Literal["language-model"] = "language-model"
    net: dict[str, Any] = Field(default_factory=lambda: {"name": "awd-lstm"})
    backward: bool = False


class PretrainedEncoder(Encoder):
    """The embedding and the layers of a language model."""

    config_class: ClassVar[type[PretrainedEncoderConfig]] = PretrainedEncoderConfig
    config: PretrainedEncoderConfig

    def __init__(self, config: PretrainedEncoderConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.net = headed(build_model(model_config(config.net.get("name", ""), config.net), vocab_size))
        del self.net.head
        self.net.projection = None
        self.width, self.embedding_dim = self.net.width, self.net.config.embedding_dim

    def reset_parameters(self) -> None:
        """Do nothing: the weights come with the language model, see `take_over`."""

    @torch.no_grad()
    def take_over(self, model: LanguageModel) -> None:
        """Copy the weights of a language model, all but its head's.

        Raises:
            ConfigError: it is of another shape.
        """
        theirs, own = model.state_dict(), self.net.state_dict()
        for name, weight in own.items():
            if name not in theirs or theirs[name].shape != weight.shape:
                raise ConfigError(f"the language model does not fit the encoder: it has no {name!r} of {weight.shape}")
            weight.copy_(theirs[name])

    def embed(self, tokens: Tensor) -> Tensor:
        return self.net.embed(tokens)

    def encode(self, embedded: Tensor, lengths: Tensor) -> Encoded:
        places = turned(lengths, embedded.shape[1]) if self.config.backward else None
        inputs = embedded if places is None else take(embedded, places)
        read = read_in_pieces(self._read, inputs, self.net.initial_state(len(inputs)), self.config)
        last = at(read, lengths - 1)
        return Encoded(read if places is None else take(read, places), last)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        return [list(self.net.embedding.parameters()), *self.net.layer_weights()]

    def hidden_matrices(self) -> list[tuple[nn.Parameter, int]]:
        return self.net.hidden_matrices()

    def _read(self, embedded: Tensor, state: State) -> tuple[Tensor, State]:
        reading, state = self.net.read_embedded(embedded, state)
        return reading.dropped, state


def headed(model: LanguageModel) -> HeadedLanguageModel:
    """Return the model if it can become an encoder.

    Raises:
        ConfigError: it has no layers to take over, as an n-gram model.
    """
    if not isinstance(model, HeadedLanguageModel):
        name = model.config.model_dump().get("name")
        raise ConfigError(f"a {name!r} model cannot be an encoder: it has no recurrent layers; train an awd-lstm")
    return model
