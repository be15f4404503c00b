"""A counter: add and subtract, perhaps told the new value; read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from checkers.guard import Unsupported
from checkers.linearizable.model import UNKNOWN, Kind, Model, Reading, State, Step, strange, strange_value
from checkers.value import show
from harness.history import Call

_SIGNS = {"add": 1, "inc": 1, "increment": 1, "sub": -1, "dec": -1, "decrement": -1, "subtract": -1}
_TELLING = ("inc", "dec", "increment", "decrement")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


@dataclass(frozen=True, slots=True)
class Counter:
    """add changes the value by its argument, inc and dec by 1 where they have none; read returns it.

    An inc may return the new value. One with an argument may also return just that, as Jepsen's do; which of the two a
    history means is seen from all of them (``tells``): if ever an answer differs from the argument, it is the new
    value. The state is the value.
    """

    name: str = "counter"
    summary: str = "a number; add, inc, dec, read"
    kind: Kind = "other"
    tells: bool = False

    def adapted(self, calls: Sequence[Call], initial: Any) -> Model:
        told = (call for call in calls if call.f in _TELLING and call.outcome == "ok" and call.result is not None)
        return replace(self, tells=any(call.argument is None or call.result != call.argument for call in told))

    def begin(self, initial: Any, reading: Reading) -> State:
        if initial is not None and not _number(initial):
            raise Unsupported(f"read the initial value {show(initial)}; expected a number")
        return 0 if initial is None else initial

    def parse(self, call: Call, reading: Reading) -> Step | None:
        if call.f == "read":
            if not reading.answers(call):
                return None
            return Step("read", (), self._checked(call, call.result))
        if call.f not in _SIGNS:
            raise strange(call, "add, inc, dec or read")
        amount = 1 if call.argument is None and call.f in _TELLING else self._checked(call, call.argument)
        returned = UNKNOWN
        if self.tells and call.f in _TELLING and call.outcome == "ok" and call.result is not None:
            returned = self._checked(call, call.result)
        return Step("add", (_SIGNS[call.f] * amount,), returned)

    def _checked(self, call: Call, value: Any) -> Any:
        if not _number(value):
            raise strange_value(call, value, "a number")
        return value

    def step(self, state: State, step: Step) -> State | None:
        after = state + step.given[0] if step.f == "add" else state
        return after if step.returned is UNKNOWN or step.returned == after else None

    def observes(self, step: Step) -> bool:
        return step.f == "read" or step.given[0] == 0

    def independent(self, one: Step, other: Step) -> bool:
        if one.f == "add" and other.f == "add":
            return one.returned is UNKNOWN and other.returned is UNKNOWN
        return one.f == other.f

    def attainable(self, observer: Step, possible: Sequence[Step]) -> Callable[[State], bool]:
        amounts = [step.given[0] for step in possible]
        if not all(isinstance(amount, int) for amount in (*amounts, observer.returned)):
            return lambda state: True  # sums of other numbers are not exact
        least = sum(amount for amount in amounts if amount < 0)
        most = sum(amount for amount in amounts if amount > 0)
        return lambda state: observer.f != "read" or least <= observer.returned - state <= most
