"""Values of a history as small integers, equal exactly when the values are equal as JSON or EDN data.

Python says ``True == 1 == 1.0`` and cannot hash a list; a checker must tell the first three apart (as Clojure does) and
compare the fourth. Each distinct value gets a code; a container is identified by its kind and the codes of its parts,
so that no comparison ever descends into nested values, however deep a hostile history nests them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import dumps
from math import isfinite
from typing import Any, Final

TEXT_MAX: Final = 60
_DEPTH_MAX: Final = 3
_ITEMS_MAX: Final = 8
_INT_BITS_MAX: Final = 200
_LIST, _SET, _MAP, _NAN = "list", "set", "map", "nan"
_PLAIN: Final = frozenset((int, str, bool, type(None)))  # what needs no closer look


class Codes:
    """Gives each distinct value a code (0, 1, ...), the same for equal values. Codes of two instances do not mix.

    A list equals a tuple of equal items; maps and sets ignore order; NaN equals itself; 0.0 equals -0.0; numbers of
    different types (1, 1.0, True) differ. Raises TypeError for a value that is no data (an unhashable object).
    """

    def __init__(self) -> None:
        self._codes: dict[Any, int] = {}
        self._values: list[Any] = []

    def __len__(self) -> int:
        return len(self._values)

    def value(self, code: int) -> Any:
        """The first value that was given this code."""
        return self._values[code]

    def code(self, value: Any) -> int:
        if type(value) in _PLAIN:  # nearly all are
            identity = type(value), value
            code = self._codes.get(identity)
            return self._intern(identity, value) if code is None else code
        if not isinstance(value, (list, tuple, Mapping, set, frozenset)):
            return self._intern(_scalar(value), value)
        frames = [_Frame(value)]
        while True:
            frame = frames[-1]
            part = next(frame.parts, _END)
            if part is not _END:
                if isinstance(part, (list, tuple, Mapping, set, frozenset)):
                    frames.append(_Frame(part))
                else:
                    frame.codes.append(self._intern(_scalar(part), part))
                continue
            code = self._intern(frame.identity(), frame.value)
            frames.pop()
            if not frames:
                return code
            frames[-1].codes.append(code)

    def _intern(self, identity: Any, value: Any) -> int:
        code = self._codes.setdefault(identity, len(self._values))
        if code == len(self._values):
            self._values.append(value)
        return code


_END: Final = object()


class _Frame:
    """A container whose parts are being coded."""

    __slots__ = ("codes", "parts", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.codes: list[int] = []
        self.parts: Iterator[Any] = _alternating(value) if isinstance(value, Mapping) else iter(value)

    def identity(self) -> Any:
        if isinstance(self.value, Mapping):
            return (_MAP, *sorted(zip(self.codes[::2], self.codes[1::2], strict=True)))
        if isinstance(self.value, (set, frozenset)):
            return (_SET, *sorted(self.codes))
        return (_LIST, *self.codes)


def _alternating(mapping: Mapping[Any, Any]) -> Iterator[Any]:
    for key, value in mapping.items():
        yield key
        yield value


def _scalar(value: Any) -> Any:
    return (_NAN,) if isinstance(value, float) and value != value else (type(value), value)


def show(value: Any) -> str:
    """The value as a person reads it, JSON where it is JSON, never longer than TEXT_MAX characters."""
    text = _show(value, 0)
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def plain(value: Any) -> Any:
    """The value if it is a JSON scalar of reasonable size, else how a person reads it: always JSON."""
    small = isinstance(value, str) and len(value) <= TEXT_MAX
    return value if value is None or isinstance(value, bool) or small or _is_number(value) else show(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and value.bit_length() <= _INT_BITS_MAX


def _show(value: Any, depth: int) -> str:
    if value is None or isinstance(value, bool):
        return dumps(value)
    if isinstance(value, int) and value.bit_length() > _INT_BITS_MAX:
        return f"an integer of {value.bit_length()} bits"  # writing it out may be refused, and helps nobody
    if isinstance(value, str):
        return dumps(value[: TEXT_MAX + 1], ensure_ascii=False)
    if not isinstance(value, (list, tuple, Mapping, set, frozenset)):
        return repr(value)
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    if depth == _DEPTH_MAX:
        return f"{opening}…{closing}"
    items = list(zip(range(_ITEMS_MAX + 1), value.items() if isinstance(value, Mapping) else value, strict=False))
    texts = [
        f"{_show(item[0], depth + 1)}: {_show(item[1], depth + 1)}"
        if isinstance(value, Mapping)
        else _show(item, depth + 1)
        for _, item in items[:_ITEMS_MAX]
    ]
    return opening + ", ".join(texts + ["…"] * (len(items) > _ITEMS_MAX)) + closing
