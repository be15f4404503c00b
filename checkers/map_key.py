"""Names that stand both as values and as keys of maps: JSON makes texts of its objects' keys, ``{"7": 0}`` of 7."""

from __future__ import annotations

from typing import Any, Final

from checkers.guard import Unsupported
from checkers.value import show

_WORD_MAX: Final = 40


def map_key(index: int, value: Any) -> str:
    """The text that names the same whether it stood as a number or as a key of an object.

    Raises :class:`checkers.guard.Unsupported`, with the operation's ``index``, for what is neither text nor integer.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unsupported(f"operation {index}: read the name {show(value)}; expected a text or an integer")


def short(name: str) -> str:
    """The name as a person reads it: without quotes where it is a word or a number."""
    is_word = name.replace("-", "_").isidentifier() or name.isdecimal()
    return name if is_word and len(name) <= _WORD_MAX else show(name)
