"""Violin's logs of queues and stacks: one call or one return a line, in the order in which they happened.

    # @object atomic-queue
    [1] call add(1)
    [2] call remove
    [1] return
    [2] return 1

The number in brackets names the call; ``empty`` is what a remove of nothing returns; a call may never return. See
"Tractable Refinement Checking for Concurrent Objects" (Bouajjani, Emmi, Enea, Hamza; POPL 2015).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from harness.formats.record import Recording, operation, record
from harness.formats.source import FormatError, Mismatch, shown
from harness.history import Op

FORMAT: Final = "violin-log"
OPERATION: Final = re.compile(r"\s*\[\s*\d{1,20}\s*\]\s+(?:call|return)\b")
_CALL: Final = re.compile(r"\s*\[\s*(\d{1,18})\s*\]\s+call\s+(\w+)\s*(?:\(\s*([^()]*?)\s*\))?\s*")
_RETURN: Final = re.compile(r"\s*\[\s*(\d{1,18})\s*\]\s+return(?:\s+(\S+))?\s*")
_OBJECT: Final = re.compile(r"\s*#\s*@object\s+(\S+)\s*")
_INTEGER: Final = re.compile(r"-?\d{1,18}")

_QUEUE: Final = {"add": "enqueue", "enqueue": "enqueue", "remove": "dequeue", "dequeue": "dequeue"}
_STACK: Final = {"add": "push", "push": "push", "remove": "pop", "pop": "pop"}
_OBJECTS: Final = {"atomic-queue": ("queue", _QUEUE), "atomic-stack": ("stack", _STACK)}
_PUTS: Final = ("enqueue", "push")


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`. The last line may lack its line end, as in published logs."""
    reader = _Reader()
    recording = record(reader.operations(lines, path), path, FORMAT, independent=independent)
    return replace(recording, model=reader.model)


class _Reader:
    """What was said so far: the object, and the operation that each number is in."""

    def __init__(self) -> None:
        self.model: str | None = None
        self._names: dict[str, str] = {}
        self._running: dict[int, tuple[str, Any]] = {}

    def operations(self, lines: Iterable[str], path: str) -> Iterator[tuple[int, Op]]:
        for number, line in enumerate(lines, 1):
            try:
                if (op := self._line(line)) is not None:
                    yield number, op
            except Mismatch as error:
                raise FormatError(path, number, error.read, error.expected) from None

    def _line(self, line: str) -> Op | None:
        if named := _OBJECT.fullmatch(line):
            self._object(named[1])
        if not line.strip() or line.lstrip().startswith("#"):
            return None
        if call := _CALL.fullmatch(line):
            return self._call(int(call[1]), call[2], call[3])
        if answer := _RETURN.fullmatch(line):
            return self._return(int(answer[1]), answer[2])
        raise Mismatch(shown(line.strip()), "[1] call push(2), [1] return, [1] return 2, or a comment after #")

    def _object(self, name: str) -> None:
        if name not in _OBJECTS:
            raise Mismatch(f"the object {shown(name)}", " or ".join(_OBJECTS))
        if self.model is not None:
            raise Mismatch("a second object", "one history per file")
        self.model, self._names = _OBJECTS[name]

    def _call(self, number: int, name: str, argument: str | None) -> Op:
        if self.model is None:
            raise Mismatch("a call before its object is named", "a line such as # @object atomic-queue")
        f = self._names.get(name)
        if f is None:
            raise Mismatch(f"the call {shown(name)} of a {self.model}", " or ".join(self._names))
        if (f in _PUTS) != bool(argument):
            raise Mismatch(f"the call {shown(name)} with the argument {shown(argument or '')}",
                           "one argument of what is put in, and none of what is taken out")  # fmt: skip
        value = _value(argument) if argument else None
        self._running[number] = (f, value)
        return operation({"type": "invoke", "process": number, "f": f, "value": value})

    def _return(self, number: int, text: str | None) -> Op:
        if number not in self._running:
            raise Mismatch(f"a return of {number}, which runs nothing", "its call before it")
        f, value = self._running.pop(number)
        if (f in _PUTS) == (text is not None):
            raise Mismatch(f"a return {shown(text or '')} from {f}",
                           "a value from what takes one out, `empty` if there was none, and nothing from the others"
                           )  # fmt: skip
        if text is not None:
            value = None if text == "empty" else _value(text)
        return operation({"type": "ok", "process": number, "f": f, "value": value})


def _value(text: str) -> int | str:
    return int(text) if _INTEGER.fullmatch(text) else text
