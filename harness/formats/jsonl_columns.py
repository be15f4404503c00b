"""JSONL files that are large and plain, read by compiled code into columns: a hundred times as fast as line by line.

:func:`read` gives None for every file that is not worth it, or not plain, or where numba is missing; the plain reader
reads it then, and words what is wrong with it.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from harness.columns import NUMBER, OTHER, PADDING, Columns, Micros, Spans
from harness.compiled import announced
from harness.formats import jsonl
from harness.formats.record import Claims, Recording
from harness.history import History

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.formats.jsonl_bytes import Lines

    Known = tuple[NDArray[np.int32], NDArray[np.int64]]

STEP_BYTES: Final = 64 * 1024 * 1024  # after which it says how far it came
NAMES_MAX: Final = 512  # of operations, and of processes that have one; more is odd
KEYS_FIRST: Final = 4096
_TINY: Final = b'{"type": "info", "process": 0, "f": "read"}' + bytes(PADDING)
_BLANK: Final = re.compile(rb"[ \t\r\n]*")


def read(stream: BinaryIO, path: str, progress: Callable[[int], None] = lambda lines: None) -> Recording | None:
    """The history in a file that is open at its beginning, if it is plain; else None, and the stream's place is
    anywhere. ``progress`` is told now and then how many lines were read."""
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode):
        return None
    try:
        with announced("the fast reader"):
            columns_in(bytearray(_TINY), 0)
    except (ImportError, OSError):  # OSError: no place to keep what was compiled
        return None
    buffer = bytearray(status.st_size + PADDING)  # and no map of the file, which somebody might cut off meanwhile
    if not _filled(stream, memoryview(buffer)[:-PADDING]) or not _is_utf8(buffer):
        return None
    with suppress(ValueError):  # which the plain reader words
        begin, first_line, claims = _beginning(buffer)
        columns = columns_in(buffer, begin, progress)
        if columns is not None:
            lines = range(first_line, first_line + len(columns))
            history = History.from_columns(columns)
            return Recording(history, path, jsonl.FORMAT, lines, claims.model, claims.nil_reads)
    return None


def _filled(stream: BinaryIO, view: memoryview) -> bool:
    """Read the whole file; False if it is no longer as long as it was: somebody is writing it."""
    while view and (count := stream.readinto(view)):  # type: ignore[attr-defined]  # BinaryIO forgets it
        view = view[count:]
    return not view and not stream.read(1)


def _is_utf8(buffer: bytearray) -> bool:
    if buffer.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(buffer)
    try:
        for start in range(0, len(view), STEP_BYTES):
            decoder.decode(view[start : start + STEP_BYTES])
    except UnicodeDecodeError:
        return False
    return True


def _beginning(buffer: bytearray) -> tuple[int, int, Claims]:
    """Where the first operation's line begins, its number, and what the file says of itself before it.

    Raises ValueError for what the plain reader must word.
    """
    at = _BLANK.match(buffer).end()  # type: ignore[union-attr]  # matches anything
    line = 1 + buffer.count(b"\n", 0, at)
    end = buffer.find(b"\n", at) + 1
    if not end or b'"schema"' not in buffer[at:end]:
        return at, line, Claims()
    claims = jsonl.claims_in(buffer[at:end].decode())
    return (at, line, Claims()) if claims is None else (end, line + 1, claims)


def columns_in(buffer: bytearray, begin: int, progress: Callable[[int], None] = lambda lines: None) -> Columns | None:
    """The columns of the lines from ``begin`` to PADDING bytes before the end, which must be UTF-8. None if they are
    not plain, or no history. Raises ImportError where numba or numpy is missing."""
    import numpy as np

    from harness.formats import jsonl_bytes
    from harness.formats.token_bytes import moved, tokens

    text, size = np.frombuffer(buffer, np.uint8), len(buffer) - PADDING
    lines, state = jsonl_bytes.empty(buffer.count(b"\n", begin) + 1, begin)
    row, scratch = jsonl_bytes.space()
    fs, processes, keys = tokens(NAMES_MAX), tokens(NAMES_MAX), tokens(KEYS_FIRST)
    how = jsonl_bytes.MORE
    while how != jsonl_bytes.DONE:
        until = int(state[jsonl_bytes.AT]) + STEP_BYTES
        how = jsonl_bytes.read_lines(text, size, until, state, lines, fs, processes, keys, row, scratch)
        progress(int(state[jsonl_bytes.LINE]))
        if how == jsonl_bytes.KEYS_FULL:
            known, keys = keys, tokens(4 * len(keys[0]))
            if not moved(text, known[1], *keys):
                return None
        elif how == jsonl_bytes.GIVE_UP:
            return None
    lines = jsonl_bytes.first(lines, int(state[jsonl_bytes.LINE]))
    partners = jsonl_bytes.partners_in(lines.types, lines.processes, lines.fs)
    if partners is None:
        return None
    return _columns(buffer, begin, lines, partners, *(_names(buffer, known) for known in (fs, processes, keys)))


def _names(buffer: bytearray, known: Known) -> tuple[Any, ...]:
    """What the tokens say: integers, and strings without escapes."""
    spans = known[1]
    texts = (buffer[start:end].decode() for start, end in spans[: spans[-1, 0]].tolist())
    return tuple(text[1:-1] if text[0] == '"' else int(text) for text in texts)


def _columns(
    buffer: bytearray,
    begin: int,
    lines: Lines,
    partners: NDArray[np.int64],
    f_names: tuple[str, ...],
    process_names: tuple[str, ...],
    key_names: tuple[Any, ...],
) -> Columns:
    import numpy as np

    has_others, has_rests = bool((lines.kinds == OTHER).any()), bool(lines.rests.any())
    texts = _Texts(buffer, begin, lines) if has_others or has_rests else None  # else the text is not kept
    kinds, numbers = lines.kinds, lines.numbers

    def value(line: int) -> Any:
        if kinds[line] == OTHER and texts:
            return texts.value(line)
        return int(numbers[line]) if kinds[line] == NUMBER else None

    spans = Spans(np.frombuffer(buffer, np.uint8), lines.starts, lines.lengths) if has_others else None

    def micros(invokes: NDArray[np.int64]) -> Micros | None:
        from harness.formats import transactions_columns

        return None if spans is None else transactions_columns.micros_of(spans, lines, partners, invokes)

    return Columns(
        types=lines.types,
        processes=lines.processes,
        fs=lines.fs,
        f_names=f_names,
        kinds=kinds,
        numbers=numbers,
        partners=partners,
        times=lines.times,
        keys=lines.keys if key_names else None,
        key_names=key_names,
        value=value,
        process_names=process_names,
        rests=lines.rests if has_rests else None,
        rest=texts.rest if texts and has_rests else lambda line: {},
        spans=spans,
        micros=micros,
    )


class _Texts:
    """What of a file is decoded only when somebody asks."""

    def __init__(self, buffer: bytearray, begin: int, lines: Lines) -> None:
        self._buffer, self._begin = buffer, begin
        self._starts, self._lengths = lines.starts, lines.lengths
        self._line_starts: array[int] | None = None

    def value(self, line: int) -> Any:
        start = int(self._starts[line])
        return jsonl.DECODER.decode(self._buffer[start : start + int(self._lengths[line])].decode())

    def rest(self, line: int) -> Mapping[str, Any]:
        """All fields of a line."""
        if self._line_starts is None:
            self._line_starts = self._found_lines()
        start, end = self._line_starts[line], self._buffer.find(b"\n", self._line_starts[line])
        fields: Mapping[str, Any] = jsonl.DECODER.decode(self._buffer[start : end if end >= 0 else -PADDING].decode())
        return fields

    def _found_lines(self) -> array[int]:
        """Where each line begins. Where few lines have such fields, this is all that it costs."""
        import numpy as np

        ends = np.flatnonzero(np.frombuffer(self._buffer, np.uint8, offset=self._begin) == ord("\n"))
        starts = array("q", [self._begin])
        starts.frombytes((ends + self._begin + 1).tobytes())
        return starts
