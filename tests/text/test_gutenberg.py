"""Project Gutenberg's header and licence, taken off wherever the stream happens to be cut."""

import pytest

from anaphora.text.gutenberg import trim_gutenberg

BOOK = (
    "The Project Gutenberg EBook of X\n\n*** START OF THIS PROJECT GUTENBERG EBOOK X ***\n"
    "Chapter 1\n*** three stars\n{}\nEnd of the Project Gutenberg EBook of X\n"
    "*** END OF THIS PROJECT GUTENBERG EBOOK X ***\nlicence\n"
)


def trimmed(text: str, size: int = 1 << 16) -> str:
    return "".join(trim_gutenberg(text[start : start + size] for start in range(0, len(text), size)))


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_header_and_footer_go(size: int) -> None:
    assert trimmed(BOOK.format("it ends."), size) == "Chapter 1\n*** three stars\nit ends.\n"


def test_each_book_of_several_in_one_file_is_kept() -> None:
    assert trimmed(BOOK.format("one") + BOOK.format("two")) == (
        "Chapter 1\n*** three stars\none\nChapter 1\n*** three stars\ntwo\n"
    )


def test_a_long_book_is_trimmed_across_pieces() -> None:
    line = "a line of the book that goes on for a while\n"
    result = trimmed(BOOK.format(line * 60_000))
    assert result == "Chapter 1\n*** three stars\n" + line * 60_000 + "\n"


def test_a_text_without_start_line_is_left_alone() -> None:
    text = "A tale.\n*** END OF THIS PROJECT GUTENBERG EBOOK X ***\nmore\n"
    assert trimmed(text) == text
    assert trimmed("") == ""


def test_a_missing_end_line_means_the_end_of_the_text() -> None:
    assert trimmed("head\n***START OF THE PROJECT GUTENBERG EBOOK X***\nbody\n") == "body\n"


def test_a_start_line_far_inside_is_part_of_the_text() -> None:
    text = "word " * 20_000 + "\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\nbody\n"
    assert trimmed(text) == text
