"""`anaphora generate`: let a model write."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anaphora.cli import condition, output
from anaphora.cli.output import Json

_CHOICE = "How the next token is chosen"


def generate(
    model: Annotated[Path, typer.Argument(help="A model or run folder.")],
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="The text to go on from.")] = "",
    max_new_tokens: Annotated[int, typer.Option(help="Write at most this many tokens.")] = 200,
    num: Annotated[int, typer.Option(help="How many samples.")] = 1,
    label: condition.Condition = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="End where this text would appear; may be repeated.", show_default=False)
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(help="Below 1 safer, above 1 wilder; 0 takes the likeliest.", rich_help_panel=_CHOICE),
    ] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Among the K likeliest.", rich_help_panel=_CHOICE)] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Among the likeliest that hold P of the probability.", rich_help_panel=_CHOICE)
    ] = None,
    min_p: Annotated[
        float | None,
        typer.Option(help="Among those at least P times as likely as the likeliest.", rich_help_panel=_CHOICE),
    ] = None,
    repetition_penalty: Annotated[
        float, typer.Option(help="Above 1: shun tokens that were used.", rich_help_panel=_CHOICE)
    ] = 1.0,
    beam: Annotated[
        int,
        typer.Option(help="Search for the likeliest text, this many at a time.", rich_help_panel=_CHOICE),
    ] = 1,
    allow_special: Annotated[
        bool, typer.Option("--allow-special", help="Allow <unk> and <pad> to appear.", rich_help_panel=_CHOICE)
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Same seed, same samples.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    as_json: Json = False,
) -> None:
    """Write text with a model, after a prompt or from nothing."""
    from anaphora import api

    bundle = condition.load(model, device, label)
    settings: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "num": num,
        "stop": stop or (),
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "repetition_penalty": repetition_penalty,
        "beam": beam,
        "allow_special": allow_special,
        "seed": seed,
    }
    if as_json:
        samples = api.generate(bundle, prompt, **settings)
        output.say_json({"samples": [sample.to_json() for sample in samples]})
    elif num == 1 and beam == 1:
        output.write(prompt)
        for piece in api.stream(bundle, prompt, **settings):
            output.write(piece)
        output.say()
    else:
        for number, sample in enumerate(api.generate(bundle, prompt, **settings), start=1):
            output.say(f"--- {number}, {sample.log_prob / max(sample.tokens, 1):.3f} nats per token")
            output.say(f"{prompt}{sample.text}")
