"""Random register histories: linearizable by construction, spoilt a little, or arbitrary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from harness.history import Op

SMALL: tuple[Any, ...] = (1, 2, 3)
STRANGE: tuple[Any, ...] = (None, 1, True, 1.0, "1", [1], [True], {"a": 1})


@dataclass(frozen=True, slots=True)
class Shape:
    """What histories to make. Shares are probabilities per operation; ``crashes`` is how many operations, in all, get
    no definite answer (spread over the run), ``initial`` the value before the first write."""

    operations: int
    processes: int
    values: Sequence[Any] = SMALL
    keys: Sequence[Any] = (None,)
    initial: Any = None
    read_share: float = 0.4
    cas_share: float = 0.3
    fail_share: float = 0.05
    crashes: int = 0


@dataclass(slots=True)
class _Running:
    op: Op
    applied: bool = False
    result: Any = None
    doomed: str | None = None  # "fail": will not happen; "info": will not be answered


@dataclass(slots=True)
class _Object:
    """Registers that apply each operation at one moment between its invocation and its completion."""

    shape: Shape
    random: Random
    states: dict[Any, Any] = field(default_factory=dict)
    lines: list[Op] = field(default_factory=list)
    lost: list[_Running] = field(default_factory=list)  # unanswered, and may be applied yet

    def apply(self, running: _Running) -> None:
        running.applied = True
        op = running.op
        state = self.states.get(repr(op.key), self.shape.initial)
        if op.f == "read":
            running.result = state
        elif op.f == "write":
            self.states[repr(op.key)] = running.result = op.value
        elif _same(state, op.value[0]):
            self.states[repr(op.key)], running.result = op.value[1], op.value
        else:
            running.doomed = running.doomed or "fail"


def _same(a: Any, b: Any) -> bool:
    return repr(a) == repr(b)


def linearizable(shape: Shape, random: Random) -> list[Op]:
    """A history of a correct system: running operations advance one at a time in random order."""
    system = _Object(shape, random)
    crash_at = set(random.sample(range(shape.operations), min(shape.crashes, shape.operations)))
    running: dict[int, _Running] = {}
    names, fresh, invoked = list(range(shape.processes)), shape.processes, 0
    while invoked < shape.operations or running:
        thread = random.randrange(shape.processes)
        process = names[thread]
        if process not in running:
            if invoked < shape.operations:
                running[process] = _Running(_invocation(shape, random, process), doomed=_doom(shape, random))
                if invoked in crash_at:
                    running[process].doomed = "info"
                system.lines.append(running[process].op)
                invoked += 1
        elif not running[process].applied and running[process].doomed is None:
            system.apply(running[process])
        else:
            done = running.pop(process)
            if done.doomed == "info":
                names[thread], fresh = fresh, fresh + 1
                system.lost.append(done)
            _complete(system, done)
        if system.lost and random.random() < 0.1:
            system.apply(system.lost.pop(random.randrange(len(system.lost))))
    return system.lines


def _doom(shape: Shape, random: Random) -> str | None:
    return "fail" if random.random() < shape.fail_share else None


def _invocation(shape: Shape, random: Random, process: int) -> Op:
    draw, key = random.random(), random.choice(shape.keys)
    if draw < shape.read_share:
        return Op("invoke", process, "read", key=key)
    if draw < shape.read_share + shape.cas_share:
        return Op("invoke", process, "cas", [random.choice(shape.values), random.choice(shape.values)], key=key)
    return Op("invoke", process, "write", random.choice(shape.values), key=key)


def _complete(system: _Object, done: _Running) -> None:
    if done.doomed == "info" and system.random.random() < 0.3:
        return  # no completion at all means the same
    outcome = done.doomed or "ok"
    value = done.result if outcome == "ok" else done.op.value
    system.lines.append(replace(done.op, type=outcome, value=value))  # type: ignore[arg-type]


def spoil(lines: Sequence[Op], shape: Shape, random: Random, times: int = 1) -> list[Op]:
    """The history with a few results changed, or completions moved: perhaps still linearizable, perhaps not."""
    spoilt = list(lines)
    for _ in range(times):
        at = random.randrange(len(spoilt)) if spoilt else 0
        if spoilt and spoilt[at].type == "ok" and spoilt[at].f == "read":
            spoilt[at] = replace(spoilt[at], value=random.choice([*shape.values, shape.initial]))
        elif spoilt and spoilt[at].type == "fail":
            spoilt[at] = replace(spoilt[at], type="ok")
        else:
            _swap(spoilt, at)
    return spoilt


def _swap(lines: list[Op], at: int) -> None:
    """Exchange two neighbouring lines of different processes: what overlapped no longer does, or the other way."""
    if at + 1 < len(lines) and lines[at].process != lines[at + 1].process:
        lines[at], lines[at + 1] = lines[at + 1], lines[at]


def arbitrary(shape: Shape, random: Random) -> list[Op]:
    """The shape's operations with arbitrary results; small ones are linearizable now and then."""
    lines = linearizable(shape, random)
    values = [*shape.values, shape.initial]
    return [
        replace(op, value=random.choice(values)) if op.type == "ok" and op.f == "read" and random.random() < 0.5 else op
        for op in lines
    ]


def small(random: Random) -> tuple[list[Op], Any]:
    """A history small enough for brute force (with its initial value): all kinds and all edges of the format."""
    values = random.choice((SMALL, SMALL, (1, 2), STRANGE))
    shape = Shape(
        operations=random.randint(1, 12),
        processes=random.randint(1, 5),
        values=values,
        keys=random.choice(((None,), (None,), ("x", "y"), (1, True))),
        initial=random.choice((None, values[0])),
        read_share=random.choice((0.3, 0.5, 0.7)),
        cas_share=random.choice((0.0, 0.3, 0.5)),
        fail_share=random.choice((0.0, 0.1)),
        crashes=random.choice((0, 0, 1, 2, 4)),
    )
    kind = random.randrange(6)
    if kind == 0:
        return linearizable(shape, random), shape.initial
    if kind <= 2:
        return arbitrary(shape, random), shape.initial
    return spoil(linearizable(shape, random), shape, random, times=random.randint(1, 6)), shape.initial
