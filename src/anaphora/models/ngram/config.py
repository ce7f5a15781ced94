"""What can be set for an n-gram model, and what its tables turned out to be."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from anaphora.models.language_model import ModelConfig
from anaphora.models.ngram.names import NAMES, family_and_order
from anaphora.settings import Settings, did_you_mean

_MEMORY = re.compile(r"\d{1,12}(\.\d+)?[KMG]?")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_MOST_ROWS = 1 << 40  # far above any model; a damaged or hostile file stops here


class TableSizes(Settings):
    """What a model folder must know of the tables before it opens them. Written by `fit`; nothing for people to set.

    Attributes:
        rows: n-grams by order.
        sentence_end: the token that no context reaches across; None where contexts cross line ends.
        unseen_backoff: nats added for a context that is not in the tables.
        normalized: whether the tables give probabilities.
    """

    section: ClassVar[str] = "model.tables"

    rows: tuple[Annotated[int, Field(ge=0, le=_MOST_ROWS)], ...]
    sentence_end: int | None = None
    unseen_backoff: float = 0.0
    normalized: bool = True


class NGramConfig(ModelConfig):
    """An n-gram model: Chen and Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling".

    Attributes:
        name: smoothing method and order, `names.NAMES`.
        context: "sentence": no n-gram crosses a line end, KenLM's rule; "stream": line ends are tokens like any other.
            "auto" is sentence where the tokenizer has `<eos>`.
        prune: for each order the count up to which its n-grams are dropped, as in [0, 0, 1]; the last one holds for
            higher orders. Empty: none is dropped.
        k: what the additive models add to each count.
        reserve_unseen: keep the probability of one more word that was never seen, as KenLM does for its own `<unk>`.
        memory: what counting may take, as in "2G" or "500M"; more goes through files. None: as much as it needs.
        quantize: 8 stores a byte instead of a float for each number: smaller, and a little worse.
        tables: written when the model is fitted or imported.
    """

    name: str = "kn5"
    context: Literal["auto", "sentence", "stream"] = "auto"
    prune: tuple[Annotated[int, Field(ge=0)], ...] = ()
    k: float = Field(default=1.0, gt=0)
    reserve_unseen: bool = True
    memory: str | None = None
    quantize: Literal[8] | None = None
    tables: TableSizes | None = None

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in NAMES:
            raise ValueError(f"no such n-gram model{did_you_mean(name, list(NAMES))}")
        return name

    @field_validator("memory")
    @classmethod
    def _readable(cls, memory: str | None) -> str | None:
        if memory is not None and not _MEMORY.fullmatch(memory):
            raise ValueError("not an amount of memory; write it as 2G, 500M, or in bytes")
        return memory

    @property
    def memory_bytes(self) -> int | None:
        """`memory` as a number of bytes."""
        if self.memory is None:
            return None
        return int(float(self.memory.rstrip("KMG")) * _UNITS.get(self.memory[-1], 1))

    @property
    def family(self) -> str:
        """The smoothing method's short name."""
        return family_and_order(self.name)[0]

    @property
    def order(self) -> int:
        """N, the length of the longest n-grams."""
        return family_and_order(self.name)[1]
