"""A transaction of a history: what it appended and read, key by key, and when it ran.

The value of a transaction is Jepsen's: a list of micro-operations ``["append", key, element]`` and ``["r", key, list]``
under the operation name ``txn``. The completion says what was read; the invocation says what was to be appended where
nobody knows the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from checkers.guard import Unsupported
from checkers.value import Codes, show
from harness.history import DUMP, Call, History, Process

Atom = Hashable
"""A key or an element, such that two are equal in Python exactly when they are equal as data: an integer or a text
stands for itself, everything else for a :class:`_Coded`."""

OPERATION: Final = "txn"
_PLAIN: Final = frozenset((int, str))
_EXPECTED: Final = 'micro-operations ["append", key, element] and ["r", key, list]'


class Read(NamedTuple):
    """One read of a list. ``own``: the reader's appends to the key before it; ``place``: its micro-operation."""

    key: Atom
    elements: tuple[Atom, ...]
    own: int
    place: int


@dataclass(frozen=True, slots=True, eq=False)
class Transaction:
    """``invoke`` and ``complete`` are positions in the history, ``complete`` only of what certainly happened or failed.

    ``appends``: for each key the elements in the order of the appends. ``reads`` of what did not certainly commit are
    not kept: nobody was told of them. ``session`` is the field of that name, or else the process.
    """

    number: int
    invoke: int
    complete: int | None
    process: Process
    session: Hashable
    outcome: Literal["ok", "fail", "info"]
    appends: dict[Atom, list[Atom]]
    reads: Sequence[Read]

    @property
    def operations(self) -> tuple[int, ...]:
        """Its lines in the history."""
        return (self.invoke,) if self.complete is None else (self.invoke, self.complete)


class _Coded(NamedTuple):
    """A value that is neither integer nor text, by its code: 1, 1.0 and true stay three values."""

    code: int
    codes: Codes


def value_of(atom: Atom) -> Any:
    """The key or element as the history has it."""
    return atom.codes.value(atom.code) if isinstance(atom, _Coded) else atom


def transactions(history: History) -> list[Transaction]:
    """All transactions of clients, in the order of their invocations.

    Raises :class:`checkers.guard.Unsupported` for an operation that is no transaction of lists, and
    :class:`harness.history.HistoryError`.
    """
    atom = _atoms()
    found: list[Transaction] = []
    for call in history.calls():
        if call.f == DUMP:
            continue
        if call.f != OPERATION:
            raise Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected {OPERATION}")
        session = None if history.sessions is None else history.sessions[call.invoke]
        found.append(_transaction(len(found), call, session, atom))
    return found


def _atoms() -> Callable[[Any], Atom]:
    codes = Codes()

    def atom(value: Any) -> Atom:
        kind = type(value)
        return value if kind is int or kind is str else _Coded(codes.code(value), codes)

    return atom


def _transaction(number: int, call: Call, session: Any, atom: Callable[[Any], Atom]) -> Transaction:
    committed = call.outcome == "ok"
    appends: dict[Atom, list[Atom]] = {}
    reads: list[Read] = []
    for place, (f, key, value) in enumerate(_micro_operations(call, committed, atom)):
        if f == "append":
            appends.setdefault(key, []).append(atom(value))
        elif committed:
            own = appends.get(key)
            reads.append(Read(key, _elements(call, value, atom), len(own) if own else 0, place))
    complete = None if call.outcome == "info" else call.complete
    who = call.process if session is None else ("session", atom(session))
    return Transaction(number, call.invoke, complete, call.process, who, call.outcome, appends, reads)


def _micro_operations(call: Call, committed: bool, atom: Callable[[Any], Atom]) -> list[tuple[str, Atom, Any]]:
    """(name, key, value) of each; of what may not have committed, whichever half of the call says more."""
    values = [call.result] if committed else [each for each in (call.result, call.argument) if _is_list(each)]
    value: Any = max(values, key=len, default=None) if not committed else call.result
    if value is None and not committed:
        return []
    if not _is_list(value):
        raise Unsupported(f"operation {call.complete}: read {show(value)}; expected a list of {_EXPECTED}")
    found = []
    for each in value:
        if not _is_list(each) or len(each) not in (2, 3) or each[0] not in ("append", "r"):
            raise Unsupported(f"operation {call.invoke}: read {show(each)}; expected {_EXPECTED}")
        if len(each) == 2 and each[0] == "append":
            raise Unsupported(f"operation {call.invoke}: read {show(each)}; expected an append with its element")
        found.append((each[0], atom(each[1]), each[2] if len(each) == 3 else None))
    return found


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _elements(call: Call, value: Any, atom: Callable[[Any], Atom]) -> tuple[Atom, ...]:
    """What a read returned; null, or nothing at all, is the empty list, as Elle has it."""
    if value is None:
        return ()
    if not _is_list(value):
        raise Unsupported(f"operation {call.complete}: read the list {show(value)}; expected a list, or null")
    return tuple(value) if _PLAIN.issuperset(map(type, value)) else tuple(map(atom, value))
