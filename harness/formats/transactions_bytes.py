"""The micro-operations of transactions, compiled: from the bytes of their values to columns.

``[["append", 3, 7], ["r", 3, [5, 7]], ["w", "x", null]]``: keys are integers or strings, values too, or null; those of
a list that was read are integers or strings. Whatever else is there makes :func:`read_micros` give up. That the bytes
are valid JSON is known (harness.columns.Spans).

Reads of a list repeat each other: each is a prefix of the longest one so far of its key, or goes on from there. So it
is compared to that byte by byte, which costs a tenth of reading numbers, and only what is new in it is read. A key of
which that does not hold, in bytes, is *mixed*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from harness.columns import APPEND, NULL, READ, READ_LIST, READ_NOTHING, READ_NULL, TEXTS, VALUE_MAX, WRITE
from harness.compiled import allocation_free, inlined
from harness.formats.json_bytes import (
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    COMMA,
    MINUS,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    ZERO,
    after_blanks,
    goes_on,
    integer_end,
    is_null,
    plain_string_end,
    string_end,
)
from harness.formats.line_bytes import integer_at
from harness.formats.token_bytes import FULL, interned
from harness.formats.word_bytes import WORD, word_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]
    Known = tuple[Shorts, Ints]

DONE, GIVE_UP, NO_SPACE, KEYS_FULL, TEXTS_FULL = range(5)
NUMBER, MICRO, ENTRY, STATE_SIZE = range(4)
"""What ``state`` says: the next transaction, micro-operation and entry."""
_NO, _SPACE, _KEYS = -1, -3, -4  # why there is no end; FULL, -2, is of the texts
_APPEND: Final = int.from_bytes(b'"append"', "little")
_THREE_BYTES: Final = 0xFF_FFFF
_R, _W = (int.from_bytes(name, "little") for name in (b'"r"', b'"w"'))


class Micros(NamedTuple):
    """The columns to be filled: harness.columns.Micros has their words."""

    firsts: Ints
    acts: Bytes
    keys: Shorts
    numbers: Ints
    lengths: Shorts


class Longest(NamedTuple):
    """Of each key the longest read so far: where its elements begin in the text, how many bytes and elements it has,
    and the last of its entries. ``mixed``: some read is no part of it."""

    starts: Ints
    sizes: Ints
    counts: Shorts
    entries: Shorts
    mixed: Bytes


class Entries(NamedTuple):
    """The elements of those, as they were found: the key, the element, how many bytes of its list end with it, and
    the entry before it in the list."""

    keys: Shorts
    numbers: Ints
    ends: Shorts
    previous: Shorts


def empty_micros(transactions: int, space: int) -> Micros:
    return Micros(np.zeros(transactions + 1, np.int64), np.empty(space, np.uint8), np.empty(space, np.int32),
                  np.empty(space, np.int64), np.empty(space, np.int32))  # fmt: skip


def empty_longest(keys: int) -> Longest:
    return Longest(np.zeros(keys, np.int64), np.zeros(keys, np.int64), np.zeros(keys, np.int32),
                   np.zeros(keys, np.int32), np.zeros(keys, np.uint8))  # fmt: skip


def empty_entries(space: int) -> Entries:
    return Entries(np.empty(space, np.int32), np.empty(space, np.int64), np.empty(space, np.int32),
                   np.empty(space, np.int32))  # fmt: skip


def with_space(columns: Any, space: int) -> Any:
    """The same columns (but ``firsts``, which has enough) with more space."""
    grown = {}
    for name, column in columns._asdict().items():
        if name != "firsts":
            grown[name] = np.zeros(space, column.dtype)
            grown[name][: len(column)] = column
    return columns._replace(**grown)


@inlined
def act_at(text: Bytes, at: int) -> tuple[int, int]:
    """What the micro-operation does that begins at ``at``, and the end of its name; -1 if it is none."""
    if text[at] != OPEN_ARRAY:
        return _NO, at
    at = after_blanks(text, at + 1)
    word = word_at(text, at)
    if word == _APPEND:
        return APPEND, at + WORD
    if word & _THREE_BYTES == _R:
        return READ, at + 3
    return (WRITE, at + 3) if word & _THREE_BYTES == _W else (_NO, at)


@inlined
def after_comma(text: Bytes, at: int) -> int:
    """What follows the comma at ``at``, or behind blanks; -1 if there is none."""
    at = after_blanks(text, at)
    return after_blanks(text, at + 1) if text[at] == COMMA else _NO


@inlined
def key_end(text: Bytes, at: int) -> int:
    if text[at] == QUOTE:
        end = plain_string_end(text, at + 1)
        return end + 1 if end >= 0 else _NO
    end = integer_end(text, at)
    odd = end < 0 or goes_on(text, end) or (text[at] == MINUS and text[at + 1] == ZERO)  # -0 is 0 in another writing
    return _NO if odd else end


@inlined
def value_at(text: Bytes, at: int, slots: Shorts, spans: Ints) -> tuple[int, int]:
    """The integer or string at ``at`` as a number, and its end: -1 if it is none, FULL if there is no space."""
    if text[at] == QUOTE:
        end = plain_string_end(text, at + 1)
        if end < 0:
            return 0, _NO
        code = interned(text, at, end + 1, slots, spans)
        return TEXTS + code, (end + 1 if code >= 0 else code)
    number, end = integer_at(text, at)
    return number, (end if -VALUE_MAX <= number <= VALUE_MAX else _NO)


@inlined
def common_size(text: Bytes, first: int, second: int, size: int) -> int:
    """How many of so many bytes are the same, from the first on."""
    offset = 0
    while offset < size:
        difference = word_at(text, first + offset) ^ word_at(text, second + offset)
        if difference:
            while difference & 255 == 0:
                difference >>= 8
                offset += 1
            return min(offset, size)
        offset += WORD
    return size


@allocation_free
def list_end(text: Bytes, at: int) -> int:
    """The end of the array or object at ``at``."""
    depth = 0
    while True:
        byte = text[at]
        if byte == QUOTE:
            at = string_end(text, at + 1)
        elif byte in (OPEN_ARRAY, OPEN_OBJECT):
            depth += 1
        elif byte in (CLOSE_ARRAY, CLOSE_OBJECT):
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1


@allocation_free
def value_end_at(text: Bytes, at: int) -> int:
    """The end of any value."""
    if text[at] in (OPEN_ARRAY, OPEN_OBJECT):
        return list_end(text, at)
    if text[at] == QUOTE:
        return string_end(text, at + 1) + 1
    while text[at] != COMMA and text[at] != CLOSE_ARRAY and after_blanks(text, at) == at:
        at += 1
    return at


@allocation_free
def count_in(text: Bytes, at: int) -> int:
    """How many values the array at ``at`` has; -1 if it is none."""
    if text[at] != OPEN_ARRAY:
        return -1
    at = after_blanks(text, at + 1)
    count = 0
    while text[at] != CLOSE_ARRAY:
        at = after_blanks(text, value_end_at(text, at))
        count += 1
        if text[at] == COMMA:
            at = after_blanks(text, at + 1)
    return count


@allocation_free
def fuller(text: Bytes, starts: Ints, first: Ints, second: Ints, chosen: Ints) -> None:
    """Of each pair of lines the one whose value is the longer array, the second if they are equal; -1 if none is one.
    A line is -1 where there is none."""
    for number in range(len(first)):
        one = count_in(text, starts[first[number]]) if first[number] >= 0 else -1
        two = count_in(text, starts[second[number]]) if second[number] >= 0 else -1
        if max(one, two) >= 0:
            chosen[number] = second[number] if two >= one else first[number]
        else:
            chosen[number] = -1


@allocation_free
def lengthened(
    text: Bytes, at: int, key: int, state: Ints, longest: Longest, entries: Entries, slots: Shorts, spans: Ints
) -> int:
    """Read the elements from ``at`` to the end of the list, the longest one of its key from now on; its end."""
    starts, sizes, counts, last_entries, _ = longest
    keys, numbers, ends, previous = entries
    while text[at] != CLOSE_ARRAY:
        number, end = value_at(text, at, slots, spans)
        if end < 0:
            return end
        entry = state[ENTRY]
        if entry == len(keys):
            return _SPACE
        keys[entry], numbers[entry], ends[entry] = key, number, end - starts[key]
        previous[entry] = last_entries[key]
        last_entries[key], sizes[key] = entry, end - starts[key]
        counts[key] += 1
        state[ENTRY] = entry + 1
        at = after_blanks(text, end)
        if text[at] == COMMA:
            at = after_blanks(text, at + 1)
    return at + 1


@inlined
def count_until(size: int, key: int, longest: Longest, entries: Entries) -> int:
    """How many elements of the longest list of the key end within its first ``size`` bytes; -1 if none ends there."""
    _, _, counts, last_entries, _ = longest
    _, _, ends, previous = entries
    entry, count = last_entries[key], counts[key]
    while count and ends[entry] > size:
        entry = previous[entry]
        count -= 1
    return int(count) if size == 0 or (count and ends[entry] == size) else _NO


@allocation_free
def read_list(
    text: Bytes, begin: int, key: int, state: Ints, longest: Longest, entries: Entries, slots: Shorts, spans: Ints
) -> tuple[int, int]:
    """The number of elements of the list at ``begin``, and its end, or why it cannot be read. Of a key that is mixed
    the number is wrong."""
    starts, sizes, counts, _, mixed = longest
    start, size = begin + 1, sizes[key]
    if mixed[key]:
        return 0, list_end(text, begin)
    same = common_size(text, start, starts[key], size)
    at = after_blanks(text, start + same) if same == size else start + same
    if text[at] == CLOSE_ARRAY:
        count = int(counts[key]) if same == size else count_until(same, key, longest, entries)
        if count >= 0:
            return count, at + 1
    elif same == size and (size == 0 or text[at] == COMMA):  # all of the longest one, whose last number has ended
        starts[key] = start
        end = lengthened(text, after_blanks(text, at + 1 if size else at), key, state, longest, entries, slots, spans)
        return int(counts[key]), end
    elif text[after_blanks(text, start)] == CLOSE_ARRAY:
        return 0, after_blanks(text, start) + 1
    mixed[key] = 1
    return 0, list_end(text, begin)


@inlined
def read_value(
    text: Bytes, at: int, micro: int, key: int, is_told: bool, state: Ints, micros: Micros, longest: Longest,
    entries: Entries, slots: Shorts, spans: Ints,
) -> int:  # fmt: skip
    """Read what was appended, written or read; its end, or why not. The act is known until then but for a read's."""
    _, acts, _, numbers, lengths = micros
    if acts[micro] == READ and not is_told:
        acts[micro] = READ_NOTHING
        return value_end_at(text, at)
    if is_null(text, at):
        if acts[micro] == READ:
            acts[micro] = READ_NULL
        numbers[micro] = NULL
        return at + 4 if acts[micro] != APPEND else _NO
    if text[at] == OPEN_ARRAY:
        length, end = read_list(text, at, key, state, longest, entries, slots, spans)
        lengths[micro] = length
        is_read = acts[micro] == READ
        acts[micro] = READ_LIST
        return end if is_read else _NO
    numbers[micro], end = value_at(text, at, slots, spans)
    return end


@inlined
def read_micro(
    text: Bytes, at: int, micro: int, is_told: bool, state: Ints, micros: Micros, longest: Longest, entries: Entries,
    key_slots: Shorts, key_spans: Ints, slots: Shorts, spans: Ints,
) -> int:  # fmt: skip
    """Read the micro-operation at ``at``; its end, or why not."""
    _, acts, keys, numbers, lengths = micros
    act, at = act_at(text, at)
    at = after_comma(text, at)
    end = key_end(text, at) if act >= 0 and at >= 0 else _NO
    if end < 0:
        return _NO
    key = interned(text, at, end, key_slots, key_spans)
    if key < 0:
        return _KEYS if key == FULL else _NO
    acts[micro], keys[micro], numbers[micro], lengths[micro] = act, key, 0, 0
    at = after_comma(text, end)
    if at >= 0:
        end = read_value(text, at, micro, key, is_told, state, micros, longest, entries, slots, spans)
        if end < 0:
            return end
    elif act == READ:
        acts[micro] = READ_NOTHING
    else:
        return _NO
    end = after_blanks(text, end)
    return end + 1 if text[end] == CLOSE_ARRAY else _NO


@inlined
def asked_end(text: Bytes, ask: int, at: int) -> int:
    """The end of the micro-operation at ``ask``, byte by byte the same as that at ``at`` but for what was read, or for
    a value that was made late; -1 if it is another one, or written in another way."""
    act, name_end = act_at(text, ask)
    key = after_comma(text, name_end)
    end = key_end(text, key) if act >= 0 and key >= 0 else _NO
    if end < 0 or common_size(text, ask, at, end - ask) < end - ask:
        return _NO
    value = after_comma(text, end)
    if value < 0:
        end = after_blanks(text, end)
        return end + 1 if act == READ and text[end] == CLOSE_ARRAY else _NO
    end = value_end_at(text, value)
    close = after_blanks(text, end)
    if text[close] != CLOSE_ARRAY:
        return _NO
    if act == READ or is_null(text, value) or common_size(text, ask, at, close + 1 - ask) == close + 1 - ask:
        return close + 1
    return _NO


@allocation_free
def read_micros(
    text: Bytes, starts: Ints, lines: Ints, asks: Ints, told: Bytes, state: Ints, micros: Micros, longest: Longest,
    entries: Entries, known_keys: Known, known_texts: Known,
) -> int:  # fmt: skip
    """Read the values of ``lines``, one transaction after the other, from ``state[NUMBER]`` on: DONE, or GIVE_UP.

    ``told``: of each whether what was read counts; nothing of it is looked at else. A line of -1 has no value.
    ``asks``: the line that asked for what a told one says, -1 where none says anything; the two must agree.
    NO_SPACE, KEYS_FULL, TEXTS_FULL: call it again with more, ``state`` says where to go on.
    """
    firsts, acts = micros.firsts, micros.acts
    (key_slots, key_spans), (slots, spans) = known_keys, known_texts
    for number in range(state[NUMBER], len(lines)):
        micro, begin, ask = state[MICRO], 0, 0
        if asks[number] >= 0:
            ask = starts[asks[number]]
            if text[ask] != OPEN_ARRAY:
                return GIVE_UP
            ask = after_blanks(text, ask + 1)
            if text[ask] == CLOSE_ARRAY:  # which says nothing
                ask = 0
        if lines[number] >= 0:
            begin = starts[lines[number]]
            if text[begin] != OPEN_ARRAY:
                return GIVE_UP
            at = after_blanks(text, begin + 1)
        while begin and text[at] != CLOSE_ARRAY:
            if micro == len(acts):
                return NO_SPACE
            if ask:
                ask = asked_end(text, ask, at)
                if ask < 0:
                    return GIVE_UP
                ask = after_blanks(text, ask)
                if text[ask] == COMMA:
                    ask = after_blanks(text, ask + 1)
            at = read_micro(text, at, micro, told[number] != 0, state, micros, longest, entries, key_slots, key_spans,
                            slots, spans)  # fmt: skip
            if at < 0:
                return GIVE_UP if at == _NO else KEYS_FULL if at == _KEYS else NO_SPACE if at == _SPACE else TEXTS_FULL
            at = after_blanks(text, at)
            if text[at] == COMMA:
                at = after_blanks(text, at + 1)
            micro += 1
        if ask and text[ask] != CLOSE_ARRAY:
            return GIVE_UP
        firsts[number + 1] = micro
        state[NUMBER], state[MICRO] = number + 1, micro
    return DONE
