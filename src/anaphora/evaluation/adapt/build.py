"""From a trained model and settings to one that adapts, and what a signature must say of such a model."""

from anaphora.errors import ConfigError
from anaphora.evaluation.adapt.dynamic import DynamicLanguageModel, Update
from anaphora.evaluation.adapt.neural_cache import CachedLanguageModel
from anaphora.evaluation.adapt.settings import AdaptSettings
from anaphora.evaluation.adapt.statistics import GradientStatistics
from anaphora.evaluation.signature import short
from anaphora.models.language_model import LanguageModel, NeuralLanguageModel


def adapting(
    model: LanguageModel, settings: AdaptSettings, statistics: GradientStatistics | None = None
) -> LanguageModel:
    """Return a model that adapts to what it reads; `model` is shared, and never changed.

    With both methods the weights follow the loss of the mixture: they learn what the cache does not know yet.

    Raises:
        ConfigError: the model has nothing to adapt, or dynamic evaluation was given no statistics.
    """
    net = adaptable(model)
    adapted: LanguageModel = net if settings.cache is None else CachedLanguageModel(net, settings.cache)
    if settings.dynamic is not None:
        if statistics is None:
            raise ConfigError(
                "dynamic evaluation needs the gradient statistics of a text: gather_statistics makes them"
            )
        adapted = DynamicLanguageModel(Update(adapted, statistics, settings.dynamic))
    return adapted


def adaptable(model: LanguageModel) -> NeuralLanguageModel:
    """Return the model.

    Raises:
        ConfigError: it is no neural net, or it adapts already.
    """
    if already := conditions(model):
        raise ConfigError(f"the model adapts already ({already}): take the one that was trained")
    if not isinstance(model, NeuralLanguageModel):
        name = getattr(model.config, "name", type(model).__name__)
        raise ConfigError(f"there is nothing to adapt in the model {name!r}: only a neural net follows a text")
    return model


def conditions(model: LanguageModel) -> str | None:
    """Return what a signature says of how a model adapts, every setting of it; None for one that does not."""
    if isinstance(model, DynamicLanguageModel):
        update = model.update
        cache = conditions(update.trained)
        dynamic = f"{AdaptSettings(dynamic=update.settings)},statistics={short(update.source)}"
        return f"{dynamic}+{cache}" if cache else dynamic
    return str(AdaptSettings(cache=model.settings)) if isinstance(model, CachedLanguageModel) else None


def afresh(model: LanguageModel) -> LanguageModel:
    """Return the model as it is before any text: one whose weights follow what it reads goes back to the trained ones.

    The model that is given keeps its weights.
    """
    return model.fresh() if isinstance(model, DynamicLanguageModel) else model
