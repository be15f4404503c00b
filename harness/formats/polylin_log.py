"""PolyLin's logs of containers: one operation a line, with its value and the times of its call and its return.

    # queue
    enq 1 0 3
    deq 1 2 4

Sets have an answer, 0 or 1, after the value: ``insert 1 1 0 3``. To take -1 is to find nothing there. An operation that
returns when another is called precedes it (their own example ``queue_simple.0`` is wrong only so).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from harness.formats.record import Claims, Recording, operation, record
from harness.formats.source import FormatError, Mismatch, shown
from harness.history import Op

FORMAT: Final = "polylin-log"
EMPTY: Final = -1
_CALL, _RETURN = 1, 0  # in this order where times are the same
_INTEGER: Final = re.compile(r"-?\d{1,18}")
_ENDS: Final = ("front", "back")

# Of each object, which operations put a value in, and which take or show one.
_OBJECTS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "queue": (frozenset({"enq"}), frozenset({"deq", "peek"})),
    "stack": (frozenset({"push"}), frozenset({"pop", "peek"})),
    "pqueue": (frozenset({"insert"}), frozenset({"poll", "peek"})),
    "deque": (
        frozenset(f"push_{end}" for end in _ENDS),
        frozenset(f"{act}_{end}" for act in ("pop", "peek") for end in _ENDS),
    ),
    "set": (frozenset({"insert", "remove", "contains"}), frozenset()),
}
HEADER: Final = re.compile(rf"\s*#\s*({'|'.join(_OBJECTS)})\s*")


class _Event(NamedTuple):
    time: int
    kind: int
    line: int
    op: Op


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`."""
    model, events = _events(lines, path)
    events.sort(key=lambda event: event[:3])
    return record(((event.line, event.op) for event in events), path, FORMAT, independent=independent,
                  claims=Claims(model=model))  # fmt: skip


def _events(lines: Iterable[str], path: str) -> tuple[str | None, list[_Event]]:
    model: str | None = None
    events: list[_Event] = []
    for number, line in enumerate(lines, 1):
        try:
            if model is None and (header := HEADER.fullmatch(line)):
                model = header[1]
            elif line.strip():
                if model is None:
                    raise Mismatch(shown(line.strip()), f"first a line such as # queue: one of {', '.join(_OBJECTS)}")
                events.extend(_pair(model, line.split(), number))
        except Mismatch as error:
            raise FormatError(path, number, error.read, error.expected) from None
    return model, events


def _pair(model: str, words: list[str], line: int) -> Iterator[_Event]:
    columns = 5 if model == "set" else 4
    if len(words) != columns or not all(_INTEGER.fullmatch(word) for word in words[1:]):
        form = "name value answer start end" if model == "set" else "name value start end"
        raise Mismatch(shown(" ".join(words)), f"{form}, all but the name integers")
    start, end = int(words[-2]), int(words[-1])
    if start >= end:
        raise Mismatch(f"an operation from {start} to {end}", "one that ends after its start")
    f, argument, result = _call(model, words)
    client = {"process": line, "f": f}  # the log does not say whose an operation is: each is its own process's
    yield _Event(start, _CALL, line, operation({**client, "type": "invoke", "value": argument}))
    yield _Event(end, _RETURN, line, operation({**client, "type": "ok", "value": result}))


def _call(model: str, words: list[str]) -> tuple[str, Any, Any]:
    """Name, argument and result."""
    f, value = words[0], int(words[1])
    puts, takes = _OBJECTS[model]
    if f not in puts | takes:
        raise Mismatch(f"the operation {shown(f)} of a {model}", " or ".join(sorted(puts | takes)))
    if model == "set":
        if words[2] not in ("0", "1"):
            raise Mismatch(f"the answer {shown(words[2])}", "0 or 1")
        return f, value, words[2] == "1"
    if f in takes:
        return f, None, None if value == EMPTY else value
    if value == EMPTY:
        raise Mismatch(f"{f} of {EMPTY}", f"another value: to take {EMPTY} means that there was nothing")
    return f, value, value
