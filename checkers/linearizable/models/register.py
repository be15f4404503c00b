"""Registers, and what is one in disguise: a mutex is a register that only compare-and-set changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkers.linearizable.model import Kind, Reading, State, Step, strange, strange_value
from harness.history import Call


@dataclass(frozen=True, slots=True)
class Register:
    """read returns what was written last, or the initial value. The state is its code."""

    name: str = "register"
    summary: str = "one value; read, write"
    kind: Kind = "register"
    reads: tuple[str, ...] = ("read",)
    writes: tuple[str, ...] = ("write",)

    def begin(self, initial: Any, reading: Reading) -> State:
        return reading.code(initial)

    def parse(self, call: Call, reading: Reading) -> Step | None:
        if call.f in self.reads:
            return Step("read", (), reading.code(call.result)) if reading.answers(call) else None
        if call.f in self.writes:
            return Step("write", (reading.code(call.argument),))
        raise strange(call, " or ".join((*self.reads, *self.writes)))

    def step(self, state: State, step: Step) -> State | None:
        if step.f == "write":
            return step.given[0]
        return state if step.returned == state else None

    def observes(self, step: Step) -> bool:
        return step.f == "read"


@dataclass(frozen=True, slots=True)
class CasRegister:
    """A register with compare-and-set: cas [old, new] succeeds only where the value is old, and leaves new."""

    name: str = "cas-register"
    summary: str = "one value; read, write, cas [old, new]"
    kind: Kind = "register"

    def begin(self, initial: Any, reading: Reading) -> State:
        return reading.code(initial)

    def parse(self, call: Call, reading: Reading) -> Step | None:
        if call.f in ("read", "write"):
            return Register().parse(call, reading)
        if call.f != "cas":
            raise strange(call, "read, write or cas")
        if not isinstance(call.argument, (list, tuple)) or len(call.argument) != 2:
            raise strange_value(call, call.argument, "[old, new]")
        return Step("cas", (reading.code(call.argument[0]), reading.code(call.argument[1])))

    def step(self, state: State, step: Step) -> State | None:
        if step.f == "cas":
            return step.given[1] if step.given[0] == state else None
        return Register().step(state, step)

    def observes(self, step: Step) -> bool:
        return step.f == "read" or (step.f == "cas" and step.given[0] == step.given[1])


@dataclass(frozen=True, slots=True)
class Mutex:
    """acquire succeeds only where nobody holds the lock, release only where somebody does (whoever it is)."""

    name: str = "mutex"
    summary: str = "a lock; acquire, release"
    kind: Kind = "register"

    def begin(self, initial: Any, reading: Reading) -> State:
        return reading.code(bool(initial))

    def parse(self, call: Call, reading: Reading) -> Step | None:
        free, held = reading.code(False), reading.code(True)
        if call.f in ("acquire", "lock"):
            return Step("cas", (free, held))
        if call.f in ("release", "unlock"):
            return Step("cas", (held, free))
        raise strange(call, "acquire or release")

    def step(self, state: State, step: Step) -> State | None:
        return CasRegister().step(state, step)

    def observes(self, step: Step) -> bool:
        return False
