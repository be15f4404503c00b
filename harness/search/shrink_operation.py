"""Passes over a plan's operations: fewer of them, by fewer clients, on fewer keys, with smaller values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from harness.fault import OPERATION
from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.search.shrink_ddmin import minimize
from harness.search.shrink_oracle import Accept

Operations = tuple[ScheduledOperation, ...]


def keep_needed(plan: Plan, needed: Iterable[int], accept: Accept) -> Plan:
    """Only the operations that the anomaly consists of; else only those on their keys. A guess, which saves most of the
    work where it is right."""
    operations = plan.operations
    places = sorted(set(needed))
    if operations is None or not places:
        return plan
    keys = {json.dumps(operations[place].key) for place in places}
    guesses = (
        tuple(operations[place] for place in places),
        tuple(operation for operation in operations if json.dumps(operation.key) in keys),
    )
    for guess in guesses:
        if len(guess) < len(operations) and (found := accept(replace(plan, operations=guess))) is not None:
            return found
    return plan


def drop_operations(plan: Plan, accept: Accept) -> Plan:
    """Delta debugging on the operations; what the n-th of them sets off is set off by one so much earlier in the count,
    where that alone will do."""
    current = plan

    def fails(operations: Operations) -> bool:
        nonlocal current
        shorter = replace(current, operations=operations)
        recounted = replace(shorter, schedule=_recounted(current, operations))
        found = accept(shorter)
        if found is None and recounted != shorter:
            found = accept(recounted)
        current = current if found is None else found
        return found is not None

    if plan.operations:
        minimize(plan.operations, fails)
    return current


def _recounted(plan: Plan, left: Operations) -> tuple[ScheduledFault, ...]:
    """The schedule, its triggers that count operations lowered by as many as are gone."""
    before = Counter(operation.f for operation in plan.operations or ())
    before.subtract(operation.f for operation in left)
    return tuple(_lowered(entry, before) for entry in plan.schedule)


def _lowered(entry: ScheduledFault, gone: Counter[str]) -> ScheduledFault:
    trigger = entry.trigger
    if trigger is None or trigger["on"] != OPERATION:
        return entry
    return replace(entry, trigger={**trigger, "count": max(1, trigger["count"] - gone[trigger["name"]])})


def fewer_clients(plan: Plan, accept: Accept) -> Plan:
    """Threads that ask something are numbered 0, 1, ..., if possible so that each still asks the node it asked; then as
    few of them as can do the work."""
    if not plan.operations:
        return plan
    for packed in (_packed(plan.operations, plan.nodes), _packed(plan.operations, 1)):
        smaller = _with_clients(plan, packed)
        if smaller.concurrency < plan.concurrency and (found := accept(smaller)) is not None:
            plan = found
    for thread in sorted({operation.thread for operation in plan.operations or ()}, reverse=True):
        plan = _merge(plan, thread, accept)
    return plan


def _packed(operations: Operations, nodes: int) -> dict[int, int]:
    """Thread -> the smallest number still free that attaches to the same of ``nodes``."""
    taken: dict[int, int] = {}
    for thread in sorted({operation.thread for operation in operations}):
        number = thread % nodes
        while number in taken.values():
            number += nodes
        taken[thread] = number
    return taken


def _with_clients(plan: Plan, names: dict[int, int]) -> Plan:
    operations = tuple(replace(o, thread=names.get(o.thread, o.thread)) for o in plan.operations or ())
    return replace(plan, operations=operations, concurrency=1 + max(operation.thread for operation in operations))


def _merge(plan: Plan, thread: int, accept: Accept) -> Plan:
    """Let another thread do what this one does."""
    for other in sorted({operation.thread for operation in plan.operations or ()} - {thread}):
        if (found := accept(_with_clients(plan, {thread: other}))) is not None:
            return found
    return plan


def fewer_keys(plan: Plan, accept: Accept) -> Plan:
    """One key for all; else the keys numbered 0, 1, ..."""
    operations = plan.operations or ()
    keys = list(dict.fromkeys(json.dumps(operation.key) for operation in operations))
    if keys == ["null"] or not keys:
        return plan
    numbered = tuple(replace(o, key=keys.index(json.dumps(o.key))) for o in operations)
    for candidate in (tuple(replace(o, key=0) for o in operations), numbered):
        if candidate != operations and (found := accept(replace(plan, operations=candidate))) is not None:
            return found
    return plan


def smaller_values(plan: Plan, accept: Accept) -> Plan:
    """Distinct values for writes where that will do; else the values named 1, 2, ... (or 0, 1, ...) in the order in
    which they appear: different ones stay different."""
    plan = distinct_values(plan, accept)
    operations = plan.operations or ()
    values = list(dict.fromkeys(value for operation in operations for value in _integers(operation.value)))
    for first in (1, 0):
        names = {value: first + place for place, value in enumerate(values)}
        candidate = tuple(replace(o, value=_renamed(o.value, names)) for o in operations)
        if candidate == operations:
            return plan
        if (found := accept(replace(plan, operations=candidate))) is not None:
            return found
    return plan


def distinct_values(plan: Plan, accept: Accept) -> Plan:
    """Every write writes a value of its own, 1, 2, ...: a read then says whose value it saw."""
    operations = plan.operations or ()
    numbers = count(1)
    distinct = tuple(replace(o, value=next(numbers)) if _is_plain_write(o) else o for o in operations)
    return plan if distinct == operations else accept(replace(plan, operations=distinct)) or plan


def _is_plain_write(operation: ScheduledOperation) -> bool:
    return operation.f == "write" and type(operation.value) is int


def _integers(value: Any) -> Iterable[int]:
    if type(value) is int:
        yield value
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _integers(entry)


def _renamed(value: Any, names: dict[int, int]) -> Any:
    if type(value) is int:
        return names[value]
    if isinstance(value, (list, tuple)):
        return [_renamed(entry, names) for entry in value]
    return value
