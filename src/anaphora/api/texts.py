"""`text_for`: a stretch of text for a model to read, where the laboratory wants to look at it while it does."""

from pathlib import Path

from anaphora.api.evaluation import training_corpus
from anaphora.bundle import Bundle
from anaphora.progress import Progress, silent
from anaphora.text.corpus import CorpusSettings, open_corpus
from anaphora.text.pieces import stretch


def text_for(bundle: Bundle, source: str | Path | None = None, *, max_chars: int, progress: Progress = silent) -> str:
    """Return the beginning of `source`, or by default of what was held out when the model was trained.

    Raises:
        AnaphoraError: there is no such text, or nothing tells where the model's own lies.
    """
    if source is None:
        opened = open_corpus(training_corpus(bundle), progress=progress)
        split = next(split for split in ("valid", "test", "train") if split in opened.splits)
    else:
        whole = (1.0, 0.0, 0.0)
        opened = open_corpus(CorpusSettings(source=(str(source),), fractions=whole), progress=progress)
        split = "train"
    return "".join(stretch(opened.chunks(split), 0, max_chars))
