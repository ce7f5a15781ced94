"""`explain`: why a classifier answers as it does about a text."""

from pathlib import Path

import numpy as np

from anaphora.api.classifiers import load_classifier
from anaphora.bundle import ClassifierBundle
from anaphora.data.documents import encode_documents
from anaphora.errors import ConfigError
from anaphora.evaluation.attribution import LEAVE_ONE_OUT, attribute, running_probabilities
from anaphora.evaluation.explanation import Explanation
from anaphora.generation.text_reader import text_pieces
from anaphora.progress import Progress, silent
from anaphora.settings import did_you_mean
from anaphora.text.line_source import read_lines


def explain(
    model: ClassifierBundle | str | Path,
    text: str | None = None,
    *,
    file: str | Path | None = None,
    encoding: str = "utf-8",
    method: str = LEAVE_ONE_OUT,
    label: str | None = None,
    max_tokens: int = 1_000,
    device: str = "auto",
    progress: Progress = silent,
) -> Explanation:
    """Say what each token of a text contributes to a classifier's answer, and how the answer grows while it reads.

    Args:
        model: a classifier, or its folder.
        text: to explain the answer about.
        file: holds the text, packed or plain, where none is given; "-" for stdin.
        encoding: of the file.
        method: "leave-one-out" or "integrated-gradients", see `evaluation/attribution.py`.
        label: whose log-odds to explain; None for the likeliest.
        max_tokens: of a longer text, read the beginning only: a text is read once for each of its tokens, so the work
            grows with the square of its length.
        device: where a model is loaded to.
        progress: is told how the work goes on.

    Raises:
        ConfigError: no such label or method, `max_tokens` is less than 1, or text and file are given, or neither.
        CorpusError: the file cannot be read.
        BundleError: the folder holds no classifier.
        TokenizerError: the text holds characters that the vocabulary cannot express.

    >>> explain("runs/reviews", "A terrible film.").contributions  # doctest: +SKIP
    """
    if (text is None) == (file is None):
        raise ConfigError("give a text, or a file that holds one: one of the two")
    if max_tokens < 1:
        raise ConfigError(f"max_tokens = {max_tokens}: use 1 or more")
    bundle = model if isinstance(model, ClassifierBundle) else load_classifier(model, device)
    net, tokenizer = bundle.model, bundle.tokenizer
    if label is not None and label not in net.labels:
        known = ", ".join(net.labels)
        raise ConfigError(f"no label {label!r}{did_you_mean(label, list(net.labels))} (known: {known})")
    if text is None:
        assert file is not None
        text = "\n".join(line for group in read_lines(file, encoding) for line in group)
    document = encode_documents([text], np.zeros(1), tokenizer, max_tokens=net.max_tokens)[0]
    read = document[:max_tokens].tolist()
    probabilities = running_probabilities(net, read)
    explained = label or net.labels[max(range(len(net.labels)), key=probabilities[-1].__getitem__)]
    found = attribute(
        net, read, net.labels.index(explained), method=method, empty=tokenizer.start_id, progress=progress
    )
    return Explanation(
        model=bundle.path.name,
        model_hash=bundle.model_hash,
        labels=net.labels,
        multi_label=net.multi_label,
        label=explained,
        method=method,
        pieces=text_pieces(tokenizer, read),
        contributions=found.contributions,
        gap=found.gap,
        probabilities=probabilities,
        num_tokens=len(document),
    )
