"""The [generation] section: how to choose tokens, how many texts to write, and what ends one."""

import warnings
from typing import ClassVar, Self

from pydantic import Field, model_validator

from anaphora.errors import AnaphoraWarning
from anaphora.settings import Settings


class GenerationSettings(Settings):
    """How to write.

    The filters act in this order: forbidden tokens, repetition_penalty, temperature, top_k, top_p, min_p.

    Attributes:
        max_new_tokens: how long a text may become.
        temperature: log-probabilities are divided by it: 0 always takes the most probable token (greedy), 0.5 is
            safe, 1 is the model itself, 2 is wild.
        top_k: draw from the k most probable tokens only.
        top_p: draw from the most probable tokens that together have this probability (nucleus).
        min_p: draw from tokens at least this many times as probable as the most probable one.
        repetition_penalty: tokens of the prompt and the text so far get their probability raised to this power.
        beam: above 1, search for the most probable text with so many beams, and draw nothing.
        length_penalty: how beam search ranks texts of different length: 0 by log-probability, 1 by its mean.
        num: texts to write; sample i depends on the seed and i only, not on how many there are.
        seed: of the draw; None is a new one each time.
        stop: a text ends before the first of these strings.
        allow_special: allow `<unk>`, `<pad>` and `<bos>` to be written, which otherwise never happens.

    Raises:
        ConfigError: a value out of range, or more texts than beams.
    """

    section: ClassVar[str] = "generation"

    max_new_tokens: int = Field(default=200, ge=1)
    temperature: float = Field(default=1.0, ge=0.0)
    top_k: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    min_p: float | None = Field(default=None, ge=0.0, le=1.0)
    repetition_penalty: float = Field(default=1.0, gt=0.0)
    beam: int = Field(default=1, ge=1)
    length_penalty: float = Field(default=1.0, ge=0.0)
    num: int = Field(default=1, ge=1)
    seed: int | None = Field(default=None, ge=0)
    stop: tuple[str, ...] = ()
    allow_special: bool = False

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if "" in self.stop:
            raise ValueError("stop holds an empty string, which would end every text at once; leave it out")
        if self.beam > 1 and self.num > self.beam:
            raise ValueError(f"num = {self.num} texts from beam = {self.beam} beams: use at least as many beams")
        # A seed is never idle: what it promises, the same texts again, also holds where nothing is drawn.
        filters = ["top_k", "top_p", "min_p"]
        if self.beam > 1:
            self._warn_if_set(["temperature", *filters, "repetition_penalty"], "in beam search")
        elif self.temperature == 0.0:
            self._warn_if_set([*filters, "num"], "at temperature 0, where the choice is always the same")
        if self.beam == 1:
            self._warn_if_set(["length_penalty"], "without beam search")
        return self

    def _warn_if_set(self, keys: list[str], where: str) -> None:
        for key in keys:
            if getattr(self, key) != type(self).model_fields[key].default:
                warnings.warn(f"{key} in [generation] has no effect {where}", AnaphoraWarning, stacklevel=3)
