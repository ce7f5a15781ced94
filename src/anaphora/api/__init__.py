"""The one room behind all doors: what Python, the command line and later the server can ask for, one file a request."""

from anaphora.api.adaptation import adapt, evaluate_adapted
from anaphora.api.arpa import ArpaResult, export_arpa, import_arpa
from anaphora.api.catalog import corpora, corpus_info, fetch
from anaphora.api.classification import evaluate_classifier, train_classifier
from anaphora.api.classifiers import load_classifier
from anaphora.api.classify_run import ClassifyResult
from anaphora.api.comparison import Comparison, compare
from anaphora.api.conditions import given
from anaphora.api.configure import resolve
from anaphora.api.evaluation import evaluate
from anaphora.api.explanation import explain
from anaphora.api.generation import generate, stream
from anaphora.api.mixing import MixResult, mix
from anaphora.api.models import info, load
from anaphora.api.prediction import Prediction, classify
from anaphora.api.rescoring import RescoreResult, rescore
from anaphora.api.result import TrainResult
from anaphora.api.scoring import LineScores, score
from anaphora.api.suggestion import suggest
from anaphora.api.tag_run import TagResult
from anaphora.api.tagging import TaggedWords, evaluate_tagger, load_tagger, tag, train_tagger
from anaphora.api.texts import text_for
from anaphora.api.training import train
from anaphora.api.voting import VoteResult, vote

__all__ = [
    "ArpaResult",
    "ClassifyResult",
    "Comparison",
    "LineScores",
    "MixResult",
    "Prediction",
    "RescoreResult",
    "TagResult",
    "TaggedWords",
    "TrainResult",
    "VoteResult",
    "adapt",
    "classify",
    "compare",
    "corpora",
    "corpus_info",
    "evaluate",
    "evaluate_adapted",
    "evaluate_classifier",
    "evaluate_tagger",
    "explain",
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
    "resolve",
    "score",
    "stream",
    "suggest",
    "tag",
    "text_for",
    "train",
    "train_classifier",
    "train_tagger",
    "vote",
]
