"""The obviously correct decision: try every order. For tests, and to decide small witnesses a second time.

It is written straight from the definition (Lamport 1979) and shares nothing with the search or the solver but the
models.
"""

from __future__ import annotations

from typing import Final

from checkers.sequential.scope import Scope

VISITS_MAX: Final = 100_000


def decide(scope: Scope, *, visits_max: int = VISITS_MAX) -> bool | None:
    """Whether some order of all required and some optional operations is legal on every object and respects every
    session; None if that is not known after ``visits_max`` visits."""
    items = (*scope.required, *scope.optional)
    everything = frozenset(range(len(scope.required)))
    visited = {(frozenset[int](), tuple(each.initial for each in scope.objects))}
    waiting = list(visited)
    while waiting:
        done, states = waiting.pop()
        if everything <= done:
            return True
        if len(visited) > visits_max:
            return None
        for i, item in enumerate(items):
            if i in done or any(items[j].precedes(item) for j in everything - done):
                continue
            after = scope.model(item).step(states[item.object], item.operation.step)
            here = (done | {i}, (*states[: item.object], after, *states[item.object + 1 :]))
            if after is not None and here not in visited:
                visited.add(here)
                waiting.append(here)
    return False
