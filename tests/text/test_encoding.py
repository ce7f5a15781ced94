"""Decoding: line ends, byte order marks, and messages that say exactly where a file is not text."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import ConfigError, CorpusError
from anaphora.text.encoding import check_encoding, decode


def in_blocks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def decoded(data: bytes, encoding: str = "utf-8", size: int = 1 << 20) -> str:
    return "".join(decode(in_blocks(data, size), encoding, "story.txt"))


@given(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])), st.integers(1, 7))
def test_the_cuts_between_blocks_do_not_matter(text: str, size: int) -> None:
    assert decoded(b"\xef\xbb\xbf" + text.encode("utf-8"), size=size) == text


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_every_kind_of_line_end_becomes_a_newline(size: int) -> None:
    assert decoded(b"a\r\nb\rc\nd\r", size=size) == "a\nb\nc\nd\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_believed_and_dropped(encoding: str) -> None:
    assert decoded("grün 日本\n".encode(encoding)) == "grün 日本\n"


def test_another_encoding_is_used_when_named() -> None:
    assert decoded("分开\n天晴".encode("gb18030"), "gb18030", size=3) == "分开\n天晴"


def test_bytes_that_do_not_decode_are_located_and_an_encoding_is_named() -> None:
    text = "Les élèves étaient déjà là, près de la fenêtre où l'été brûlait.\n" * 40
    data = b"plain\r\n" * 3 + text.encode("cp1252")
    with pytest.raises(CorpusError) as caught:
        decoded(data, size=10)
    message = str(caught.value)
    assert message.startswith("story.txt, line 4, byte offset 25: byte 0xe9 is not valid utf-8")
    with pytest.raises(CorpusError, match=r"does decode as cp125\d: try --encoding cp125\d"):
        decoded(data)


def test_a_file_that_ends_inside_a_character() -> None:
    with pytest.raises(CorpusError, match=r"line 2, byte offset 3: .*ends in the middle of a character"):
        decoded(b"ab\n" + "語".encode()[:2], size=2)


def test_binary_files_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"story\.txt, line 2: holds NUL characters, so it is a binary file"):
        decoded(b"ab\n\0\1\2 and so on, far too long to be UTF-16\n")
    with pytest.raises(CorpusError, match=r"holds NUL bytes near line 1, so it is binary"):
        decoded(b"\x89PNG\r\n\0\0\0\xff")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised(encoding: str) -> None:
    with pytest.raises(CorpusError, match=f"every other byte is NUL, as in UTF-16: try --encoding {encoding}"):
        decoded("two words\n".encode(encoding))


def test_an_unknown_encoding_is_refused() -> None:
    assert check_encoding("Latin1") == "iso8859-1"
    with pytest.raises(ConfigError, match="encoding = 'utf-9': no such text encoding"):
        check_encoding("utf-9")
    with pytest.raises(ConfigError, match="encoding = 'base64': no such text encoding"):
        check_encoding("base64")
