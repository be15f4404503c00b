"""A model's states and steps as numbers, each transition computed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from checkers.linearizable.model import Foresighted, ForesightedInTime, State
from checkers.linearizable.operation import KeyHistory
from checkers.linearizable.problem import TooLarge
from checkers.linearizable.schedule import Schedule

SIZE_MAX: Final = 30_000_000  # elements of all states together


class Automaton:
    """The states met, in the order of their numbers; 0 is the initial one.

    ``rows[state]`` says for the number of a step the number of the state after it, -1 if there is none; what is not
    there yet, ``after`` computes. ``hopeless`` counts states that the model's foresight ruled out.
    """

    def __init__(self, key: KeyHistory, arrays: Schedule) -> None:
        self._step, self._steps = key.model.step, arrays.steps
        self._states: list[State] = [key.initial]
        self._numbers: dict[State, int] = {key.initial: 0}
        self._size = 0
        self.rows: list[dict[int, int]] = [{}]
        self.hopeless = 0
        self._foresee: Callable[[State], State | None] | None = None
        required = [operation.step for operation in arrays.operations]
        optional = [arrays.steps[each.step] for each in arrays.classes for _ in each.operations]
        if isinstance(key.model, Foresighted):
            self._foresee = key.model.foresee(required, optional)
        elif isinstance(key.model, ForesightedInTime):
            invokes = [operation.invoke for operation in arrays.operations]
            self._foresee = key.model.foresee_in_time(
                required, optional, key.initial, lambda one, other: arrays.completes[one] < invokes[other]
            )

    def after(self, state: int, step: int) -> int:
        """The number of the state after the step, -1 if there is none. Raises :class:`TooLarge`."""
        row = self.rows[state]
        number = row.get(step)
        if number is None:
            number = row[step] = self._compute(state, step)
        return number

    def state(self, number: int) -> State:
        """The state of that number."""
        return self._states[number]

    def _compute(self, state: int, step: int) -> int:
        after = self._step(self._states[state], self._steps[step])
        if after is None:
            return -1
        if self._foresee is not None and after not in self._numbers:
            after = self._foresee(after)
            if after is None:
                self.hopeless += 1
                return -1
        number = self._numbers.get(after)
        if number is not None:
            return number
        self._size += len(after) if isinstance(after, (tuple, frozenset)) else 1
        if self._size > SIZE_MAX:
            raise TooLarge(f"the states met have more than {SIZE_MAX} elements together")
        self._numbers[after] = number = len(self._states)
        self._states.append(after)
        self.rows.append({})
        return number
