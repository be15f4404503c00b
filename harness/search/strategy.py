"""How a search draws its plans: the same plan with other seeds, or subsets of its faults, or priorities.

* ``uniform``  every named fault in every plan; events of one moment in a random order.
* ``swarm``    a random subset of the named faults per plan, and another rate of operations: faults that are always
               there hide each other's bugs (Groce et al., "Swarm Testing", ISSTA 2012).
* ``pct``      as uniform, but nodes and links have priorities, which change now and then (Burckhardt et al., "A
               Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from harness.fault import Fault, FaultSpec
from harness.faults.disturbance import is_list
from harness.faults.grammar import NONE, parse
from harness.plan import Plan
from harness.setup import scheduled
from harness.simulation.cluster import CAPABILITIES
from harness.system import System

STRATEGIES: Final[Mapping[str, str]] = {
    "uniform": "every named fault in every run, events of one moment in random order",
    "swarm": "a random subset of the faults, and another rate, per run",
    "pct": "nodes and links have priorities, changed now and then",
}
TIMED_MAX: Final = 3
"""More faults than these overlap in a plan of usual length, and then it is hard to say which one did what."""
RATES: Final = (0.3, 1.0, 1.0, 3.0)


def plan_of(base: Plan, system: System, faults: Mapping[str, Fault], seed: int, strategy: str) -> Plan:
    """The plan of one seed: ``base`` with its seed, and its schedule drawn from it."""
    random, plan = Random(f"strategy/{seed}"), replace(base, seed=seed)
    if strategy == "swarm":
        if is_list(base.faults):
            plan = replace(plan, faults=text_of(swarm(parse(base.faults, faults, system.events), random)))
        rate_hz = base.rate_hz * random.choice(RATES)
        plan = replace(plan, rate_hz=rate_hz, order=random.choice(("uniform", "pct")))
    elif strategy == "pct":
        plan = replace(plan, order="pct")
    return replace(plan, schedule=scheduled(plan, system, faults, CAPABILITIES))


def swarm(specs: Sequence[FaultSpec], random: Random) -> tuple[FaultSpec, ...]:
    """A few of the faults, in their order; at least one if there is one."""
    if not specs:
        return ()
    count = random.randint(1, min(TIMED_MAX, len(specs)))
    chosen = random.sample(range(len(specs)), count)
    return tuple(spec for place, spec in enumerate(specs) if place in chosen)


def text_of(specs: Sequence[FaultSpec]) -> str:
    """The ``--faults`` text of these."""
    return ",".join(map(str, specs)) if specs else NONE
