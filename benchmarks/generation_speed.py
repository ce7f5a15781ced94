"""Generation speed: `generate` beside the textbook's sampling loop, 500 characters after "The island".

One model with the same weights on both sides. The textbook's loop is timed as it is taught, which lets autograd record
every step, and once more under torch.no_grad, so that nobody has to wonder how much of the ratio that is.
"""

from collections.abc import Callable

import torch

from anaphora.generation.generate import GenerationSettings, generate
from anaphora.models.recurrent import RecurrentConfig
from anaphora.text.tokenizer import TokenizerSettings
from anaphora.text.tokenizers import train_tokenizer
from benchmarks import twin_island
from benchmarks.harness import Figure, Result, parse_options, take_turns
from benchmarks.systems import same_model
from benchmarks.texts import island_text

PROMPT, LENGTH, TARGET = "The island", 500, 3.0


def main() -> None:
    """Time one sample on both sides, and eight at once on ours."""
    options = parse_options(__doc__ or "")
    text, source = island_text()
    tokenizer = train_tokenizer(TokenizerSettings(kind="chars"), [text])
    prompt_ids = tokenizer.encode(PROMPT)
    twin = twin_island.IslandTwin(tokenizer.vocab_size).to(options.device).eval()
    config = RecurrentConfig(embedding_dim=twin_island.EMBEDDING_DIM, hidden_size=twin_island.HIDDEN_SIZE)
    model = same_model(twin, config, tokenizer.vocab_size).to(options.device).eval()

    def ours(num: int) -> Callable[[], object]:
        settings = GenerationSettings(max_new_tokens=LENGTH, num=num, seed=1)
        return lambda: generate(model, tokenizer, PROMPT, settings)

    rivals = {
        "textbook's loop": lambda: twin_island.sample(twin, prompt_ids, LENGTH),
        "textbook's loop, torch.no_grad": torch.no_grad()(lambda: twin_island.sample(twin, prompt_ids, LENGTH)),
        "generate": ours(1),
        "generate, 8 samples at once": ours(8),
    }
    result = Result(name="generation-speed", about=f"{LENGTH} characters from an LSTM of 512", details={"text": source})
    for threads in options.threads:
        rows = take_turns(rivals, options=options, threads=threads, units=LENGTH, unit="characters")
        result.rows += rows
        textbook, without_gradients, one, eight = rows
        result.figures += [
            Figure(name=f"{one.name} / {textbook.name}", value=one.rate / textbook.rate, at_least=TARGET),
            Figure(name=f"{one.name} / {without_gradients.name}", value=one.rate / without_gradients.rate),
            Figure(name=f"8 * {eight.name} / {textbook.name}", value=8 * eight.rate / textbook.rate),
        ]
    result.publish(options)


if __name__ == "__main__":
    main()
