"""From an experiment to the plan of one of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from harness import catalog
from harness.claim import Experiment
from harness.fault import Fault, FaultSpec
from harness.faults.disturbance import is_list, named
from harness.faults.fault_file import Words
from harness.plan import Plan, ScheduledFault
from harness.setup import node_specs, scheduled
from harness.system import System
from harness.topology import topology_of

COUNTS_MAX: Final = 8
"""Of what "any" occurrence sets off: one of the first few."""


def plan_of(experiment: Experiment, system: System, faults: Mapping[str, Fault], seed: int, provider: str) -> Plan:
    """The plan with its schedule. Raises FaultSyntaxError, and ValueError where windows and faults are not as many."""
    plan = Plan(
        system=system.name,
        workload=experiment.workload,
        options=system.completed(experiment.options),
        bugs=experiment.bugs,
        faults=experiment.faults,
        provider=provider,
        nodes=experiment.nodes,
        concurrency=experiment.concurrency,
        rate_hz=experiment.rate_hz,
        time_limit_s=experiment.time_limit_s,
        client_timeout_s=experiment.client_timeout_s,
        probe_hz=experiment.probe_hz,
        seed=seed,
    )
    if experiment.topology is not None:
        topology = topology_of(experiment.topology, [spec.name for spec in node_specs(system, plan.nodes)])
        plan = replace(plan, topology=topology.as_json(), faults=topology.named(plan.faults))
    if not experiment.windows:
        able = () if is_list(plan.faults) else catalog.provider(provider).capabilities
        return replace(plan, schedule=scheduled(plan, system, faults, able))
    return replace(plan, schedule=placed(plan, system, faults, experiment.windows))


def placed(
    plan: Plan, system: System, faults: Mapping[str, Fault], windows: Sequence[tuple[float, float]]
) -> tuple[ScheduledFault, ...]:
    """Each fault of the plan in its own window."""
    specs = named(plan.faults, Words(faults, system.events or None, system.operations, system.roles))
    if len(specs) != len(windows):
        raise ValueError(f"read {len(windows)} windows for {len(specs)} faults ({plan.faults}); expected one for each")
    nodes = tuple(spec.name for spec in node_specs(system, plan.nodes))
    turns: dict[str, int] = {}
    entries = []
    for index, (spec, (start_s, stop_s)) in enumerate(zip(specs, windows, strict=True)):
        turn = turns.get(spec.name, 0)
        turns[spec.name] = turn + 1
        random = Random(f"{plan.seed}:{index}:{turn}")
        action = faults[spec.name].choose(spec, turn, nodes, random)
        entries.append(
            ScheduledFault(spec.name, round(start_s * 1e9), round(stop_s * 1e9), action, _cause(spec, random))
        )
    return tuple(entries)


def _cause(spec: FaultSpec, random: Random) -> Mapping[str, object] | None:
    if spec.trigger is None:
        return None
    return replace(spec.trigger, count=spec.trigger.count or random.randint(1, COUNTS_MAX)).as_json()
