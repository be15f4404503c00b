"""Our own format: one JSON object per line, with Jepsen's field names, written as it happens.

    {"schema": "splitbrain.history/1"}
    {"type": "invoke", "process": 0, "f": "write", "value": 3, "time": 1200450}
    {"type": "ok", "process": 0, "f": "write", "value": 3, "time": 2100800}

The first line (the schema), ``time`` (nanoseconds) and ``index`` are optional. The order of the lines is the order of
events. A line may be appended without reading what stands before it, so a crash leaves at most one line cut off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, Final

from harness.formats.record import FIELDS, Claims, Recording, operation, record
from harness.formats.source import DEPTH_MAX, FormatError, Mismatch, shown
from harness.history import SCHEMA, Op

FORMAT: Final = "jsonl"
_ALWAYS: Final = ("type", "process", "f", "value")
_UNKNOWN: Final = -1  # of time and index
# An unclosed string matches up to the end, lest every quote in it be tried as a beginning.
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)


def header(nil_reads: str | None = None, model: str | None = None) -> str:
    """The first line of a history of ours, without its line end; perhaps with what the file says of itself."""
    claims = {"nil_reads": nil_reads, "model": model}
    return json.dumps({"schema": SCHEMA, **{name: value for name, value in claims.items() if value is not None}})


def dump(op: Op) -> str:
    """One operation as one line, without its line end. Raises ValueError or TypeError for what JSON cannot say."""
    fields = {name: getattr(op, name) for name in FIELDS}
    for name in ("time", "index"):
        if fields[name] == _UNKNOWN:
            fields[name] = None
    return json.dumps(
        {name: value for name, value in fields.items() if name in _ALWAYS or value is not None}, allow_nan=False
    )


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`; a last line that is cut off is an error, too."""
    claims = Claims()
    return record(_operations(lines, path, claims), path, FORMAT, independent=independent, claims=claims)


def claims_in(line: str) -> Claims | None:
    """What a file says of itself in its first line; None if that is an operation. Raises :class:`Mismatch`."""
    fields = _object_of(line)
    if "schema" not in fields:
        return None
    _check_header(fields, True)
    claims = Claims()
    claims.take(fields.get("nil_reads"), fields.get("model"))
    return claims


def _operations(lines: Iterable[str], path: str, claims: Claims) -> Iterator[tuple[int, Op]]:
    first = True
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            fields = _object_of(line)
            if "schema" in fields:
                _check_header(fields, first)
                claims.take(fields.get("nil_reads"), fields.get("model"))
            else:
                yield number, operation(fields)
        except Mismatch as error:
            raise FormatError(path, number, error.read, error.expected) from None
        first = False


def _object_of(line: str) -> dict[str, Any]:
    """One line's JSON object. Raises :class:`Mismatch`."""
    if line.count("[") + line.count("{") > DEPTH_MAX:
        check_depth(line)
    try:
        fields = DECODER.decode(line)
    except json.JSONDecodeError as error:
        if not line.endswith("\n"):
            raise Mismatch(
                f"a last line that is cut off, {shown(line)}: whoever wrote the file was interrupted",
                "a whole line (without that line, the file is the history until then)",
            ) from None
        raise Mismatch(f"{shown(line.strip())}, which is not JSON ({error.msg}, column {error.colno})",
                       "one JSON object per line") from None  # fmt: skip
    except Mismatch:
        raise
    except ValueError as error:  # an integer with thousands of digits
        raise Mismatch(f"{shown(line.strip())} ({str(error).split(':')[0]})", "numbers of a sane size") from None
    if not isinstance(fields, dict):
        raise Mismatch(
            shown(line.strip()), "one JSON object per line (of an array, `jq -c '.[]'` makes one object per line)"
        )
    return fields


def _check_header(fields: dict[str, Any], first: bool) -> None:
    if not first:
        raise Mismatch("a schema after the first line", "one history per file")
    if fields["schema"] != SCHEMA:
        raise Mismatch(f"schema {shown(fields['schema'])}", f"{SCHEMA!r}: is this a history of ours, and as new?")


def check_depth(line: str) -> None:
    """Refuse deep nesting before the parser recurses into it."""
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", _STRING.sub("", line)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEPTH_MAX:
            raise Mismatch(f"values nested more than {DEPTH_MAX} deep", "flatter ones")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a name that stands twice in it says two things, and JSON parsers would take the last."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        raise Mismatch(f"the field {shown(max(names, key=names.count))} twice in one object", "each field once")
    return fields


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise Mismatch(f"the number {shown(text)}", "a number that a double can hold")
    return number


def _constant(text: str) -> Any:
    raise Mismatch(f"the value {text}, which equals nothing", "a JSON value")


DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_constant)


def decoded(text: str, what: str) -> Any:
    """One JSON value, ``what`` being its name for the error. Raises :class:`Mismatch`."""
    if text.count("[") + text.count("{") > DEPTH_MAX:
        check_depth(text)
    try:
        return DECODER.decode(text)
    except Mismatch:
        raise
    except ValueError as error:
        raise Mismatch(f"{what} {shown(text)} ({str(error).split(':')[0]})", "JSON") from None
