"""The baseline: linearizability as one writes it down in an afternoon. Fixed: nothing here is ever made faster.

The search of Wing & Gong (Testing and verifying concurrent objects, 1993) with the memory of Lowe (Testing for
linearizability, 2017), on Python's own values, over sequential objects told in a few lines each. It shares nothing with
the checkers, so that a ratio to it means the same on every machine and in every year, and a disagreement something.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from harness.history import Call, History

State = Hashable
Step = Callable[[Any, str, Any, Any, bool], Any]  # (state, f, argument, result, known) -> state, or None: impossible
_LOOK_EVERY: Final = 1024


def decide(history: History, model: str, time_limit_s: float) -> bool | None:
    """Whether each key of the history is linearizable; None if it takes too long. Raises KeyError for a model that is
    not one of MODELS."""
    deadline = monotonic() + time_limit_s
    of_key: dict[str, list[Call]] = {}
    for call in history.calls():
        if call.outcome != "fail":
            of_key.setdefault(repr(call.key), []).append(call)
    for calls in of_key.values():
        verdict = _search(calls, *MODELS[model], deadline)
        if verdict is not True:
            return verdict
    return True


@dataclass(slots=True, eq=False)
class _Event:
    """An invocation (``answer`` is its completion) or a completion, in a list linked both ways."""

    call: Call
    number: int
    answer: _Event | None = None
    before: _Event | None = None
    after: _Event | None = None


def _search(calls: list[Call], initial: State, step: Step, deadline: float) -> bool | None:
    head = _linked(calls)
    state, placed, visited = initial, 0, 0
    seen: set[tuple[int, State]] = set()
    trail: list[tuple[_Event, State]] = []
    event = head.after
    while event is not None and not (event.answer is None and event.call.outcome != "ok"):
        visited += 1
        if visited % _LOOK_EVERY == 0 and monotonic() > deadline:
            return None
        if event.answer is not None:
            call, known = event.call, event.call.outcome == "ok"
            after = step(state, call.f, call.argument, call.result, known)
            now = (placed | 1 << event.number, after)
            if after is not None and now not in seen:
                seen.add(now)
                trail.append((event, state))
                placed, state = now
                _lift(event)
                event = head.after
            else:
                event = event.after
        elif trail:
            event, state = trail.pop()
            placed &= ~(1 << event.number)
            _put_back(event)
            event = event.after
        else:
            return False
    return True  # all that completed is placed; the others need not be


def _linked(calls: list[Call]) -> _Event:
    """All events in the order of the history; what has no answer is answered after all others."""
    timed: list[tuple[int, int, _Event]] = []
    for number, call in enumerate(calls):
        answer = _Event(call, number)
        timed.append((0, call.invoke, _Event(call, number, answer)))
        known = call.outcome == "ok" and call.complete is not None
        timed.append((0, call.complete or 0, answer) if known else (1, number, answer))
    timed.sort(key=lambda each: each[:2])
    head = last = _Event(calls[0], -1)
    for _, _, event in timed:
        event.before, last.after = last, event
        last = event
    return head


def _lift(event: _Event) -> None:
    for each in (event, event.answer):
        assert each is not None
        assert each.before is not None
        each.before.after = each.after
        if each.after is not None:
            each.after.before = each.before


def _put_back(event: _Event) -> None:
    for each in (event.answer, event):
        assert each is not None
        assert each.before is not None
        each.before.after = each
        if each.after is not None:
            each.after.before = each


def _register(state: Any, f: str, argument: Any, result: Any, known: bool) -> Any:
    if f == "read":
        return state if not known or state == (result,) else None
    if f == "write":
        return (argument,)
    old, new = argument
    if state == (old,):
        return (new,)
    return None if known else state


def _multi_register(state: Any, f: str, argument: Any, result: Any, known: bool) -> Any:
    held = dict(state)
    if f == "read":
        return state if not known or all(held.get(name) == value for name, value in result.items()) else None
    return tuple(sorted({**held, **argument}.items()))


def _counter(state: Any, f: str, argument: Any, result: Any, known: bool) -> Any:
    if f == "read":
        return state if not known or state == result else None
    after = state + (1 if argument is None else argument) * (-1 if f == "dec" else 1)
    told = f != "add" and known and result is not None and result != argument
    return None if told and result != after else after


def _set(state: Any, f: str, argument: Any, result: Any, known: bool) -> Any:
    if f == "read":
        return state if not known or state == frozenset(result) else None
    if f == "contains":
        return state if not known or (argument in state) is result else None
    return state | {argument} if f == "add" else state - {argument}


def _kv(state: Any, f: str, argument: Any, result: Any, known: bool) -> Any:
    (held,) = state
    if f == "get":
        return state if not known or held == result else None
    return (argument if f == "put" else (held or "") + argument,)


def _container(*, puts: dict[str, bool], takes: dict[str, Callable[[Any], int]]) -> Step:
    """``puts``: whether at the front. ``takes``: the place that is taken from."""

    def step(state: Any, f: str, argument: Any, result: Any, known: bool) -> Any:
        if f in puts:
            return (argument, *state) if puts[f] else (*state, argument)
        if not state:
            return state if not known or result is None else None
        at = takes[f](state) % len(state)
        if known and state[at] != result:
            return None
        return state[:at] + state[at + 1 :]

    return step


MODELS: Final[dict[str, tuple[State, Step]]] = {
    "register": ((None,), _register),
    "cas-register": ((None,), _register),
    "multi-register": ((), _multi_register),
    "counter": (0, _counter),
    "set": (frozenset(), _set),
    "kv": ((None,), _kv),
    "queue": ((), _container(puts={"enqueue": False}, takes={"dequeue": lambda state: 0})),
    "stack": ((), _container(puts={"push": False}, takes={"pop": lambda state: -1})),
    "pqueue": ((), _container(puts={"insert": False}, takes={"poll": lambda state: state.index(max(state))})),
    "deque": ((), _container(puts={"push-front": True, "push-back": False},
                             takes={"pop-front": lambda state: 0, "pop-back": lambda state: -1})),
}  # fmt: skip
"""Model -> its first state, and its step."""
