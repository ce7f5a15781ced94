"""`vote`: several classifiers made one, whose probabilities are the mean of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anaphora.api.classifiers import load_classifier
from anaphora.api.folder import check_free
from anaphora.bundle import ClassifierBundle, save_classifier
from anaphora.errors import ConfigError
from anaphora.models.classifier import Classifier, SingleClassifier
from anaphora.models.classifier_ensemble import ClassifierEnsemble


@dataclass(frozen=True, kw_only=True)
class VoteResult:
    """What came of it.

    Attributes:
        model: the folder of the new classifier.
        members: the folders of those it is made of.
        labels: what they tell apart.
    """

    model: Path
    members: tuple[str, ...]
    labels: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"model": str(self.model), "members": list(self.members), "labels": list(self.labels)}


def vote(models: Sequence[ClassifierBundle | str | Path], *, out: str | Path, overwrite: bool = False) -> VoteResult:
    """Make one classifier of several of the same labels and tokens, trained on their own, perhaps side by side.

    Its probability of a label is the mean of theirs, each at its own temperature. Those that err in different ways gain
    most: readers of both directions (Howard and Ruder 2018, section 3.3), or runs with other seeds.

    Args:
        models: two or more, loaded or as folders. One that is an ensemble already counts as its members.
        out: where to save the new one.
        overwrite: replace a model that is in `out`.

    Raises:
        AnaphoraError: fewer than two, or they differ in labels or tokens; a folder that is taken.

    >>> vote(["runs/forward", "runs/backward"], out="runs/both").labels  # doctest: +SKIP
    """
    folder = Path(out)
    check_free(folder, overwrite=overwrite)
    bundles = [model if isinstance(model, ClassifierBundle) else load_classifier(model, "cpu") for model in models]
    _check_same_question(bundles)
    members = [member for bundle in bundles for member in _members(bundle.model)]
    first = bundles[0]
    made_of: list[dict[str, Any]] = [{"path": str(bundle.path), "model_hash": bundle.model_hash} for bundle in bundles]
    about: dict[str, Any] = {key: first.provenance[key] for key in ("corpus", "reading") if key in first.provenance}
    save_classifier(folder, ClassifierEnsemble.of(members), first.tokenizer, {**about, "vote": made_of})
    return VoteResult(model=folder, members=tuple(str(one.path) for one in bundles), labels=first.model.labels)


def _members(model: Classifier) -> list[SingleClassifier]:
    if isinstance(model, ClassifierEnsemble):
        return list(model.voters)
    assert isinstance(model, SingleClassifier)
    return [model]


def _check_same_question(bundles: Sequence[ClassifierBundle]) -> None:
    if len(bundles) < 2:
        raise ConfigError(f"a vote needs two classifiers at least; there {'is one' if bundles else 'are none'}")
    first = bundles[0]
    for other in bundles[1:]:
        if (other.model.labels, other.model.multi_label) != (first.model.labels, first.model.multi_label):
            raise ConfigError(
                f"{first.path} tells apart {', '.join(first.model.labels)}, {other.path}"
                f" {', '.join(other.model.labels)}: only classifiers of the same labels can vote"
            )
        if other.tokenizer.hash != first.tokenizer.hash:
            raise ConfigError(
                f"{first.path} and {other.path} cut text into different tokens (tokenizer"
                f" {first.tokenizer.hash[:8]}, {other.tokenizer.hash[:8]}); train both on the same documents"
            )
        if other.model.max_tokens != first.model.max_tokens:
            raise ConfigError(
                f"{first.path} reads {first.model.max_tokens or 'all'} tokens of a document, {other.path}"
                f" {other.model.max_tokens or 'all'}; train both with the same max_tokens"
            )
