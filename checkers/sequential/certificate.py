"""A certificate of validity: one order of all operations, and the independent check that it is one, in linear time."""

from __future__ import annotations

from collections.abc import Sequence

from checkers.sequential.scope import Item, Scope


def refute(scope: Scope, order: Sequence[Item]) -> str | None:
    """Why ``order`` does not explain the scope's operations; None if it does."""
    allowed = {item.operation.invoke: item for item in (*scope.required, *scope.optional)}
    placed = {item.operation.invoke for item in order}
    if len(placed) != len(order):
        return "an operation is placed twice"
    if any(allowed.get(item.operation.invoke) is not item for item in order):
        return "an operation is placed that is not of these objects"
    for item in scope.required:
        if item.operation.invoke not in placed:
            return f"operation {item.operation.invoke} happened and is not placed"
    return _replay(scope, order)


def _replay(scope: Scope, order: Sequence[Item]) -> str | None:
    states = [each.initial for each in scope.objects]
    latest: dict[int, int] = {}  # of each session the latest invocation that is placed
    for item in order:
        operation = item.operation
        latest[item.session] = max(latest.get(item.session, -1), operation.invoke)
        if operation.complete is not None and operation.complete < latest[item.session]:
            return f"operation {operation.invoke} is placed after one that its session began later"
        after = scope.model(item).step(states[item.object], operation.step)
        if after is None:
            return f"operation {operation.invoke} could not have had its result where it is placed"
        states[item.object] = after
    return None
