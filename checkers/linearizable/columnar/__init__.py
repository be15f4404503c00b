"""Polynomial decisions on columns: the same as ``distinct`` makes of operations, for histories of a million.

All independent keys are decided at once (``register``, ``queue``, ``stack``, ``priority``; ``membership`` in sets).
What a method does not cover exactly - values that are not distinct, other operations, operations that took nobody knows
what - is left, key by key (of sets, element by element), to the ordinary ways. As there, nothing is believed on its
word: each linearization is replayed by ``replay``, which shares only the reading of values with those who decide; of
what is refuted, the few operations that refute it are handed to the ordinary search for a witness. Registers whose
values are not distinct are many a history's: these are searched here, too (``left``), by a compiled search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from checkers.linearizable.columnar import membership, priority, queue, register, replay, stack
from checkers.linearizable.columnar.objects import LEFT, REFUTED, VALID, Blame, Objects
from checkers.linearizable.columnar.reading import Read, read
from checkers.linearizable.limit import Limit
from checkers.linearizable.models.container import PriorityQueue, Queue, Stack
from checkers.linearizable.models.register import CasRegister, Register
from checkers.linearizable.models.set import Set

__all__ = ["LEFT", "REFUTED", "VALID", "Blame", "Objects", "Read", "decide", "objections", "read", "replayed"]


SEARCHED_MIN: Final = 5_000
"""Operations; to search fewer of them takes plain Python no longer than to load, or even to compile, what is faster."""


def decide(read: Read, limit: Limit | None = None, *, searched_min: int = SEARCHED_MIN) -> Objects:
    """The verdicts on all objects. With a limit, registers that are left are searched within it, if they have at least
    ``searched_min`` operations in all."""
    calls, model = read.calls(), read.model
    if isinstance(model, Register | CasRegister):
        objects = register.decide(calls, *read.initial)
        left = (objects.verdicts == LEFT) & ~calls.foreign
        if limit is None or not left.any() or left[calls.keys].sum() < searched_min:
            return objects
        from checkers.linearizable.columnar.left import searched  # here, for many histories never need it

        return searched(calls, objects, left, read.initial, limit)
    if isinstance(model, Set):
        return membership.decide(calls, read.answers)
    if isinstance(model, Queue):
        return queue.decide(calls, read.odd(calls))
    if isinstance(model, Stack):
        return stack.decide(calls, read.odd(calls))
    return priority.decide(calls, read.odd(calls), ordered=isinstance(model, PriorityQueue))


def objections(read: Read, objects: Objects) -> Mapping[int, str]:
    """Of each valid object whose linearization does not hold, why not."""
    return dict(replay.objections(read, objects))


def replayed(read: Read, orders: Sequence[Sequence[int]]) -> str | None:
    """Why these are not the linearizations of all objects, whoever found them; None if they are. Raises
    :class:`checkers.guard.Unsupported` where something was done that ``replay`` has no word for."""
    return replay.replayed(read, orders)
