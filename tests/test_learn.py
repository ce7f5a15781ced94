"""The teaching pages: every block of code runs and prints what the page shows, in both languages; links lead on.

A ```python block is followed by a ```text block with its output. The blocks of a page are one session. A Chinese page
runs the same code as its English twin; only strings and comments may differ.
"""

import ast
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

LEARN = Path(__file__).resolve().parent.parent / "docs" / "learn"
LANGUAGES = ("en", "zh")
ORDER = ("ngram", "perplexity", "elman", "bptt", "clipping", "lstm", "gru", "regularisation", "sampling")
PAGES = [LEARN / language / f"{name}.md" for language in LANGUAGES for name in ORDER]
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n\n^```text\n(?P<output>.*?)^```$", re.M | re.S)


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def blocks_of(page: Path) -> list[tuple[str, str]]:
    """Return code and promised output of each block of a page."""
    return [(found["code"], found["output"]) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


class WithoutStrings(ast.NodeTransformer):
    """Replaces every string by the same one."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("text") if isinstance(node.value, str) else node


def skeleton(code: str) -> str:
    """Return what remains of code when strings and comments are taken out."""
    return ast.dump(WithoutStrings().visit(ast.parse(code)))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_code_prints_what_the_page_shows(page: Path) -> None:
    blocks = blocks_of(page)
    assert blocks
    assert len(blocks) == page.read_text(encoding="utf-8").count("```python"), "a block without its output"
    session: dict[str, object] = {"__name__": "page"}
    for number, (code, output) in enumerate(blocks, start=1):
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(code, f"{named(page)}, block {number}", "exec"), session)
        assert printed.getvalue() == output, f"{named(page)}, block {number}"


@pytest.mark.parametrize("name", ORDER)
def test_both_languages_run_the_same_code(name: str) -> None:
    english, chinese = ([skeleton(code) for code, _ in blocks_of(LEARN / lang / f"{name}.md")] for lang in LANGUAGES)
    assert english == chinese


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_leads_on(page: Path) -> None:
    """Its first line links the page before, the contents, the page after, and the twin in the other language."""
    place, other = ORDER.index(page.stem), LANGUAGES[1 - LANGUAGES.index(page.parent.name)]
    before = [f"{ORDER[place - 1]}.md"] if place else []
    after = [f"{name}.md" for name in ORDER[place + 1 : place + 2]]
    first_line = page.read_text(encoding="utf-8").partition("\n")[0]
    assert re.findall(r"\]\((.+?)\)", first_line) == [*before, "README.md", *after, f"../{other}/{page.name}"]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_has_equations_an_exercise_and_sources(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    exercise, answer, sources = (
        ("## Exercise", "<summary>Answer</summary>", "## Sources")
        if page.parent.name == "en"
        else ("## 练习", "<summary>答案</summary>", "## 出处")
    )
    assert text.index("$$") < text.index(exercise) < text.index(answer) < text.index(sources)
    assert re.search(r"\(\d{4}\)", text[text.index(sources) :])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_contents_list_every_page_in_order(language: str) -> None:
    contents = (LEARN / language / "README.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\d\. \[.+?\]\((\w+)\.md\)", contents, re.M)) == ORDER


def test_every_picture_is_shown_and_small() -> None:
    shown = {found for page in PAGES for found in re.findall(r"\.\./pictures/([\w.-]+)", page.read_text("utf-8"))}
    pictures = list((LEARN / "pictures").iterdir())
    assert {picture.name for picture in pictures} == shown
    script = (LEARN.parent / "make_pictures.py").read_text("utf-8")
    assert set(re.findall(r'^    "([\w-]+\.(?:svg|png))": ', script, re.M)) == shown
    assert max(picture.stat().st_size for picture in pictures) < 400_000
