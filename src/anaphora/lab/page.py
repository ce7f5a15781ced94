"""A web page about a text that a model has read: one file without scripts, readable in light and in dark.

The page holds whatever the text holds, so everything is escaped, and a policy in its head lets nothing run or load.
"""

import unicodedata
from html import escape
from pathlib import Path

from anaphora.files import atomic_write
from anaphora.lab.plots import COLOURS

AGAINST, FOR = COLOURS[1], COLOURS[0]  # orange for what is low or speaks against, blue for what is high or speaks for
SHADES = 17  # odd, so that the middle one is no colour at all
NEUTRAL = SHADES // 2
_STRENGTH = 0.75  # of the strongest shade: letters must stay readable on it

_PAGE = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #111; --paper: #fff; --line: #ddd; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #eee; --paper: #16181b; --line: #444; }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }}
pre {{ font: 14px/1.6 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  border: 1px solid var(--line); padding: .75rem; max-height: 32rem; overflow-y: auto; }}
.scale {{ white-space: nowrap; }}
.scale i {{ display: inline-block; width: 1rem; height: 1rem; vertical-align: middle; }}
{style}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def write_page(path: Path, title: str, body: str, *, style: str = "") -> None:
    """Write a page. `body` is markup, `title` is not; the classes u0 .. u16 colour what they are given to."""
    shades = "\n".join(f".u{shade} {{ background: {_background(shade)}; }}" for shade in range(SHADES))
    page = _PAGE.format(title=markup(title), style="\n".join(filter(None, [style, shades])), body=body)
    with atomic_write(path) as file:
        file.write(page.encode("utf-8", "replace"))


def scale(low: str, high: str) -> str:
    """Return the key to the shades, as markup; `low` and `high` are markup too."""
    return f'<span class="scale">{low} {"".join(f"<i class=u{shade}></i>" for shade in range(SHADES))} {high}</span>'


def markup(text: str) -> str:
    """Return text that a page can hold: escaped, and with signs for what cannot be shown."""
    return escape("".join(map(visible, text)))


def visible(char: str) -> str:
    """Return a character as it can be shown: what a page or a picture cannot hold becomes a sign for it."""
    code = ord(char)
    if char in "\n\t":
        return char
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's pictures of the control characters
    return "\ufffd" if unicodedata.category(char) in ("Cc", "Cs") else char


def signed(number: float) -> str:
    """Return a number with its sign and two places, and a minus as wide as a plus."""
    return f"{number:+.2f}".replace("-", "−")


def shade_at(position: float) -> int:
    """Return the shade of a position between -1, the low end, and 1, the high end."""
    return round((min(max(position, -1.0), 1.0) + 1) / 2 * (SHADES - 1))


def colour(shade: int) -> str:
    """Return a shade as it looks on white paper, "#rrggbb"."""
    end, opacity = _end(shade)
    return "#" + "".join(f"{round(255 + (part - 255) * opacity):02x}" for part in end)


def _background(shade: int) -> str:
    """Return a shade that lets the paper through, whatever its colour."""
    end, opacity = _end(shade)
    return f"rgb({' '.join(map(str, end))} / {opacity:.3f})"


def _end(shade: int) -> tuple[list[int], float]:
    position = shade / (SHADES - 1) * 2 - 1
    end = FOR if position > 0 else AGAINST
    return [int(end[at : at + 2], 16) for at in (1, 3, 5)], abs(position) * _STRENGTH
