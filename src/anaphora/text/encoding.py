"""Bytes to characters: decodes a stream, unifies its line ends, and says exactly where a file is not text.

Every text enters here, whatever its format, so that the readers above it only ever see `str` with "\\n" line ends.
"""

import codecs
import io
from collections.abc import Iterable, Iterator
from typing import Annotated

from charset_normalizer import from_bytes
from pydantic import AfterValidator

from anaphora.errors import ConfigError, CorpusError

_BYTE_ORDER_MARKS = (  # the longer marks first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 1 << 15  # on each side of a fault; enough to guess an encoding from


def check_encoding(name: str) -> str:
    """Return the codec's own name for a text encoding.

    Raises:
        ConfigError: Python knows no such encoding.
    """
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except LookupError:
        raise ConfigError(f"encoding = {name!r}: no such text encoding; try utf-8, cp1252, gb18030 ...") from None


# The encoding among the settings of whoever reads files.
KnownEncoding = Annotated[str, AfterValidator(check_encoding)]


def decode(blocks: Iterable[bytes], encoding: str, where: str) -> Iterator[str]:
    """Decode a stream of byte blocks; every line end becomes "\\n" and a byte order mark is dropped.

    With the encoding "utf-8", a UTF-16 or UTF-32 byte order mark decides otherwise. `where` names the file in errors.

    Raises:
        CorpusError: the bytes are not valid in the encoding, or hold NUL characters and so are no text.
    """
    decoder: codecs.IncrementalDecoder | None = None
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    offset, lines = 0, 1
    for block in blocks:
        if decoder is None:
            decoder = codecs.getincrementaldecoder(_opening_codec(block, encoding))()
        pending = decoder.getstate()[0]
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as fault:
            raise _misfit(fault, pending + block, offset - len(pending), lines, encoding, where) from None
        offset += len(block)
        text = newlines.decode(text)
        if "\0" in text:
            raise _binary(text, lines, block, where)
        lines += text.count("\n")
        if text:
            yield text
    if decoder is not None:
        pending = decoder.getstate()[0]
        try:
            text = newlines.decode(decoder.decode(b"", final=True), final=True)
        except UnicodeDecodeError as fault:
            raise _misfit(fault, pending, offset - len(pending), lines, encoding, where) from None
        if text:
            yield text


def _opening_codec(block: bytes, encoding: str) -> str:
    """Choose the codec from the first bytes of a file."""
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig"):
        return encoding
    for mark, name in _BYTE_ORDER_MARKS:
        if block.startswith(mark):
            return name
    return "utf-8-sig"


def _misfit(fault: UnicodeDecodeError, data: bytes, start: int, lines: int, encoding: str, where: str) -> CorpusError:
    """Describe bytes that do not decode; `data` begins at byte `start` of the file, in line `lines`."""
    line = lines + data[: fault.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")
    if b"\0" in data:
        return CorpusError(
            f"{where} is not a text in {encoding}: it holds NUL bytes near line {line}, so it is binary "
            "(or UTF-16 without a byte order mark: try --encoding utf-16-le)"
        )
    byte = data[fault.start]
    problem = "ends in the middle of a character" if fault.reason == "unexpected end of data" else fault.reason
    candidate = _guess_encoding(data, fault.start)
    advice = f"it does decode as {candidate}: try --encoding {candidate}" if candidate else "set --encoding"
    return CorpusError(
        f"{where}, line {line}, byte offset {start + fault.start}: byte 0x{byte:02x} is not valid {encoding} "
        f"({problem}); {advice}, or convert the file to UTF-8"
    )


def _guess_encoding(data: bytes, fault: int) -> str | None:
    """Name an encoding in which the surroundings of a fault decode, or None."""
    begin = data.rfind(b"\n", 0, max(0, fault - _SAMPLE_BYTES)) + 1
    sample = data[begin : fault + _SAMPLE_BYTES]
    best = from_bytes(sample).best()
    return best.encoding.replace("_", "-") if best else None


def _binary(text: str, lines: int, block: bytes, where: str) -> CorpusError:
    """Describe a NUL character in decoded text."""
    line = lines + text.count("\n", 0, text.index("\0"))
    wide = block[1::2].count(0) > len(block) // 4, block[::2].count(0) > len(block) // 4
    if any(wide):
        name = "utf-16-le" if wide[0] else "utf-16-be"
        return CorpusError(f"{where}, line {line}: every other byte is NUL, as in UTF-16: try --encoding {name}")
    return CorpusError(f"{where}, line {line}: holds NUL characters, so it is a binary file and not text")
