"""The obviously correct decision: try every order. For tests, and to decide small witnesses a second time.

It shares nothing with the search or the solver but the models, and has no cleverness to be wrong about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from checkers.linearizable.model import Model, State
from checkers.linearizable.operation import Operation

VISITS_MAX: Final = 100_000


def decide(
    model: Model,
    initial: State,
    required: Sequence[Operation],
    optional: Sequence[Operation] = (),
    *,
    visits_max: int = VISITS_MAX,
) -> bool | None:
    """Whether some order of all required and some optional operations is legal and respects real time; None if that
    is not known after ``visits_max`` visits."""
    operations = [*required, *optional]
    everything = frozenset(range(len(required)))
    visited = {(frozenset[int](), initial)}
    waiting = list(visited)
    while waiting:
        done, state = waiting.pop()
        if everything <= done:
            return True
        if len(visited) > visits_max:
            return None
        for i, operation in enumerate(operations):
            if i in done or any(_precedes(operations[j], operation) for j in everything - done):
                continue
            after = model.step(state, operation.step)
            if after is not None and (done | {i}, after) not in visited:
                visited.add((done | {i}, after))
                waiting.append((done | {i}, after))
    return False


def _precedes(first: Operation, second: Operation) -> bool:
    return first.complete is not None and first.complete < second.invoke
