"""Random operations of every model, written as steps: also those that no well-behaved client would think of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from checkers.linearizable.model import EMPTY, UNKNOWN, Model, Step
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.models.key_value import KeyValue
from checkers.linearizable.operation import KeyHistory, Operation
from harness.history import Call

Maker = Callable[[Random], Step]


def _register(random: Random, names: Sequence[str] = ("read", "write", "cas")) -> Step:
    f = random.choice(names)
    if f == "read":
        return Step(f, (), random.randrange(3))
    return Step(f, tuple(random.randrange(3) for _ in range(1 + (f == "cas"))))


def _mutex(random: Random) -> Step:
    return Step("cas", random.choice(((0, 1), (1, 0))))


def _owned(random: Random) -> Step:
    return Step(random.choice(("acquire", "release")), (random.randrange(3),))


def _fenced(random: Random) -> Step:
    f = random.choice(("acquire", "acquire", "release"))
    token = random.choice((UNKNOWN, 1, 2, 3, 4, 6)) if f == "acquire" else UNKNOWN
    return Step(f, (random.randrange(2),), token)


def _semaphore(random: Random) -> Step:
    return Step(random.choice(("acquire", "release")), (random.randint(1, 2),))


def _counter(random: Random) -> Step:
    if random.random() < 0.5:
        return Step("read", (), random.choice((0, 1, 2, 1.0, 1.5)))
    return Step("add", (random.choice((1, 1, 2, -1, 0)),), random.choice((UNKNOWN, UNKNOWN, 1, 2)))


def _set(random: Random) -> Step:
    f = random.choice(("add", "remove", "contains", "read"))
    if f == "read":
        return Step(f, (), frozenset(each for each in range(3) if random.random() < 0.4))
    return Step(f, (random.randrange(3),), random.choice((True, False, True, False, *[UNKNOWN] * (f != "contains"))))


def _container(random: Random, ends: Sequence[str] = ("",), peeks: bool = True, values: Sequence[Any] = (1, 2)) -> Step:
    f = random.choice(("put", "put", "take", "take", *["peek"] * peeks)) + random.choice(ends)
    if f.startswith("put"):
        return Step(f, (random.choice(values),))
    return Step(f, (), random.choice((*values, EMPTY)))


def _key_value(random: Random) -> Step:
    f = random.choice(("put", "append", "append", "get", "get"))
    if f == "put":
        return Step(f, (random.choice((None, "", "a", "ab")),))
    if f == "append":
        return Step(f, (random.choice(("", "a", "b", "ab")),))
    return Step(f, (), random.choice((None, "", "a", "ab", "ba", "aab", "abab")))


def _multi_register(random: Random) -> Step:
    parts = tuple((random.choice("rw"), random.choice("xy"), random.randrange(3)) for _ in range(random.randint(1, 3)))
    return Step("txn", (0, *parts))


_STATES: dict[str, tuple[Maker, tuple[Any, ...]]] = {
    "register": (lambda r: _register(r, ("read", "write")), (0,)),
    "cas-register": (_register, (0, 1)),
    "mutex": (_mutex, (0, 1)),
    "reentrant-mutex": (_owned, ((None, 0), (1, 2))),
    "fenced-mutex": (_fenced, ((None, None), (None, 1), (1, 2))),
    "semaphore": (_semaphore, ((2, 2), (1, 3))),
    "counter": (_counter, (0, 1)),
    "set": (_set, (frozenset(), frozenset({0, 1}))),
    "queue": (_container, ((), (1, 2))),
    "unordered-queue": (
        lambda r: _container(r, peeks=False), (frozenset({()}), frozenset({(1, 1)}), frozenset({(1,), (2,)})),
    ),
    "stack": (_container, ((), (1, 2))),
    "pqueue": (lambda r: _container(r, values=((0, 1), (0, 2), (1, "a"))), ((), ((0, 1), (0, 1)))),
    "deque": (lambda r: _container(r, ("-front", "-back")), ((), (1, 2))),
    "kv": (_key_value, ((None,), ("",), ("a",))),
    "multi-register": (_multi_register, (frozenset(), frozenset({("x", 1)}))),
}  # fmt: skip
STATES = {name: states for name, (_, states) in _STATES.items()}


def model_named(name: str) -> Model:
    return KeyValue() if name == "kv" else BY_NAME[name]


def random_key(name: str, random: Random, operations_max: int = 7) -> KeyHistory:
    """Operations with random steps at random times, some of which may never have happened. What nobody may know, nobody
    knows: what a take took that was not answered."""
    make, states = _STATES[name]
    count = random.randint(1, operations_max)
    moments = list(range(2 * count))
    spread = random.choice((0, 2, 20))
    moments.sort(key=lambda moment: moment + random.uniform(0, spread))
    required, optional = [], []
    for number in range(count):
        invoke, complete = sorted(moments.index(2 * number + end) for end in (0, 1))
        step = make(random)
        if random.random() < 0.75:
            required.append(Operation(invoke, complete, step, _call(step, invoke)))
        elif not model_named(name).observes(step):
            lost = step._replace(returned=UNKNOWN) if not step.f.startswith("peek") else step
            optional.append(Operation(invoke, None, lost, _call(step, invoke)))
    state = random.choice(states)
    return KeyHistory(None, model_named(name), state, _sorted(required), _sorted(optional))


def _sorted(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    return tuple(sorted(operations, key=lambda operation: operation.invoke))


def _call(step: Step, invoke: int) -> Call:
    return Call(invoke, None, invoke, step.f, None, None, "ok")
