"""`anaphora info`: what a model folder holds."""

from pathlib import Path
from typing import Annotated, Any

import typer

from anaphora.cli import output
from anaphora.cli.output import Json

_FIGURES = ("perplexity", "bits_per_char", "accuracy", "macro_f1")


def info(
    model: Annotated[Path, typer.Argument(help="A model or run folder.")],
    as_json: Json = False,
) -> None:
    """Show a model's sizes, settings, tokenizer, corpus and results."""
    from anaphora import api

    facts = api.info(model)
    if as_json:
        output.say_json(facts)
    else:
        _show(facts)


def _show(facts: dict[str, Any]) -> None:
    """Print the facts that tell one model from another; --json has them all."""
    model, tokenizer = facts["model"], facts["tokenizer"]
    lines: list[tuple[str, object]] = [
        ("model", f"{model['name']}, {facts['parameters']:,} trained weights, {facts['bytes'] / 1e6:,.1f} MB"),
        *_settings(model),
        ("tokenizer", f"{tokenizer['kind']}, {tokenizer['vocab_size']:,} tokens, sha256 {tokenizer['hash'][:12]}"),
        ("weights", f"sha256 {facts['model_hash'][:12]}"),
    ]
    if isinstance(model.get("tables"), dict):
        lines.insert(1, ("n-grams", " + ".join(f"{count:,}" for count in model["tables"]["rows"])))
    trained, outcome = _section(facts, "corpus"), _section(facts, "outcome")
    if trained:
        lines.append(("corpus", f"{trained.get('name')}, sha256 {str(trained.get('source_hash'))[:12]}"))
    if outcome:
        lines.append(("trained", f"{outcome.get('steps')} steps, {outcome.get('tokens')} tokens"))
    if facts.get("command"):
        lines.append(("command", facts["command"]))
    for split, score in _section(facts, "results").items():
        figures = score if isinstance(score, dict) else {}
        shown = [f"{key.replace('_', ' ')} {figures[key]}" for key in _FIGURES if key in figures]
        lines.append((split, "  ".join(shown)))
        lines.append(("", figures.get("signature")))
    lines.append(("folder", facts["path"]))
    output.say_pairs(lines)


def _settings(model: dict[str, Any]) -> list[tuple[str, object]]:
    """Return what a model is made of; each member of several has a line of its own."""
    if "members" in model:
        return [("member", f"{member['name']}: {_pairs(member)}") for member in model["members"]]
    return [("settings", _pairs(model) or "none")]


def _pairs(values: dict[str, Any]) -> str:
    return "  ".join(f"{key}={value}" for key, value in values.items() if key not in ("name", "tables"))


def _section(facts: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one part of the provenance. A model folder may come from anyone, and hold anything there."""
    part = facts.get(name)
    return part if isinstance(part, dict) else {}
