"""`anaphora rescore`: choose among the candidates of an n-best list with a language model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anaphora.cli import output
from anaphora.cli.output import Json

if TYPE_CHECKING:
    from anaphora.api import RescoreResult

_NAMES = {"wer": "word error rate", "cer": "character error rate", "ser": "sentence error rate"}


def rescore(
    model: Annotated[Path, typer.Argument(help="A model or run folder.")],
    nbest: Annotated[
        str, typer.Argument(metavar="NBEST|-", help="Lines `id ||| text ||| score`, or with tabs; '-' for stdin.")
    ],
    lm_weight: Annotated[float, typer.Option(help="Of the model's log-probability (nats) beside the score.")] = 1.0,
    word_penalty: Annotated[float, typer.Option(help="Taken off for each word.")] = 0.0,
    length_penalty: Annotated[float, typer.Option(help="Taken off for each character.")] = 0.0,
    tune: Annotated[
        Path | None, typer.Option(metavar="REFERENCES", help="Find the three weights that make the fewest errors.")
    ] = None,
    metric: Annotated[str, typer.Option(help="wer, cer or ser: errors of words, characters, sentences.")] = "wer",
    seed: Annotated[int, typer.Option(help="Of the search for weights.")] = 1,
    full: Annotated[bool, typer.Option("--all", help="Print all candidates, best first, not only the best.")] = False,
    score_field: Annotated[
        int | None,
        typer.Option(help="Which field, from 1, is the score.", show_default="the first number after the text"),
    ] = None,
    encoding: Annotated[str, typer.Option(help="How the files are encoded.")] = "utf-8",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    as_json: Json = False,
) -> None:
    """Rank the candidates of an n-best list by their score and the model's together.

    Prints the best line of each id as it was, with the model's log-probability and the combined score at its end. With
    --tune it prints the weights that were found instead; use them on another list.
    """
    from anaphora import api

    result = api.rescore(
        model,
        nbest,
        lm_weight=lm_weight,
        word_penalty=word_penalty,
        length_penalty=length_penalty,
        references=tune,
        metric=metric,
        seed=seed,
        score_field=score_field,
        encoding=encoding,
        device=device,
    )
    if as_json:
        output.say_json(result.to_json(full=full))
        return
    if not result.normalized:
        output.note("the model gives scores, no probabilities; they are added as they are")
    if result.tuning:
        _show_tuning(result)
    if full or not result.tuning:
        _show_candidates(result, full)


def _show_tuning(result: "RescoreResult") -> None:
    tuning = result.tuning
    assert tuning is not None
    output.say_pairs(
        [
            (_NAMES[tuning.metric], ""),
            ("  first pass alone", f"{tuning.first_pass:.2%}"),
            ("  weights as given", f"{tuning.before:.2%}"),
            ("  weights as found", f"{tuning.after:.2%}"),
            ("  best candidates", f"{tuning.best_possible:.2%}"),
            ("use", "  ".join(f"--{name.replace('_', '-')} {value:.6g}" for name, value in result.weights.items())),
        ]
    )


def _show_candidates(result: "RescoreResult", full: bool) -> None:
    for ranked in result.ranked.values():
        for one in ranked if full else ranked[:1]:
            output.say(one.candidate.written(f"{one.log_prob:.4f}", f"{one.combined:.4f}"))
