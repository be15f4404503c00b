"""Plans for tests: a system, short, on the simulator."""

from __future__ import annotations

from typing import Any

from harness import catalog
from harness.plan import Plan
from harness.search.strategy import plan_of
from harness.search.worker import setup_of_plan
from harness.setup import Setup

FAULTS = catalog.faults()


def base_plan(system: str, **fields: Any) -> Plan:
    """A plan of a bundled system with its default options, or those given, but for its seed and schedule."""
    options = {name: option.default for name, option in catalog.system(system).options.items()}
    given = {"workload": catalog.system(system).workloads[0], "provider": "sim", "time_limit_s": 6.0, "rate_hz": 20.0,
             **fields, "options": {**options, **fields.get("options", {})}}  # fmt: skip
    return Plan(system=system, **given)


def setup_for(plan: Plan, seed: int, strategy: str = "uniform") -> Setup:
    system = catalog.system(plan.system)
    return setup_of_plan(plan_of(plan, system, FAULTS, seed, strategy), system, FAULTS)
