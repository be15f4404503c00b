"""Jepsen's EDN histories: one vector (or list) of maps, or one map per line; maps may be tagged records.

    {:index 0, :type :invoke, :process 0, :f :write, :value 3, :time 1200450}
    {:index 1, :type :ok, :process 0, :f :write, :value 3, :time 2100800}

Keywords become their names. Two values that would become one and the same (``:a`` and ``"a"`` in one history) are an
error, for a checker could not tell them apart any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from harness.formats.edn_reader import EdnError, Keyword, Reader, Symbol
from harness.formats.record import Claims, KeyedValue, Recording, named, operation, record
from harness.formats.sessions import without_starts
from harness.formats.source import FormatError, Mismatch, shown, whole_text
from harness.history import Op

FORMAT: Final = "edn"
_SAYS: Final = re.compile(r"\ufeff?;; splitbrain nil-reads=(\S+)(?: model=(\S+))?\s*\n")  # as our own writer does

_HAS_F: Final = re.compile(r":f[\s,]")  # what lacks it are transactions that somebody wrote by hand, as in Elle's tests


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`; a file that ends inside a value is an error, too."""
    claims, text = Claims(), whole_text(lines, path)
    if said := _SAYS.match(text):
        try:
            claims.take(said[1], said[2])
        except Mismatch as error:
            raise FormatError(path, 1, error.read, error.expected) from None
    try:
        return record(_operations(text, path), path, FORMAT, independent=independent, claims=claims)
    except FormatError:
        if _HAS_F.search(text):
            raise
    claims.realtime = False
    return record(without_starts(_operations(text, path)), path, FORMAT, independent=independent, claims=claims)


def _operations(text: str, path: str) -> Iterator[tuple[int, Op]]:
    names = Names()
    line, counted = 1, 0
    try:
        for position, element in Reader(text).elements():
            line += text.count("\n", counted, position)
            counted = position
            yield line, _operation(element, names)
    except EdnError as error:
        raise FormatError(path, 1 + text.count("\n", 0, error.position), error.read, error.expected) from None
    except Mismatch as error:
        raise FormatError(path, line, error.read, error.expected) from None


def _operation(element: Any, names: Names) -> Op:
    if not isinstance(element, dict):
        raise Mismatch(shown(element), "a map such as {:type :invoke, :process 0, :f :read, :value nil}")
    fields: dict[str, Any] = {}
    client = isinstance(element.get("process"), int)
    for name, value in element.items():
        if not isinstance(name, str):
            raise Mismatch(f"the field {shown(name)}", "keywords as the names of fields")
        plain = names.plain if client and name in ("value", "key") else without_kind
        fields[str(name)] = plain(value)
    return operation(named(fields))


class Names:
    """Which kind of name each text was in the values of one history: string, keyword or symbol."""

    def __init__(self) -> None:
        self._kinds: dict[str, type] = {}

    def plain(self, value: Any) -> Any:
        """``value`` with keywords and symbols as strings. Raises :class:`Mismatch` where that makes two values one."""
        if isinstance(value, str):
            kind = self._kinds.setdefault(str(value), type(value))
            if kind is not type(value):
                raise Mismatch(
                    f"{shown(str(value))} as a {_KIND[type(value)]}, and before as a {_KIND[kind]}",
                    "only one of the two: they are different values, and would be taken for the same",
                )
            return str(value)
        return _inside(value, self.plain)


def without_kind(value: Any) -> Any:
    """``value`` with keywords and symbols as strings."""
    return str(value) if isinstance(value, str) else _inside(value, without_kind)


def _inside(value: Any, plain: Any) -> Any:
    # The reader bounds the depth, so this recursion is bounded, too.
    if isinstance(value, KeyedValue):
        return KeyedValue(map(plain, value))
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(name): plain(item) for name, item in value.items()}
    return value


_KIND: Final[dict[type, str]] = {str: "string", Keyword: "keyword", Symbol: "symbol"}
