"""JSON in bytes, compiled: where a value ends, if it is one that the plain decoder takes without a word.

Everything here says -1 of what is wrong, and of what is too odd to be worth the code: whoever gets -1 asks the plain
decoder, which words the error or reads it after all. The bytes must be followed by zeros (harness.columns.PADDING),
which are part of no JSON: no function looks further than one byte past a byte that it knows not to be zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.compiled import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Text = NDArray[np.uint8]

DEPTH_MAX: Final = 60  # the plain reader's bound is 64 brackets, those of the line's own object included
NUMBER_CHARS_MAX: Final = 100  # with the next, no number is too large for a double, or for int()
EXPONENT_DIGITS_MAX: Final = 2
NAMES_MAX: Final = 64  # of all objects that are open at one place

QUOTE, COMMA, MINUS, PLUS, POINT, SLASH, ZERO, NINE, COLON = 34, 44, 45, 43, 46, 47, 48, 57, 58
OPEN_ARRAY, BACKSLASH, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT = 91, 92, 93, 123, 125
LOWER_B, LOWER_E, LOWER_F, LOWER_N, LOWER_R, LOWER_T, LOWER_U = 98, 101, 102, 110, 114, 116, 117
TAB, LINE_END, RETURN, SPACE = 9, 10, 13, 32


@compiled
def after_blanks(text: Text, at: int) -> int:
    """The first byte from ``at`` that is no blank. A line's end is none: no value goes on in the next line."""
    while text[at] == SPACE or text[at] == TAB or text[at] == RETURN:
        at += 1
    return at


@compiled
def plain_string_end(text: Text, at: int) -> int:
    """Where the string ends that begins after the quote before ``at``: at its closing quote. -1 if it has escapes."""
    while text[at] != QUOTE:
        if text[at] < SPACE or text[at] == BACKSLASH:
            return -1
        at += 1
    return at


@compiled
def string_end(text: Text, at: int) -> int:
    """As :func:`plain_string_end`, of any string."""
    while text[at] != QUOTE:
        if text[at] < SPACE:
            return -1
        if text[at] != BACKSLASH:
            at += 1
            continue
        escaped = text[at + 1]
        if escaped == LOWER_U:
            for digit in range(at + 2, at + 6):
                if not (ZERO <= text[digit] <= NINE or 97 <= (text[digit] | 32) <= 102):
                    return -1
            at += 6
        elif (
            escaped == QUOTE or escaped == BACKSLASH or escaped == SLASH or escaped == LOWER_B or escaped == LOWER_F
            or escaped == LOWER_N or escaped == LOWER_R or escaped == LOWER_T
        ):  # fmt: skip
            at += 2
        else:
            return -1
    return at


@compiled
def digits_end(text: Text, at: int) -> int:
    """The first byte from ``at`` that is no digit."""
    while ZERO <= text[at] <= NINE:
        at += 1
    return at


@compiled
def integer_end(text: Text, at: int) -> int:
    """The end of the integer at ``at``, whatever follows it."""
    start = at
    if text[at] == MINUS:
        at += 1
    end = at + 1 if text[at] == ZERO else digits_end(text, at)
    return -1 if end == at or end - start > NUMBER_CHARS_MAX else end


@compiled
def goes_on(text: Text, at: int) -> bool:
    """Whether what ends at ``at`` as an integer is part of a longer number."""
    return text[at] == POINT or (text[at] | 32) == LOWER_E or ZERO <= text[at] <= NINE


@compiled
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
    if (text[end] | 32) == LOWER_E:
        digits = end + 2 if text[end + 1] == MINUS or text[end + 1] == PLUS else end + 1
        end = digits_end(text, digits)
        if end == digits or end - digits > EXPONENT_DIGITS_MAX:
            return -1
    return -1 if end - at > NUMBER_CHARS_MAX else end


@compiled
def is_null(text: Text, at: int) -> bool:
    return text[at] == LOWER_N and text[at + 1] == LOWER_U and text[at + 2] == 108 and text[at + 3] == 108


@compiled
def scalar_end(text: Text, at: int) -> int:
    """The end of the string, number, true, false or null at ``at``."""
    first = text[at]
    if first == QUOTE:
        end = string_end(text, at + 1)
        return end + 1 if end >= 0 else -1
    if first == MINUS or ZERO <= first <= NINE:
        return number_end(text, at)
    if is_null(text, at):
        return at + 4
    if first == LOWER_T and text[at + 1] == LOWER_R and text[at + 2] == LOWER_U and text[at + 3] == LOWER_E:
        return at + 4
    if first == LOWER_F and text[at + 1] == 97 and text[at + 2] == 108 and text[at + 3] == 115:
        return at + 5 if text[at + 4] == LOWER_E else -1
    return -1


@compiled
def is_among(text: Text, start: int, length: int, names: NDArray[np.int64], first: int, last: int) -> bool:
    """Whether the name at ``start`` is one of ``names[first:last]``, each (start, length)."""
    for other in range(first, last):
        if names[other, 1] != length:
            continue
        same = 0
        while same < length and text[names[other, 0] + same] == text[start + same]:
            same += 1
        if same == length:
            return True
    return False


@compiled
def value_end(text: Text, at: int, open_at: NDArray[np.int64], names: NDArray[np.int64]) -> int:
    """The end of the value at ``at``; of an object, no name may stand twice in it.

    ``open_at`` (DEPTH_MAX + 1 numbers) and ``names`` (NAMES_MAX pairs) are scratch space: for each open object, the
    number of the first of its names; -1 for an array.
    """
    depth = count = 0
    while True:
        first = text[at]
        if first == OPEN_ARRAY or first == OPEN_OBJECT:
            if depth == DEPTH_MAX:
                return -1
            depth += 1
            open_at[depth] = -1 if first == OPEN_ARRAY else count
            at = after_blanks(text, at + 1)
            opened = text[at] != (CLOSE_ARRAY if first == OPEN_ARRAY else CLOSE_OBJECT)
        else:
            at = scalar_end(text, at)
            if at < 0:
                return -1
            opened = False
        while not opened:  # a value has ended, or the place where one may end is reached
            if depth == 0:
                return at
            at = after_blanks(text, at)
            if text[at] == COMMA:
                at = after_blanks(text, at + 1)
                opened = True
            elif text[at] == (CLOSE_ARRAY if open_at[depth] < 0 else CLOSE_OBJECT):
                count = count if open_at[depth] < 0 else open_at[depth]
                depth -= 1
                at += 1
            else:
                return -1
        if open_at[depth] >= 0:  # a name comes before the value
            if text[at] != QUOTE or count == NAMES_MAX:
                return -1
            end = plain_string_end(text, at + 1)
            if end < 0 or is_among(text, at + 1, end - at - 1, names, open_at[depth], count):
                return -1
            names[count, 0], names[count, 1] = at + 1, end - at - 1
            count += 1
            at = after_blanks(text, end + 1)
            if text[at] != COLON:
                return -1
            at = after_blanks(text, at + 1)
