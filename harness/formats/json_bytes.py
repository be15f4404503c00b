"""JSON in bytes, compiled: where a value ends, if it is one that the plain decoder takes without a word.

Everything here says -1 of what is wrong, and of what is too odd to be worth the code: whoever gets -1 asks the plain
decoder, which words the error or reads it after all. The bytes must be followed by zeros (harness.columns.PADDING),
which are part of no JSON: a function looks at most 8 bytes further than the byte that it knows not to be zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.compiled import allocation_free, inlined
from harness.formats.word_bytes import WORD, digits_in, same_bytes, word_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Text = NDArray[np.uint8]
    Ints = NDArray[np.int64]

DEPTH_MAX: Final = 60  # the plain reader's bound is 64 brackets, those of the line's own object included
NUMBER_CHARS_MAX: Final = 100  # with the next, no number is too large for a double, or for int()
EXPONENT_DIGITS_MAX: Final = 2
NAMES_MAX: Final = 64  # of all objects that are open at one place
OPEN, START, LENGTH = range(3)
SCRATCH_SHAPE: Final = (64, 3)

QUOTE, COMMA, MINUS, PLUS, POINT, SLASH, ZERO, NINE, COLON = 34, 44, 45, 43, 46, 47, 48, 57, 58
OPEN_ARRAY, BACKSLASH, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT = 91, 92, 93, 123, 125
LOWER_A, LOWER_B, LOWER_E, LOWER_F, LOWER_N, LOWER_R, LOWER_T, LOWER_U = 97, 98, 101, 102, 110, 114, 116, 117
TAB, LINE_END, RETURN, SPACE = 9, 10, 13, 32
_LETTER_CASE: Final = 32
_FOUR_BYTES: Final = 0xFFFF_FFFF
_NULL, _TRUE, _ALSE = (int.from_bytes(word, "little") for word in (b"null", b"true", b"alse"))


@inlined
def after_blanks(text: Text, at: int) -> int:
    """The first byte from ``at`` that is no blank. A line's end is none: no value goes on in the next line."""
    while text[at] <= SPACE and (text[at] == SPACE or text[at] == TAB or text[at] == RETURN):
        at += 1
    return at


@inlined
def plain_string_end(text: Text, at: int) -> int:
    """Where the string ends that begins after the quote before ``at``: at its closing quote. -1 if it has escapes."""
    while text[at] != QUOTE:
        if text[at] < SPACE or text[at] == BACKSLASH:
            return -1
        at += 1
    return at


@inlined
def escape_end(text: Text, at: int) -> int:
    """The end of what a backslash before ``at`` begins; -1 if it begins nothing."""
    if text[at] == LOWER_U:
        for digit in range(at + 1, at + 5):
            letter = text[digit] | _LETTER_CASE
            if not (ZERO <= text[digit] <= NINE or LOWER_A <= letter <= LOWER_F):
                return -1
        return at + 5
    simple = text[at] in (QUOTE, BACKSLASH, SLASH, LOWER_B, LOWER_F, LOWER_N, LOWER_R, LOWER_T)
    return at + 1 if simple else -1


@allocation_free
def string_end(text: Text, at: int) -> int:
    """As :func:`plain_string_end`, of any string."""
    while text[at] != QUOTE:
        if text[at] < SPACE:
            return -1
        at = escape_end(text, at + 1) if text[at] == BACKSLASH else at + 1
        if at < 0:
            return -1
    return at


@inlined
def is_digit(text: Text, at: int) -> bool:
    return bool(ZERO <= text[at] <= NINE)


@inlined
def digits_end(text: Text, at: int) -> int:
    """The first byte from ``at`` that is no digit."""
    count = digits_in(word_at(text, at))
    while count == WORD:
        at += WORD
        count = digits_in(word_at(text, at))
    return at + count


@inlined
def integer_end(text: Text, at: int) -> int:
    """The end of the integer at ``at``, whatever follows it."""
    first = at + 1 if text[at] == MINUS else at
    end = first + 1 if text[first] == ZERO else digits_end(text, first)
    return -1 if end == first or end - at > NUMBER_CHARS_MAX else end


@inlined
def goes_on(text: Text, at: int) -> bool:
    """Whether what ends at ``at`` as an integer is part of a longer number."""
    return bool(text[at] == POINT or (text[at] | _LETTER_CASE) == LOWER_E or is_digit(text, at))


@allocation_free
def number_end(text: Text, at: int) -> int:
    """The end of the number at ``at``."""
    end = integer_end(text, at)
    if end < 0:
        return -1
    if text[end] == POINT:
        digits = end + 1
        end = digits_end(text, digits)
        if end == digits:
            return -1
    if (text[end] | _LETTER_CASE) == LOWER_E:
        digits = end + 2 if text[end + 1] in (MINUS, PLUS) else end + 1
        end = digits_end(text, digits)
        if end == digits or end - digits > EXPONENT_DIGITS_MAX:
            return -1
    return -1 if end - at > NUMBER_CHARS_MAX else end


@inlined
def is_null(text: Text, at: int) -> bool:
    return word_at(text, at) & _FOUR_BYTES == _NULL


@inlined
def scalar_end(text: Text, at: int) -> int:
    """The end of the string, number, true, false or null at ``at``."""
    first = text[at]
    if first == QUOTE:
        end = string_end(text, at + 1)
        return end + 1 if end >= 0 else -1
    if first == MINUS or is_digit(text, at):
        end = integer_end(text, at)
        return number_end(text, at) if goes_on(text, end) else end
    word = word_at(text, at) & _FOUR_BYTES
    if word in (_NULL, _TRUE):
        return at + 4
    return at + 5 if first == LOWER_F and word_at(text, at + 1) & _FOUR_BYTES == _ALSE else -1


@allocation_free
def is_among(text: Text, start: int, length: int, scratch: Ints, first: int, last: int) -> bool:
    """Whether the name at ``start`` is one of those that ``scratch`` has from ``first`` to ``last``."""
    for other in range(first, last):
        if scratch[other, LENGTH] == length and same_bytes(text, scratch[other, START], start, length):
            return True
    return False


@inlined
def after_integers(text: Text, at: int) -> int:
    """Behind the short integers from ``at`` on, a comma after each: most of a long list. Something must follow."""
    while ZERO < text[at] <= NINE:
        count = digits_in(word_at(text, at))
        if count == WORD or text[at + count] != COMMA:
            return at
        at += count + 1
        if text[at] == SPACE:
            at += 1
    return after_blanks(text, at)


@allocation_free
def value_end(text: Text, at: int, scratch: Ints) -> int:
    """The end of the value at ``at``; of an object, no name may stand twice in it.

    ``scratch`` is space of SCRATCH_SHAPE: for each open object (by its depth) the number of the first of its names, -1
    for an array; and all names of open objects.
    """
    depth = count = 0
    while True:
        if depth and scratch[depth, OPEN] < 0:
            at = after_integers(text, at)
        first = text[at]
        if first in (OPEN_ARRAY, OPEN_OBJECT):
            if depth == DEPTH_MAX:
                return -1
            depth += 1
            scratch[depth, OPEN] = -1 if first == OPEN_ARRAY else count
            at = after_blanks(text, at + 1)
            goes_down = text[at] != (CLOSE_ARRAY if first == OPEN_ARRAY else CLOSE_OBJECT)
        else:
            at = scalar_end(text, at)
            if at < 0:
                return -1
            goes_down = False
        while not goes_down:  # a value has ended, or the place is reached where the one that is open may end
            if depth == 0:
                return at
            at = after_blanks(text, at)
            if text[at] == COMMA:
                at = after_blanks(text, at + 1)
                goes_down = True
            elif text[at] == (CLOSE_ARRAY if scratch[depth, OPEN] < 0 else CLOSE_OBJECT):
                count = count if scratch[depth, OPEN] < 0 else scratch[depth, OPEN]
                depth -= 1
                at += 1
            else:
                return -1
        if scratch[depth, OPEN] >= 0:  # a name comes before the value
            end = plain_string_end(text, at + 1) if text[at] == QUOTE and count < NAMES_MAX else -1
            if end < 0 or is_among(text, at + 1, end - at - 1, scratch, scratch[depth, OPEN], count):
                return -1
            scratch[count, START], scratch[count, LENGTH] = at + 1, end - at - 1
            count += 1
            at = after_blanks(text, end + 1)
            if text[at] != COLON:
                return -1
            at = after_blanks(text, at + 1)
