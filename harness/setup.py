"""A run before there is a cluster: a plan with what its names stand for, its nodes, its schedule; what forbids it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.cluster import Cluster, NodeSpec, Provider
from harness.cluster_faults import OUT_OF_REACH
from harness.fault import Fault, FaultSyntaxError
from harness.faults.disturbance import Drawn, schedule_of
from harness.faults.fault_file import Words
from harness.faults.profile import Means
from harness.faults.triggered import needs
from harness.plan import Plan, ScheduledFault
from harness.system import System
from harness.workload import Workload


@dataclass(frozen=True, slots=True)
class Setup:
    """A plan with what its names stand for."""

    plan: Plan
    system: System
    workload: Workload
    provider: Provider
    faults: Mapping[str, Fault]
    modules: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def node_specs(self) -> tuple[NodeSpec, ...]:
        return node_specs(self.system, self.plan.nodes)


def packages_of(system: System) -> tuple[str, ...]:
    """The Debian packages that its nodes need."""
    return system.external.packages if system.external is not None else ()


def node_specs(system: System, count: int) -> tuple[NodeSpec, ...]:
    """The nodes n1, n2, ... of a system: ``count`` of the role without a count of its own, and the others' besides."""
    specs: list[NodeSpec] = []
    for name, role in system.roles.items():
        for _ in range(count if role.count is None else role.count):
            specs.append(NodeSpec(f"n{len(specs) + 1}", name, role.program, role.disk))
    return tuple(specs)


def scheduled(
    plan: Plan, system: System, faults: Mapping[str, Fault], capabilities: Collection[str] = ()
) -> tuple[ScheduledFault, ...]:
    """What the plan's ``faults`` come to with its seed; ``capabilities`` are those of its provider, of which a profile
    makes its choice. Raises FaultSyntaxError."""
    nodes = tuple(spec.name for spec in node_specs(system, plan.nodes))
    words = Words(faults, system.events or None, system.operations, system.roles)
    means = Means(faults, reachable(system, capabilities), system.withstands, nodes)
    schedule = schedule_of(plan.faults, words, means, Drawn(nodes, plan.time_limit_s, plan.seed))
    for name in dict.fromkeys(entry.fault for entry in schedule):
        if (refusal := _refusal(system, faults[name])) is not None:
            read = f"--faults: read {name}; expected a fault that {system.name} can have"
            raise FaultSyntaxError(f"{read}: {refusal}")
    return schedule


def reachable(system: System, capabilities: Collection[str]) -> frozenset[str]:
    """Of what a provider's clusters can break, what they can with that system on them."""
    return frozenset(capabilities) - (frozenset() if system.external is None else OUT_OF_REACH.keys())


def _refusal(system: System, fault: Fault) -> str | None:
    """Why a system cannot have a fault, whatever the cluster; None if it can."""
    if system.external is not None and (beyond := sorted(fault.needs & OUT_OF_REACH.keys())):
        return f"{system.name} is not ours, and {beyond[0]}: {OUT_OF_REACH[beyond[0]]}"
    refusal: str | None = getattr(fault, "unless_withstood", None)
    return None if fault.name in system.withstands else refusal


def misfits(system: System, workload: Workload) -> list[str]:
    """Why a workload cannot run on a system, in words; empty if it can."""
    missing = sorted(workload.operations - system.operations)
    if not missing:
        return []
    return [
        f"the workload {workload.name!r} asks for {', '.join(missing)}, which {system.name!r} does not do "
        f"(it does {', '.join(sorted(system.operations))})"
    ]


def unmet_needs(faults: Mapping[str, Fault], plan: Plan, cluster: Cluster) -> list[str]:
    """Which scheduled faults the cluster cannot make, and what it lacks."""
    can = ", ".join(sorted(cluster.capabilities)) or "do nothing"
    missing: dict[str, frozenset[str]] = {}
    for entry in plan.schedule:
        lacking = (faults[entry.fault].needs | needs(entry.trigger)) - cluster.capabilities
        missing[entry.fault] = missing.get(entry.fault, frozenset()) | lacking
    return [
        f"the fault {name!r} needs {', '.join(sorted(lacking))}, which this cluster cannot do (it can {can})"
        for name, lacking in missing.items()
        if lacking
    ]
