"""Containers one puts into and takes from: queues first-in first-out, unordered and by priority; stacks; deques.

To take from an empty one returns nil. An operation whose answer was lost took whatever was next, or did nothing.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from checkers.guard import Unsupported
from checkers.linearizable.model import (
    EMPTY,
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

_QUEUE = {
    "enqueue": "put", "enq": "put", "offer": "put", "dequeue": "take", "deq": "take", "poll": "take", "peek": "peek",
}  # fmt: skip
_STACK = {"push": "put", "pop": "take", "peek": "peek", "top": "peek"}
_PRIORITY = _QUEUE | {"insert": "put", "add": "put"}
_DEQUE = {
    f"{act}_{end}": f"{kind}-{end}"
    for end in ("front", "back")
    for act, kind in (("push", "put"), ("pop", "take"), ("peek", "peek"))
}


def _contents(initial: Any) -> Sequence[Any]:
    if initial is None:
        return ()
    if not isinstance(initial, (list, tuple)) or any(value is None for value in initial):
        raise Unsupported(f"read the initial value {show(initial)}; expected a list of values that are not null")
    return initial


def _named(call: Call, names: dict[str, str], expected: str) -> str:
    name = names.get(operation_name(call))
    if name is None:
        raise strange(call, expected)
    if name.startswith("put") and call.argument is None:
        raise strange_value(call, None, "a value other than null, which is the answer of an empty one")
    return name


def _parse(call: Call, reading: Reading, names: dict[str, str], expected: str) -> Step | None:
    name = _named(call, names, expected)
    if name.startswith("put"):
        return Step(name, (reading.code(call.argument),))
    if call.outcome != "ok":
        return None if name.startswith("peek") else Step(name)
    return Step(name, (), EMPTY if call.result is None else reading.code(call.result))


def _observes(step: Step) -> bool:
    return step.f.startswith("peek") or step.returned == EMPTY


def _relevant(required: Sequence[Step], optional: Sequence[Step], first: Iterable[Any] | None) -> Sequence[bool]:
    """What nobody that certainly took or saw a value wants was not put, or was taken again by one that may be left out
    with it; what certainly was put, or was there at ``first`` (None: nobody knows what was), and is wanted by nobody
    may have to be taken away."""
    wanted = {step.returned for step in required} - {UNKNOWN, EMPTY}
    put = {step.given[0] for step in required if step.f.startswith("put")}
    touched = put | wanted | {UNKNOWN, *(first or ())}
    return [
        step.given[0] in wanted if step.f.startswith("put") else first is None or step.returned in touched
        for step in optional
    ]


def _lasting(
    required: Sequence[Step],
    optional: Sequence[Step],
    initial: Sequence[Any],
    precedes: Callable[[int, int], bool],
    end_of: Callable[[Step], str],
) -> Callable[[State], State | None] | None:
    """Rules out contents that cannot be taken out again as they were: of two values taken at the same end the inner one
    has to wait for the other, and neither can be taken through one that is taken at the other end, or never.

    Only of values that are put once is it known what takes them. ``end_of`` a take, "front" or "back"."""
    puts = Counter(initial)
    puts.update(step.given[0] for step in (*required, *optional) if step.f.startswith("put"))
    takes: dict[Any, list[int]] = {}
    for number, step in enumerate(required):
        if step.f.startswith("take") and step.returned != EMPTY:
            takes.setdefault(step.returned, []).append(number)
    uncertain = any(step.f.startswith("take") for step in optional)
    known: dict[Any, tuple[str, int]] = {}
    for value, count in puts.items():
        taken = takes.get(value, [])
        if count == 1 and len(taken) == 1:
            known[value] = (end_of(required[taken[0]]), taken[0])
        elif count == 1 and not taken and not uncertain:
            known[value] = ("never", -1)
    if not known:
        return None

    @cache
    def possible(outer: Any, inner: Any) -> bool:
        """Whether the one may stand nearer to the front than the other."""
        if outer not in known or inner not in known:
            return True
        (end, take), (inner_end, inner_take) = known[outer], known[inner]
        if end == inner_end != "never":
            return not (precedes(inner_take, take) if end == "front" else precedes(take, inner_take))
        return end == "front" or inner_end == "back" or end == inner_end

    def lasting(state: State) -> State | None:
        if not state:
            return state
        first, last = state[0], state[-1]
        if all(possible(first, each) for each in state[1:]) and all(possible(each, last) for each in state[:-1]):
            return state
        return None

    return lasting


@dataclass(frozen=True, slots=True)
class Queue:
    """First in, first out. The state is the tuple of codes, the first to go in front."""

    name: str = "queue"
    summary: str = "first in, first out; enqueue, dequeue (null: empty)"
    kind: Kind = "queue"

    def begin(self, initial: Any, reading: Reading) -> State:
        return tuple(reading.code(value) for value in _contents(initial))

    def parse(self, call: Call, reading: Reading) -> Step | None:
        return _parse(call, reading, _QUEUE, "enqueue or dequeue")

    def step(self, state: State, step: Step) -> State | None:
        if step.f == "put":
            return (*state, step.given[0])
        return _take(state, step, 0)

    def observes(self, step: Step) -> bool:
        return _observes(step)

    def foresee_in_time(
        self, required: Sequence[Step], optional: Sequence[Step], initial: State, precedes: Callable[[int, int], bool]
    ) -> Callable[[State], State | None] | None:
        return _lasting(required, optional, initial, precedes, lambda take: "front")

    def relevant(self, required: Sequence[Step], optional: Sequence[Step], initial: State = None) -> Sequence[bool]:
        return _relevant(required, optional, initial)


def _take(state: State, step: Step, at: int) -> State | None:
    """Take or look at the value at one end, 0 or -1."""
    if not state or step.returned == EMPTY:
        return state if not state and step.returned in (EMPTY, UNKNOWN) else None
    if step.returned is not UNKNOWN and step.returned != state[at]:
        return None
    if step.f.startswith("peek"):
        return state
    return state[1:] if at == 0 else state[:-1]


@dataclass(frozen=True, slots=True)
class Stack:
    """Last in, first out. The state is the tuple of codes, the bottom in front."""

    name: str = "stack"
    summary: str = "last in, first out; push, pop (null: empty)"
    kind: Kind = "stack"

    def begin(self, initial: Any, reading: Reading) -> State:
        return tuple(reading.code(value) for value in _contents(initial))

    def parse(self, call: Call, reading: Reading) -> Step | None:
        return _parse(call, reading, _STACK, "push or pop")

    def step(self, state: State, step: Step) -> State | None:
        if step.f == "put":
            return (*state, step.given[0])
        return _take(state, step, -1)

    def observes(self, step: Step) -> bool:
        return _observes(step)

    def foresee_in_time(
        self, required: Sequence[Step], optional: Sequence[Step], initial: State, precedes: Callable[[int, int], bool]
    ) -> Callable[[State], State | None] | None:
        return _lasting(required, optional, initial, precedes, lambda take: "back")

    def relevant(self, required: Sequence[Step], optional: Sequence[Step], initial: State = None) -> Sequence[bool]:
        return _relevant(required, optional, initial)


@dataclass(frozen=True, slots=True)
class Deque:
    """A queue with two ends. The state is the tuple of codes, the front in front."""

    name: str = "deque"
    summary: str = "two ends; push-front, push-back, pop-front, pop-back, peek-front, peek-back"
    kind: Kind = "other"

    def begin(self, initial: Any, reading: Reading) -> State:
        return tuple(reading.code(value) for value in _contents(initial))

    def parse(self, call: Call, reading: Reading) -> Step | None:
        return _parse(call, reading, _DEQUE, "push, pop or peek, each -front or -back")

    def step(self, state: State, step: Step) -> State | None:
        act, _, end = step.f.partition("-")
        if act == "put":
            return (step.given[0], *state) if end == "front" else (*state, step.given[0])
        return _take(state, step, 0 if end == "front" else -1)

    def observes(self, step: Step) -> bool:
        return _observes(step)

    def foresee_in_time(
        self, required: Sequence[Step], optional: Sequence[Step], initial: State, precedes: Callable[[int, int], bool]
    ) -> Callable[[State], State | None] | None:
        return _lasting(required, optional, initial, precedes, lambda take: take.f.partition("-")[2])

    def relevant(self, required: Sequence[Step], optional: Sequence[Step], initial: State = None) -> Sequence[bool]:
        return _relevant(required, optional, initial)


@dataclass(frozen=True, slots=True)
class PriorityQueue:
    """The greatest value goes first. Values are numbers, or strings after all numbers. The state is the ascending tuple
    of (kind, value)."""

    name: str = "pqueue"
    summary: str = "the greatest first; insert, poll (null: empty), peek"
    kind: Kind = "priority"

    def begin(self, initial: Any, reading: Reading) -> State:
        return tuple(sorted(_priority(value) for value in _contents(initial)))

    def parse(self, call: Call, reading: Reading) -> Step | None:
        name = _named(call, _PRIORITY, "insert, poll or peek")
        if name == "put":
            return Step(name, (_priority(call.argument),))
        if call.outcome != "ok":
            return None if name == "peek" else Step(name)
        return Step(name, (), EMPTY if call.result is None else _priority(call.result))

    def step(self, state: State, step: Step) -> State | None:
        if step.f != "put":
            return _take(state, step, -1)
        values = list(state)
        insort(values, step.given[0])
        return tuple(values)

    def observes(self, step: Step) -> bool:
        return _observes(step)

    def relevant(self, required: Sequence[Step], optional: Sequence[Step], initial: State = None) -> Sequence[bool]:
        return _relevant(required, optional, initial)


def _priority(value: Any) -> tuple[int, Any]:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value:
        return (0, value)
    if isinstance(value, str):
        return (1, value)
    raise Unsupported(f"read the value {show(value)} in a priority queue; expected a number or a string")


@dataclass(frozen=True, slots=True)
class UnorderedQueue:
    """A multiset: what is dequeued is in it. The state is the set of multisets (ascending tuples of codes) that it may
    be: more than one only once an operation took nobody knows what."""

    name: str = "unordered-queue"
    summary: str = "in any order; enqueue, dequeue (null: empty)"
    kind: Kind = "bag"

    def begin(self, initial: Any, reading: Reading) -> State:
        return frozenset({tuple(sorted(reading.code(value) for value in _contents(initial)))})

    def parse(self, call: Call, reading: Reading) -> Step | None:
        return _parse(call, reading, {name: act for name, act in _QUEUE.items() if act != "peek"}, "enqueue or dequeue")

    def step(self, state: State, step: Step) -> State | None:
        if step.f == "put":
            after = {tuple(sorted((*values, step.given[0]))) for values in state}
        elif step.returned == EMPTY:
            after = {values for values in state if not values}
        elif step.returned is UNKNOWN:
            after = {_without(values, value) for values in state for value in set(values)}
            after |= {values for values in state if not values}
        else:
            after = {_without(values, step.returned) for values in state if step.returned in values}
        return frozenset(after) if after else None

    def observes(self, step: Step) -> bool:
        return _observes(step)

    def relevant(self, required: Sequence[Step], optional: Sequence[Step], initial: State = None) -> Sequence[bool]:
        first = None if initial is None else (value for values in initial for value in values)
        return _relevant(required, optional, first)


def _without(values: tuple[int, ...], value: int) -> tuple[int, ...]:
    left = Counter(values)
    left[value] -= 1
    return tuple(sorted(left.elements()))
