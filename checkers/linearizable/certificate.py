"""A certificate of validity: a linearization, and the independent check that it is one, in linear time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from checkers.guard import Unsupported
from checkers.linearizable.operation import KeyHistory, Operation

if TYPE_CHECKING:
    from checkers.linearizable.model import Model, Reading
    from harness.history import History


def refute(key: KeyHistory, order: Sequence[Operation]) -> str | None:
    """Why ``order`` is no linearization of the key's operations; None if it is one."""
    allowed = {operation.invoke: operation for operation in (*key.required, *key.optional)}
    placed = {operation.invoke for operation in order}
    if len(placed) != len(order):
        return "an operation is placed twice"
    if any(allowed.get(operation.invoke) is not operation for operation in order):
        return "an operation is placed that is not of this key"
    for operation in key.required:
        if operation.invoke not in placed:
            return f"operation {operation.invoke} happened and is not placed"
    state, latest_invocation = key.initial, -1
    for operation in order:
        # Whoever was placed earlier was invoked by now: it must not have been invoked after this one completed.
        latest_invocation = max(latest_invocation, operation.invoke)
        if operation.complete is not None and operation.complete < latest_invocation:
            return f"operation {operation.invoke} is placed after one that was invoked after it had completed"
        after = key.model.step(state, operation.step)
        if after is None:
            return f"operation {operation.invoke} could not have had its result where it is placed"
        state = after
    return None


def refute_large(
    history: History, model: Model, reading: Reading, initial: Any, orders: Sequence[Sequence[int]]
) -> str | None:
    """Why these are not the linearizations (as invocations) of all objects of a large history, in the order in which
    ``operation.by_key`` has them; None if they are. Raises :class:`checkers.guard.Unsupported` if that cannot be seen
    on the columns: then each must be refuted by itself."""
    columns = history.columns
    try:
        from checkers.linearizable import columnar
        from checkers.linearizable.limit import Limit

        read = None if columns is None else columnar.read(columns, model, initial, reading, Limit())
    except ImportError:  # without numba
        read = None
    if read is None:
        raise Unsupported("a small history, or another model")
    return columnar.replayed(read, orders)
