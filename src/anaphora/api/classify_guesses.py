"""What the classifiers of one round guess about documents without labels, kept for the next round to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from anaphora.data.documents import EncodedDocuments, encode_documents
from anaphora.errors import CorpusError
from anaphora.files import read_json, write_json
from anaphora.models.classifier import Classifier
from anaphora.progress import Event, Progress
from anaphora.text.document_files import Document
from anaphora.text.tokenizer import Tokenizer
from anaphora.training.classification import document_logits
from anaphora.training.classify_run_config import ClassifyRunConfig
from anaphora.training.self_training import Guesses


@dataclass(kw_only=True)
class Guessing:
    """Guesses, each round's in a file of its own.

    Attributes:
        config: of the run.
        known: the documents with labels, to learn from.
        unlabelled: those without.
        tokenizer: of both.
        folder: of the run.
        progress: is told how the work goes on.
    """

    config: ClassifyRunConfig
    known: EncodedDocuments
    unlabelled: Sequence[Document]
    tokenizer: Tokenizer
    folder: Path
    progress: Progress

    def lesson(self, number: int, teacher: Classifier | None = None) -> EncodedDocuments:
        """Return what a round learns from: the known documents and, from the second on, the surest guesses.

        Args:
            number: of the round, from 0.
            teacher: the classifier of the round before; None where its guesses are there already.
        """
        if not number:
            return self.known
        guesses = self._guesses(number, teacher)
        return self.known.with_more(replace(self._encoded.select(guesses.documents), labels=guesses.labels))

    def _guesses(self, number: int, teacher: Classifier | None) -> Guesses:
        """Return the guesses for a round; from the file, once it is there."""
        file, multi_label = self.folder / f"guesses-{number}.json", self.config.documents.multi_label
        if file.is_file():
            return Guesses.from_json(read_json(file, CorpusError, "guessed labels"), multi_label=multi_label)
        assert teacher is not None  # who trains a round's lanes has made its guesses
        self.progress(Event(stage="train", message=f"guessing the labels of {len(self._encoded):,} documents"))
        log_probs = teacher.eval().log_probs(document_logits(teacher, self._encoded).to(teacher.device)).detach()
        share = self.config.self_training.surest
        guesses = Guesses.surest(log_probs.double().cpu().numpy(), share, multi_label=multi_label)
        write_json(file, guesses.to_json())
        return guesses

    @cached_property
    def _encoded(self) -> EncodedDocuments:
        texts = [one.text for one in self.unlabelled]
        none = self.known.labels[:0]
        nothing = np.zeros((len(texts), *none.shape[1:]), dtype=none.dtype)
        return encode_documents(texts, nothing, self.tokenizer, max_tokens=self.config.classifier.max_tokens)
