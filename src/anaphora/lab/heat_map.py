"""Why a classifier answered so, as a page or a picture: the text coloured by contribution, and the running answer.

Blue speaks for the label, orange against it; the strongest contribution in the text has the strongest colour. Below
the text, a curve for each label says what the model would have answered had the text ended there.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from anaphora.evaluation.explanation import Explanation
from anaphora.lab.page import NEUTRAL, markup, scale, shade_at, signed, write_page
from anaphora.lab.plots import COLOURS, GREY, picture
from anaphora.lab.text_grid import COLUMNS, cells, draw_text

_MOST_CURVES, _MOST_LABELS = 6, 20
_MOST_ROWS = 60  # of text in a picture
_WIDTH, _HEIGHT = 720, 220  # of the curves on a page
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 10, 28

_STYLE = f"""\
svg {{ width: 100%; max-width: {_WIDTH}px; font-size: 12px; fill: var(--ink); }}
svg .grid {{ stroke: var(--line); }}
svg .decided {{ stroke: var(--ink); stroke-dasharray: 3 3; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: .1rem 1rem .1rem 0; text-align: left; }}
td + td {{ text-align: right; font-variant-numeric: tabular-nums; }}
.key {{ display: inline-block; width: 1.2rem; height: .25rem; vertical-align: middle; }}"""


def write_heat_map(explanation: Explanation, path: Path) -> None:
    """Write the explanation as one HTML file that needs nothing else."""
    label = markup(explanation.label)
    spans = (
        f'{markup(before)}<span class=u{shade} title="{signed(contribution)}">{markup(own)}</span>'
        for (before, own, shade), contribution in zip(_shaded(explanation), explanation.contributions, strict=True)
    )
    body = [
        _answers(explanation),
        f"<p>{scale(f'against {label}', f'for {label}')} by {explanation.method.replace('-', ' ')}; the ends stand for"
        f" ±{_reach(explanation.contributions):.2f} nats of log-odds. Hold the pointer over a token to read its own."
        f"{markup(_left_unread(explanation))}</p>",
        f"<pre>{''.join(spans)}</pre>",
        "<h2>The running answer</h2>",
        f"<p>From token {explanation.decided_at:,} of {len(explanation.pieces):,} on the answer stays the same.</p>",
        _curves(explanation),
    ]
    write_page(path, f"Why {explanation.label}?", "\n".join(body), style=_STYLE)


def plot_heat_map(explanation: Explanation, path: Path) -> None:
    """Draw the explanation; PNG or SVG by the suffix of `path`. Of a very long text, the beginning.

    Raises:
        ConfigError: another suffix, or matplotlib is not installed.
    """
    rows = min(_MOST_ROWS, 1 + max((row for _, row, _, _ in cells(explanation.text)), default=0))
    with picture(path, heights=(rows, 14), size=(COLUMNS * 0.1, 0.2 * (rows + 2) + 3.4)) as (text_axes, axes):
        text_axes.set_axis_off()
        text_axes.set(xlim=(0, COLUMNS), ylim=(rows, 0))
        title = f"{explanation.label}: {explanation.answer[explanation.label]:.1%}"
        text_axes.set_title(f"{title}   (blue speaks for it, orange against)", parse_math=False)
        shades = [
            shade
            for before, own, own_shade in _shaded(explanation)
            for shade in [NEUTRAL] * len(before) + [own_shade] * len(own)
        ]
        draw_text(text_axes, explanation.text, shades, rows=rows)
        steps = range(1, 1 + len(explanation.pieces))
        for name, colour, curve in curves(explanation):
            axes.plot(steps, curve, color=colour, label=name)
        axes.axvline(explanation.decided_at, color=GREY, linestyle=":", label="made up its mind")
        axes.set(xlabel="tokens read", ylabel="probability so far", ylim=(-0.02, 1.02), xlim=(0, len(steps) + 1))
        for text in axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5)).get_texts():
            text.set_parse_math(False)


def shades_of(contributions: Sequence[float]) -> list[int]:
    """Return the shade of each contribution; the strongest, for or against, is at its end of the scale."""
    reach = _reach(contributions) or 1.0
    return [shade_at(contribution / reach) for contribution in contributions]


def curves(explanation: Explanation) -> list[tuple[str, str, list[float]]]:
    """Return name, colour and probability after each token of the labels that are likeliest anywhere in the text."""
    by_label = list(zip(*explanation.probabilities, strict=True))
    first = explanation.labels.index(explanation.label)
    others = sorted(set(range(len(by_label))) - {first}, key=lambda label: -max(by_label[label]))
    shown = [first, *others[: _MOST_CURVES - 1]]
    return [(explanation.labels[at], COLOURS[place], list(by_label[at])) for place, at in enumerate(shown)]


def _shaded(explanation: Explanation) -> Iterator[tuple[str, str, int]]:
    """Yield the white space before each token, which has no colour, the token itself, and its shade."""
    for piece, shade in zip(explanation.pieces, shades_of(explanation.contributions), strict=True):
        own = piece.lstrip() or piece
        yield piece[: len(piece) - len(own)], own, shade


def _reach(contributions: Sequence[float]) -> float:
    return max(map(abs, contributions))


def _left_unread(explanation: Explanation) -> str:
    read = len(explanation.pieces)
    if read == explanation.num_tokens:
        return ""
    return f" This is about the first {read:,} of {explanation.num_tokens:,} tokens alone."


def _answers(explanation: Explanation) -> str:
    """Return a table of the likeliest labels, in order, with the colours of their curves."""
    colours = {name: colour for name, colour, _ in curves(explanation)}
    rows = (
        f"<tr><td>{_key(colours[name]) if name in colours else ''} {markup(name)}</td><td>{probability:.1%}</td></tr>"
        for name, probability in sorted(explanation.answer.items(), key=lambda pair: -pair[1])[:_MOST_LABELS]
    )
    return f"<p>What {markup(explanation.model)} says of the text:</p>\n<table>{''.join(rows)}</table>"


def _key(colour: str) -> str:
    return f'<span class="key" style="background: {colour}"></span>'


def _curves(explanation: Explanation) -> str:
    """Return the running answer as an SVG drawing."""
    count = len(explanation.pieces)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(token: int) -> float:
        return _LEFT + width * (token - 1) / max(1, count - 1)

    def y(probability: float) -> float:
        return _TOP + height * (1 - probability)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><title>Probability of each label so far</title>']
    for share in (0.0, 0.5, 1.0):
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(share):g}" y2="{y(share):g}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(share) + 4:g}" text-anchor="end">{share:.0%}</text>')
    for _, colour, curve in reversed(curves(explanation)):
        points = " ".join(f"{x(token):.1f},{y(share):.1f}" for token, share in enumerate(curve, start=1))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    decided = f"{x(explanation.decided_at):.1f}"
    parts.append(f'<line class="decided" x1="{decided}" x2="{decided}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 8}">token 1</text>')
    parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">{count:,}</text></svg>')
    return "\n".join(parts)
