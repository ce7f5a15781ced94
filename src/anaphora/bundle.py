"""The model folder: what `train` leaves behind and every other command opens.

    config.json          format version, model configuration, vocabulary size, provenance (corpus, counts, results)
    model.safetensors    the weights
    tokenizer.json       text to ids and back
    README.md            the same for people: the model card

Written whole or not at all. A folder from a stranger cannot run code: JSON and safetensors only, checked before use.
The weights are memory-mapped: a file is read where it is used, and processes that open the same one share its pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from anaphora import __version__
from anaphora.errors import AnaphoraError, BundleError
from anaphora.files import atomic_folder, atomic_write, read_json, sha256_file, write_json
from anaphora.models.classifier import Classifier
from anaphora.models.classifier_ensemble import build_classifier
from anaphora.models.language_model import LanguageModel
from anaphora.models.net import Net
from anaphora.models.registry import build_model, model_config
from anaphora.models.tagger import Tagger, TaggerConfig
from anaphora.text.tokenizer import Tokenizer
from anaphora.text.tokenizers import load_tokenizer, save_tokenizer

FORMAT = 1
CONFIG, WEIGHTS, TOKENIZER, CARD = "config.json", "model.safetensors", "tokenizer.json", "README.md"


NetT = TypeVar("NetT", bound=Net)
Build = Callable[[Mapping[str, Any], int], NetT]  # makes a model of its saved configuration and size of vocabulary

# Models that are no language models: the name in their configuration, and the command that uses them.
_CLASSIFIERS = ("classifier", "ngram-classifier", "ensemble")
_OTHER_KINDS = {**dict.fromkeys(_CLASSIFIERS, "anaphora classify"), "tagger": "anaphora tag"}


@dataclass(frozen=True, kw_only=True)
class AnyBundle(Generic[NetT]):
    """A model with the tokenizer it was trained with, ready to use.

    Attributes:
        model: in evaluation mode.
        tokenizer: text to the model's ids and back.
        provenance: where it comes from: corpus, counts, results; JSON values.
        path: the model folder.
    """

    model: NetT
    tokenizer: Tokenizer
    provenance: dict[str, Any]
    path: Path

    @cached_property
    def model_hash(self) -> str:
        """The sha256 of the weights file; names the model in signatures. Read when it is first asked for."""
        return sha256_file(self.path / WEIGHTS)


@dataclass(frozen=True, kw_only=True)
class Bundle(AnyBundle[LanguageModel]):
    """A language model with its tokenizer."""

    model: LanguageModel


@dataclass(frozen=True, kw_only=True)
class ClassifierBundle(AnyBundle[Classifier]):
    """A classifier with its tokenizer."""

    model: Classifier


@dataclass(frozen=True, kw_only=True)
class TaggerBundle(AnyBundle[Tagger]):
    """A tagger with its tokenizer."""

    model: Tagger


BundleT = TypeVar("BundleT", bound=AnyBundle[Any])


def save_bundle(path: Path, model: LanguageModel, tokenizer: Tokenizer, provenance: Mapping[str, Any]) -> Bundle:
    """Write a model folder in place of whatever `path` holds, and return it as a Bundle."""
    return _write(Bundle(model=model.eval(), tokenizer=tokenizer, provenance=dict(provenance), path=path))


def save_classifier(
    path: Path, model: Classifier, tokenizer: Tokenizer, provenance: Mapping[str, Any]
) -> ClassifierBundle:
    """Write the folder of a classifier, likewise."""
    return _write(ClassifierBundle(model=model.eval(), tokenizer=tokenizer, provenance=dict(provenance), path=path))


def save_tagger(path: Path, model: Tagger, tokenizer: Tokenizer, provenance: Mapping[str, Any]) -> TaggerBundle:
    """Write the folder of a tagger, likewise."""
    return _write(TaggerBundle(model=model.eval(), tokenizer=tokenizer, provenance=dict(provenance), path=path))


def _write(bundle: BundleT) -> BundleT:
    model, tokenizer = bundle.model, bundle.tokenizer
    if model.vocab_size != tokenizer.vocab_size:
        raise BundleError(
            f"the model has {model.vocab_size:,} tokens, the tokenizer {tokenizer.vocab_size:,}:"
            " they do not belong together"
        )
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with atomic_folder(bundle.path) as folder:
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        save_tokenizer(tokenizer, folder / TOKENIZER)
        _describe(bundle, folder)
    return bundle


def add_provenance(bundle: BundleT, **more: Any) -> BundleT:
    """Write more about a saved model into its folder, beside the weights that are there; return the Bundle with it."""
    bundle = replace(bundle, provenance={**bundle.provenance, **more})
    _describe(bundle, bundle.path)
    return bundle


def _describe(bundle: AnyBundle[Any], folder: Path) -> None:
    """Write what there is to say about a model: config.json for programs, the card for people."""
    config = {
        "format": FORMAT,
        "anaphora": __version__,
        "model": bundle.model.config.model_dump(mode="json"),
        "vocab_size": bundle.model.vocab_size,
        "provenance": bundle.provenance,
    }
    write_json(folder / CONFIG, config)
    with atomic_write(folder / CARD) as file:
        file.write(_card(bundle.path.name, bundle.model, bundle.tokenizer, bundle.provenance).encode())


def load_bundle(path: Path, device: str | torch.device = "cpu") -> Bundle:
    """Open the folder of a language model, or the one inside a run folder.

    Raises:
        BundleError: the folder is missing, incomplete, corrupt, or written by a newer anaphora; or its model is of
            another kind.
    """
    return Bundle(**_read(path, device, _build_language_model))


def load_classifier(path: Path, device: str | torch.device = "cpu") -> ClassifierBundle:
    """Open the folder of a classifier, or the one inside a run folder.

    Raises:
        BundleError: as `load_bundle`.
    """
    return ClassifierBundle(**_read(path, device, _build_classifier, "anaphora classify train DATA"))


def load_tagger(path: Path, device: str | torch.device = "cpu") -> TaggerBundle:
    """Open the folder of a tagger, or the one inside a run folder.

    Raises:
        BundleError: as `load_bundle`.
    """
    return TaggerBundle(**_read(path, device, _build_tagger, "anaphora tag train FILE"))


def load_any(path: Path, device: str | torch.device = "cpu") -> AnyBundle[Any]:
    """Open a model folder, or the one inside a run folder, whatever kind of model it holds.

    Raises:
        BundleError: as `load_bundle`, but for the kind.
    """
    fields = _read(path, device, _build_any)
    kinds: dict[type[Net], type[AnyBundle[Any]]] = {Classifier: ClassifierBundle, Tagger: TaggerBundle}
    return next((bundle for kind, bundle in kinds.items() if isinstance(fields["model"], kind)), Bundle)(**fields)


def _build_any(saved: Mapping[str, Any], vocab_size: int) -> Net:
    builders: dict[Any, Build[Net]] = {
        **dict.fromkeys(_CLASSIFIERS, _build_classifier),
        "tagger": _build_tagger,
    }
    return builders.get(saved.get("name"), _build_language_model)(saved, vocab_size)


def _build_language_model(saved: Mapping[str, Any], vocab_size: int) -> LanguageModel:
    name = saved.get("name", "")
    if name in _OTHER_KINDS:
        raise BundleError(f"the model is a {name}, no language model; `{_OTHER_KINDS[name]}` uses it")
    return build_model(model_config(name, saved), vocab_size)


def _build_classifier(saved: Mapping[str, Any], vocab_size: int) -> Classifier:
    if saved.get("name") not in _CLASSIFIERS:
        raise BundleError(
            f"the model is a {saved.get('name')!r}, no classifier; `anaphora classify train DATA` makes one"
        )
    return build_classifier(saved, vocab_size)


def _build_tagger(saved: Mapping[str, Any], vocab_size: int) -> Tagger:
    if saved.get("name") != "tagger":
        raise BundleError(f"the model is a {saved.get('name')!r}, no tagger; `anaphora tag train FILE` makes one")
    return Tagger(TaggerConfig(**saved), vocab_size)


def _read(
    path: Path, device: str | torch.device, build: Build[NetT], made_by: str = "anaphora train CORPUS"
) -> dict[str, Any]:
    """Read the folder of any model, and return the fields of its bundle; `made_by` is the command that makes such."""
    folder = _find(path, made_by)
    config = read_json(folder / CONFIG, BundleError, "the model's configuration")
    if config.get("format") != FORMAT:
        raise BundleError(
            f"{folder / CONFIG} has format {config.get('format')!r}; anaphora {__version__} reads format {FORMAT}."
            f" Open it with the version that wrote it ({config.get('anaphora', 'unknown')})"
        )
    tokenizer = load_tokenizer(folder / TOKENIZER)
    model = _empty_model(config, tokenizer, folder, build)
    weights = _read_weights(folder / WEIGHTS, model)
    model.load_state_dict(weights, assign=True)
    provenance = config.get("provenance")
    return {
        "model": model.to(device).eval(),
        "tokenizer": tokenizer,
        "provenance": provenance if isinstance(provenance, dict) else {},
        "path": folder,
    }


def _find(path: Path, made_by: str) -> Path:
    for folder in (path, path / "model"):
        if (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file():
            return folder
    if not path.exists():
        raise BundleError(f"there is no model folder {path}; `{made_by} --out {path}` makes one")
    if (path / "checkpoints").is_dir() or (path / "run.json").is_file():
        again = made_by.rsplit(" ", 1)[0]
        raise BundleError(f"the run {path} is not finished; `{again} --resume {path}` goes on with it")
    raise BundleError(f"{path} is no model folder: it needs {CONFIG}, {WEIGHTS} and {TOKENIZER}")


def _empty_model(config: Mapping[str, Any], tokenizer: Tokenizer, folder: Path, build: Build[NetT]) -> NetT:
    """Build the model without memory for its weights, so that a hostile configuration cannot ask for terabytes."""
    saved = config.get("model")
    if not isinstance(saved, dict):
        raise BundleError(f"{folder / CONFIG} has no [model]; restore the file or train again")
    if config.get("vocab_size") != tokenizer.vocab_size:
        raise BundleError(
            f"{folder / CONFIG} says {config.get('vocab_size')!r} tokens, {folder / TOKENIZER} has"
            f" {tokenizer.vocab_size:,}: the two files do not belong together"
        )
    try:
        with torch.device("meta"):
            return build(saved, tokenizer.vocab_size)
    except AnaphoraError as fault:
        raise BundleError(f"{folder / CONFIG}: {fault}") from None


def _read_weights(path: Path, model: Net) -> dict[str, torch.Tensor]:
    """Map the tensors that the model has, after a check of names, shapes and types against the file's header.

    Weights of nets are looked through for numbers that are none. Tables of counting models may be as large as the disk
    and are left unread; whoever looks something up in them must expect any content.
    """
    expected = model.state_dict()
    try:
        with safe_open(path, framework="pt") as file:
            found = set(file.keys())
            if found != set(expected):
                odd = sorted(found ^ set(expected))[0]
                raise BundleError(f"{path} does not fit its configuration: tensor {odd!r} is missing or unexpected")
            for name, tensor in expected.items():
                shape = tuple(file.get_slice(name).get_shape())
                if shape != tuple(tensor.shape):
                    raise BundleError(
                        f"{path}: {name!r} has shape {shape}, the configuration says {tuple(tensor.shape)}"
                    )
            weights = {name: file.get_tensor(name) for name in expected}
    except (SafetensorError, OSError, RuntimeError) as fault:
        raise BundleError(f"{path} is damaged or no safetensors file ({fault}); restore it or train again") from None
    for name, tensor in weights.items():
        if tensor.dtype != expected[name].dtype:
            raise BundleError(f"{path}: {name!r} holds {tensor.dtype}, expected {expected[name].dtype}")
        if getattr(model, "trained_by", "gradient") == "gradient" and not tensor.isfinite().all():
            raise BundleError(f"{path}: {name!r} holds values that are not finite; train again")
    return weights


def _card(name: str, model: Net, tokenizer: Tokenizer, provenance: Mapping[str, Any]) -> str:
    """Render the model card."""
    name_of_kind = str(model.config.model_dump().get("name"))
    kind = name_of_kind if name_of_kind in _OTHER_KINDS else "language model"
    article = "An" if kind == "ensemble" else "A"
    lines = [
        f"# {name}",
        "",
        f"{article} {kind} made by [anaphora](https://pypi.org/project/anaphora/) {__version__}.",
        "",
        f"- model: {model.config.model_dump(mode='json')}",
        f"- trained weights: {model.num_parameters:,}",
        f"- tokenizer: {tokenizer.kind}, {tokenizer.vocab_size:,} tokens, sha256 {tokenizer.hash[:12]}",
    ]
    lines += [f"- {key}: {value}" for key, value in provenance.items() if not isinstance(value, dict)]
    for key, value in provenance.items():
        if isinstance(value, dict):
            lines += ["", f"## {key}", "", *(f"- {inner}: {item}" for inner, item in value.items())]
    return "\n".join([*lines, ""])
