"""The lines of a JSONL history, compiled: from bytes to numbers, and pairs of lines.

Only the plain shape is read: the known fields, each once, in any order, their names and the operations' without
escapes. Whatever else stands in a file, a mistake or a rarity, makes :func:`read_lines` give up, and the plain reader
reads the file. It never takes what that would refuse, and never reads it differently: tests compare the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from harness.columns import NIL, NO_KEY, NUMBER, OTHER
from harness.compiled import compiled
from harness.formats.json_bytes import (
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    LINE_END,
    MINUS,
    NINE,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    ZERO,
    after_blanks,
    goes_on,
    integer_end,
    is_null,
    plain_string_end,
    value_end,
)
from harness.history import INVOKE, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]

MORE, DONE, GIVE_UP, KEYS_FULL = range(4)
AT, LINE, INDEX, F_COUNT, NAME_COUNT, KEY_COUNT, PROCESS_MAX, OTHERS, STATE_SIZE = range(9)
"""What ``state`` says: the next line's place, its position; the last ``index``; how many names were found; the largest
process; how many values are OTHER."""

_INT64_MIN: Final = -(2**63)
_NAME_BYTES_MAX: Final = 200
_LINE_BYTES_MAX: Final = 32 * 1024 * 1024  # half of what the plain reader takes
_PROBES_MAX: Final = 64  # names that were made to collide must not cost more than a plain reader's time
_INTEGER_DIGITS_MAX: Final = 19  # what 64 bits hold may have as many


def packed(name: str) -> int:
    """The bytes of a name of at most 7 characters as one number."""
    return int.from_bytes(name.encode(), "little")


_TYPE, _PROCESS, _F, _VALUE, _TIME = (packed(name) for name in ("type", "process", "f", "value", "time"))
_INDEX, _ERROR, _KEY, _SESSION = (packed(name) for name in ("index", "error", "key", "session"))
_NODE, _EXTRA, _READ = (packed(name) for name in ("node", "extra", "read"))
_INVOKED, _OKED, _FAILED, _INFOED = (packed(name) for name in ("invoke", "ok", "fail", "info"))
_HAS_TYPE, _HAS_PROCESS, _HAS_F, _HAS_VALUE, _HAS_TIME, _HAS_INDEX, _HAS_KEY = (1 << bit for bit in range(7))
HAS_ERROR, HAS_SESSION, HAS_NODE, HAS_EXTRA = (1 << bit for bit in range(4))
"""Which of the fields that few lines have this one has: bits of ``rests``."""
_REST_SHIFT: Final = 8  # of the same bits among those of the fields that were seen
_NEEDED: Final = _HAS_TYPE | _HAS_PROCESS | _HAS_F


@compiled
def name_of(text: Bytes, at: int) -> int:
    """The name between the quotes at ``at``, packed; 0 if it is longer than 7 bytes, or there is none."""
    name = shift = 0
    if text[at] != QUOTE:
        return 0
    at += 1
    while text[at] != QUOTE:
        if shift == 56 or text[at] == 0:
            return 0
        name |= np.int64(text[at]) << shift
        shift += 8
        at += 1
    return name


@compiled
def length_of(name: int) -> int:
    """Of a packed name, in bytes."""
    length = 0
    while name > 0:
        name >>= 8
        length += 1
    return length


@compiled
def integer_of(text: Bytes, at: int, end: int) -> tuple[int, bool]:
    """The integer from ``at`` to ``end``, and whether 64 bits hold it."""
    negative = text[at] == MINUS
    first = at + 1 if negative else at
    number = 0
    for digit in range(first, end):
        number = number * 10 + (np.int64(text[digit]) - ZERO)
    fits = end - first < _INTEGER_DIGITS_MAX or (end - first == _INTEGER_DIGITS_MAX and number >= 0)
    if number == _INT64_MIN and end - first == _INTEGER_DIGITS_MAX and negative:  # the only one without a positive
        return number, True
    return (-number if negative else number), fits


@compiled
def interned(text: Bytes, start: int, end: int, slots: NDArray[np.int32], tokens: Ints, count: int) -> int:
    """The code of what stands from ``start`` to ``end``, the same for the same bytes; ``count`` if it is a new one.

    -1: as many as there is space for are known. -2: too many of them fall together.
    """
    mixed = np.int64(end - start)
    for byte in range(start, end):
        mixed = (mixed ^ np.int64(text[byte])) * 1099511628211
    mixed ^= mixed >> 29
    mask = len(slots) - 1
    for probe in range(_PROBES_MAX):
        slot = (mixed + probe) & mask
        code = slots[slot]
        if code < 0:
            if count == len(tokens):
                return -1
            slots[slot] = count
            tokens[count, 0], tokens[count, 1] = start, end
            return count
        if tokens[code, 1] - tokens[code, 0] == end - start:
            same = 0
            while same < end - start and text[tokens[code, 0] + same] == text[start + same]:
                same += 1
            if same == end - start:
                return int(code)
    return -2


@compiled
def name_end(text: Bytes, at: int) -> int:
    """The end, its quote included, of the name at ``at``: neither empty nor long. -1 if there is none."""
    if text[at] != QUOTE:
        return -1
    end = plain_string_end(text, at + 1)
    return -1 if end == at + 1 or end - at > _NAME_BYTES_MAX else end + 1 if end >= 0 else -1


@compiled
def all_blank(text: Bytes, at: int, size: int) -> bool:
    """Whether nothing but empty lines follows."""
    while at < size and (text[at] == LINE_END or after_blanks(text, at) > at):
        at += 1
    return at == size


@compiled
def ends_in_null(text: Bytes, start: int, end: int) -> bool:
    """Whether the array from ``start`` to ``end`` may be a pair [key, null]."""
    last = end - 2
    while last > start and after_blanks(text, last) > last:
        last -= 1
    return last - 3 > start and is_null(text, last - 3)


@compiled
def read_lines(
    text: Bytes, size: int, until: int, state: Ints,
    types: Bytes, processes: Ints, fs: NDArray[np.uint16], kinds: Bytes, numbers: Ints, times: Ints,
    keys: NDArray[np.int32], starts: Ints, lengths: NDArray[np.int32], rests: Bytes,
    f_slots: NDArray[np.int32], f_tokens: Ints, name_slots: NDArray[np.int32], name_tokens: Ints,
    key_slots: NDArray[np.int32], key_tokens: Ints, open_at: Ints, names: Ints,
) -> int:  # fmt: skip
    """Read lines from ``state[AT]`` on, until they end or one begins at or after ``until``: DONE or MORE.

    GIVE_UP where it is not the plain shape. KEYS_FULL if there is no space for another key: call it again with more,
    ``state`` says where to go on. ``starts``, ``lengths`` and ``rests`` must be zero.
    """
    line = state[LINE]
    last_index = state[INDEX]
    at = state[AT]
    while at < size:
        if at >= until:
            return MORE
        line_start = at
        at = after_blanks(text, at)
        if text[at] != OPEN_OBJECT:
            return DONE if all_blank(text, at, size) else GIVE_UP
        kind = process = f = f_start = f_end = seen = number = 0
        key = NO_KEY
        time = -1
        value_kind = NIL
        value_start = value_stop = 0
        at = after_blanks(text, at + 1)
        while True:
            name = name_of(text, at)
            if name == 0:
                return GIVE_UP
            at = after_blanks(text, at + 2 + length_of(name))
            if text[at] != COLON:
                return GIVE_UP
            at = after_blanks(text, at + 1)
            start = at
            bit = 0
            if name == _TYPE:
                bit = _HAS_TYPE
                word = name_of(text, at)
                kind = 0 if word == _INVOKED else 1 if word == _OKED else 2 if word == _FAILED else 3
                if kind == 3 and word != _INFOED:
                    return GIVE_UP
                at += 2 + length_of(word)
            elif name == _F:
                bit = _HAS_F
                at = name_end(text, start)
                if at < 0:
                    return GIVE_UP
                f_start, f_end = start, at
            elif name == _PROCESS and text[at] == QUOTE:
                bit = _HAS_PROCESS
                at = name_end(text, start)
                if at < 0:
                    return GIVE_UP
                code = interned(text, start, at, name_slots, name_tokens, state[NAME_COUNT])
                if code < 0:
                    return GIVE_UP
                state[NAME_COUNT] = max(state[NAME_COUNT], code + 1)
                process = -1 - code
            elif name == _PROCESS or name == _TIME or name == _INDEX:
                bit = _HAS_PROCESS if name == _PROCESS else _HAS_TIME if name == _TIME else _HAS_INDEX
                if name != _PROCESS and is_null(text, at):
                    at += 4
                else:
                    at = integer_end(text, start)
                    if at < 0 or goes_on(text, at):
                        return GIVE_UP
                    whole, fits = integer_of(text, start, at)
                    if not fits or whole == _INT64_MIN or (name == _PROCESS and text[start] == MINUS):
                        return GIVE_UP
                    if name == _PROCESS:
                        process = whole
                    elif name == _TIME:
                        time = whole
                    elif whole >= 0:
                        if whole <= last_index:
                            return GIVE_UP
                        last_index = whole
            elif name == _KEY:
                bit = _HAS_KEY
                if is_null(text, at):
                    at += 4
                else:
                    if text[at] == QUOTE:
                        at = plain_string_end(text, at + 1) + 1
                    else:
                        at = integer_end(text, at)
                        if at > 0 and (goes_on(text, at) or (text[start] == MINUS and text[start + 1] == ZERO)):
                            return GIVE_UP
                    if at <= 0:
                        return GIVE_UP
                    key = interned(text, start, at, key_slots, key_tokens, state[KEY_COUNT])
                    if key == -1:
                        return KEYS_FULL
                    if key < 0:
                        return GIVE_UP
                    state[KEY_COUNT] = max(state[KEY_COUNT], key + 1)
            elif name == _VALUE:
                bit = _HAS_VALUE
                if text[at] == MINUS or ZERO <= text[at] <= NINE:
                    at = integer_end(text, start)
                    if at < 0:
                        return GIVE_UP
                    if goes_on(text, at):
                        value_kind = OTHER
                    else:
                        number, fits = integer_of(text, start, at)
                        value_kind = NUMBER if fits else OTHER
                elif is_null(text, at):
                    at += 4
                else:
                    value_kind = OTHER
                if value_kind == OTHER:
                    at = value_end(text, start, open_at, names)
                    if at < 0:
                        return GIVE_UP
                    value_start, value_stop = start, at
            else:
                bit = (
                    HAS_ERROR if name == _ERROR else HAS_SESSION if name == _SESSION
                    else HAS_NODE if name == _NODE else HAS_EXTRA if name == _EXTRA else 0
                )  # fmt: skip
                if bit == 0:
                    return GIVE_UP
                is_nothing = is_null(text, at)
                if bit == HAS_NODE and not is_nothing and text[at] != QUOTE:
                    return GIVE_UP
                at = value_end(text, start, open_at, names)
                if at < 0:
                    return GIVE_UP
                if not is_nothing:
                    rests[line] |= bit
                bit <<= _REST_SHIFT
            if seen & bit:
                return GIVE_UP
            seen |= bit
            at = after_blanks(text, at)
            if text[at] == COMMA:
                at = after_blanks(text, at + 1)
            elif text[at] == CLOSE_OBJECT:
                break
            else:
                return GIVE_UP
        at = after_blanks(text, at + 1)
        if (at < size and text[at] != LINE_END) or at - line_start > _LINE_BYTES_MAX:
            return GIVE_UP
        at += 1
        if seen & _NEEDED != _NEEDED or (seen & _HAS_VALUE == 0 and process >= 0 and (kind == INVOKE or kind == OK)):
            return GIVE_UP
        if (
            value_kind == OTHER and kind == INVOKE and key == NO_KEY and text[value_start] == OPEN_ARRAY
            and name_of(text, f_start) == _READ and ends_in_null(text, value_start, value_stop)
        ):  # fmt: skip
            return GIVE_UP  # perhaps a pair of jepsen.independent
        f = interned(text, f_start, f_end, f_slots, f_tokens, state[F_COUNT])
        if f < 0:
            return GIVE_UP
        state[F_COUNT] = max(state[F_COUNT], f + 1)
        types[line], processes[line], fs[line], times[line], keys[line] = kind, process, f, time, key
        kinds[line] = value_kind
        numbers[line] = number if value_kind == NUMBER else 0
        if value_kind == OTHER:
            starts[line], lengths[line] = value_start, value_stop - value_start
            state[OTHERS] += 1
        state[PROCESS_MAX] = max(state[PROCESS_MAX], process)
        line += 1
        state[AT], state[LINE], state[INDEX] = min(at, size), line, last_index
    return DONE


@compiled
def rehash(text: Bytes, slots: NDArray[np.int32], tokens: Ints, count: int) -> bool:
    """Fill the empty ``slots`` with the first ``count`` tokens; False if too many of them fall together."""
    for code in range(count):
        if interned(text, tokens[code, 0], tokens[code, 1], slots, tokens, code) != code:
            return False
    return True


@compiled
def pair(types: Bytes, threads: Ints, fs: NDArray[np.uint16], partners: Ints, running: Ints) -> bool:
    """Fill ``partners`` (all -1), as :attr:`harness.history.History.partners`; False where that is an error.

    ``threads`` are the processes, or other numbers for them: those below 0 have no pairs, the others are places in
    ``running`` (all -1).
    """
    for line in range(len(types)):
        thread = threads[line]
        if thread < 0:
            continue
        start = running[thread]
        if types[line] == INVOKE:
            if start >= 0:
                return False
            running[thread] = line
        else:
            if start < 0 or fs[start] != fs[line]:
                return False
            running[thread] = -1
            partners[start], partners[line] = line, start
    return True


NOT_USED = CLOSE_ARRAY
