"""anaphora: recurrent language models, from n-grams to LSTMs, on PyTorch.

The public names load on first use, so that `import anaphora` costs nothing that the caller did not ask for.
Each door of the project (this module, the command line, later the server) leads to `anaphora.api`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from anaphora.api import (
        ClassifyResult,
        Comparison,
        LineScores,
        MixResult,
        Prediction,
        RescoreResult,
        TaggedWords,
        TagResult,
        TrainResult,
        VoteResult,
        adapt,
        classify,
        compare,
        corpora,
        corpus_info,
        evaluate,
        evaluate_adapted,
        evaluate_classifier,
        evaluate_tagger,
        export_arpa,
        fetch,
        generate,
        given,
        import_arpa,
        info,
        load,
        load_classifier,
        load_tagger,
        mix,
        rescore,
        score,
        stream,
        suggest,
        tag,
        train,
        train_classifier,
        train_tagger,
        vote,
    )
    from anaphora.bundle import Bundle
    from anaphora.errors import AnaphoraError, AnaphoraWarning
    from anaphora.evaluation.adapt.report import AdaptedEvaluation
    from anaphora.evaluation.adapt.session import Session
    from anaphora.evaluation.adapt.settings import AdaptSettings, CacheSettings, DynamicSettings
    from anaphora.evaluation.evaluate import Evaluation
    from anaphora.generation.generate import GenerationSettings, Sample
    from anaphora.generation.suggest import Suggestions
    from anaphora.progress import Event
    from anaphora.text.corpus import CorpusSettings

# Where each public name lives: the one list that __getattr__ and the tests read.
_HOMES = {
    "AdaptSettings": "anaphora.evaluation.adapt.settings",
    "AdaptedEvaluation": "anaphora.evaluation.adapt.report",
    "AnaphoraError": "anaphora.errors",
    "AnaphoraWarning": "anaphora.errors",
    "Bundle": "anaphora.bundle",
    "CacheSettings": "anaphora.evaluation.adapt.settings",
    "ClassifyResult": "anaphora.api",
    "Comparison": "anaphora.api",
    "CorpusSettings": "anaphora.text.corpus",
    "DynamicSettings": "anaphora.evaluation.adapt.settings",
    "Evaluation": "anaphora.evaluation.evaluate",
    "Event": "anaphora.progress",
    "GenerationSettings": "anaphora.generation.generate",
    "LineScores": "anaphora.api",
    "MixResult": "anaphora.api",
    "Prediction": "anaphora.api",
    "RescoreResult": "anaphora.api",
    "Sample": "anaphora.generation.generate",
    "Session": "anaphora.evaluation.adapt.session",
    "Suggestions": "anaphora.generation.suggest",
    "TagResult": "anaphora.api",
    "TaggedWords": "anaphora.api",
    "TrainResult": "anaphora.api",
    "VoteResult": "anaphora.api",
    "adapt": "anaphora.api",
    "classify": "anaphora.api",
    "compare": "anaphora.api",
    "corpora": "anaphora.api",
    "corpus_info": "anaphora.api",
    "evaluate": "anaphora.api",
    "evaluate_adapted": "anaphora.api",
    "evaluate_classifier": "anaphora.api",
    "evaluate_tagger": "anaphora.api",
    "export_arpa": "anaphora.api",
    "fetch": "anaphora.api",
    "generate": "anaphora.api",
    "given": "anaphora.api",
    "import_arpa": "anaphora.api",
    "info": "anaphora.api",
    "load": "anaphora.api",
    "load_classifier": "anaphora.api",
    "load_tagger": "anaphora.api",
    "mix": "anaphora.api",
    "rescore": "anaphora.api",
    "score": "anaphora.api",
    "stream": "anaphora.api",
    "suggest": "anaphora.api",
    "tag": "anaphora.api",
    "train": "anaphora.api",
    "train_classifier": "anaphora.api",
    "train_tagger": "anaphora.api",
    "vote": "anaphora.api",
}

__all__ = [
    "AdaptSettings",
    "AdaptedEvaluation",
    "AnaphoraError",
    "AnaphoraWarning",
    "Bundle",
    "CacheSettings",
    "ClassifyResult",
    "Comparison",
    "CorpusSettings",
    "DynamicSettings",
    "Evaluation",
    "Event",
    "GenerationSettings",
    "LineScores",
    "MixResult",
    "Prediction",
    "RescoreResult",
    "Sample",
    "Session",
    "Suggestions",
    "TagResult",
    "TaggedWords",
    "TrainResult",
    "VoteResult",
    "__version__",
    "adapt",
    "classify",
    "compare",
    "corpora",
    "corpus_info",
    "evaluate",
    "evaluate_adapted",
    "evaluate_classifier",
    "evaluate_tagger",
    "export_arpa",
    "fetch",
    "generate",
    "given",
    "import_arpa",
    "info",
    "load",
    "load_classifier",
    "load_tagger",
    "mix",
    "rescore",
    "score",
    "stream",
    "suggest",
    "tag",
    "train",
    "train_classifier",
    "train_tagger",
    "vote",
]


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name when the name is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'anaphora' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
