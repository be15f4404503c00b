"""From the fields of one record to an ``Op``, and from the ops with their line numbers to a ``History``.

Every format ends here, so that a wrong type, a repeated index or a completion without its invocation is the same
error, with file and line, whatever the file's syntax.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from harness.formats.source import FormatError, Mismatch, shown
from harness.history import TYPES, History, HistoryError, Op, Process

NilReads = Literal["value", "unknown"]
_NIL_READS: Final[Mapping[str, NilReads]] = {"value": "value", "unknown": "unknown"}
_MODEL: Final = re.compile(r"[a-z][a-z-]{0,40}")

FIELDS: Final = ("type", "process", "f", "value", "time", "index", "error", "key", "session", "node", "extra")
F_NAMES_MAX: Final = 10_000
NAME_CHARS_MAX: Final = 200
_INT64_MAX: Final = 2**63 - 1


@dataclass(slots=True)
class Claims:
    """What a file says of itself: what an ok read of nil means in it, what it is a history of, and whether its order is
    one of time (or only, session by session, that of each session)."""

    nil_reads: NilReads | None = None
    model: str | None = None
    realtime: bool = True

    def take(self, nil_reads: Any, model: Any) -> None:
        """Note both, where they are not None. Raises :class:`Mismatch`; a model is a name, and never a class."""
        if nil_reads is not None:
            if not isinstance(nil_reads, str) or nil_reads not in _NIL_READS:
                raise Mismatch(f"nil-reads {shown(nil_reads)}", "value or unknown")
            self.nil_reads = _NIL_READS[nil_reads]
        if model is not None:
            if not isinstance(model, str) or not _MODEL.fullmatch(model):
                raise Mismatch(f"the model {shown(model)}", "a model's name")
            self.model = model


class KeyedValue(list[Any]):
    """A pair [key, value] that its file marks as one of Jepsen's independent tuples."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A history as it was read: ``lines[i]`` is the line (from 1) on which operation ``i`` begins. ``model`` and
    ``nil_reads`` (what an ok read of nil says) are what the file itself says of them, if it does. ``realtime``: whether
    what stands before was before; if not, only within each session (``harness.formats.sessions``)."""

    history: History
    path: str
    format: str
    lines: Sequence[int]
    model: str | None = None
    nil_reads: NilReads | None = None
    realtime: bool = True


def operation(fields: Mapping[str, Any]) -> Op:
    """One operation. Raises :class:`Mismatch`.

    ``value`` must be there on a client's "invoke" and "ok" lines, for a misspelt field would otherwise be a null
    that was never written or read. Fields that are not ours are kept in ``extra``.
    """
    kind, process = _kind(fields), _process(fields)
    if "value" not in fields and isinstance(process, int) and kind in ("invoke", "ok"):
        raise Mismatch(
            f'an operation of type "{kind}" with only the fields {shown(sorted(fields))}',
            'a field "value" (null if there is none)',
        )
    value, key = fields.get("value"), fields.get("key")
    if isinstance(value, KeyedValue):
        key, value = value
    return Op(
        type=kind,  # type: ignore[arg-type]  # one of TYPES
        process=process,
        f=_f(fields),
        value=value,
        time=_nanoseconds(fields, "time"),
        index=_nanoseconds(fields, "index"),
        error=fields.get("error"),
        key=_key(key),
        session=fields.get("session"),
        node=_node(fields),
        extra=_extra(fields),
    )


def named(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields, with the ``f`` "txn" where there is none and the value is a list of lists: Elle needs no ``f``."""
    value = fields.get("value")
    if "f" not in fields and isinstance(value, list) and all(isinstance(micro, list) for micro in value):
        return {**fields, "f": "txn"}
    return fields


def _kind(fields: Mapping[str, Any]) -> str:
    kind = _required(fields, "type", "one of " + ", ".join(TYPES))
    if kind not in TYPES:
        raise Mismatch(f'"type" {shown(kind)}', "one of " + ", ".join(TYPES))
    return str(kind)


def _process(fields: Mapping[str, Any]) -> Process:
    expected = 'a client\'s number (0, 1, ...) or a name such as "nemesis"'
    process = _required(fields, "process", expected)
    if isinstance(process, str) and 0 < len(process) <= NAME_CHARS_MAX:
        return process
    if type(process) is not int or not 0 <= process <= _INT64_MAX:
        raise Mismatch(f'"process" {shown(process)}', expected)
    return process


def _f(fields: Mapping[str, Any]) -> str:
    f = _required(fields, "f", 'the operation\'s name, such as "read"')
    if not isinstance(f, str) or not 0 < len(f) <= NAME_CHARS_MAX:
        raise Mismatch(
            f'"f" {shown(f)}', f'the operation\'s name, such as "read", of at most {NAME_CHARS_MAX} characters'
        )
    return f


def _required(fields: Mapping[str, Any], name: str, expected: str) -> Any:
    if name not in fields:
        raise Mismatch(f"an operation with only the fields {shown(sorted(fields))}", f'a field "{name}": {expected}')
    return fields[name]


def _nanoseconds(fields: Mapping[str, Any], name: str) -> int:
    """``time`` or ``index``: -1 where it is not given."""
    number = fields.get(name)
    if number is None:
        return -1
    if type(number) is not int or not -_INT64_MAX <= number <= _INT64_MAX:
        raise Mismatch(f'"{name}" {shown(number)}', "an integer" + (" of nanoseconds" if name == "time" else ""))
    return number


def _key(key: Any) -> Any:
    # True and 1, or 1 and 1.0, would be one key in Python: two objects checked as one give a wrong verdict.
    if key is not None and type(key) not in (int, str):
        raise Mismatch(f'"key" {shown(key)}', "a string or an integer")
    return key


def _node(fields: Mapping[str, Any]) -> str | None:
    node = fields.get("node")
    if node is not None and not isinstance(node, str):
        raise Mismatch(f'"node" {shown(node)}', "a node's name")
    return node


def _extra(fields: Mapping[str, Any]) -> Any:
    extra = fields.get("extra")
    others = {name: value for name, value in fields.items() if name not in FIELDS}
    for name in others:
        if (known := name.strip(": ").lower()) in FIELDS:
            raise Mismatch(f"the field {shown(name)}", f'"{known}"')
    if not others:
        return extra
    return {**(extra if isinstance(extra, dict) else {} if extra is None else {"extra": extra}), **others}


def record(
    operations: Iterable[tuple[int, Op]],
    path: str,
    format_name: str,
    *,
    independent: bool = False,
    claims: Claims | None = None,
) -> Recording:
    """The history of numbered operations. Raises :class:`FormatError` with the line of what does not fit.

    ``independent``: every client's value is a pair [key, value], as ``jepsen.independent`` writes them. ``claims``:
    what the file says of itself, once all operations are read.
    """
    lines = array("q")
    names: set[str] = set()
    last_index = -1

    def checked() -> Iterator[Op]:
        nonlocal last_index
        for line, op in operations:
            lines.append(line)
            try:
                yield _divided(op) if independent else _not_a_pair(op)
            except Mismatch as error:
                raise FormatError(path, line, error.read, error.expected) from None
            names.add(op.f)
            if len(names) > F_NAMES_MAX:
                raise FormatError(path, line, f"more than {F_NAMES_MAX} names of operations", "a handful")
            if op.index >= 0:
                if op.index <= last_index:
                    raise FormatError(path, line, f'"index" {op.index} after {last_index}',
                                      "a larger one: the lines of a history stand in the order in which they happened"
                                      )  # fmt: skip
                last_index = op.index

    history = History(checked())
    try:
        history.partners  # noqa: B018 - pairs the operations, once and for all
    except HistoryError as error:
        raise FormatError(path, lines[error.index], error.read, error.expected) from None
    claims = claims or Claims()
    return Recording(history, path, format_name, lines, claims.model, claims.nil_reads, claims.realtime)


def _divided(op: Op) -> Op:
    """An operation on [key, value] as one on the value under the key."""
    if not isinstance(op.process, int) or op.key is not None:
        return op
    if isinstance(op.value, list) and len(op.value) == 2:
        return replace(op, key=_key(op.value[0]), value=op.value[1])
    if op.type in ("fail", "info"):  # its invocation has the key, and its value decides nothing
        return replace(op, value=None)
    raise Mismatch(f"the value {shown(op.value)} of an operation on independent keys", "a pair [key, value]")


def _not_a_pair(op: Op) -> Op:
    """A read that is asked with [key, nil] comes from ``jepsen.independent``; as one register it would be nonsense."""
    if op.type == "invoke" and op.f == "read" and op.key is None and isinstance(op.value, list):
        match op.value:
            case [_, None]:
                raise Mismatch(
                    f"a read invoked with the value {shown(op.value)}",
                    "null, or marked keys: these look like Jepsen's independent keys; --independent says they are",
                )
    return op
