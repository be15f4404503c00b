"""The message trace of a simulated run: who sent what to whom and what became of it, what nodes told, what was broken.

``trace.jsonl`` in a run's folder: the schema, then one JSON object per line, in the order in which things happened.
``t`` is virtual time in microseconds since the run began (the history's clock, there in nanoseconds), ``k`` the kind::

    {"schema": "splitbrain.trace/1"}
    {"t": 0, "k": "start", "node": "n1", "incarnation": 1}
    {"t": 9000, "k": "send", "id": 1, "from": "n1", "to": "n2", "via": "call", "type": "vote", "body": "generation=2"}
    {"t": 12000, "k": "recv", "id": 1}

A body in the file is a summary for people; :meth:`Trace.digest`, which tells two runs apart, covers all of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

from harness.file import FILE_BYTES_MAX, read_bounded
from harness.history import TYPES, Op, OpType, Process
from harness.summary import Summary, brief, summary, text_of

SCHEMA: Final = "splitbrain.trace/1"
SEND, RECV, LOST, EVENT, FAULT, OPERATION, CUT = "send", "recv", "lost", "event", "fault", "operation", "cut"
START, STOP, PAUSE, RESUME = "start", "stop", "pause", "resume"
NODE_KINDS: Final = (START, STOP, PAUSE, RESUME)
VIA: Final = ("send", "call", "reply", "error")

_INT64_MAX: Final = 2**63 - 1

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a file is read: whoever wrote it may have meant harm."""

    entries_max: int = 400_000
    bytes_max: int = FILE_BYTES_MAX
    chars_max: int = 500


class TraceError(ValueError):
    """A file that is no trace: ``line`` (from 1), what was ``read`` and what was ``expected``."""

    def __init__(self, line: int, read: str, expected: str) -> None:
        super().__init__(f"line {line}: read {read}; expected {expected}")
        self.line, self.read, self.expected = line, read, expected


class Trace:
    """A run's trace in memory. Every method appends one tuple to ``rows`` and does nothing else: the simulator calls
    them tens of thousands of times a run.

    ``rows`` begin with (time_us, kind, ...); then come, per kind: send (number, source, to, via, body), recv (number),
    lost (number, why), event (node, name, fields), start/stop/pause/resume (node, incarnation, why), fault (f, phase,
    value), operation (op), cut (rows left out). Bodies and fields are kept by reference: hand over what nobody changes
    any more. In a trace that was read, a body is a :class:`Summary`, and fields and values are texts.
    """

    __slots__ = ("_append", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._append = self.rows.append

    def send(self, time_us: int, number: int, source: str, to: str, kind: str, body: Any) -> None:
        """A message leaves. ``number`` is the run's own for it, ``kind`` the envelope's: one of VIA."""
        self._append((time_us, SEND, number, source, to, kind, body))

    def recv(self, time_us: int, number: int) -> None:
        """It arrives; twice if the network duplicated it."""
        self._append((time_us, RECV, number))

    def lost(self, time_us: int, number: int, why: str) -> None:
        """It is gone, because of a "partition", "loss", a receiver that is "down" ..."""
        self._append((time_us, LOST, number, why))

    def event(self, time_us: int, node: str, name: str, fields: Mapping[str, Any]) -> None:
        """A node tells an event."""
        self._append((time_us, EVENT, node, name, fields))

    def node(self, time_us: int, what: str, node: str, why: str = "", incarnation: int = 0) -> None:
        """A node starts, stops (``why``: "kill", "power-loss", "assertion" ...), is paused or resumed."""
        self._append((time_us, what, node, incarnation, why))

    def fault(self, time_us: int, f: str, phase: str, value: Any) -> None:
        """A step of the nemesis: ``phase`` is "begin" when it is announced and "done" when it is done."""
        self._append((time_us, FAULT, f, phase, value))

    def operation(self, time_us: int, op: Op) -> None:
        """A client's operation begins or completes."""
        self._append((time_us, OPERATION, op))

    def digest(self) -> str:
        """SHA-256, in hex, over every row in full, in order: equal for two runs that did the same, and differing where
        they first did not. The order of an object's fields counts: it is what the node did, too."""
        digest = sha256()
        for row in self.rows:
            digest.update(_encode([*row[:2], _op_fields(row[2])] if row[1] == OPERATION else row).encode())
            digest.update(b"\n")
        return digest.hexdigest()

    def lines(self, bounds: Bounds | None = None) -> Iterator[str]:
        """The file's lines, without their ends. Rows past the bound are left out, and the last line says how many."""
        rows_max = (bounds or Bounds()).entries_max - 1
        yield _encode({"schema": SCHEMA})
        for row in islice(self.rows, rows_max):
            yield _encode(_as_json(row))
        if (rest := len(self.rows) - rows_max) > 0:
            yield _encode({"t": self.rows[-1][0], "k": CUT, "count": rest})

    def write(self, path: Path) -> None:
        """Write the file anew. Raises FileExistsError: a run's trace is written once; OSError."""
        with open(path, "x", encoding="ascii") as stream:
            stream.writelines(line + "\n" for line in self.lines())


def read(path: Path, bounds: Bounds | None = None) -> Trace:
    """Read a trace that anybody may have written. Raises OSError and :class:`TraceError`."""
    bounds = bounds or Bounds()
    try:
        text = read_bounded(path)
    except UnicodeDecodeError as error:
        raise TraceError(1, f"the byte 0x{error.object[error.start]:02x}", "UTF-8 text") from None
    if len(text) > bounds.bytes_max:
        raise TraceError(1, f"{len(text):,} characters", f"at most {bounds.bytes_max:,}")
    trace = Trace()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(trace.rows) >= bounds.entries_max:
            raise TraceError(number, f"more than {bounds.entries_max:,} lines", "a shorter trace")
        fields = _Fields(number, line, bounds.chars_max)
        if number == 1:
            fields.check_schema()
            continue
        trace.rows.append(_row(fields))
    return trace


_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_OP_FIELDS: Final = ("process", "f", "key", "value", "type", "error", "node", "index")


def _op_fields(op: Op) -> dict[str, Any]:
    return {name: getattr(op, name) for name in _OP_FIELDS}


def _as_json(row: Row) -> dict[str, Any]:
    time_us, kind = row[:2]
    fields = {"t": time_us, "k": kind}
    if kind == SEND:
        type_, text = summary(row[5], row[6])
        return {**fields, "id": row[2], "from": row[3], "to": row[4], "via": row[5], "type": type_, "body": text}
    if kind == RECV:
        return {**fields, "id": row[2]}
    if kind == LOST:
        return {**fields, "id": row[2], "why": row[3]}
    if kind == EVENT:
        return {**fields, "node": row[2], "name": row[3], "fields": text_of(row[4])}
    if kind in NODE_KINDS:
        return {**fields, "node": row[2], "incarnation": row[3], **({"why": row[4]} if row[4] else {})}
    if kind == FAULT:
        return {**fields, "f": row[2], "phase": row[3], "value": text_of(row[4])}
    if kind == CUT:
        return {**fields, "count": row[2]}
    assert kind == OPERATION, f"read the kind {kind!r}; expected one that a trace has"
    return {**fields, "k": "invoke" if row[2].type == "invoke" else "complete", **_operation_as_json(row[2])}


def _operation_as_json(op: Op) -> dict[str, Any]:
    texts = {name: None if (v := getattr(op, name)) is None else text_of(v) for name in ("key", "value", "error")}
    fields = {**_op_fields(op), **texts}
    return {name: value for name, value in fields.items() if value is not None}


class _Fields:
    """One line's object. Its methods give one field each, checked, or raise :class:`TraceError`."""

    def __init__(self, line: int, text: str, chars_max: int) -> None:
        self._line, self._chars_max = line, chars_max
        if len(text) > 20 * chars_max:
            raise TraceError(line, f"{len(text):,} characters", f"at most {20 * chars_max:,} in a line")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise TraceError(line, repr(text[:60]), "a JSON object, whole and on one line") from None
        if not isinstance(value, dict):
            raise TraceError(line, repr(text[:60]), "a JSON object")
        self._fields: dict[str, Any] = value

    def check_schema(self) -> None:
        if self._fields.get("schema") != SCHEMA:
            raise TraceError(self._line, f"schema {self._shown('schema')}", f"{SCHEMA!r}: is this a trace of ours?")

    def number(self, name: str, otherwise: int | None = None) -> int:
        value = self._fields.get(name, otherwise)
        if type(value) is not int or not -1 <= value <= _INT64_MAX:
            raise TraceError(self._line, f'"{name}" {self._shown(name)}', "a whole number")
        return value

    def text(self, name: str, otherwise: str | None = None) -> str:
        value = self._fields.get(name, otherwise)
        if not isinstance(value, str) or len(value) > self._chars_max:
            raise TraceError(
                self._line, f'"{name}" {self._shown(name)}', f"a text of at most {self._chars_max} characters"
            )
        return value

    def one_of(self, name: str, known: tuple[str, ...]) -> str:
        value = self._fields.get(name)
        if value not in known:
            raise TraceError(self._line, f'"{name}" {self._shown(name)}', "one of " + ", ".join(known))
        return str(value)

    def optional(self, name: str) -> str | None:
        return None if self._fields.get(name) is None else self.text(name)

    def process(self) -> Process:
        return self.text("process") if isinstance(self._fields.get("process"), str) else max(0, self.number("process"))

    def _shown(self, name: str) -> str:
        return ascii(brief(self._fields.get(name)))[:80]


def _row(fields: _Fields) -> Row:
    time_us, kind = fields.number("t"), fields.one_of("k", tuple(_READERS))
    return (time_us, *_READERS[kind](fields))


def _read_send(fields: _Fields) -> Row:
    body = Summary(fields.text("type"), fields.text("body"))
    return SEND, fields.number("id"), fields.text("from"), fields.text("to"), fields.one_of("via", VIA), body


def _read_node(kind: str) -> Callable[[_Fields], Row]:
    return lambda fields: (kind, fields.text("node"), fields.number("incarnation", 0), fields.text("why", ""))


def _read_operation(fields: _Fields) -> Row:
    op = Op(type=cast(OpType, fields.one_of("type", TYPES)), process=fields.process(), f=fields.text("f"),
            value=fields.optional("value"), key=fields.optional("key"), error=fields.optional("error"),
            node=fields.optional("node"), index=fields.number("index", -1))  # fmt: skip
    return OPERATION, op


_READERS: Final[Mapping[str, Callable[[_Fields], Row]]] = {
    SEND: _read_send,
    RECV: lambda fields: (RECV, fields.number("id")),
    LOST: lambda fields: (LOST, fields.number("id"), fields.text("why")),
    EVENT: lambda fields: (EVENT, fields.text("node"), fields.text("name"), fields.text("fields")),
    **{kind: _read_node(kind) for kind in NODE_KINDS},
    FAULT: lambda fields: (FAULT, fields.text("f"), fields.text("phase"), fields.text("value")),
    "invoke": _read_operation,
    "complete": _read_operation,
    CUT: lambda fields: (CUT, fields.number("count")),
}
