"""Histories as one JSON array of objects with Jepsen's fields, as Elle's command line and ``jq -s`` write them.

    [{"index": 0, "process": 1, "type": "invoke", "f": "txn", "value": [["append", 5, 1], ["r", 5, null]]},
     {"index": 1, "process": 1, "type": "ok",     "f": "txn", "value": [["append", 5, 1], ["r", 5, [1]]]}]

Where ``f`` is missing, and the value is a list of lists, it is a transaction. A missing ``value`` is null, but for the
answer of a read, which would be one that was never given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from harness.formats.jsonl import DECODER, check_depth
from harness.formats.record import Recording, named, operation, record
from harness.formats.source import FormatError, Mismatch, shown, whole_text
from harness.history import Op

FORMAT: Final = "json"
_BLANK: Final = re.compile(r"[\s]*")
_ANSWERS: Final = frozenset({"read", "r", "get", "contains", "peek"})


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`; an array that does not end is an error, too."""
    return record(_operations(whole_text(lines, path), path), path, FORMAT, independent=independent)


def _operations(text: str, path: str) -> Iterator[tuple[int, Op]]:
    for line, fields in elements(text, path):
        try:
            yield line, operation(named(_completed(fields)))
        except Mismatch as error:
            raise FormatError(path, line, error.read, error.expected) from None


def _completed(fields: dict[str, Any]) -> dict[str, Any]:
    if "value" not in fields and not (fields.get("type") == "ok" and fields.get("f") in _ANSWERS):
        fields = {**fields, "value": None}
    return fields


def elements(text: str, path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of an array, each with its line. Raises :class:`FormatError`."""
    line, counted = 1, 0
    position = _BLANK.match(text).end()  # type: ignore[union-attr]  # matches anything

    def refuse(at: int, read: str, expected: str) -> FormatError:
        return FormatError(path, 1 + text.count("\n", 0, at), read, expected)

    try:
        check_depth(text)
    except Mismatch as error:
        raise FormatError(path, None, error.read, error.expected) from None
    if text[position : position + 1] != "[":
        raise refuse(position, shown(text[position : position + 20]), "a JSON array of objects")
    position = _BLANK.match(text, position + 1).end()  # type: ignore[union-attr]
    closed = text[position : position + 1] == "]"
    while not closed:
        line, counted = line + text.count("\n", counted, position), position
        fields, position = _object(text, position, path, line)
        yield line, fields
        position = _BLANK.match(text, position).end()  # type: ignore[union-attr]
        separator = text[position : position + 1]
        if separator not in (",", "]"):
            what = shown(text[position : position + 20]) if separator else "the end of the file: it is cut off"
            raise refuse(position, what, ", or ] after an object")
        closed = separator == "]"
        position = position if closed else _BLANK.match(text, position + 1).end()  # type: ignore[union-attr]
    if text[position + 1 :].strip():
        raise refuse(position, "more text after the array", "its end")


def _object(text: str, position: int, path: str, line: int) -> tuple[dict[str, Any], int]:
    """The object that begins at a position, and where it ends."""
    try:
        fields, end = DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        what = f"{shown(text[error.pos : error.pos + 20])}, where no JSON can go on ({error.msg}, column {error.colno})"
        raise FormatError(path, error.lineno, what, "the rest of an array of objects") from None
    except Mismatch as error:
        raise FormatError(path, line, error.read, error.expected) from None
    except ValueError as error:  # an integer with thousands of digits
        raise FormatError(path, line, str(error).split(":")[0], "numbers of a sane size") from None
    if not isinstance(fields, dict):
        raise FormatError(path, line, shown(fields), "an object, as each operation is one")
    return fields, end
