"""What each model means, in terms of cells, sums, containers and contents (the modules beside this one)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import chain
from math import inf
from typing import Any, Final

from checkers.guard import Unsupported
from checkers.linearizable.model import UNKNOWN, Model, State, Step
from checkers.linearizable.models.container import Deque, PriorityQueue, Queue, Stack, UnorderedQueue
from checkers.linearizable.models.counter import Counter
from checkers.linearizable.models.key_value import KeyValue
from checkers.linearizable.models.lock import FencedMutex, ReentrantMutex, Semaphore
from checkers.linearizable.models.multi_register import MultiRegister
from checkers.linearizable.models.set import Set
from checkers.linearizable.problem import ANY, transition
from checkers.linearizable.symbolic.appending import Appending
from checkers.linearizable.symbolic.cells import Cells, Touch, Touches
from checkers.linearizable.symbolic.container import Container, Nearer, by_end, first_in, last_in
from checkers.linearizable.symbolic.counted import Counted
from checkers.linearizable.symbolic.fencing import Fencing
from checkers.linearizable.symbolic.question import Answered, Event, Question
from checkers.linearizable.symbolic.sums import Bound, Sums

Ending = Callable[[Answered], Iterator[int]]
_FREE: Final = object()  # who owns a lock that nobody owns

_NEARER: Final[tuple[tuple[type, Nearer], ...]] = ((Queue, first_in), (Stack, last_in), (Deque, by_end))


def starting(model: Model, state: State) -> Sequence[State]:
    """The states, each of which the model may be in, of which ``constrain`` wants one."""
    return [frozenset({values}) for values in state] if isinstance(model, UnorderedQueue) else (state,)


def contents(model: Model, state: State) -> tuple[Event, ...]:
    """Events that stand for what is in a container at the beginning; they are before all others."""
    if not isinstance(model, (Queue, Stack, Deque, PriorityQueue, UnorderedQueue)):
        return ()
    values = next(iter(state)) if isinstance(model, UnorderedQueue) else state
    f = "put-back" if isinstance(model, Deque) else "put"
    begin = -2 * len(values)
    return tuple(Event(Step(f, (value,)), begin + 2 * i, begin + 2 * i + 1) for i, value in enumerate(values))


def constrain(model: Model, state: State, question: Question) -> Ending:
    """Add to the question that its events, in their order, are what the object may do from the state; an answer's
    ending are literals that hold in it, and else only in answers with the same state at the end and as many events.

    Raises Unsupported for a model that has no symbolic meaning here, or amounts that z3 cannot count.
    """
    steps = [event.step for event in question.events]
    for kind, nearer in _NEARER:
        if isinstance(model, kind):
            container = Container(question, nearer)
            container.constrain()
            return container.ending
    if isinstance(model, (PriorityQueue, UnorderedQueue)):
        counted = Counted(question, greatest_first=isinstance(model, PriorityQueue))
        counted.constrain()
        return counted.ending
    if model.kind == "register":
        return _cells(question, [_of_register(step) for step in steps], {None: state})
    if isinstance(model, MultiRegister):
        nil = next((step.given[0] for step in steps), None)
        return _cells(question, [_of_registers(question, n, step) for n, step in enumerate(steps)], dict(state), nil)
    if isinstance(model, Set):
        return _set(question, steps, state)
    if isinstance(model, (Counter, Semaphore, ReentrantMutex)):
        for each in _sums(model, state, question, steps):
            each.constrain()
        return question.chosen
    if isinstance(model, FencedMutex):
        return _fenced(question, steps, state)
    if isinstance(model, KeyValue):
        return _key_value(question, steps, state)
    raise Unsupported(f"z3 knows what the bundled models mean, not {model.name}")


def _cells(question: Question, touches: Sequence[Touches], initial: dict[Hashable, Any], default: Any = None) -> Ending:
    cells = Cells(question, touches, initial, default)
    cells.constrain()
    return cells.ending


def _of_register(step: Step) -> Touches:
    expects, leaves = transition(step)
    return {None: Touch(() if expects == ANY else (expects,), (leaves,))}


def _of_registers(question: Question, number: int, step: Step) -> Touches:
    """A transaction's first read of each register and its last write; one that contradicts itself is never taken."""
    expects: dict[Hashable, Any] = {}
    leaves: dict[Hashable, Any] = {}
    for act, name, value in step.given[1:]:
        if act == "w":
            leaves[name] = value
        elif (leaves[name] if name in leaves else expects.setdefault(name, value)) != value:
            question.formula.add(-question.taken[number])
    return {
        name: Touch((expects[name],) if name in expects else (), (leaves[name],) if name in leaves else ())
        for name in dict.fromkeys((*expects, *leaves))
    }


def _set(question: Question, steps: Sequence[Step], state: State) -> Ending:
    reads = [step.returned for step in steps if step.f == "read"]
    elements = set(chain(state, *reads, *(step.given for step in steps if step.f != "read"))) if reads else state
    touches = [_of_element(step) if step.f != "read" else
               {element: Touch((element in step.returned,), ()) for element in elements} for step in steps]  # fmt: skip
    return _cells(question, touches, dict.fromkeys(state, True), default=False)


def _of_element(step: Step) -> Touches:
    present = step.f == "add"
    if step.f == "contains":
        return {step.given[0]: Touch((step.returned,), ())}
    if step.returned is False:
        return {step.given[0]: Touch((present,), ())}
    return {step.given[0]: Touch(() if step.returned is UNKNOWN else (not present,), (present,))}


def _sums(model: Model, state: State, question: Question, steps: Sequence[Step]) -> Iterator[Sums]:
    if isinstance(model, Counter):
        yield _counter(question, steps, state)
    elif isinstance(model, Semaphore):
        available, permits = state
        amounts = [-step.given[0] if step.f == "acquire" else step.given[0] for step in steps]
        bounds = [Bound(n, low=-a) if a < 0 else Bound(n, high=permits - a) for n, a in enumerate(amounts)]
        yield Sums(question, amounts, available, bounds)
    else:
        yield from _holds(question, steps, state)


def _counter(question: Question, steps: Sequence[Step], state: State) -> Sums:
    amounts = [_whole(step.given[0]) if step.f == "add" else 0 for step in steps]
    known = [(n, step.returned) for n, step in enumerate(steps) if step.returned is not UNKNOWN]
    bounds = []
    for number, value in known:
        if value != value // 1:  # no sum of whole numbers
            question.formula.add(-question.taken[number])
        else:
            seen = int(value) - amounts[number]
            bounds.append(Bound(number, seen, seen))
    return Sums(question, amounts, _whole(state), bounds)


def _whole(amount: Any) -> int:
    if amount in (inf, -inf) or amount != int(amount) or abs(amount) > 2**52:
        raise Unsupported(f"read the amount {amount}; z3 counts in whole numbers")
    return int(amount)


def _holds(question: Question, steps: Sequence[Step], state: State) -> Iterator[Sums]:
    """How often each process holds the lock: the others not at all where it acquires it, itself once where it releases.
    Only who holds it can release it, so that none of these numbers is ever negative."""
    owner, holds = state
    for process in dict.fromkeys(step.given[0] for step in steps):
        own = [0 if step.given[0] != process else 1 if step.f == "acquire" else -1 for step in steps]
        others = [0 if own[n] else 1 if step.f == "acquire" else -1 for n, step in enumerate(steps)]
        releases = [Bound(n, low=1) for n, amount in enumerate(own) if amount < 0]
        acquires = [Bound(n, high=0) for n, amount in enumerate(own) if amount > 0]
        yield Sums(question, own, holds if process == owner else 0, releases)
        yield Sums(question, others, 0 if process == owner else holds, acquires)


def _fenced(question: Question, steps: Sequence[Step], state: State) -> Ending:
    owner, last = state
    touches: list[Touches] = []
    for step in steps:
        free, held = (_FREE,), (step.given[0],)
        touches.append({None: Touch(free, held) if step.f == "acquire" else Touch(held, free)})
    cells = Cells(question, touches, {None: _FREE if owner is None else owner})
    acquired = [(n, step.returned) for n, step in enumerate(steps) if step.f == "acquire"]
    fencing = Fencing(question, acquired, last)
    cells.constrain()
    fencing.constrain()
    return lambda found: chain(cells.ending(found), fencing.ending(found))


def _key_value(question: Question, steps: Sequence[Step], state: State) -> Ending:
    by_f: dict[str, dict[int, Any]] = {"put": {}, "append": {}, "get": {}}
    for number, step in enumerate(steps):
        by_f[step.f][number] = step.returned if step.f == "get" else step.given[0]
    appending = Appending(question, by_f["put"], by_f["append"], by_f["get"], state[0])
    appending.constrain()
    return appending.ending
