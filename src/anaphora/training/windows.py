"""The windows that a configuration asks for, over the training text."""

from anaphora.data.stream import SAMPLERS, ConsecutiveWindows, WindowSampler
from anaphora.models.language_model import TokenIds
from anaphora.training.config import TrainingConfig


def make_sampler(token_ids: TokenIds, config: TrainingConfig) -> WindowSampler:
    """Return the windows over token_ids (N,).

    Raises:
        CorpusError: the text is too short for one batch.
    """
    size, seed = (config.batch_size, config.bptt), config.seed
    if config.windows == "consecutive":
        jitter, rotate = config.random_bptt, config.partial_shuffle
        return ConsecutiveWindows(token_ids, *size, seed=seed, jitter=jitter, rotate=rotate)
    return SAMPLERS[config.windows](token_ids, *size, seed=seed)
