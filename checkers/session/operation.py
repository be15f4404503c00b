"""The operations of sessions: what each wrote and read, key by key, and what came before what inside a session.

An object is a register (``write`` or ``put``; ``read`` or ``get``), a list (``append``; reads of the whole) or a set
(``add``; reads of the whole), by what is written to it. The micro-operations of a transaction (``txn``: ["w", key,
value], ["append", key, element], ["r", key, value]) are operations of their own, one after the other in their session:
a guarantee is about each read, and a database at read committed gives each of them a state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from checkers.guard import Unsupported
from checkers.value import Codes, show
from harness.history import DUMP, FAIL, INFO, INVOKE, OK, History

Atom = Hashable
"""A key or a value, such that two are equal in Python exactly when they are equal as data: an integer or a text stands
for itself, everything else for a :class:`Coded`."""

Kind = Literal["register", "list", "set"]
Outcome = Literal["ok", "fail", "info"]
NilReads = Literal["value", "unknown"]
TRANSACTION: Final = "txn"
_WRITES: Final[Mapping[str, Kind]] = {"write": "register", "put": "register", "append": "list", "add": "set"}
_READS: Final = frozenset(("read", "get"))
_MICROS: Final[Mapping[str, Kind]] = {"w": "register", "append": "list"}
_OUTCOMES: Final[Mapping[int, Outcome]] = {OK: "ok", FAIL: "fail", INFO: "info"}
_EXPECTED: Final = "write, put, append, add, read, get or txn"


class Coded(NamedTuple):
    """A value that is neither integer nor text, by its code: 1, 1.0 and true stay three values."""

    code: int
    codes: Codes


def value_of(atom: Atom) -> Any:
    """The key or value as the history has it."""
    return atom.codes.value(atom.code) if isinstance(atom, Coded) else atom


@dataclass(slots=True, eq=False)
class Operation:
    """A write that perhaps happened, or an ok read.

    ``invoke`` and ``complete`` are positions in the history, ``complete`` only of what is ok; ``place`` is the
    micro-operation's in its transaction. ``value``: what was written, or what a register's read showed; ``shown``: the
    elements that a list's or a set's read showed. ``sources``: the writes that a read certainly saw; ``clear``: whether
    these are all, and it shows nothing that cannot be. ``number`` counts the operations of a scene.
    """

    number: int
    invoke: int
    complete: int | None
    place: int
    process: int
    session: int
    key: Atom
    is_write: bool
    value: Atom = None
    shown: tuple[Atom, ...] = ()
    sources: tuple[Operation, ...] = ()
    clear: bool = True

    def precedes(self, other: Operation) -> bool:
        """Whether the session's order puts it before the other one."""
        if self.session != other.session:
            return False
        if self.invoke == other.invoke:
            return self.place < other.place
        return self.complete is not None and self.complete < other.invoke

    def began_after(self, read: Operation) -> bool:
        """Whether it began when that read, which is ok, had ended: then the read cannot have seen it."""
        if self.invoke == read.invoke:
            return self.place > read.place
        return read.complete is not None and read.complete < self.invoke


def atoms() -> Callable[[Any], Atom]:
    codes = Codes()

    def atom(value: Any) -> Atom:
        kind = type(value)
        return value if kind is int or kind is str or value is None else Coded(codes.code(value), codes)

    return atom


Found = tuple[Operation, Outcome, Any]


class Reader:
    """Reads a history's lines; ``kinds`` says of each key that is written to what it is."""

    def __init__(self, history: History, atom: Callable[[Any], Atom]) -> None:
        self._history, self._atom = history, atom
        self.kinds: dict[Atom, Kind] = {}
        self.sessions: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self._found: list[Found] = []

    def operations(self, invocations: Iterable[int] | None = None) -> list[Found]:
        """The writes and the ok reads, in order of invocation, with outcomes and what was read; of all, or of those
        whose ``invocations`` are given."""
        history, types, values, keys = self._history, self._history.types, self._history.values, self._history.keys
        partners, names, processes, fs = history.partners, history.f_names, history.processes, history.fs
        for invoke in range(len(types)) if invocations is None else invocations:
            process, f = processes[invoke], fs[invoke]
            if types[invoke] != INVOKE or process < 0 or names[f] == DUMP:
                continue
            end = partners[invoke]
            outcome = _OUTCOMES[types[end]] if end >= 0 else "info"
            name = names[f]
            about = (invoke, end, process, outcome)
            if name in _READS:
                if outcome == "ok":
                    self._take(about, 0, None, keys[invoke] if keys else None, values[end])
            elif name in _WRITES:
                self._take(about, 0, _WRITES[name], keys[invoke] if keys else None, values[invoke])
            elif name == TRANSACTION:
                self._transaction(about, values[invoke], values[end] if end >= 0 else None)
            else:
                raise Unsupported(f"operation {invoke}: read the operation {show(name)}; expected {_EXPECTED}")
        return self._found

    def _transaction(self, about: tuple[int, int, int, Outcome], argument: Any, result: Any) -> None:
        invoke, _, _, outcome = about
        micros = result if outcome == "ok" else argument
        if not isinstance(micros, (list, tuple)):
            raise Unsupported(f"operation {invoke}: read {show(micros)}; expected a list of micro-operations")
        for place, micro in enumerate(micros):
            f = micro[0] if isinstance(micro, (list, tuple)) and len(micro) in (2, 3) else None
            if isinstance(f, str) and f in _MICROS and len(micro) == 3:
                self._take(about, place, _MICROS[f], micro[1], micro[2])
            elif f != "r":
                raise Unsupported(f'operation {invoke}: read {show(micro)}; expected ["w" or "append", key, value] or '
                                  '["r", key, value]')  # fmt: skip
            elif outcome == "ok" and len(micro) == 3:  # without a value it says nothing
                self._take(about, place, None, micro[1], micro[2])

    def _take(self, about: tuple[int, int, int, Outcome], place: int, kind: Kind | None, key: Any, value: Any) -> None:
        invoke, end, process, outcome = about
        name = self._atom(key)
        if kind is not None and self.kinds.setdefault(name, kind) != kind:
            raise Unsupported(f"operation {invoke}: read a write to {_what(key)} as to a {kind}; expected one to a "
                              f"{self.kinds[name]}, as before")  # fmt: skip
        complete = end if outcome == "ok" else None
        written = None if kind is None else self._atom(value)
        operation = Operation(len(self._found), invoke, complete, place, process, self._session(invoke, end, process),
                              name, kind is not None, written)  # fmt: skip
        self._found.append((operation, outcome, value))

    def _session(self, invoke: int, end: int, process: int) -> int:
        named = self._history.sessions
        name = None
        if named is not None:
            name = named[invoke] if named[invoke] is not None or end < 0 else named[end]
        identity = process if name is None else ("session", self._atom(name))
        if identity not in self._numbers:
            self._numbers[identity] = len(self.sessions)
            self.sessions.append(f"process {process}" if name is None else f"session {_named(name)}")
        return self._numbers[identity]


def _named(session: Any) -> str:
    return session[:60] if isinstance(session, str) and session.isprintable() and session else show(session)


def _what(key: Any) -> str:
    return "the object" if key is None else f"key {show(key)}"


def place_of(operation: Operation) -> tuple[int, int]:
    """Where it stands in the history."""
    return operation.invoke, operation.place


def by_session(operations: Iterable[Operation]) -> dict[int, list[Operation]]:
    """The operations of each session, in order of invocation."""
    found: dict[int, list[Operation]] = {}
    for operation in operations:
        found.setdefault(operation.session, []).append(operation)
    for several in found.values():
        several.sort(key=place_of)
    return found
