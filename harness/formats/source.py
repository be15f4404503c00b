"""Where the text of a history comes from: bounded lines of UTF-8, and the error that names file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

LINE_BYTES_MAX: Final = 64 * 1024 * 1024  # a final read of a large set is one line
TEXT_CHARS_MAX: Final = 1024 * 1024 * 1024  # for formats that are one value and not lines
DEPTH_MAX: Final = 64  # brackets inside brackets
SHOWN_CHARS_MAX: Final = 80


class FormatError(ValueError):
    """Text that is not a history: ``path``, ``line`` (from 1; None if it is about the whole file), what was ``read``
    and what was ``expected``."""

    def __init__(self, path: str, line: int | None, read: str, expected: str) -> None:
        place = path if line is None else f"{path}:{line}"
        super().__init__(f"{place}: read {read}; expected {expected}")
        self.path, self.line, self.read, self.expected = path, line, read, expected


class Mismatch(ValueError):
    """Something that was read is not what was expected; the caller adds file and line."""

    def __init__(self, read: str, expected: str) -> None:
        super().__init__(f"read {read}; expected {expected}")
        self.read, self.expected = read, expected


def shown(value: object) -> str:
    """``value`` for an error message: quoted, on one line, without control characters, and not long."""
    text = ascii(value) if not isinstance(value, str) else repr(value[: 2 * SHOWN_CHARS_MAX])
    return text if len(text) <= SHOWN_CHARS_MAX else text[:SHOWN_CHARS_MAX] + "..."


def text_lines(stream: BinaryIO, path: str) -> Iterator[str]:
    """The lines of a file, each with its line end (the last one may lack it). Raises :class:`FormatError`."""
    number = 0
    while line := stream.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            raise FormatError(path, number, f"a line longer than {LINE_BYTES_MAX} bytes", "shorter lines")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise FormatError(
                path,
                number,
                f"the byte 0x{line[error.start]:02x}, which is not UTF-8",
                "UTF-8 text (decompress the file first if it is compressed)",
            ) from None


def whole_text(lines: Iterable[str], path: str) -> str:
    """All lines as one text, bounded. Raises :class:`FormatError`."""
    parts = []
    size = 0
    for line in lines:
        size += len(line)
        if size > TEXT_CHARS_MAX:
            raise FormatError(path, None, f"more than {TEXT_CHARS_MAX} characters", "a smaller file, or JSONL")
        parts.append(line)
    return "".join(parts)
