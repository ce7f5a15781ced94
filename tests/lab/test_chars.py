"""Textbook system B: the two nets are one, and the whole run does what the page says."""

from pathlib import Path

import pytest
import torch

from anaphora.errors import ConfigError
from anaphora.lab.chars import BATCH_SIZE, BPTT, CharRun, ConciseCharRNN, Net, Windows, write_by_heart
from anaphora.lab.scratch.char_rnn import ScratchCharRNN, ScratchConfig
from anaphora.progress import Event

VOCAB_SIZE, HIDDEN_SIZE = 7, 5


@pytest.fixture
def verse(tmp_path: Path) -> Path:
    """Write a text just long enough for two batches, of 11 distinct characters."""
    path = tmp_path / "verse.txt"
    path.write_text("the rain in spain\n" * 140, encoding="utf-8")
    return path


def same_nets() -> tuple[ScratchCharRNN, ConciseCharRNN]:
    """Return the two nets in float64, with the weights of the first."""
    torch.manual_seed(1)
    config = ScratchConfig(hidden_size=HIDDEN_SIZE, init_std=0.5)
    scratch = ScratchCharRNN(config, VOCAB_SIZE).double()
    concise = ConciseCharRNN(config, VOCAB_SIZE).double()
    concise.load_state_dict(
        {
            "layer.weight_ih_l0": scratch.w_xh.detach().T,
            "layer.weight_hh_l0": scratch.w_hh.detach().T,
            "layer.bias_ih_l0": scratch.b_h.detach(),
            "layer.bias_hh_l0": torch.zeros_like(scratch.b_h),
            "head.weight": scratch.w_hq.detach().T,
            "head.bias": scratch.b_q.detach(),
        }
    )
    return scratch, concise


def test_the_concise_net_is_the_net_from_scratch() -> None:
    scratch, concise = same_nets()
    tokens = torch.randint(VOCAB_SIZE, (3, 6))
    targets = torch.randint(VOCAB_SIZE, (3, 6))
    state = (torch.rand(3, HIDDEN_SIZE, dtype=torch.float64),)
    ours = scratch.loss(tokens, targets, state)
    theirs = concise.loss(tokens, targets, state)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    matrices = (scratch.w_xh, scratch.w_hh, scratch.w_hq)
    layers = [concise.get_parameter(name) for name in ("layer.weight_ih_l0", "layer.weight_hh_l0", "head.weight")]
    gradients = torch.autograd.grad(ours[0], matrices), torch.autograd.grad(theirs[0], layers)
    for gradient, other in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, other.T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("net", ["scratch", "concise"])
@pytest.mark.parametrize("windows", ["random", "consecutive"])
def test_it_learns_and_reports(verse: Path, net: Net, windows: Windows) -> None:
    events: list[Event] = []
    run = write_by_heart(
        verse, net=net, windows=windows, prompt=["the", "rain"], epochs=5, report_every=2, progress=events.append
    )
    assert (run.characters, run.types) == (140 * 18, 11)
    assert [report.epoch for report in run.reports] == [2, 4, 5]
    assert run.perplexity == run.reports[-1].perplexity < run.types  # better than knowing nothing
    assert run.reports[0].perplexity > run.perplexity > 1
    for report in run.reports:
        for prompt, text in report.continuations.items():
            assert text.startswith(prompt)
            assert len(text) == len(prompt) + 50
    assert [(event.done, event.total, event.unit) for event in events] == [(n, 5, "epochs") for n in range(1, 6)]
    assert events[-1].values["perplexity"] == run.perplexity


def test_a_seed_makes_it_again(verse: Path) -> None:
    def run(seed: int) -> CharRun:
        return write_by_heart(verse, prompt=["the"], epochs=1, seed=seed)

    first, again, other = run(1), run(1), run(2)
    assert first.reports == again.reports
    assert first.perplexity != other.perplexity


def test_the_run_as_json(verse: Path) -> None:
    run = write_by_heart(verse, prompt=["the"], epochs=1)
    values = run.to_json()
    assert values["perplexity"] == values["reports"][-1]["perplexity"]
    assert list(values["reports"][0]["continuations"]) == ["the"]
    assert values["types"] == 11


def test_the_lyrics_are_the_textbooks(shared_data: Path) -> None:
    run = write_by_heart(epochs=1, prompt=["分开"], data_dir=shared_data)
    assert (run.characters, run.types) == (10_000, 1_027)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": ["the fox"]}, "prompt = 'the fox': the text has no 'f'"),
        ({"prompt": [""]}, "an empty prompt"),
        ({"epochs": 0}, "epochs = 0: use 1 or more"),
        ({"report_every": 0}, "report_every = 0"),
        ({"net": "concize"}, "net = 'concize'; did you mean 'concise'"),
        ({"windows": "every-position"}, "known: random, consecutive"),
    ],
)
def test_what_cannot_be_is_refused(verse: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        write_by_heart(verse, **{"prompt": ["the"], **options})  # type: ignore[arg-type]
    assert message in str(refused.value)


def test_the_verse_is_long_enough_for_two_batches(verse: Path) -> None:
    assert len(verse.read_text()) > 2 * BATCH_SIZE * BPTT
