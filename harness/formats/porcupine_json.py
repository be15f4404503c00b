"""Histories as porcupine keeps them, in JSON: an array of its Operations, or of its Events.

    [{"ClientId": 0, "Input": {"op": "put", "key": "x", "value": 1}, "Call": 10, "Output": null, "Return": 25}]

    [{"ClientId": 0, "Kind": "call",   "Id": 0, "Value": {"op": "put", "key": "x", "value": 1}},
     {"ClientId": 0, "Kind": "return", "Id": 0, "Value": null}]

An input names its operation (``op`` or ``f``, a text: numbers mean something else to every model), and may have a
``value`` and a ``key``. An output is the result itself, or an object with ``value`` and perhaps ``ok`` (false: it
certainly did not happen) or ``unknown`` (true: nobody knows). Where times are the same, calls come before returns, as
porcupine has it; an operation that never returned has no Return. Names of fields are read in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from harness.formats.json_array import elements
from harness.formats.record import Recording, operation, record
from harness.formats.source import FormatError, Mismatch, shown, whole_text
from harness.history import Op

FORMAT: Final = "porcupine-json"
_KINDS: Final = {"call": "call", "return": "return", "0": "call", "1": "return", "false": "call", "true": "return"}
_CALL, _RETURN = 0, 1  # in this order where times are the same


class _Event(NamedTuple):
    time: int
    kind: int
    line: int
    op: Op


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`."""
    return record(_operations(whole_text(lines, path), path), path, FORMAT, independent=independent)


def _operations(text: str, path: str) -> Iterator[tuple[int, Op]]:
    timed: list[_Event] = []
    running: dict[Any, Mapping[str, Any]] = {}
    for line, fields in elements(text, path):
        try:
            named = _by_lower_name(fields)
            if "kind" in named:
                yield line, _of_event(named, running)
            else:
                timed.extend(_of_operation(named, line))
            if timed and running:
                raise Mismatch("an Event among Operations", "only one of the two")
        except Mismatch as error:
            raise FormatError(path, line, error.read, error.expected) from None
    timed.sort(key=lambda event: event[:3])
    yield from ((event.line, event.op) for event in timed)


def _by_lower_name(fields: Mapping[str, Any]) -> dict[str, Any]:
    named = {name.replace("_", "").lower(): value for name, value in fields.items()}
    if len(named) != len(fields):
        raise Mismatch(f"the fields {shown(sorted(fields))}", "each field once, in whatever case")
    return named


def _of_operation(fields: Mapping[str, Any], line: int) -> Iterator[_Event]:
    asked = _input(_field(fields, "input", "Input"), _client(fields))
    start, end = _time(fields, "call"), fields.get("return")
    yield _Event(start, _CALL, line, operation({**asked, "type": "invoke", "time": start}))
    if end is not None:
        end = _time(fields, "return")
        if end < start:
            raise Mismatch(f"a Return at {end} of a Call at {start}", "a return that is not before its call")
        yield _Event(end, _RETURN, line, operation({**_output(fields.get("output"), asked), "time": end}))


def _of_event(fields: Mapping[str, Any], running: dict[Any, Mapping[str, Any]]) -> Op:
    kind = _KINDS.get(str(fields["kind"]).lower())
    number, value = _field(fields, "id", "Id"), fields.get("value")
    if type(number) is not int:
        raise Mismatch(f"the Id {shown(number)}", "an integer")
    if kind == "call":
        if number in running:
            raise Mismatch(f"a second call with the Id {number}", "its return first")
        running[number] = _input(value, _client(fields))
        return operation({**running[number], "type": "invoke"})
    if kind != "return":
        raise Mismatch(f"the Kind {shown(fields['kind'])}", "call or return")
    if number not in running:
        raise Mismatch(f"a return with the Id {number}, which was not called", "its call before it")
    return operation(_output(value, running.pop(number)))


def _field(fields: Mapping[str, Any], name: str, shown_name: str) -> Any:
    if name not in fields:
        raise Mismatch(f"only the fields {shown(sorted(fields))}", f"a field {shown_name}")
    return fields[name]


def _client(fields: Mapping[str, Any]) -> Any:
    return fields.get("clientid", 0)


def _time(fields: Mapping[str, Any], name: str) -> int:
    time = _field(fields, name, name.capitalize())
    if type(time) is not int or not 0 <= time < 2**63:
        raise Mismatch(f"the time {shown(time)}", "an integer, not negative")
    return time


def _input(value: Any, client: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"process": client, "f": value.lower(), "value": None}
    if not isinstance(value, dict):
        raise Mismatch(f"the input {shown(value)}", 'an object such as {"op": "write", "value": 1}')
    named = _by_lower_name(value)
    if strange := set(named) - {"op", "f", "key", "value"}:
        raise Mismatch(f"an input with {shown(sorted(strange))}", "op, and perhaps value and key")
    f = named.get("op", named.get("f"))
    if not isinstance(f, str) or ("op" in named and "f" in named):
        raise Mismatch(f"the operation {shown(f)}", 'its name, such as "write" (a number means nothing to others)')
    return {"process": client, "f": f.lower(), "value": named.get("value"), "key": named.get("key")}


def _output(value: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {**asked, "type": "ok", "value": value}
    named = _by_lower_name(value)
    flags = {name: named.pop(name, default) for name, default in (("ok", True), ("unknown", False))}
    if set(named) - {"value"} or any(type(flag) is not bool for flag in flags.values()):
        raise Mismatch(f"the output {shown(value)}", "a result, or an object of value, ok and unknown")
    kind = "info" if flags["unknown"] else "ok" if flags["ok"] else "fail"
    return {**asked, "type": kind, "value": named.get("value")}
