"""`classify`: what a classifier says of documents whose labels nobody knows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from anaphora.api.classifiers import load_classifier, reading_of_training
from anaphora.bundle import ClassifierBundle
from anaphora.data.documents import encode_documents
from anaphora.text.document_files import Document, Reading, is_table
from anaphora.text.encoding import check_encoding
from anaphora.text.line_source import read_lines
from anaphora.text.sources import STDIN
from anaphora.training.classification import document_logits

_TOGETHER = 256  # documents of a table that are classified at once


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a classifier says of one document.

    Attributes:
        labels: the likeliest; where there may be several, all those above one half, or none.
        probabilities: of every label.
        where: file and line of the document.
    """

    labels: tuple[str, ...]
    probabilities: dict[str, float]
    where: str

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {"labels": list(self.labels), "probabilities": self.probabilities, "where": self.where}


def classify(
    model: ClassifierBundle | str | Path,
    source: str | Path | Sequence[str],
    *,
    text_column: str | None = None,
    encoding: str = "utf-8",
    device: str = "auto",
) -> Iterator[Prediction]:
    """Say of each document which labels it has; an empty one is answered like any other.

    Args:
        model: a loaded classifier, or its folder.
        source: a table; or a text file or stdin ("-"), a document a line; or a list of texts. Lines of stdin are
            answered as they arrive.
        text_column: of a table; by default found by its name.
        encoding: of the file.
        device: where a classifier is loaded to.

    Raises:
        AnaphoraError: no such model or file; a file that cannot be read, with the line.

    >>> next(classify("runs/reviews-classifier", ["a masterpiece"])).labels  # doctest: +SKIP
    """
    bundle = model if isinstance(model, ClassifierBundle) else load_classifier(model, device)
    column = text_column or reading_of_training(bundle).get("text_column")
    groups = _groups(source, Reading(text_column=column, encoding=check_encoding(encoding)))
    return (prediction for group in groups for prediction in _predict(bundle, group))


def _groups(source: str | Path | Sequence[str], reading: Reading) -> Iterator[list[Document]]:
    """Yield documents in groups that are classified together."""
    if not isinstance(source, str | Path):
        texts = [Document(text, (), f"text {number}") for number, text in enumerate(source, 1)]
        return iter([texts] if texts else [])
    if is_table(str(source)):
        rows = reading.table(reading.file(Path(source).expanduser()), labelled=False)
        return iter(lambda: list(islice(rows, _TOGETHER)), [])
    return _numbered(read_lines(source, reading.encoding), "stdin" if str(source) == STDIN else str(source))


def _numbered(groups: Iterable[list[str]], name: str) -> Iterator[list[Document]]:
    number = 0
    for lines in groups:
        yield [Document(line, (), f"{name}, line {number + place}") for place, line in enumerate(lines, 1)]
        number += len(lines)


def _predict(bundle: ClassifierBundle, documents: Sequence[Document]) -> Iterator[Prediction]:
    model = bundle.model
    texts, unknown = (one.text for one in documents), np.zeros(len(documents), dtype=np.int64)
    encoded = encode_documents(texts, unknown, bundle.tokenizer, max_tokens=model.max_tokens)
    logits = document_logits(model, encoded).to(model.device)
    probabilities = model.log_probs(logits).detach().exp().tolist()
    for document, row in zip(documents, probabilities, strict=True):
        likely = [row.index(max(row))]
        if model.multi_label:
            likely = [number for number, probability in enumerate(row) if probability > 0.5]
        yield Prediction(
            labels=tuple(model.labels[number] for number in likely),
            probabilities=dict(zip(model.labels, row, strict=True)),
            where=document.where,
        )
