"""Several registers that one operation may read and write together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checkers.guard import Unsupported
from checkers.linearizable.model import Kind, Reading, State, Step, strange, strange_value
from checkers.value import show
from harness.history import Call

_READS, _WRITES = ("read", "r"), ("write", "w")
_UNREAD = -2  # no value's code


@dataclass(frozen=True, slots=True)
class MultiRegister:
    """read and write of a map from names to values, or transactions [["r", name, value], ["w", name, value], ...],
    whose parts take effect at one moment, in their order. Registers that no operation joins are independent objects.

    A step's arguments are its parts ("r" or "w", name, value), codes all; the state is the set of (name, value) of the
    registers that do not have the value of nil.
    """

    name: str = "multi-register"
    summary: str = "named registers; read, write of a map, txn [[read|write name value] ...]"
    kind: Kind = "other"

    def begin(self, initial: Any, reading: Reading) -> State:
        if initial is not None and not isinstance(initial, Mapping):
            raise Unsupported(f"read the initial value {show(initial)}; expected a map from registers to values")
        pairs = ((_name(name, reading), reading.code(value)) for name, value in (initial or {}).items())
        return frozenset(pair for pair in pairs if pair[1] != reading.code(None))

    def parse(self, call: Call, reading: Reading) -> Step | None:
        parts = tuple(dict.fromkeys(self._parts(call, reading)) if call.f in _READS else self._parts(call, reading))
        return Step("txn", (reading.code(None), *parts)) if parts else None

    def _parts(self, call: Call, reading: Reading) -> Iterator[tuple[str, int, int]]:
        if call.f in _READS:
            answer = call.result if call.outcome == "ok" else None
            if answer is not None and not isinstance(answer, Mapping):
                raise strange_value(call, answer, "a map from registers to values")
            micros = [("r", name, value) for name, value in (answer or {}).items()]
        elif call.f in _WRITES:
            if not isinstance(call.argument, Mapping):
                raise strange_value(call, call.argument, "a map from registers to values")
            micros = [("w", name, value) for name, value in call.argument.items()]
        elif call.f == "txn":
            micros = list(_micros(call))
        else:
            raise strange(call, "read, write or txn")
        for act, name, value in micros:
            if act == "w" or (call.outcome == "ok" and (value is not None or reading.nil_is_value)):
                yield act, _name(name, reading), reading.code(value)

    def step(self, state: State, step: Step) -> State | None:
        nil, *parts = step.given
        values = dict(state)
        for act, name, value in parts:
            if act == "w":
                values[name] = value
            elif values.get(name, nil) != value:
                return None
        if self.observes(step):
            return state
        return frozenset(pair for pair in values.items() if pair[1] != nil)

    def observes(self, step: Step) -> bool:
        return all(part[0] == "r" for part in step.given[1:])

    def foresee(self, required: Sequence[Step], optional: Sequence[Step]) -> Callable[[State], State | None] | None:
        """Values of a register that nobody reads are all alike."""
        read = {part[1:] for step in (*required, *optional) for part in step.given[1:] if part[0] == "r"}

        def canonical(state: State) -> State:
            return frozenset(pair if pair in read else (pair[0], _UNREAD) for pair in state)

        return canonical

    def overwrites(self, later: Step, earlier: Step) -> bool:
        names = {name for _, name, _ in earlier.given[1:]}
        blind = {name: act == "w" for act, name, _ in reversed(later.given[1:])}
        return all(act == "w" for act, *_ in earlier.given[1:]) and all(blind.get(name) for name in names)

    def independent(self, one: Step, other: Step) -> bool:
        written, others = _written(one), _written(other)
        named, other_named = (frozenset(name for _, name, _ in step.given[1:]) for step in (one, other))
        return written.isdisjoint(other_named) and others.isdisjoint(named)

    def attainable(self, observer: Step, possible: Sequence[Step]) -> Callable[[State], bool]:
        nil, *parts = observer.given
        writable = {(name, value) for step in possible for act, name, value in step.given[1:] if act == "w"}
        wanted = [(name, value) for _, name, value in parts if (name, value) not in writable]

        def possible_from(state: State) -> bool:
            values = dict(state)
            return all(values.get(name, nil) == value for name, value in wanted)

        return possible_from

    def parts(self, steps: Sequence[Step]) -> Sequence[Hashable] | None:
        """Registers that are ever named together are one object."""
        leaders: dict[int, int] = {}

        def leader(name: int) -> int:
            while leaders.setdefault(name, name) != name:
                leaders[name] = leaders[leaders[name]]
                name = leaders[name]
            return name

        for step in steps:
            first, *others = (part[1] for part in step.given[1:])
            for other in others:
                leaders[leader(other)] = leader(first)
        return [leader(step.given[1][1]) for step in steps]


def _written(step: Step) -> frozenset[int]:
    return frozenset(name for act, name, _ in step.given[1:] if act == "w")


def _name(name: Any, reading: Reading) -> int:
    """Registers are known by name: a keyword of EDN is the string of its name."""
    return reading.code(str(name) if isinstance(name, str) else name)


def _micros(call: Call) -> Iterator[tuple[str, Any, Any]]:
    """The parts of a transaction; of one that completed, as it says itself."""
    value = call.argument if call.outcome != "ok" or call.result is None else call.result
    if not isinstance(value, (list, tuple)):
        raise strange_value(call, value, "a list of [read or write, register, value]")
    for micro in value:
        if not isinstance(micro, (list, tuple)) or len(micro) != 3 or micro[0] not in (*_READS, *_WRITES):
            raise strange_value(call, micro, "[read or write, register, value]")
        yield ("r" if micro[0] in _READS else "w"), micro[1], micro[2]
