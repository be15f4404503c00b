"""One object's states and steps as numbers, each transition computed once."""

from __future__ import annotations

from collections.abc import Sequence

from checkers.linearizable.model import Foresighted, State, Step
from checkers.linearizable.operation import KeyHistory
from checkers.linearizable.problem import TooLarge

SIZE_MAX = 30_000_000  # elements of all states together


class Automaton:
    """State 0 is the initial one. ``required`` and ``optional`` are all steps that there are."""

    def __init__(self, key: KeyHistory, required: Sequence[Step], optional: Sequence[Step]) -> None:
        self._step = key.model.step
        self._states: list[State] = [key.initial]
        self._numbers: dict[State, int] = {key.initial: 0}
        self._rows: dict[tuple[int, Step], int] = {}
        self._size = 0
        self._foresee = key.model.foresee(required, optional) if isinstance(key.model, Foresighted) else None

    def after(self, state: int, step: Step) -> int:
        """The number of the state after the step, -1 if there is none. Raises :class:`TooLarge`."""
        number = self._rows.get((state, step))
        if number is None:
            number = self._rows[state, step] = self._compute(state, step)
        return number

    def _compute(self, state: int, step: Step) -> int:
        after = self._step(self._states[state], step)
        if after is None:
            return -1
        if self._foresee is not None and after not in self._numbers:
            after = self._foresee(after)
            if after is None:
                return -1
        number = self._numbers.setdefault(after, len(self._states))
        if number == len(self._states):
            self._states.append(after)
            self._size += len(after) if isinstance(after, (tuple, frozenset)) else 1
            if self._size > SIZE_MAX:
                raise TooLarge(f"the states met have more than {SIZE_MAX} elements together")
        return number
