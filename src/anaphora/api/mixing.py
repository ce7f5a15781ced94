"""`mix`: several models made one, with weights tuned on a held-out text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anaphora.api.folder import check_free
from anaphora.api.models import loaded
from anaphora.bundle import Bundle, save_bundle
from anaphora.errors import ConfigError, CorpusError
from anaphora.evaluation.metrics import finite_or_none, perplexity
from anaphora.evaluation.scoring import LineScorer, score_lines
from anaphora.models.language_model import LanguageModel
from anaphora.models.mixture import LEAST_LOG_PROB, Combination, ContextClasses, MixtureLanguageModel
from anaphora.models.stepping import inference
from anaphora.settings import did_you_mean
from anaphora.text.line_source import read_lines
from anaphora.training.mixing import linear_weights, log_linear_weights

_MAX_LOG_PROBS = 1 << 26  # 256 MB: what a log-linear tuning looks at


@dataclass(frozen=True, kw_only=True)
class Component:
    """One part of a mixture.

    Attributes:
        model: its folder.
        weight: its share of the held-out tokens in a linear mixture, its exponent in a log-linear one.
        perplexity: of it alone on the held-out text.
    """

    model: str
    weight: float
    perplexity: float


@dataclass(frozen=True, kw_only=True)
class MixResult:
    """What mixing gave.

    Attributes:
        model: the folder of the mixture, a model like any other.
        components: its parts.
        perplexity: of the mixture, on the held-out text its weights were tuned on.
        tokens: how many that text has.
        tuned_on: its name.
        combination, context_classes: as asked.
        weights: for each context class, one for each component.
        steps: how many the search for them took.
    """

    model: Path
    components: tuple[Component, ...]
    perplexity: float
    tokens: int
    tuned_on: str
    combination: str
    context_classes: str
    weights: tuple[tuple[float, ...], ...]
    steps: int

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        parts = [{**vars(part), "perplexity": finite_or_none(part.perplexity)} for part in self.components]
        measured = {"perplexity": finite_or_none(self.perplexity)}
        return {**vars(self), "model": str(self.model), "components": parts, **measured}


def mix(
    models: Sequence[Bundle | str | Path],
    *,
    tune: str | Path,
    out: str | Path,
    combination: str = "linear",
    context_classes: str = "one",
    overwrite: bool = False,
    encoding: str = "utf-8",
    device: str = "auto",
) -> MixResult:
    """Mix models over the same tokens, tune their weights on a held-out text, and save the mixture as a model.

    Args:
        models: two or more, loaded or as folders.
        tune: a text that no component was trained on, or "-" for stdin; read as one stream.
        out: where to save the mixture.
        combination: "linear" or "log-linear"; the latter is tuned on as much of the text as 256 MB of it allow.
        context_classes: "one", or "rank": weights of their own after frequent and after rare tokens.
        overwrite: replace a model that is in `out`.
        encoding: of the text.
        device: where models are loaded to.

    Raises:
        AnaphoraError: fewer than two models, models over different tokens, a text that cannot be read, a folder that
            is taken.

    >>> mix(["runs/lstm", "runs/kn5"], tune="valid.txt", out="runs/both").perplexity  # doctest: +SKIP
    """
    kinds = _checked(combination=(combination, Combination), context_classes=(context_classes, ContextClasses))
    folder = Path(out)
    check_free(folder, overwrite=overwrite)
    bundles = [loaded(model, device) for model in models]
    _check_same_tokens(bundles)
    if combination == "linear":
        _check_normalized(bundles)
    mixture = MixtureLanguageModel.of([bundle.model for bundle in bundles], **kinds).to(bundles[0].model.device)
    lines = [line for group in read_lines(tune, encoding) for line in group]
    scores = [_read_stream(bundle.model, bundles[0], lines) for bundle in bundles]
    log_probs = np.stack([own for _, own in scores], axis=1)
    token_ids = scores[0][0]
    inputs = torch.from_numpy(np.concatenate(([bundles[0].tokenizer.start_id], token_ids[:-1])))
    if combination == "linear":
        classes = mixture.classes(inputs).numpy()
        found = linear_weights(log_probs, classes, len(mixture.weights))
        shares = found.weights[classes].mean(0)
    else:
        found = log_linear_weights(*_distributions(mixture, inputs, token_ids))
        shares = found.weights[0]
    mixture.weights.copy_(torch.from_numpy(found.weights))
    _, mixed = _read_stream(mixture, bundles[0], lines)
    result = MixResult(
        model=folder,
        components=tuple(
            Component(model=str(bundle.path), weight=float(share), perplexity=_perplexity(own))
            for bundle, share, own in zip(bundles, shares, log_probs.T, strict=True)
        ),
        perplexity=_perplexity(mixed),
        tokens=len(token_ids),
        tuned_on=str(tune),
        combination=combination,
        context_classes=context_classes,
        weights=tuple(map(tuple, found.weights.tolist())),
        steps=len(found.objectives) - 1,
    )
    save_bundle(folder, mixture, bundles[0].tokenizer, _provenance(bundles, result))
    return result


def _checked(**choices: tuple[str, Any]) -> dict[str, Any]:
    """Return the values of choices, each a value and the Literal it must be one of."""
    for name, (value, kind) in choices.items():
        known = list(get_args(kind))
        if value not in known:
            raise ConfigError(f"{name} = {value!r} for a mixture{did_you_mean(value, known)}; use {' or '.join(known)}")
    return {name: value for name, (value, _) in choices.items()}


def _check_same_tokens(bundles: Sequence[Bundle]) -> None:
    if len(bundles) < 2:
        raise ConfigError(f"a mixture needs two models at least; there {'is one' if bundles else 'are none'}")
    first = bundles[0]
    for other in bundles[1:]:
        if other.model_hash == first.model_hash and other.model.config == first.model.config:
            raise ConfigError(f"{first.path} and {other.path} are the same model: mixed with itself it is itself")
        if other.tokenizer.hash != first.tokenizer.hash:
            raise ConfigError(
                f"{first.path} and {other.path} cut text into different tokens (tokenizer"
                f" {first.tokenizer.hash[:8]}, {other.tokenizer.hash[:8]}): only models over the same can be mixed;"
                " train both on the same text with the same --tokenizer"
            )


def _check_normalized(bundles: Sequence[Bundle]) -> None:
    for bundle in bundles:
        if not bundle.model.normalized:
            raise ConfigError(
                f"{bundle.path} gives scores that do not sum to one, no probabilities: in a linear mixture it would"
                " win by being too loud; use --combination log-linear, which normalises what it mixes"
            )


def _read_stream(
    model: LanguageModel, bundle: Bundle, lines: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the ids (N,) of a text and what a model says of each, log-probabilities (N,)."""
    scores = list(score_lines(LineScorer(model, bundle.tokenizer, context="stream"), [lines]))
    token_ids = np.concatenate([line.token_ids for line in scores]).astype(np.int64)
    if not len(token_ids):
        raise CorpusError("the text to tune on has no tokens: its lines are empty, and line ends are none here")
    return token_ids, np.concatenate([line.log_probs for line in scores])


def _distributions(
    mixture: MixtureLanguageModel, inputs: Tensor, token_ids: NDArray[np.int64]
) -> tuple[Tensor, Tensor]:
    """Return log-probabilities (N, M, V) of all tokens by each component, at the beginning of a text, and targets."""
    count = max(1, _MAX_LOG_PROBS // (len(mixture.parts) * mixture.vocab_size))
    tokens = inputs[None, :count].to(mixture.device)
    with inference(mixture):
        by_part = [part.all_log_probs(tokens, part.initial_state(1))[0][0].cpu() for part in mixture.parts]
    return torch.stack(by_part, 1).clamp(min=LEAST_LOG_PROB), torch.from_numpy(token_ids[:count])


def _perplexity(log_probs: NDArray[np.float32]) -> float:
    return perplexity(-float(log_probs.mean(dtype=np.float64)))


def _provenance(bundles: Sequence[Bundle], result: MixResult) -> dict[str, Any]:
    """Say what a mixture comes from; the corpus, when all its parts come from the same."""
    corpora = [bundle.provenance.get("corpus") for bundle in bundles]
    same = {"corpus": corpora[0]} if corpora[0] and all(corpus == corpora[0] for corpus in corpora) else {}
    hashes = [bundle.model_hash for bundle in bundles]
    return {**same, "mixture": {**result.to_json(), "model": result.model.name, "model_hashes": hashes}}
