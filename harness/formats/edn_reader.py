"""A reader of EDN, the notation in which Clojure prints data (https://github.com/edn-format/edn).

It keeps its own stack, so that no nesting, however hostile, exhausts Python's; and it yields the elements of the
outermost vector one by one, with their positions, for a history is one vector of a million maps.

What becomes what: nil, booleans, strings and integers are themselves; a keyword is a :class:`Keyword`, a symbol a
:class:`Symbol`; vectors, lists and sets are lists (a set in a canonical order, so that equal sets are equal lists);
maps are dicts; a ratio or an exact decimal stays its text, for a float would make different numbers equal; a tagged
value is its value, and a ``#jepsen.independent/tuple`` a :class:`KeyedValue`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from harness.formats.record import KeyedValue
from harness.formats.source import DEPTH_MAX, shown


class Keyword(str):
    """``:name``, without its colon."""

    __slots__ = ()


class Symbol(str):
    """``name``: neither a string nor a keyword."""

    __slots__ = ()


class EdnError(ValueError):
    """Text that is not EDN: ``position`` in the text, what was ``read``, what was ``expected``."""

    def __init__(self, position: int, read: str, expected: str) -> None:
        super().__init__(f"position {position}: read {read}; expected {expected}")
        self.position, self.read, self.expected = position, read, expected


TUPLE_TAGS: Final = frozenset({"jepsen.independent/tuple", "jepsen.independent.Tuple"})
ATOM_CHARS_MAX: Final = 4096
_CLOSING: Final = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_TOKEN: Final = re.compile(  # (?> keeps a comment whole: never given back, never read as values
    r"""(?>(?:[\s,]+|;[^\n]*)*)(?:
        (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
      | (?P<cut>"[^"\\]*(?:\\.[^"\\]*)*\\?\Z)
      | (?P<open>\#\{|[\[({])
      | (?P<close>[\])}])
      | (?P<discard>\#_)
      | (?P<number_name>\#\#[A-Za-z]+)
      | (?P<tag>\#:?[A-Za-z][^\s,\[\](){}";]*)
      | (?P<character>\\(?:[A-Za-z]+[0-9A-Fa-f]*|.))
      | (?P<atom>[^\s,\[\](){}";\\\#^`~@][^\s,\[\](){}";\\]*)
      | (?P<end>\Z))""",
    re.VERBOSE | re.DOTALL,
)
_BLANK: Final = re.compile(r"(?:[\s,]+|;[^\n]*)*")
_INTEGER: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]*)N?")
_HEXADECIMAL: Final = re.compile(r"[+-]?0[xX][0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_EXACT: Final = re.compile(r"[+-]?[0-9]+(?:/[0-9]+|(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?M)")
_PREFIX: Final[dict[type, str]] = {str: "", Keyword: ":", Symbol: "'"}
_NAMES: Final = {"nil": None, "true": True, "false": False}
_CHARACTERS: Final = {"newline": "\n", "return": "\r", "space": " ", "tab": "\t", "formfeed": "\f", "backspace": "\b"}
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "b": "\b", '"': '"', "\\": "\\"}
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|[0-7]{1,3}|.)", re.DOTALL)


@dataclass(slots=True)
class _Frame:
    """Something begun and not ended: a bracket, a tag that waits for its value, or ``#_`` that swallows one."""

    opener: str
    position: int
    items: list[Any] = field(default_factory=list)


class Reader:
    """Reads one text. ``elements`` may be called once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._stack: list[_Frame] = []
        self._outer: str | None = None  # the bracket around the whole text, once it is open
        self._closed = False  # that bracket is closed: nothing may follow

    def elements(self) -> Iterator[tuple[int, Any]]:
        """The values of the text with their positions; if the first is a vector or a list, its elements instead.

        Raises :class:`EdnError`, also where the text ends inside a value.
        """
        position, first = 0, True
        while position < len(self._text):
            token = _TOKEN.match(self._text, position)
            if token is None:
                raise self._strange(position)
            position, kind = token.end(), token.lastgroup or ""
            if kind == "end":
                break
            text, start = token[kind], token.start(kind)
            if kind == "atom" and self._stack and self._stack[-1].opener in _CLOSING:  # nearly every token
                self._stack[-1].items.append(_scalar(kind, text, start))
            elif first and not self._stack and text in ("[", "("):
                self._outer, first = text, False
            else:
                begin = self._stack[0].position if self._stack else start
                for value in self._take(kind, text, start):
                    first = False
                    yield begin, value
        self._check_end(position)

    def _strange(self, position: int) -> EdnError:
        blank = _BLANK.match(self._text, position)
        position = blank.end() if blank else position
        return EdnError(position, shown(self._text[position : position + 20]), "an EDN value")

    def _check_end(self, position: int) -> None:
        if self._stack:
            frame = self._stack[0]
            raise EdnError(frame.position, f"a value that begins here with {frame.opener} and does not end: the file "
                                           "is cut off", "the rest of it")  # fmt: skip
        if self._outer and not self._closed:
            raise EdnError(position, "the end of the file inside the outermost vector: the file is cut off",
                           f"{_CLOSING[self._outer]}")  # fmt: skip

    def _take(self, kind: str, text: str, position: int) -> Iterator[Any]:
        """Take one token; yields the outermost value that it completes, if it does."""
        if kind in ("open", "tag"):
            self._push(text, position)
        elif kind == "discard":
            self._push("#_", position)
        elif kind == "close":
            yield from self._close(text, position)
        elif kind == "cut":
            raise EdnError(position, f"a string that does not end, {shown(text)}: the file is cut off", 'its "')
        else:
            yield from self._complete(_scalar(kind, text, position), position)

    def _push(self, opener: str, position: int) -> None:
        if len(self._stack) >= DEPTH_MAX:
            raise EdnError(position, f"values nested more than {DEPTH_MAX} deep", "flatter ones")
        self._stack.append(_Frame(opener, position))

    def _close(self, bracket: str, position: int) -> Iterator[Any]:
        if not self._stack:
            if self._outer and bracket == _CLOSING[self._outer] and not self._closed:
                self._closed = True
                return
            expected = f"{_CLOSING[self._outer]}" if self._outer and not self._closed else "a value"
            raise EdnError(position, shown(bracket), expected)
        frame = self._stack.pop()
        if _CLOSING.get(frame.opener) != bracket:
            raise EdnError(position, shown(bracket), _CLOSING.get(frame.opener, f"a value after {frame.opener}"))
        yield from self._complete(_collection(frame), frame.position)

    def _complete(self, value: Any, position: int) -> Iterator[Any]:
        """Hand a finished value, which began at ``position``, to what waits for it."""
        while self._stack and self._stack[-1].opener not in _CLOSING:
            frame = self._stack.pop()
            if frame.opener == "#_":
                return
            value = _tagged(frame, value)
        if self._stack:
            self._stack[-1].items.append(value)
        elif self._closed:
            raise EdnError(position, shown(value), f"nothing after the closing {_CLOSING[self._outer or '[']}")
        else:
            yield value


def _collection(frame: _Frame) -> Any:
    if frame.opener == "{":
        return _map(frame)
    if frame.opener == "#{":
        texts = [canonical(item) for item in frame.items]
        if len(set(texts)) != len(texts):
            raise EdnError(frame.position, "a set with the same element twice", "each element once")
        return ordered(frame.items)
    return frame.items


def _map(frame: _Frame) -> dict[Any, Any]:
    keys, values = frame.items[::2], frame.items[1::2]
    if len(keys) != len(values):
        raise EdnError(frame.position, f"a map in which {shown(keys[-1])} has no value", "pairs of key and value")
    result = {
        key if key is None or isinstance(key, str | int | float) else canonical(key): value
        for key, value in zip(keys, values, strict=True)
    }
    if len(result) != len(keys):
        raise EdnError(frame.position, "a map with the same key twice", "each key once")
    return result


def _tagged(frame: _Frame, value: Any) -> Any:
    if frame.opener[1:] in TUPLE_TAGS:
        if not isinstance(value, list) or len(value) != 2:
            raise EdnError(frame.position, f"{frame.opener} {shown(value)}", "a pair [key value] after it")
        return KeyedValue(value)
    return value


def ordered(items: list[Any]) -> list[Any]:
    """The elements of a set in an order that depends on nothing but the elements."""
    if all(type(item) is int for item in items):
        return sorted(items)
    return sorted(items, key=canonical)


def canonical(value: Any) -> str:
    """A text that two values share only if they are equal and of the same kind."""
    if isinstance(value, str):
        return _PREFIX[type(value)] + json.dumps(value)
    if isinstance(value, list):
        return f"[{','.join(map(canonical, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{canonical(key)} {canonical(item)}' for key, item in value.items()))}}}"
    return json.dumps(value)


def _scalar(kind: str, text: str, position: int) -> Any:
    if kind == "string":
        return _string(text, position)
    if kind == "character":
        return _character(text[1:], position)
    if kind == "number_name":
        raise EdnError(position, text, "a number that equals itself")
    return _atom(text, position)


def _atom(text: str, position: int) -> Any:
    if len(text) > ATOM_CHARS_MAX:
        raise EdnError(position, f"{shown(text)}, of {len(text)} characters", f"at most {ATOM_CHARS_MAX}")
    if text in _NAMES:
        return _NAMES[text]
    if text[0] == ":":
        if len(text) == 1:
            raise EdnError(position, ":", "a keyword's name after it")
        return Keyword(text[1:])
    if text[0].isdigit() or (text[0] in "+-" and text[1:2].isdigit()):
        return _number(text, position)
    return Symbol(text)


def _number(text: str, position: int) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text.removesuffix("N"))
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if _EXACT.fullmatch(text):
        return Symbol(text)
    if _FLOAT.fullmatch(text) and not (text.lstrip("+-").isdigit()) and isfinite(number := float(text)):
        return number
    raise EdnError(position, shown(text), "a number (decimal, without leading zeros, and not too large)")


def _string(text: str, position: int) -> str:
    def unescape(found: re.Match[str]) -> str:
        code = found.group(1)
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        if code[0] in "01234567":
            return chr(int(code, 8))
        if code not in _ESCAPES:
            raise EdnError(
                position + 1 + found.start(), f"the escape \\{code} in a string", 'one of \\n \\t \\r \\" \\\\'
            )
        return _ESCAPES[code]

    return _ESCAPE.sub(unescape, text[1:-1]) if "\\" in text else text[1:-1]


def _character(name: str, position: int) -> str:
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    if len(name) == 5 and name[0] == "u" and all(digit in "0123456789abcdefABCDEF" for digit in name[1:]):
        return chr(int(name[1:], 16))
    if len(name) != 1:
        raise EdnError(position, shown("\\" + name), "one character after \\, or newline, space, tab")
    return name
