"""Polynomial decisions on columns: the same as ``distinct`` makes of operations, for histories of a million.

All independent keys are decided at once (``register``, ``queue``, ``stack``, ``priority``, ``set``). What a method does
not cover exactly - values that are not distinct, other operations, operations that took nobody knows what - is left,
key by key (of sets, element by element), to the ordinary ways. As there, nothing is believed on its word: each
linearization is replayed by ``replay``, which shares only the reading of values with those who decide; of what is
refuted, the few operations that refute it are handed to the ordinary search for a witness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from checkers.linearizable.columnar import priority, queue, register, replay, set, stack
from checkers.linearizable.columnar.calls import (
    CONTAINER,
    REGISTER,
    SET,
    Values,
    acts_of,
    answers_of,
    calls_of,
    values_of,
    with_strange_answers,
)
from checkers.linearizable.columnar.objects import LEFT, REFUTED, VALID, Blame, Objects
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model, Reading
from checkers.linearizable.models.container import PriorityQueue, Queue, Stack, UnorderedQueue
from checkers.linearizable.models.register import CasRegister, Register
from checkers.linearizable.models.set import Set
from harness.columns import NIL, NUMBER, OTHER, Columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

__all__ = ["LEFT", "REFUTED", "VALID", "Blame", "Objects", "Read", "decide", "objections", "read"]

_FAMILIES: Final[Mapping[type, Mapping[str, int]]] = {
    Register: REGISTER, CasRegister: REGISTER, Set: SET,
    Queue: CONTAINER, UnorderedQueue: CONTAINER, Stack: CONTAINER, PriorityQueue: CONTAINER,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A history as a model reads it. ``initial``: kind and number of what a register holds at first; ``answers``: of
    each line of a set what it says."""

    columns: Columns
    model: Model
    acts: Bytes
    values: Values
    answers: Bytes
    initial: tuple[int, int]
    nil_is_value: bool


def read(columns: Columns, model: Model, initial: Any, reading: Reading, limit: Limit) -> Read | None:
    """What the methods here need to know; None where there is none for the model, or for what it holds at first.
    Raises :class:`checkers.guard.OutOfTimeError`."""
    family = _FAMILIES.get(type(model))
    if family is None or not (columns.processes >= 0).any():
        return None
    if family is not REGISTER and not (initial is None or (isinstance(initial, list | tuple) and not initial)):
        return None
    acts = acts_of(model, columns.f_names, family)
    return Read(
        columns=columns,
        model=model,
        acts=acts,
        values=values_of(columns, acts, reading.codes, limit),
        answers=answers_of(columns, acts, limit) if family is SET else np.zeros(1, np.uint8),
        initial=_coded(initial, reading),
        nil_is_value=reading.nil_is_value,
    )


def _coded(value: Any, reading: Reading) -> tuple[int, int]:
    if value is None:
        return NIL, 0
    if type(value) is int and -(2**63) <= value < 2**63:
        return NUMBER, value
    return OTHER, reading.code(value)


def decide(read: Read) -> Objects:
    """The verdicts on all objects."""
    calls = calls_of(read.columns, read.acts, read.values, nil_is_value=read.nil_is_value)
    model = read.model
    if isinstance(model, Register | CasRegister):
        return register.decide(calls, *read.initial)
    if isinstance(model, Set):
        return set.decide(with_strange_answers(calls, read.columns, read.answers), read.answers)
    if isinstance(model, Queue):
        return queue.decide(calls)
    if isinstance(model, Stack):
        return stack.decide(calls)
    return priority.decide(calls, ordered=isinstance(model, PriorityQueue))


def objections(read: Read, objects: Objects) -> Mapping[int, str]:
    """Of each valid object whose linearization does not hold, why not."""
    found = replay.objections(read.columns, read.acts, read.values, read.answers, read.model.kind, read.initial, objects,
                              nil_is_value=read.nil_is_value)  # fmt: skip
    return dict(found)
