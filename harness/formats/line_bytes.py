"""One line of a JSONL history, compiled: its fields, as numbers in a row.

Only the plain shape is read: the known fields, each once, in any order, their names and the operations' without
escapes. Whatever else stands in a line, a mistake or a rarity, is -1, and then the plain reader reads the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from harness.columns import HAS_ERROR, HAS_EXTRA, HAS_NODE, HAS_SESSION, NIL, NUMBER, OTHER
from harness.compiled import inlined
from harness.formats.json_bytes import (
    CLOSE_OBJECT,
    COLON,
    COMMA,
    MINUS,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    ZERO,
    after_blanks,
    goes_on,
    integer_end,
    is_digit,
    is_null,
    plain_string_end,
    value_end,
)
from harness.formats.word_bytes import word_at
from harness.history import FAIL, INFO, INVOKE, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]

TYPE, PROCESS, KIND, NUMBER_READ, TIME, INDEX, REST = range(7)
F, F_END, NAME, NAME_END, KEY, KEY_END, VALUE, VALUE_END, ROW_SIZE = range(7, 16)
"""What a row says. ``NUMBER_READ`` is the value, if ``KIND`` is NUMBER; if it is OTHER, ``VALUE`` and ``VALUE_END`` are
where it stands. ``REST`` has the bits of the fields that few lines have. The operation's name, the process's, if it has
one, and the key are places in the text, too; there is none where the start is 0 (``PROCESS`` is then the number)."""

_HAS_TYPE, _HAS_PROCESS, _HAS_F, _HAS_VALUE, _HAS_TIME, _HAS_INDEX, _HAS_KEY = (1 << bit for bit in range(8, 15))
_NEEDED: Final = _HAS_TYPE | _HAS_PROCESS | _HAS_F

_NO: Final = -1
_INT64_MIN: Final = -(2**63)
_DIGITS_MAX: Final = 19  # what 64 bits hold may have as many
_NAME_BYTES_MAX: Final = 200


def _packed(name: str) -> tuple[int, int]:
    """A name of at most 7 characters, with the quote that ends it: its bytes as one number, and the bits they take."""
    name += '"'
    return int.from_bytes(name.encode(), "little"), (1 << (8 * len(name))) - 1


(_F, _TWO_BYTES), (_OK, _THREE_BYTES), (_KEY, _FOUR_BYTES) = _packed("f"), _packed("ok"), _packed("key")
(_TYPE, _FIVE_BYTES), (_TIME, _), (_NODE, _), (_READ, _) = map(_packed, ("type", "time", "node", "read"))
(_FAIL, _), (_INFO, _) = map(_packed, ("fail", "info"))
(_VALUE, _SIX_BYTES), (_INDEX, _), (_ERROR, _), (_EXTRA, _) = map(_packed, ("value", "index", "error", "extra"))
(_INVOKE, _SEVEN_BYTES), (_PROCESS, _), (_SESSION, _) = map(_packed, ("invoke", "process", "session"))


@inlined
def field_at(text: Bytes, at: int) -> tuple[int, int]:
    """The bit of the field whose name is at ``at``, and what follows the name; 0 if it is none of ours."""
    if text[at] != QUOTE:
        return 0, at
    word = word_at(text, at + 1)
    if word & _FIVE_BYTES == _TYPE:
        return _HAS_TYPE, at + 6
    if word == _PROCESS:
        return _HAS_PROCESS, at + 9
    if word & _TWO_BYTES == _F:
        return _HAS_F, at + 3
    if word & _SIX_BYTES == _VALUE:
        return _HAS_VALUE, at + 7
    if word & _FIVE_BYTES == _TIME:
        return _HAS_TIME, at + 6
    if word & _SIX_BYTES == _INDEX:
        return _HAS_INDEX, at + 7
    if word & _FOUR_BYTES == _KEY:
        return _HAS_KEY, at + 5
    if word & _SIX_BYTES == _ERROR:
        return HAS_ERROR, at + 7
    if word == _SESSION:
        return HAS_SESSION, at + 9
    if word & _FIVE_BYTES == _NODE:
        return HAS_NODE, at + 6
    return (HAS_EXTRA, at + 7) if word & _SIX_BYTES == _EXTRA else (0, at)


@inlined
def digits_of(text: Bytes, at: int) -> tuple[int, int]:
    """The digits at ``at`` as a number, which is wrong if there are more than 18, and their end."""
    number = 0
    while is_digit(text, at):
        number = number * 10 + (word_at(text, at) & 15)  # the digits' bytes are 0x30 to 0x39
        at += 1
    return number, at


@inlined
def integer_at(text: Bytes, at: int) -> tuple[int, int]:
    """The integer at ``at`` and its end; -1 as the end if there is none that 64 bits hold."""
    negative = text[at] == MINUS
    first = at + 1 if negative else at
    number, end = digits_of(text, first)
    # Of 19 digits, what is too large has become negative; that of the smallest number, itself.
    digits = end - first
    fits = 0 < digits < _DIGITS_MAX or (digits == _DIGITS_MAX and (number >= 0 or (negative and number == _INT64_MIN)))
    whole = fits and not goes_on(text, end) and not (digits > 1 and text[first] == ZERO)
    return (-number if negative else number), (end if whole else _NO)


@inlined
def read_integer(text: Bytes, at: int, row: Ints, place: int) -> int:
    """Read an integer of more than -2**63; its end, or -1."""
    number, end = integer_at(text, at)
    row[place] = number
    return end if number != _INT64_MIN else _NO


@inlined
def read_type(text: Bytes, at: int, row: Ints) -> int:
    word = word_at(text, at + 1)
    if text[at] != QUOTE:
        return _NO
    if word & _SEVEN_BYTES == _INVOKE:
        row[TYPE] = INVOKE
        return at + 8
    if word & _THREE_BYTES == _OK:
        row[TYPE] = OK
        return at + 4
    row[TYPE] = FAIL if word & _FIVE_BYTES == _FAIL else INFO
    return at + 6 if word & _FIVE_BYTES in (_FAIL, _INFO) else _NO


@inlined
def read_name(text: Bytes, at: int, row: Ints, place: int) -> int:
    """Note where a name stands, neither empty nor long; its end, or -1."""
    end = plain_string_end(text, at + 1) if text[at] == QUOTE else _NO
    row[place], row[place + 1] = at, end + 1
    return end + 1 if at + 1 < end <= at + _NAME_BYTES_MAX else _NO


@inlined
def read_process(text: Bytes, at: int, row: Ints) -> int:
    if text[at] == QUOTE:
        return read_name(text, at, row, NAME)
    return _NO if text[at] == MINUS else read_integer(text, at, row, PROCESS)


@inlined
def read_key(text: Bytes, at: int, row: Ints) -> int:
    if is_null(text, at):
        return at + 4
    if text[at] == QUOTE:
        end = plain_string_end(text, at + 1) + 1
    else:
        end = integer_end(text, at)
        if end >= 0 and (goes_on(text, end) or (text[at] == MINUS and text[at + 1] == ZERO)):
            return _NO  # -0 and 0 are one key, in two writings
    row[KEY], row[KEY_END] = at, end
    return end if end > 0 else _NO


@inlined
def read_value(text: Bytes, at: int, row: Ints, scratch: Ints) -> int:
    if is_null(text, at):
        return at + 4
    number, end = integer_at(text, at)
    if end >= 0:
        row[KIND], row[NUMBER_READ] = NUMBER, number
        return end
    end = value_end(text, at, scratch)
    row[KIND], row[VALUE], row[VALUE_END] = OTHER, at, end
    return end


@inlined
def read_rest(text: Bytes, at: int, bit: int, row: Ints, scratch: Ints) -> int:
    """Note that the line has one of the fields that few have; what it says is decoded when somebody asks."""
    if is_null(text, at):
        return at + 4
    row[REST] |= bit
    return _NO if bit == HAS_NODE and text[at] != QUOTE else value_end(text, at, scratch)


@inlined
def read_field(text: Bytes, at: int, bit: int, row: Ints, scratch: Ints) -> int:
    """Read the field of that bit; its end, or -1."""
    if bit == _HAS_TYPE:
        return read_type(text, at, row)
    if bit == _HAS_PROCESS:
        return read_process(text, at, row)
    if bit == _HAS_F:
        return read_name(text, at, row, F)
    if bit == _HAS_VALUE:
        return read_value(text, at, row, scratch)
    if bit == _HAS_TIME:
        return at + 4 if is_null(text, at) else read_integer(text, at, row, TIME)
    if bit == _HAS_INDEX:
        return at + 4 if is_null(text, at) else read_integer(text, at, row, INDEX)
    if bit == _HAS_KEY:
        return read_key(text, at, row)
    return read_rest(text, at, bit, row, scratch)


@inlined
def may_be_keyed(text: Bytes, row: Ints) -> bool:
    """Whether this may be a read invoked with a pair [key, null], which the plain reader refuses."""
    if row[TYPE] != INVOKE or row[KEY] or row[KIND] != OTHER or text[row[VALUE]] != OPEN_ARRAY:
        return False
    last = row[VALUE_END] - 2
    while last > row[VALUE] and after_blanks(text, last) > last:
        last -= 1
    return last - 3 > row[VALUE] and is_null(text, last - 3) and word_at(text, row[F] + 1) & _FIVE_BYTES == _READ


@inlined
def read_line(text: Bytes, at: int, row: Ints, scratch: Ints) -> int:
    """Read the object at ``at`` into ``row`` (ROW_SIZE numbers). What follows it, or -1."""
    row[:] = 0
    row[KIND] = NIL
    row[TIME] = row[INDEX] = -1
    seen = 0
    while text[at] == (COMMA if seen else OPEN_OBJECT):
        bit, at = field_at(text, after_blanks(text, at + 1))
        at = after_blanks(text, at)
        if bit == 0 or seen & bit or text[at] != COLON:
            return _NO
        seen |= bit
        at = read_field(text, after_blanks(text, at + 1), bit, row, scratch)
        if at < 0:
            return _NO
        at = after_blanks(text, at)
    if text[at] != CLOSE_OBJECT or seen & _NEEDED != _NEEDED or may_be_keyed(text, row):
        return _NO
    needs_value = row[NAME] == 0 and (row[TYPE] == INVOKE or row[TYPE] == OK)
    return _NO if needs_value and not seen & _HAS_VALUE else at + 1
