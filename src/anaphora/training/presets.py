"""Published recipes by name: the [model] and [training] sections with which others reached their figures, in full.

    anaphora train ptb --preset awd-lstm-ptb
    anaphora train ptb --preset awd-lstm-ptb-short

A preset is a configuration file that comes with the toolkit: a `--config` file, --set and options win over it, in this
order. Its sections hold only what differs from the defaults. Each has a short form of the same method, for half an hour
on two cores: a smaller net, milder dropout, and one cycle of AdamW in place of hundreds of epochs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anaphora.errors import ConfigError
from anaphora.settings import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One recipe.

    Attributes:
        description: what it is, in a line.
        source: where the settings come from, what they reached, and where ours differ.
        sections: {section: {key: value}}, as in a configuration file.
    """

    description: str
    source: str
    sections: Mapping[str, Mapping[str, Any]]


# Merity et al. 2018: windows of varying length, plain SGD until the validation loss stalls, and from then on averages.
_AWD_TRAINING = {
    "optimizer": "nt-asgd",
    "schedule": "constant",
    "learning_rate": 30.0,
    "weight_decay": 1.2e-6,
    "max_grad_norm": 0.25,
    "average_trigger": 5,
    "activation_penalty": 2.0,
    "temporal_penalty": 1.0,
    "batch_size": 20,
    "bptt": 70,
    "random_bptt": True,
}
_AWD_MODEL = {
    "name": "awd-lstm",
    "embedding_dim": 400,
    "hidden_size": 1150,
    "num_layers": 3,
    "tie_weights": True,
    "dropout_embedding": 0.1,
    "dropout_input": 0.4,
    "dropout_hidden": 0.25,
    "dropout_output": 0.4,
    "dropout_weight": 0.5,
    "forget_gate_bias": 0.0,
    "head_bias": "zero",
}

# Half an hour on two cores reads the Penn Treebank a dozen times, so there is less to regularise against.
_SHORT_TRAINING = {
    "learning_rate": 4e-3,
    "weight_decay": 0.03,
    "max_grad_norm": 0.5,
    "batch_size": 32,
    "bptt": 70,
    "partial_shuffle": True,
    "dropout_state": 0.02,
    "minutes": 30.0,
    "max_epochs": None,  # what holds back learning by heart is the presets' own affair
}
_SHORT_PENALTIES = {"activation_penalty": 2.0, "temporal_penalty": 1.0}
_SHORT_MODEL = {
    "embedding_dim": 400,
    "hidden_size": 500,
    "num_layers": 2,
    "tie_weights": True,
    "dropout_embedding": 0.05,
    "dropout_input": 0.3,
    "dropout_hidden": 0.2,
    "dropout_output": 0.35,
    "dropout_weight": 0.25,
}
# Vectors of full width for all words: on ten thousand of them, the bands are there to save time alone.
_SHORT_HEAD = {"head": "adaptive", "head_cutoffs": [1000, 4000], "head_div_value": 1.0}

# Level with AWD-LSTM in the same half hour, see docs/recipes.md; on characters no fast cell has earned a preset.
_FAST_WORDS = {
    "name": "block",
    "cell": "mingru",
    "embedding_dim": 400,
    "hidden_size": 400,
    "num_layers": 3,
    "tie_weights": True,
    "embedding_range": 0.1,
    "dropout_embedding": 0.1,
    "dropout_input": 0.3,
    "dropout_hidden": 0.2,
    "dropout_output": 0.4,
    "dropout_weight": 0.1,
}


def _short(method: str, model: Mapping[str, Any], training: Mapping[str, Any], **more: Mapping[str, Any]) -> Preset:
    """Return the short form of a method: what its model and its training have beside what all short forms share."""
    return Preset(
        description=f"{method} in half an hour on two cores",
        source="ours; docs/recipes.md shows what was measured",
        sections={
            **more,
            "model": {**_SHORT_MODEL, **model},
            "training": {**_SHORT_TRAINING, **training},
        },
    )


PRESETS: dict[str, Preset] = {
    "awd-lstm-ptb": Preset(
        description="AWD-LSTM on the word-level Penn Treebank",
        source=(
            "salesforce/awd-lstm-lm, README: perplexity 61.2 valid, 58.8 test, without fine-tuning and without the"
            " pointer. There weight decay also acts on biases."
        ),
        sections={"model": _AWD_MODEL, "training": {**_AWD_TRAINING, "epochs": 500, "seed": 141}},
    ),
    "awd-lstm-ptb-short": _short("AWD-LSTM", {"name": "awd-lstm", **_SHORT_HEAD}, _SHORT_PENALTIES),
    "awd-lstm-wt2": Preset(
        description="AWD-LSTM on WikiText-2",
        source="salesforce/awd-lstm-lm, README: perplexity 68.7 valid, 65.6 test, without fine-tuning.",
        sections={
            "model": {**_AWD_MODEL, "dropout_input": 0.65, "dropout_hidden": 0.2},
            "training": {**_AWD_TRAINING, "batch_size": 80, "epochs": 750, "seed": 1882},
        },
    ),
    "awd-lstm-wt2-short": _short(
        "AWD-LSTM for three times as many words",
        {
            "name": "awd-lstm",
            "head": "adaptive",
            "head_cutoffs": [2000, 10000],
            "head_div_value": 2.0,
            "dropout_input": 0.2,
            "dropout_hidden": 0.1,
            "dropout_output": 0.2,
            "dropout_weight": 0.1,
        },
        _SHORT_PENALTIES,
    ),
    "awd-qrnn-ptb": Preset(
        description="the same with four layers of QRNN, which run faster",
        source=(
            "salesforce/awd-lstm-lm, README: perplexity 60.6 valid, 58.3 test, without fine-tuning. There the first"
            " layer reads two tokens at a time and the others one."
        ),
        sections={
            "model": {
                **{key: value for key, value in _AWD_MODEL.items() if key != "forget_gate_bias"},
                "name": "qrnn",
                "hidden_size": 1550,
                "num_layers": 4,
                "dropout_hidden": 0.3,
                "dropout_weight": 0.1,
            },
            "training": {**_AWD_TRAINING, "max_grad_norm": 0.2, "epochs": 550, "seed": 9001},
        },
    ),
    "awd-qrnn-ptb-short": _short(
        "AWD-QRNN",
        {"name": "qrnn", **_SHORT_HEAD, "hidden_size": 640, "num_layers": 3, "dropout_weight": 0.1},
        _SHORT_PENALTIES,
    ),
    "mos-ptb": Preset(
        description="AWD-LSTM with a mixture of fifteen softmaxes on the Penn Treebank",
        source=(
            "zihangdai/mos, README: perplexity 58.34 valid, 56.18 test with its newer code; Yang et al. 2018 report"
            " 58.08 and 55.97."
        ),
        sections={
            "model": {
                **_AWD_MODEL,
                "embedding_dim": 280,
                "hidden_size": 960,
                "last_hidden_size": 620,
                "dropout_hidden": 0.225,
                "head": "mixture-of-softmaxes",
                "head_experts": 15,
                "head_dropout": 0.29,
            },
            "training": {**_AWD_TRAINING, "learning_rate": 20.0, "batch_size": 12, "epochs": 1000, "seed": 28},
        },
    ),
    "mos-ptb-short": _short(
        "a mixture of four softmaxes over an AWD-LSTM",
        {
            "name": "awd-lstm",
            "embedding_dim": 200,
            "last_hidden_size": 400,
            "head": "mixture-of-softmaxes",
            "head_experts": 4,
            "head_dropout": 0.2,
        },
        _SHORT_PENALTIES,
    ),
    "mogrifier-ptb": Preset(
        description="the Mogrifier LSTM on the Penn Treebank, 24 million weights",
        source=(
            "Melis et al. 2020: perplexity 51.4 valid, 50.1 test. From their code (lamb): two layers, windows of 70,"
            " batches of 64, Adam without momentum, norm 10 of a loss that is summed over the window (10/70 of its"
            " mean), states dropped in 1 of 100 rows, forget gates that start at 1. Their learning rate, dropouts, rank"
            " and epochs were found by a tuner and are not in the paper: those here are ours."
        ),
        sections={
            "model": {
                **_AWD_MODEL,
                "name": "mogrifier",
                "num_layers": 2,
                "embedding_dim": 920,
                "hidden_size": 920,
                "forget_gate_bias": 1.0,
                "mogrifier_rounds": 5,
                "mogrifier_rank": 64,
                "dropout_input": 0.6,
                "dropout_output": 0.6,
            },
            "training": {
                "optimizer": "adam",
                "momentum": 0.0,
                "beta2": 0.999,
                "learning_rate": 1e-3,
                "schedule": "plateau",
                "weight_decay": 1e-5,
                "max_grad_norm": 0.143,
                "dropout_state": 0.01,
                "batch_size": 64,
                "bptt": 70,
                "epochs": 250,
            },
        },
    ),
    "mogrifier-ptb-short": _short(
        "the Mogrifier LSTM",
        {"name": "mogrifier", **_SHORT_HEAD, "hidden_size": 400, "mogrifier_rounds": 5, "mogrifier_rank": 64},
        {},
    ),
    "char-lstm": Preset(
        description="a three-layer LSTM by characters, AWD-LSTM's settings for the Penn Treebank's",
        source=(
            "salesforce/awd-lstm-lm, README, and Merity et al. 2018, arXiv 1803.08240: 1.175 bits per character. There"
            " the learning rate is divided by ten after 300 and 400 epochs; here it is halved when validation stalls."
        ),
        sections={
            "tokenizer": {"kind": "chars"},
            "model": {
                **_AWD_MODEL,
                "embedding_dim": 200,
                "hidden_size": 1000,
                "dropout_embedding": 0.0,
                "dropout_input": 0.1,
                "dropout_output": 0.1,
            },
            "training": {
                "optimizer": "adam",
                "momentum": 0.9,
                "beta2": 0.999,
                "learning_rate": 2e-3,
                "schedule": "plateau",
                "weight_decay": 1.2e-6,
                "max_grad_norm": 0.25,
                "batch_size": 128,
                "bptt": 150,
                "random_bptt": True,
                "epochs": 500,
            },
        },
    ),
    "char-lstm-short": _short(
        "an LSTM by characters",
        {
            "name": "awd-lstm",
            "embedding_dim": 128,
            "hidden_size": 512,
            "last_hidden_size": 512,
            "tie_weights": False,
            "dropout_embedding": 0.0,
            "dropout_input": 0.05,
            "dropout_hidden": 0.1,
            "dropout_output": 0.1,
            "dropout_weight": 0.1,
        },
        {"bptt": 100},
        tokenizer={"kind": "chars"},
    ),
    "fast-words": Preset(
        description="blocks of minGRU by words, for a night or a GPU",
        source="ours: the short form, larger; its figures have not been measured",
        sections={
            "model": {
                **_FAST_WORDS,
                "embedding_dim": 640,
                "hidden_size": 640,
                "num_layers": 6,
                "dropout_input": 0.4,
                "dropout_output": 0.5,
            },
            "training": {
                "learning_rate": 2e-3,
                "weight_decay": 0.05,
                "max_grad_norm": 0.5,
                "batch_size": 32,
                "bptt": 70,
                "partial_shuffle": True,
                "epochs": 60,
            },
        },
    ),
    "fast-words-short": _short("blocks of minGRU", {**_FAST_WORDS, **_SHORT_HEAD}, {}),
}


def preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PRESETS:
        known = list(PRESETS)
        raise ConfigError(f"no preset is called {name!r}{did_you_mean(name, known)} (known: {', '.join(known)})")
    return PRESETS[name]
