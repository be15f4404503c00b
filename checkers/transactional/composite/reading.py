"""Transactions on registers, sets, counters and ranges as a history has them: micro-operations under ``txn``.

``["w", key, value]``, ``["add", key, element]``, ``["inc", key, delta]``; ``["r", key, value]``, where what is written
to the key says what the value is: a register's, the elements of a set, the total of a counter; and ``["rp", [first,
last], [[key, value], ...]]``, a predicate read of all registers with a key in that range that have a value. Null is the
empty set, the total 0, and of a register that it has no value.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from checkers.guard import Unsupported
from checkers.transactional.composite.key_range import compare, contains, kind_of
from checkers.transactional.transaction import (
    OPERATION,
    OUTCOMES,
    Atom,
    Outcome,
    answered,
    asked,
    atoms,
    is_list,
    value_of,
)
from checkers.value import show
from harness.history import DUMP, INVOKE, History

DataType = Literal["register", "set", "counter"]
WRITES: Final[Mapping[str, DataType]] = {"w": "register", "add": "set", "inc": "counter"}
OWN: Final = frozenset(("add", "inc", "rp"))
"""Micro-operations that only this reading knows."""
_EXPECTED: Final = '"w", "add", "inc", "r" or "rp" with its key and value'
_NUMBER_BITS_MAX: Final = 128


class Micro(NamedTuple):
    """``value``: an atom of a register, a tuple of atoms that were read of a set, a number of a counter, pairs of atoms
    of a range, whose key is its bounds as atoms. ``place``: which of its transaction it is."""

    f: str
    key: Any
    value: Any
    place: int


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A transaction. Reads of what did not certainly commit, and reads without a value, are not kept."""

    number: int
    invoke: int
    complete: int | None
    process: int
    session: Hashable
    outcome: Outcome
    micros: list[Micro]

    @property
    def operations(self) -> tuple[int, ...]:
        """Its lines in the history."""
        return (self.invoke,) if self.complete is None else (self.invoke, self.complete)


@dataclass(slots=True)
class Composite:
    """All transactions of clients, in order of invocation; of each key what it is; what was there at the beginning
    (``initial(key)``: the atom of a register, the total of a counter); ``null``: the atom of null; ``keys``: of all
    registers that anybody ever wrote or was told of."""

    transactions: list[Parsed]
    types: dict[Atom, DataType]
    initial: Callable[[Atom], Any]
    null: Atom
    keys: list[Atom] = field(default_factory=list)
    _sorted: dict[str, tuple[list[Any], list[Atom]]] = field(default_factory=dict)

    def inside(self, bounds: tuple[Atom, Atom]) -> list[Atom]:
        """The registers in a range. Raises :class:`checkers.guard.Unsupported` where that cannot be told."""
        first, last = value_of(bounds[0]), value_of(bounds[1])
        kind = kind_of(first)
        if kind not in ("number", "text"):
            return [key for key in self.keys if contains((first, last), value_of(key))]
        if kind not in self._sorted:
            listed = sorted(((value_of(key), key) for key in self.keys if kind_of(value_of(key)) == kind), key=_value)
            self._sorted[kind] = [value for value, _ in listed], [key for _, key in listed]
        values, keys = self._sorted[kind]
        return keys[bisect_left(values, first) : bisect_right(values, last)]


def _value(pair: tuple[Any, Atom]) -> Any:
    return pair[0]


def is_composite(history: History) -> bool:
    """Whether some client's transaction has a micro-operation of sets, counters or ranges."""
    for value, process in zip(history.values, history.processes, strict=True):
        if process >= 0 and is_list(value):
            for micro in value:
                if is_list(micro) and micro and isinstance(micro[0], str) and micro[0] in OWN:
                    return True
    return False


def read_composite(history: History, initial: Any = None) -> Composite:
    """``initial``: a mapping from keys (integers as text, too) to values of registers and totals of counters, others
    null; or one value for all registers.

    Raises :class:`checkers.guard.Unsupported` for what is no such transaction, and
    :class:`harness.history.HistoryError`.
    """
    atom = atoms()
    listed = list(_raw(history))
    types = _types(listed, atom)
    parsed = [_parsed(number, each, types, atom) for number, each in enumerate(listed)]
    found = Composite(parsed, types, _initial(initial, types, atom), atom(None))
    found.keys = _keys(found, initial, atom)
    _check_ranges(found)
    return found


class _Raw(NamedTuple):
    invoke: int
    complete: int | None
    process: int
    session: Any
    outcome: Outcome
    micros: list[Any]


def _raw(history: History) -> Iterator[_Raw]:
    partners, types, values, sessions = history.partners, history.types, history.values, history.sessions
    names = history.f_names
    for invoke, (code, process, f) in enumerate(zip(types, history.processes, history.fs, strict=True)):
        if code != INVOKE or process < 0 or names[f] == DUMP:
            continue
        if names[f] != OPERATION:
            raise Unsupported(f"operation {invoke}: read the operation {show(names[f])}; expected {OPERATION}")
        end = partners[invoke]
        outcome: Outcome = OUTCOMES[types[end]] if end >= 0 else "info"
        answer = values[end] if end >= 0 else None
        micros = answered(invoke, values[invoke], answer) if outcome == "ok" else asked(values[invoke], answer)
        if not is_list(micros):
            raise Unsupported(f"operation {invoke}: read {show(micros)}; expected a list of {_EXPECTED}")
        session = sessions[invoke] if sessions is not None else None
        yield _Raw(invoke, None if outcome == "info" else end, process, session, outcome,
                   [_checked(invoke, each) for each in micros])  # fmt: skip


def _checked(invoke: int, micro: Any) -> Any:
    size = len(micro) if is_list(micro) else 0
    f = micro[0] if size in (2, 3) and isinstance(micro[0], str) else None
    if f == "append":
        raise Unsupported(f"operation {invoke}: read {show(micro)} beside sets, counters or predicate reads; expected "
                          "lists in a history of their own: check the keys of lists and the others apart")  # fmt: skip
    if (f in WRITES and size == 3) or f in ("r", "rp"):
        return micro
    raise Unsupported(f"operation {invoke}: read {show(micro)}; expected {_EXPECTED}")


def _types(listed: list[_Raw], atom: Callable[[Any], Atom]) -> dict[Atom, DataType]:
    """By what is written to a key; of one that is only read, by what was read: nothing can come of it but a read of
    what nobody wrote."""
    types: dict[Atom, DataType] = {}
    for each in listed:
        for micro in each.micros:
            if micro[0] in WRITES and types.setdefault(atom(micro[1]), WRITES[micro[0]]) != WRITES[micro[0]]:
                raise Unsupported(f"operation {each.invoke}: read {show(micro)} of what is a {types[atom(micro[1])]} "
                                  "elsewhere; expected one data type for each key")  # fmt: skip
    counts = "counter" in types.values() or "register" not in types.values()
    guessed: dict[Atom, DataType] = {}
    for each in listed:
        for micro in each.micros if each.outcome == "ok" else ():
            if micro[0] == "r" and len(micro) == 3 and micro[2] is not None and atom(micro[1]) not in types:
                value = micro[2]
                elements = is_list(value) or isinstance(value, (set, frozenset))
                number = counts and isinstance(value, int) and not isinstance(value, bool)
                guess: DataType = "set" if elements else "counter" if number else "register"
                if guessed.setdefault(atom(micro[1]), guess) != guess:
                    guessed[atom(micro[1])] = "register"
    return types | guessed


def _parsed(number: int, raw: _Raw, types: Mapping[Atom, DataType], atom: Callable[[Any], Atom]) -> Parsed:
    who = raw.process if raw.session is None else ("session", atom(raw.session))
    micros = []
    for place, micro in enumerate(raw.micros):
        f = micro[0]
        if f in ("r", "rp") and (raw.outcome != "ok" or len(micro) != 3):
            continue
        if f == "rp":
            micros.append(_range(raw.invoke, micro, place, atom))
            continue
        key = atom(micro[1])
        type_ = types.get(key, "register")
        value = micro[2]
        if type_ == "counter":
            value = _number(raw.invoke, micro)
        elif type_ == "set" and f == "r":
            value = _elements(raw.invoke, micro, atom)
        else:
            value = atom(value)
        micros.append(Micro(f, key, value, place))
    return Parsed(number, raw.invoke, raw.complete, raw.process, who, raw.outcome, micros)


def _number(invoke: int, micro: Any) -> int:
    value = 0 if micro[2] is None and micro[0] == "r" else micro[2]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _NUMBER_BITS_MAX:
        return value
    raise Unsupported(f"operation {invoke}: read {show(micro)} of a counter; expected an integer")


def _elements(invoke: int, micro: Any, atom: Callable[[Any], Atom]) -> tuple[Atom, ...]:
    value = micro[2]
    if value is None:
        return ()
    if is_list(value):
        return tuple(map(atom, value))
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(map(atom, value), key=lambda each: show(value_of(each))))
    raise Unsupported(f"operation {invoke}: read {show(micro)} of a set; expected a list of its elements, or null")


def _range(invoke: int, micro: Any, place: int, atom: Callable[[Any], Atom]) -> Micro:
    bounds, pairs = micro[1], micro[2]
    where = f"operation {invoke}: read the predicate read {show(micro)}"
    if not is_list(bounds) or len(bounds) != 2 or compare(bounds[0], bounds[1]) is None:
        raise Unsupported(f"{where}; expected bounds [first, last] that can be compared")
    if isinstance(pairs, Mapping):
        if not isinstance(bounds[0], str) and any(isinstance(key, str) for key in pairs):
            raise Unsupported(f"{where}; expected pairs [key, value]: an object's keys are text, the range's are not")
        pairs = list(pairs.items())
    pairs = [] if pairs is None else pairs
    if not is_list(pairs) or any(not is_list(pair) or len(pair) != 2 for pair in pairs):
        raise Unsupported(f"{where}; expected a list of pairs [key, value]")
    read = tuple((atom(key), atom(value)) for key, value in pairs)
    return Micro("rp", (atom(bounds[0]), atom(bounds[1])), read, place)


def _initial(initial: Any, types: Mapping[Atom, DataType], atom: Callable[[Any], Atom]) -> Callable[[Atom], Any]:
    whole = atom(None) if isinstance(initial, Mapping) else atom(initial)
    by_name = {str(key): value for key, value in initial.items()} if isinstance(initial, Mapping) else {}

    def of(key: Atom) -> Any:
        type_ = types.get(key, "register")
        name = value_of(key)
        given = by_name.get(name if isinstance(name, str) else str(name))
        if type_ == "register":
            return whole if given is None else atom(given)
        if type_ == "set" and given not in (None, []):
            raise Unsupported(f"read the initial value {show(given)} of the set {show(name)}; expected none")
        total = 0 if given is None else given
        if type_ == "counter" and (not isinstance(total, int) or isinstance(total, bool)):
            raise Unsupported(f"read the initial value {show(given)} of the counter {show(name)}; expected an integer")
        return total

    return of


def _keys(found: Composite, initial: Any, atom: Callable[[Any], Atom]) -> list[Atom]:
    """Those of registers: written, read, told of in a range, or given an initial value."""
    keys: dict[Atom, None] = {}
    ranges: list[tuple[Any, Any]] = []
    for each in found.transactions:
        for micro in each.micros:
            if micro.f == "rp":
                keys.update((key, None) for key, _ in micro.value)
                ranges.append(micro.key)
            else:
                keys[micro.key] = None
    if ranges and initial is not None and not isinstance(initial, Mapping):
        raise Unsupported(f"read the initial value {show(initial)} of all registers beside predicate reads; expected a "
                          "mapping from keys to values, so that the keys are known")  # fmt: skip
    if ranges and isinstance(initial, Mapping):
        numbers = any(type(value_of(bounds[0])) is int for bounds in ranges)
        for name in initial:
            text = isinstance(name, str) and name.removeprefix("-").isdigit()
            keys[atom(int(name) if numbers and text else name)] = None
    return list(keys)


def _check_ranges(found: Composite) -> None:
    """Ranges are of registers only."""
    for each in found.transactions:
        for micro in each.micros if each.outcome == "ok" else ():
            for key in found.inside(micro.key) if micro.f == "rp" else ():
                if found.types.get(key, "register") != "register":
                    raise Unsupported(f"operation {each.invoke}: read a range with {show(value_of(key))} in it, a "
                                      f"{found.types[key]}; expected ranges of registers")  # fmt: skip
