"""A set: add, remove and contains, which may be told whether they changed anything; read of the whole."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from checkers.guard import Unsupported
from checkers.linearizable.model import (
    UNKNOWN,
    Kind,
    Reading,
    State,
    Step,
    operation_name,
    strange,
    strange_value,
)
from checkers.value import show
from harness.history import Call

_NAMES = {"add": "add", "insert": "add", "remove": "remove", "delete": "remove", "contains": "contains"}
_Plural = (list, tuple, set, frozenset)


@dataclass(frozen=True, slots=True)
class Set:
    """The state is the frozen set of the elements' codes.

    add and remove that return true changed the set, with false they did not; any other answer says nothing. Without
    reads of the whole each element is an object of its own.
    """

    name: str = "set"
    summary: str = "elements; add, remove, contains, read"
    kind: Kind = "other"

    def begin(self, initial: Any, reading: Reading) -> State:
        if initial is not None and not isinstance(initial, _Plural):
            raise Unsupported(f"read the initial value {show(initial)}; expected a list of elements")
        return frozenset(reading.code(element) for element in initial or ())

    def parse(self, call: Call, reading: Reading) -> Step | None:
        if call.f == "read":
            if not reading.answers(call):
                return None
            if not isinstance(call.result, _Plural):
                raise strange_value(call, call.result, "the list of all elements")
            return Step("read", (), frozenset(reading.code(element) for element in call.result))
        name = _NAMES.get(operation_name(call))
        if name is None:
            raise strange(call, "add, remove, contains or read")
        answer = _answer(call, name)
        if name == "contains" and answer is UNKNOWN:
            if call.outcome == "ok" and (reading.nil_is_value or call.result is not None):
                raise strange_value(call, call.result, "true or false")
            return None
        return Step(name, (reading.code(call.argument),), answer)

    def step(self, state: State, step: Step) -> State | None:
        if step.f == "read":
            return state if step.returned == state else None
        (element,) = step.given
        present = element in state
        if step.f == "contains":
            return state if present == step.returned else None
        changes = present == (step.f == "remove")
        if step.returned is not UNKNOWN and step.returned != changes:
            return None
        if not changes:
            return state
        return state | {element} if step.f == "add" else state - {element}

    def observes(self, step: Step) -> bool:
        return step.f in ("read", "contains") or step.returned is False

    def parts(self, steps: Sequence[Step]) -> Sequence[Hashable] | None:
        return None if any(step.f == "read" for step in steps) else [step.given[0] for step in steps]

    def foresee(self, required: Sequence[Step], optional: Sequence[Step]) -> Callable[[State], State | None] | None:
        """A set that only grows passes through every set that was read: each state contains it, or is within it."""
        if any(step.f == "remove" for step in (*required, *optional)):
            return None
        seen = {step.returned for step in required if step.f == "read"}
        return lambda state: state if all(state <= other or other <= state for other in seen) else None

    def overwrites(self, later: Step, earlier: Step) -> bool:
        changing = ("add", "remove")
        return (
            earlier.f in changing
            and later.f in changing
            and earlier.given == later.given
            and earlier.returned is later.returned is UNKNOWN
        )

    def independent(self, one: Step, other: Step) -> bool:
        if one.f == "read" or other.f == "read":
            return self.observes(one) and self.observes(other)
        return one.given != other.given

    def attainable(self, observer: Step, possible: Sequence[Step]) -> Callable[[State], bool]:
        added = frozenset(step.given[0] for step in possible if step.f == "add")
        removed = frozenset(step.given[0] for step in possible if step.f == "remove")
        if observer.f == "read":
            wanted = observer.returned
            return lambda state: wanted - state <= added and state - wanted <= removed
        (element,) = observer.given
        present = observer.returned if observer.f == "contains" else observer.f == "add"
        changed = element in (added if present else removed)
        return lambda state: changed or (element in state) == present


def _answer(call: Call, name: str) -> bool | None:
    if call.outcome != "ok":
        return UNKNOWN
    result = call.result
    if isinstance(result, (list, tuple)) and len(result) == 2 and isinstance(result[1], bool) and name == "contains":
        return result[1]
    if not isinstance(result, bool):
        return UNKNOWN
    if name != "contains" and isinstance(call.argument, bool):
        raise strange_value(call, result, "no answer of true or false where an element is one")
    return result
