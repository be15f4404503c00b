"""Smaller plans from scratch, of the same ingredients.

Taking away one thing after another gets stuck where two things have to change at once: without the second fault, the
first one would have to come earlier. A new, smaller plan with the faults and operations of the old one, at other times
and under another seed, is often found within a few dozen tries where such a failure is common.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.search.shrink_fault import with_schedule
from harness.search.shrink_size import size
from harness.search.shrink_time import last_ns

TRIES: Final = 80
TRIES_MAX: Final = 3000
FEW: Final = 8
"""Up to so many faults and operations together a plan is worth no more than TRIES; a larger one TRIES_MAX."""
OPERATIONS_MAX: Final = 8
"""More operations than these were not drawn by chance: delta debugging is better at them."""

STEP_NS: Final = 50_000_000
HORIZON_STEPS: Final = (4, 10, 20, 40)
COUNT_MAX: Final = 3
SEED_MAX: Final = 1000


def smaller_plans(plan: Plan, whole: Plan, seed: int = 0) -> Iterator[Plan]:
    """Plans each of which is smaller than ``plan``, of the faults and operations of ``whole`` (the plan before it was
    shrunk, its operations listed)."""
    random = Random(seed)
    if plan.operations is None or not whole.operations or len(plan.schedule) + len(plan.operations) < 3:
        return
    for _ in range(TRIES if len(plan.schedule) + len(plan.operations) <= FEW else TRIES_MAX):
        candidate = _draw(plan, whole, random)
        if size(candidate) < size(plan):
            yield candidate


def _draw(plan: Plan, whole: Plan, random: Random) -> Plan:
    operations = plan.operations or ()
    steps = random.choice(HORIZON_STEPS)
    faults_max = max(0, len(plan.schedule) - random.choice((0, 1, 1, 2)))
    faults = sorted(random.sample(whole.schedule, min(faults_max, len(whole.schedule))), key=whole.schedule.index)
    count = random.randint(1, max(1, min(len(operations), OPERATIONS_MAX)))
    drawn = with_schedule(
        replace(plan, operations=_operations(plan, whole, count, steps, random), seed=random.randrange(SEED_MAX)),
        tuple(_fault(entry, steps, random) for entry in faults),
    )
    return replace(drawn, time_limit_s=last_ns(drawn) / 1e9 + 0.1)


def _operations(plan: Plan, whole: Plan, count: int, steps: int, random: Random) -> tuple[ScheduledOperation, ...]:
    """Operations of the plan as it is, or of the whole one, on one key and at new times."""
    source = plan.operations if plan.operations and random.random() < 0.5 else whole.operations
    assert source, "there are operations to choose from"
    key = random.choice(source).key
    known = [operation for operation in source if operation.key == key]
    drawn = [replace(random.choice(known), thread=random.randrange(plan.concurrency)) for _ in range(count)]
    times = sorted(random.randrange(steps + 1) * STEP_NS for _ in drawn)
    return tuple(replace(operation, time_ns=time) for operation, time in zip(drawn, times, strict=True))


def _fault(entry: ScheduledFault, steps: int, random: Random) -> ScheduledFault:
    length_ns = random.choice((2, 6, 10, steps)) * STEP_NS
    if entry.trigger is not None:
        count = random.randint(1, min(COUNT_MAX, entry.trigger["count"]))
        return replace(entry, start_ns=0, stop_ns=length_ns, trigger={**entry.trigger, "count": count})
    start_ns = random.randrange(steps + 1) * STEP_NS
    return replace(entry, start_ns=start_ns, stop_ns=start_ns + length_ns)
