"""Transactions on registers as a history has them: ``["w", key, value]`` and ``["r", key, value]`` under ``txn``.

An operation ``read`` or ``write`` is a transaction of that alone, its key that of the operation. A read without a value
(``["r", key]``) says nothing. Null is a value: that of a key nobody wrote, unless an initial one is given.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from checkers.guard import Unsupported
from checkers.transactional.transaction import (
    OPERATION,
    OUTCOMES,
    REGISTER_OPERATIONS,
    Atom,
    Outcome,
    Read,
    Transaction,
    answered,
    asked,
    atoms,
    is_list,
    value_of,
)
from checkers.value import show
from harness.history import DUMP, INVOKE, History

DataType = Literal["list", "register", "composite"]
NilReads = Literal["value", "unknown"]
_EXPECTED: Final = 'micro-operations ["w", key, value] and ["r", key, value]'
_BY_MICRO: Final[Mapping[str, DataType]] = {"append": "list", "w": "register", "add": "composite", "inc": "composite",
                                            "rp": "composite"}  # fmt: skip
_READ_ONLY, _WRITE_ONLY, _MICROS, _PASSED = range(4)


@dataclass(frozen=True, slots=True)
class Reading:
    """All transactions of clients, in order of invocation, and what each register held before them."""

    transactions: list[Transaction]
    initial: Callable[[Atom], Atom]


def data_type(history: History) -> DataType:
    """What the transactions are about: a list where one appends, or else where every value that was read is a list or
    null; registers where one writes, or where an operation is a plain ``read`` or ``write``; what is "composite" where
    one adds, increments or reads a range."""
    if any(name in REGISTER_OPERATIONS for name in history.f_names):
        return "register"
    scalar = False
    for value, process in zip(history.values, history.processes, strict=True):
        if process < 0 or not is_list(value):
            continue
        for micro in value:
            if not is_list(micro) or not micro:
                continue
            if isinstance(micro[0], str) and micro[0] in _BY_MICRO:
                return _BY_MICRO[micro[0]]
            scalar |= len(micro) > 2 and micro[2] is not None and not is_list(micro[2])
    return "register" if scalar else "list"


def read_transactions(history: History, initial: Any = None, nil_reads: NilReads = "value") -> Reading:
    """``initial``: one value for all, or a mapping from keys (integers as text, too) to values, of others null.
    ``nil_reads``: whether a plain ``read`` of null says anything.

    Raises :class:`checkers.guard.Unsupported` for an operation that is no transaction on registers, and
    :class:`harness.history.HistoryError`.
    """
    atom = atoms()
    kinds = [_kind(name) for name in history.f_names]
    partners, types, values, keys, sessions = (
        history.partners, history.types, history.values, history.keys, history.sessions)  # fmt: skip
    found: list[Transaction] = []
    for invoke, (code, process, f) in enumerate(zip(types, history.processes, history.fs, strict=True)):
        if code != INVOKE or process < 0 or kinds[f] == _PASSED:
            continue
        end = partners[invoke]
        outcome: Outcome = OUTCOMES[types[end]] if end >= 0 else "info"
        answer = values[end] if end >= 0 else None
        if kinds[f] == _MICROS:
            micros = answered(invoke, values[invoke], answer) if outcome == "ok" else asked(values[invoke], answer)
        elif kinds[f] == _WRITE_ONLY:
            micros = [["w", keys[invoke] if keys else None, values[invoke]]]
        elif kinds[f] == _READ_ONLY:
            micros = [["r", keys[invoke] if keys else None, *([] if answer is None and nil_reads == "unknown" else
                                                               [answer])]]  # fmt: skip
        else:
            raise Unsupported(f"operation {invoke}: read the operation {show(history.f_names[f])}; expected "
                              f"{OPERATION}, or {' or '.join(REGISTER_OPERATIONS)}")  # fmt: skip
        writes, reads = _split(invoke, micros, outcome == "ok", atom)
        session = None if sessions is None else sessions[invoke]
        who: Hashable = process if session is None else ("session", atom(session))
        complete = None if outcome == "info" else end
        found.append(Transaction(len(found), invoke, complete, process, who, outcome, writes, reads))
    return Reading(found, _initial(initial, atom))


def _kind(name: str) -> int | None:
    return {DUMP: _PASSED, OPERATION: _MICROS, "read": _READ_ONLY, "write": _WRITE_ONLY}.get(name)


def _split(
    invoke: int, micros: Any, committed: bool, atom: Callable[[Any], Atom]
) -> tuple[dict[Atom, list[Atom]], Sequence[Read]]:
    """The writes and, of what committed, the reads."""
    if not is_list(micros):
        raise Unsupported(f"operation {invoke}: read {show(micros)}; expected a list of {_EXPECTED}")
    writes: dict[Atom, list[Atom]] = {}
    reads: list[Read] = []
    for place, micro in enumerate(micros):
        size = len(micro) if is_list(micro) else 0
        f = micro[0] if size in (2, 3) else None
        if f == "w" and size == 3:
            writes.setdefault(atom(micro[1]), []).append(atom(micro[2]))
        elif f == "r":
            if committed and size == 3:
                key = atom(micro[1])
                own = writes.get(key)
                reads.append(Read(key, (atom(micro[2]),), len(own) if own else 0, place))
        elif f == "append":
            raise Unsupported(f"operation {invoke}: read {show(micro)} in a history of registers; expected "
                              f"{_EXPECTED}, or a history of lists only")  # fmt: skip
        else:
            raise Unsupported(f"operation {invoke}: read {show(micro)}; expected {_EXPECTED}")
    return writes, reads


def _initial(initial: Any, atom: Callable[[Any], Atom]) -> Callable[[Atom], Atom]:
    if not isinstance(initial, Mapping):
        whole = atom(initial)
        return lambda key: whole
    by_name = {key: atom(value) for key, value in initial.items()}
    absent = atom(None)

    def of(key: Atom) -> Atom:
        name = value_of(key)
        return by_name.get(name if isinstance(name, str) else str(name), absent)

    return of
