"""Transactions whose values stand in a file's bytes, read by compiled code into columns of micro-operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness.columns import NIL, OTHER, Micros, Spans
from harness.formats import transactions_bytes as compiled
from harness.formats.token_bytes import moved, tokens
from harness.history import INVOKE, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.formats.jsonl_bytes import Lines

    Ints = NDArray[np.int64]
    Known = tuple[NDArray[np.int32], Ints]

KEYS_FIRST: Final = 1 << 16
TEXTS_FIRST: Final = 1 << 12
MICROS_PER_TRANSACTION: Final = 3


def micros_of(spans: Spans, columns: Lines, partners: Ints, invokes: Ints) -> Micros | None:
    """As ``Columns.micros``."""
    ends = partners[invokes]
    told = ((ends >= 0) & (columns.types[ends] == OK)).astype(np.uint8)
    lines = _lines(spans, columns, invokes, ends)
    if lines is None:
        return None
    asks = np.where((told > 0) & (columns.kinds[invokes] == OTHER), invokes, -1)
    space = MICROS_PER_TRANSACTION * len(lines) + 64
    micros, entries = compiled.empty_micros(len(lines), space), compiled.empty_entries(space)
    longest = compiled.empty_longest(KEYS_FIRST)
    keys, texts = tokens(KEYS_FIRST), tokens(TEXTS_FIRST)
    state = np.zeros(compiled.STATE_SIZE, np.int64)
    while True:
        how = compiled.read_micros(spans.text, spans.starts, lines, asks, told, state, micros, longest, entries, keys,
                                   texts)  # fmt: skip
        if how == compiled.DONE:
            return _micros(spans, state, micros, longest, entries, keys, texts)
        if how == compiled.NO_SPACE:
            space *= 2
            micros, entries = compiled.with_space(micros, space), compiled.with_space(entries, space)
        elif how == compiled.KEYS_FULL:
            keys = _larger(spans, keys)
            longest = compiled.with_space(longest, len(keys[0]) // 4)
        elif how == compiled.TEXTS_FULL:
            texts = _larger(spans, texts)
        if how == compiled.GIVE_UP or not len(keys[0]) or not len(texts[0]):
            return None


def _lines(spans: Spans, columns: Lines, invokes: Ints, ends: Ints) -> Ints | None:
    """Of each transaction the line that says what it did, -1 if none says anything; None where one is odd."""
    lines = np.where((ends >= 0) & (columns.types[ends] == OK), ends, -1)
    if (columns.types[invokes] != INVOKE).any() or (columns.kinds[lines[lines >= 0]] != OTHER).any():
        return None
    open_ = np.flatnonzero(lines < 0)
    first, second = invokes[open_], ends[open_]
    kinds = [columns.kinds[first], np.where(second >= 0, columns.kinds[second], NIL)]
    if any(((each != OTHER) & (each != NIL)).any() for each in kinds):
        return None
    one, two = (np.where(kind == OTHER, half, -1) for kind, half in zip(kinds, (first, second), strict=True))
    chosen = np.empty(len(open_), np.int64)
    compiled.fuller(spans.text, spans.starts, one, two, chosen)
    if ((chosen < 0) & ((one >= 0) | (two >= 0))).any():
        return None
    lines[open_] = chosen
    return lines


def _larger(spans: Spans, known: Known) -> Known:
    larger = tokens(len(known[0]))
    return larger if moved(spans.text, known[1], *larger) else (larger[0][:0], larger[1])


def _micros(
    spans: Spans, state: Ints, micros: compiled.Micros, longest: compiled.Longest, entries: compiled.Entries,
    keys: Known, texts: Known,
) -> Micros:  # fmt: skip
    count, shown = int(state[compiled.MICRO]), int(state[compiled.ENTRY])

    def token(known: Known, code: int) -> Any:
        start, end = known[1][code].tolist()
        text = spans.text[start:end].tobytes().decode()
        return text[1:-1] if text[0] == '"' else int(text)

    return Micros(
        firsts=micros.firsts,
        acts=micros.acts[:count],
        keys=micros.keys[:count],
        numbers=micros.numbers[:count],
        lengths=micros.lengths[:count],
        shown_keys=entries.keys[:shown],
        shown=entries.numbers[:shown],
        mixed=longest.mixed[: int(keys[1][-1, 0])],
        key=lambda code: token(keys, code),
        text=lambda code: token(texts, code),
    )
