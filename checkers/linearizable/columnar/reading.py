"""A history as a model reads it: what is asked once, by those who decide and by those who check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from checkers.linearizable.columnar.calls import (
    CONTAINER,
    PUT,
    REGISTER,
    SET,
    TAKE,
    Calls,
    Values,
    acts_of,
    answers_of,
    calls_of,
    values_of,
    with_strange_answers,
)
from checkers.linearizable.columnar.swaps import coded
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Model, Reading
from checkers.linearizable.models.container import PriorityQueue, Queue, Stack, UnorderedQueue
from checkers.linearizable.models.register import CasRegister, Register
from checkers.linearizable.models.set import Set
from harness.columns import NIL, NUMBER, Columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

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

    def calls(self) -> Calls:
        """The calls of all clients; on foreign keys not all of them."""
        calls = calls_of(self.columns, self.acts, self.values, nil_is_value=self.nil_is_value)
        return with_strange_answers(calls, self.columns, self.answers) if isinstance(self.model, Set) else calls

    def odd(self, calls: Calls) -> Flags:
        """The calls of containers that cannot be told by acts and values: nobody knows what they took; they put null;
        or a value in a priority queue is no number."""
        taking = calls.acts == TAKE
        odd: Flags = taking & ~calls.happened
        if isinstance(self.model, PriorityQueue):
            odd |= (calls.kinds != NUMBER) & ~(taking & (calls.kinds == NIL))
        else:
            odd |= (calls.acts == PUT) & (calls.kinds == NIL)
        return odd


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
        initial=coded(initial, reading.codes),
        nil_is_value=reading.nil_is_value,
    )
