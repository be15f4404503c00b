"""Every value of a history as text, each distinct text once: bounded however large, deep or hostile the values are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from harness.report.element import clean
from harness.report.text import shown

LONG: Final = 4_000
"""Characters of a value that an anomaly is about."""
_LIMITS: Final = ((6_000_000, 1_000), (20_000_000, 80), (1 << 62, 24))
"""Characters of any other value, while the table is not larger than so many characters."""
_SHORT: Final = 10**18


class TextTable:
    """Gives each text a code. Code 0 is null, or nothing."""

    def __init__(self) -> None:
        self.texts = ["null"]
        self._codes: dict[str, int] = {}
        self._memo: dict[int | str, int] = {}  # an int never equals a str
        self._size = 0

    def value(self, value: Any) -> int:
        """The code of a value, told as JSON where it is JSON."""
        if value is None:
            return 0
        kind = type(value)
        if kind is not int and kind is not str:
            return self.text(told(value, self._limit()))
        code = self._memo.get(value)
        if code is None:
            short = kind is int and -_SHORT < value < _SHORT
            code = self._memo[value] = self.text(str(value) if short else told(value, self._limit()))
        return code

    def long(self, value: Any) -> int:
        """The same, with more of a long value."""
        return 0 if value is None else self.text(told(value, LONG))

    def name(self, name: Any) -> int:
        """The code of a name: a text without quotes where it cannot be taken for anything else."""
        plain = isinstance(name, str) and name[:1].isalpha() and name not in ("null", "true", "false")
        return self.text(clean(name, _LIMITS[0][1])) if plain else self.value(name)

    def text(self, text: str) -> int:
        """The code of a text that may be shown."""
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self.texts)
            self.texts.append(text)
            self._size += len(text)
        return code

    def _limit(self) -> int:
        return next(limit for size, limit in _LIMITS if self._size <= size)


def told(value: Any, limit: int) -> str:
    """A value as people read it, in about ``limit`` characters, on one line, without what cannot be seen."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = shown(value, limit)  # not JSON, circular, too deep, or a number too long to be written out
    if len(text) > limit:
        text = f"{text[:limit]}… ({_extent(value, text)})"
    return text if text.isprintable() else clean(text)


def _extent(value: Any, text: str) -> str:
    if isinstance(value, (list, tuple, set, frozenset, Mapping)):
        return f"{len(value):,} elements"
    return f"{len(text):,} characters"
