"""A second opinion on what is left, by Hypothesis: plans near the current one, found and shrunk by its own passes.

Hypothesis (https://hypothesis.works) changes several choices at once, which our passes, each about one thing, do not. A
plan near the current one is a list of choices: for every fault and operation whether it is kept and when it comes; how
many nodes; which seed. The first choice is always the simplest, so that shrinking the choices shrinks the plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from random import Random
from typing import TYPE_CHECKING, Any, Final

from harness.plan import Plan
from harness.search.shrink_fault import with_schedule
from harness.search.shrink_figure import on_grid
from harness.search.shrink_time import last_ns

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

EXAMPLES_MAX: Final = 300
KEEP: Final = 9
"""One in so many is left out: most of the plans drawn differ from the current one in one or two things."""


def is_available() -> bool:
    return find_spec("hypothesis") is not None


def nearby(plan: Plan, wanted: Callable[[Plan], bool], seed: int = 0, examples_max: int = EXAMPLES_MAX) -> Plan | None:
    """A plan near ``plan`` that is ``wanted``, as simple as Hypothesis makes it; None if it meets none.

    ``wanted`` decides what counts (smaller, and failing in the same way); the same question must get the same answer.
    What it raises, this raises.
    """
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.errors import NoSuchExample

    options = settings(
        max_examples=examples_max,
        database=None,
        deadline=None,
        derandomize=False,  # the seed is ours, below: the same plan is shrunk in the same way
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(plans_near(plan), wanted, settings=options, random=Random(seed))
    except NoSuchExample:
        return None


def plans_near(plan: Plan) -> SearchStrategy[Plan]:
    """Subsets of the plan's faults and operations, with simpler times, on fewer nodes, under small seeds."""
    from hypothesis import strategies as st

    @st.composite
    def near(draw: Any) -> Plan:
        kept = st.integers(0, KEEP).map(bool)
        faults = [entry for entry in plan.schedule if draw(kept)]
        operations = [operation for operation in plan.operations or () if draw(kept)]
        schedule = []
        for entry in faults:
            if entry.trigger is None:
                start_ns = draw(_times(entry.start_ns))
                entry = replace(entry, start_ns=start_ns, stop_ns=start_ns + entry.stop_ns - entry.start_ns)  # noqa: PLW2901
            else:
                count = draw(st.sampled_from([*range(1, min(4, entry.trigger["count"])), entry.trigger["count"]]))
                entry = replace(entry, trigger={**entry.trigger, "count": count})  # noqa: PLW2901
            schedule.append(entry)
        timed = [replace(operation, time_ns=draw(_times(operation.time_ns))) for operation in operations]
        seed = draw(st.sampled_from(sorted({*range(6), plan.seed})))
        changed = with_schedule(replace(plan, seed=seed), tuple(schedule))
        if plan.operations is not None:
            changed = replace(changed, operations=tuple(sorted(timed, key=lambda operation: operation.time_ns)))
        return replace(changed, time_limit_s=max(plan.time_limit_s, last_ns(changed) / 1e9 + 0.1))

    return near()


def _times(time_ns: int) -> Any:
    """Half of it, or rounder, or as it is, which is the likeliest."""
    from hypothesis import strategies as st

    simpler = [on_grid(time_ns // 2, 100_000_000), on_grid(time_ns, 100_000_000), on_grid(time_ns, 10_000_000)]
    candidates = list(dict.fromkeys([*(time for time in simpler if time <= time_ns), time_ns]))
    return st.sampled_from([*candidates, time_ns, time_ns])
