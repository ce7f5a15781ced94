"""`export_arpa` and `import_arpa`: n-gram models as ARPA files, to and from KenLM, SRILM and their like."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anaphora.api.models import load
from anaphora.bundle import Bundle, save_bundle
from anaphora.errors import AnaphoraWarning, BundleError, ConfigError, TokenizerError
from anaphora.files import sha256_file
from anaphora.models.ngram.arpa import write_arpa
from anaphora.models.ngram.arpa_reader import Arpa, read_arpa
from anaphora.models.ngram.model import NGramLanguageModel
from anaphora.models.ngram.names import IMPORTED
from anaphora.models.registry import build_model, model_config
from anaphora.progress import Progress, silent
from anaphora.text.normalizer import Normalizer
from anaphora.text.tokenizer import EOS, SPECIALS, UNK
from anaphora.text.vocabulary import Vocabulary
from anaphora.text.words import WordTokenizer


@dataclass(frozen=True, kw_only=True)
class ArpaResult:
    """What was written or read.

    Attributes:
        path: the ARPA file that was written, or the model folder that was made.
        ngrams: by order, as the model holds them.
        context: "sentence" or "stream": whether `<s>` and `</s>` bound the contexts.
    """

    path: Path
    ngrams: tuple[int, ...]
    context: str

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**vars(self), "path": str(self.path), "ngrams": list(self.ngrams)}


def export_arpa(model: Bundle | str | Path, out: str | Path, *, progress: Progress = silent) -> ArpaResult:
    """Write an n-gram model as an ARPA file; compressed where the name ends in .gz.

    Args:
        model: a loaded model, or its folder.
        out: the file to write.
        progress: is told how the work goes on.

    Raises:
        ConfigError: no n-gram model, one that gives no probabilities, or tokens that such a file cannot hold.
        BundleError: as `load`.
    """
    bundle = model if isinstance(model, Bundle) else load(model, "cpu")
    name = getattr(bundle.model.config, "name", "")
    if not isinstance(bundle.model, NGramLanguageModel):
        raise ConfigError(f"{bundle.path} holds a model of the kind {name}; only n-gram models become ARPA files")
    if not bundle.model.normalized:
        raise ConfigError(f"{bundle.path} holds {name}: an ARPA file has no place for its unseen contexts")
    words = [bundle.tokenizer.token(token_id) for token_id in range(bundle.tokenizer.vocab_size)]
    write_arpa(Path(out), bundle.model.query(), words, progress)
    return _result(Path(out), bundle.model)


def import_arpa(source: str | Path, out: str | Path, *, progress: Progress = silent) -> ArpaResult:
    """Make a model folder of an ARPA file, with a tokenizer of its words.

    Words are split at white space; the case of letters and the form of characters stay as they are.

    Args:
        source: the file, plain or compressed by gzip.
        out: the folder to make, which must not exist.
        progress: is told how the work goes on.

    Raises:
        BundleError: the file is missing or damaged; the line is named.
        ConfigError: `out` is taken.

    Warns:
        AnaphoraWarning: the file has no `<unk>`; unknown words then get KenLM's log10 probability of -100.
    """
    source, out = Path(source), Path(out)
    if out.exists():
        raise ConfigError(f"--out {out} exists already; choose another folder")
    arpa = read_arpa(source, specials=SPECIALS, unk=UNK, eos=EOS, progress=progress)
    if arpa.unknown_added:
        warnings.warn(
            f"{source} has no {UNK}: every unknown word gets a log10 probability of -100", AnaphoraWarning, stacklevel=2
        )
    tokenizer = _tokenizer(source, arpa)
    model = build_model(model_config(f"{IMPORTED}{arpa.tables.order}"), tokenizer.vocab_size)
    assert isinstance(model, NGramLanguageModel)
    model.set_tables(arpa.tables, sentence_end=arpa.sentence_end)
    save_bundle(out, model, tokenizer, {"imported": {"from": source.name, "sha256": sha256_file(source)}})
    return _result(out, model)


def _tokenizer(source: Path, arpa: Arpa) -> WordTokenizer:
    specials = [word for word in arpa.words if word in SPECIALS]
    normalizer = Normalizer(unicode="none", line_breaks="eos" if EOS in specials else "space")
    try:
        made = WordTokenizer(normalizer, Vocabulary(specials, arpa.words[len(specials) :]))
        return WordTokenizer.from_dict(made.to_dict())  # checks every word
    except TokenizerError as fault:
        raise BundleError(f"{source}: its words make no tokenizer: {fault}") from None


def _result(path: Path, model: NGramLanguageModel) -> ArpaResult:
    return ArpaResult(path=path, ngrams=model.query().tables.sizes, context=model.context)
