"""Models: what a sequential object would answer. Pure functions of a state and a step; states and values are codes.

The values of a history are replaced by their codes (``checkers.value``) before a model sees them, so that equality of
values is equality of integers. To add a model, give it the four members of :class:`Model` and a line in ``MODELS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from checkers.guard import Unsupported
from checkers.value import show
from harness.history import Call


class Step(NamedTuple):
    """An operation as a model sees it: its name, the codes of its arguments, the code it returned (-1: nothing)."""

    f: str
    given: tuple[int, ...]
    returned: int


class Model(Protocol):
    """A sequential object, of which a linearizable system is an indistinguishable copy (Herlihy & Wing 1990)."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...

    def parse(self, call: Call, code: Callable[[Any], int]) -> Step:
        """The call as a step. Raises :class:`checkers.guard.Unsupported`."""

    def step(self, state: int, step: Step) -> int | None:
        """The state after the step, or None if the object would not have answered so."""


@dataclass(frozen=True, slots=True)
class Register:
    """read returns what was written last, or the initial value."""

    name: str = "register"
    summary: str = "one value; read, write"

    def parse(self, call: Call, code: Callable[[Any], int]) -> Step:
        if call.f == "read":
            return Step("read", (), code(call.result))
        if call.f == "write":
            return Step("write", (code(call.argument),), -1)
        raise _strange(call, "read or write")

    def step(self, state: int, step: Step) -> int | None:
        if step.f == "write":
            return step.given[0]
        return state if step.returned == state else None


@dataclass(frozen=True, slots=True)
class CasRegister:
    """A register with compare-and-set: cas [old, new] succeeds only where the value is old, and leaves new."""

    name: str = "cas-register"
    summary: str = "one value; read, write, cas [old, new]"

    def parse(self, call: Call, code: Callable[[Any], int]) -> Step:
        if call.f != "cas":
            if call.f not in ("read", "write"):
                raise _strange(call, "read, write or cas")
            return Register().parse(call, code)
        if not isinstance(call.argument, (list, tuple)) or len(call.argument) != 2:
            raise Unsupported(f"operation {call.invoke}: read the cas value {show(call.argument)}; expected [old, new]")
        return Step("cas", (code(call.argument[0]), code(call.argument[1])), -1)

    def step(self, state: int, step: Step) -> int | None:
        if step.f == "cas":
            return step.given[1] if step.given[0] == state else None
        return Register().step(state, step)


def _strange(call: Call, expected: str) -> Unsupported:
    return Unsupported(f"operation {call.invoke}: read the operation {show(call.f)}; expected {expected}")


_ALL: Final[tuple[Model, ...]] = (Register(), CasRegister())
BY_NAME: Final[Mapping[str, Model]] = {model.name: model for model in _ALL}
MODELS: Final[Mapping[str, str]] = {model.name: model.summary for model in _ALL}
