"""What an adaptation is made of: dynamic evaluation, a neural cache, or both; and the one line that names it.

Every value stands in the signature of a result, so that an adapted figure can never pass for a static one.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from anaphora.errors import ConfigError
from anaphora.settings import Settings, did_you_mean


class DynamicSettings(Settings):
    """Dynamic evaluation (Krause et al. 2018, arXiv 1709.07432): the weights follow the text, segment after segment.

    Attributes:
        segment: tokens between two updates; a segment is scored before its update. The authors use 5 and 20; the time
            goes to the updates, so 20 is more than twice as fast.
        learning_rate: eta, of the step against the gradient divided by its usual size (RMS in training).
        decay: lambda, the pull towards the trained weights, stronger where gradients are large.
        floor: share of the mean RMS of a weight's tensor that is added to its RMS before the division.
        epsilon: added to it as well.
        statistics_tokens: of the training text, read to gather the RMS, spread over the whole of it.
    """

    section: ClassVar[str] = "dynamic"

    segment: int = Field(default=20, ge=1, le=1 << 16)
    learning_rate: float = Field(default=4e-5, gt=0.0)
    decay: float = Field(default=0.02, ge=0.0)
    floor: float = Field(default=1.0, ge=0.0)
    epsilon: float = Field(default=2e-5, gt=0.0)
    statistics_tokens: int = Field(default=50_000, ge=1)


class CacheSettings(Settings):
    """The neural cache (Grave et al. 2017, arXiv 1612.04426): what followed when the net felt like this before.

    Attributes:
        window: how many of the last tokens are remembered.
        theta: how sharply the cache prefers similar hidden states; 0 makes it a unigram cache of the window.
        weight: lambda, the cache's share of the mixture.
    """

    section: ClassVar[str] = "cache"

    window: int = Field(default=500, ge=1, le=1 << 20)
    theta: float = Field(default=0.6, ge=0.0)
    weight: float = Field(default=0.1, gt=0.0, lt=1.0)


_METHODS: dict[str, tuple[type[DynamicSettings] | type[CacheSettings], ...]] = {
    "dynamic": (DynamicSettings,),
    "cache": (CacheSettings,),
    "both": (DynamicSettings, CacheSettings),
}


class AdaptSettings(Settings):
    """An adaptation: `dynamic`, `cache`, or both; the cache then works on top of the weights that follow the text.

    >>> str(AdaptSettings(cache=CacheSettings(window=100)))
    'cache,window=100,theta=0.6,weight=0.1'
    """

    section: ClassVar[str] = "adapt"

    dynamic: DynamicSettings | None = None
    cache: CacheSettings | None = None

    @model_validator(mode="after")
    def _something_adapts(self) -> Self:
        if self.dynamic is None and self.cache is None:
            raise ValueError("nothing would adapt: give dynamic, cache, or both")
        return self

    @classmethod
    def of(cls, method: str, values: Mapping[str, Any] | None = None) -> Self:
        """Return the adaptation called "dynamic", "cache" or "both", with some of its `values` set.

        Raises:
            ConfigError: no such method, or a value that its settings do not have.
        """
        if method not in _METHODS:
            raise ConfigError(
                f"adapt = {method!r}: use one of {', '.join(_METHODS)}{did_you_mean(method, list(_METHODS))}"
            )
        kinds = _METHODS[method]
        known = [key for kind in kinds for key in kind.model_fields]
        for key in values or {}:
            if key not in known:
                raise ConfigError(f"unknown key {key!r} for adapt = {method!r}{did_you_mean(key, known)}")
        parts: dict[str, Any] = {
            kind.section: kind(**{key: value for key, value in (values or {}).items() if key in kind.model_fields})
            for kind in kinds
        }
        return cls(**parts)

    @property
    def values(self) -> dict[str, int | float]:
        """All values that are in force, by key; no key belongs to both methods."""
        return {key: value for part in (self.dynamic, self.cache) if part is not None for key, value in part}

    def changed(self, key: str, value: float) -> Self:
        """Return a copy with one value changed, in whichever part it belongs to."""
        for name, part in self:
            if part is not None and key in type(part).model_fields:
                return self.replace(**{name: part.replace(**{key: value})})
        raise KeyError(key)

    def __str__(self) -> str:
        parts = ((name, part) for name, part in self if part is not None)
        return "+".join(",".join([name, *(f"{key}={value}" for key, value in part)]) for name, part in parts)
