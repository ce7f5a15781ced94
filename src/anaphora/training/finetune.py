"""Fine-tuning by layers: lower layers learn more slowly, and wait, so that what they know is not washed away.

The parts of ULMFiT (Howard and Ruder 2018, arXiv 1801.06146, section 3.2) that are not its schedule; that one is
`schedules.slanted_triangular`. A model says what its layers are in `layer_groups`, from the embedding up to the head.
"""

import math

from torch import nn

from anaphora.models.net import Net


def learning_rate_scales(num_groups: int, factor: float) -> list[float]:
    """Return the factor on the learning rate of each group, from the lowest up ("discriminative fine-tuning").

    It is 1 for the topmost, and less by `factor` for each one below; the paper's factor is 2.6.
    """
    return [factor ** (number + 1 - num_groups) for number in range(num_groups)]


def thawed(num_groups: int, fraction: float, share: float) -> int:
    """Return how many groups train, from the top, after a `fraction` of the run ("gradual unfreezing").

    The topmost trains from the beginning, and all of them from `share` on; the others join at equal distances.
    """
    if fraction >= share:
        return num_groups
    return 1 + math.floor(fraction / share * (num_groups - 1))


class Thaw:
    """Freezes the layers of a model, and thaws them from the top as the run goes on.

    Args:
        model: whose weights are told whether they need gradients.
        share: see `thawed`; 0 leaves all layers alone.
    """

    def __init__(self, model: Net, share: float) -> None:
        self._layers, self._share = model.layer_groups() if share else [], share

    def at(self, fraction: float) -> None:
        """Freeze and thaw what is due after a `fraction` of the run."""
        frozen = len(self._layers) - thawed(len(self._layers), fraction, self._share)
        for number, layer in enumerate(self._layers):
            _set_trained(layer, trained=number >= frozen)

    def end(self) -> None:
        """Thaw everything."""
        for layer in self._layers:
            _set_trained(layer, trained=True)


def _set_trained(layer: list[nn.Parameter], *, trained: bool) -> None:
    for weight in layer:
        weight.requires_grad_(trained)
