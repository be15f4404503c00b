"""A transaction of a history: what it appended (or wrote) and read, key by key, and when it ran.

The value of a transaction is Jepsen's: a list of micro-operations ``["append", key, element]`` and ``["r", key, list]``
under the operation name ``txn``; of registers ``["w", key, value]`` and ``["r", key, value]``. The completion says what
was read; the invocation says what was to be appended where nobody knows the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from checkers.guard import Unsupported
from checkers.value import Codes, show
from harness.history import DUMP, FAIL, INFO, INVOKE, OK, History

Atom = Hashable
"""A key or an element, such that two are equal in Python exactly when they are equal as data: an integer or a text
stands for itself, everything else for a :class:`_Coded`."""

Outcome = Literal["ok", "fail", "info"]
OPERATION: Final = "txn"
_PLAIN: Final = frozenset((int, str))
REGISTER_OPERATIONS: Final = ("read", "write")
_EXPECTED: Final = 'micro-operations ["append", key, element] and ["r", key, list]'


class Read(NamedTuple):
    """One read of a list. ``own``: the reader's appends to the key before it; ``place``: its micro-operation. A read of
    a register has its one value in ``elements``, and its reader's writes before it are counted in ``own``."""

    key: Atom
    elements: tuple[Atom, ...]
    own: int
    place: int


@dataclass(frozen=True, slots=True, eq=False)
class Transaction:
    """``invoke`` and ``complete`` are positions in the history, ``complete`` only of what certainly happened or failed.

    ``appends``: for each key the elements in the order of the appends (of a register: the values, of the writes).
    ``reads`` of what did not certainly commit are not kept: nobody was told of them. ``session`` is the field of that
    name, or else the process.
    """

    number: int
    invoke: int
    complete: int | None
    process: int
    session: Hashable
    outcome: Outcome
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
    atom = atoms()
    partners, types, processes, values = history.partners, history.types, history.processes, history.values
    names = [None if name == DUMP else name == OPERATION for name in history.f_names]
    found: list[Transaction] = []
    for invoke, (code, process, f) in enumerate(zip(types, processes, history.fs, strict=True)):
        if code != INVOKE or process < 0 or names[f] is None:
            continue
        if not names[f]:
            read = f"operation {invoke}: read the operation {show(history.f_names[f])}"
            raise Unsupported(f"{read}; expected {OPERATION}")
        end = partners[invoke]
        outcome = OUTCOMES[types[end]] if end >= 0 else "info"
        answer = None if end < 0 else values[end]
        micros = answered(invoke, values[invoke], answer) if outcome == "ok" else asked(values[invoke], answer)
        appends, reads = split(invoke, micros, outcome == "ok", atom)
        session = None if history.sessions is None else history.sessions[invoke]
        who = process if session is None else ("session", atom(session))
        complete = None if outcome == "info" else end
        found.append(Transaction(len(found), invoke, complete, process, who, outcome, appends, reads))
    return found


OUTCOMES: Final[dict[int, Outcome]] = {OK: "ok", FAIL: "fail", INFO: "info"}


def atoms() -> Callable[[Any], Atom]:
    """What makes atoms of the values of one history."""
    codes = Codes()

    def atom(value: Any) -> Atom:
        kind = type(value)
        return value if kind is int or kind is str else _Coded(codes.code(value), codes)

    return atom


def asked(argument: Any, result: Any) -> Any:
    """What a transaction without an ok was to do: whichever half of the call says more."""
    halves = [each for each in (result, argument) if is_list(each)]
    return max(halves, key=len, default=()) if halves or argument is None else argument


def answered(invoke: int, argument: Any, result: Any) -> Any:
    """What a transaction did by its ok: what it was asked to do, with what it read; values to be written may be made
    late. Raises :class:`Unsupported` where the two halves of the call contradict each other: who knows which is wrong?
    """
    if not (is_list(argument) and argument and is_list(result)):
        return result
    if len(argument) != len(result):
        raise Unsupported(f"operation {invoke}: read {len(argument)} micro-operations, and {len(result)} in its ok; "
                          "expected the same ones, with what was read")  # fmt: skip
    for asks, says in zip(argument, result, strict=True):
        if asks is not says and asks != says and is_list(asks) and is_list(says) and not _agrees(asks, says):
            raise Unsupported(f"operation {invoke}: read {show(asks)}, and {show(says)} in its ok; expected the same "
                              "micro-operation, with what was read")  # fmt: skip
    return result


def _agrees(asks: Sequence[Any], says: Sequence[Any]) -> bool:
    if list(asks[:2]) != list(says[:2]):
        return False
    return asks[:1] in (["r"], ["rp"], ("r",), ("rp",)) or len(asks) < 3 or asks[2] is None or asks[2:] == says[2:]


def split(
    invoke: int, micros: Any, committed: bool, atom: Callable[[Any], Atom]
) -> tuple[dict[Atom, list[Atom]], list[Read]]:
    """The appends and, of what committed, the reads."""
    if not is_list(micros):
        raise Unsupported(f"operation {invoke}: read {show(micros)}; expected a list of {_EXPECTED}")
    appends: dict[Atom, list[Atom]] = {}
    reads: list[Read] = []
    for place, micro in enumerate(micros):
        f = micro[0] if is_list(micro) and len(micro) in (2, 3) else None
        if f == "append" and len(micro) == 3:
            appends.setdefault(atom(micro[1]), []).append(atom(micro[2]))
        elif f == "r":
            if committed:
                key = atom(micro[1])
                own = appends.get(key)
                value = micro[2] if len(micro) == 3 else None
                reads.append(Read(key, _elements(invoke, value, atom), len(own) if own else 0, place))
        else:
            raise Unsupported(f"operation {invoke}: read {show(micro)}; expected {_EXPECTED}")
    return appends, reads


def is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _elements(invoke: int, value: Any, atom: Callable[[Any], Atom]) -> tuple[Atom, ...]:
    """What a read returned; null, or nothing at all, is the empty list, as Elle has it."""
    if value is None:
        return ()
    if not is_list(value):
        raise Unsupported(f"operation {invoke}: read the list {show(value)}; expected a list, or null")
    return tuple(value) if _PLAIN.issuperset(map(type, value)) else tuple(map(atom, value))
