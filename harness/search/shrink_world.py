"""Passes over the world a plan runs in: fewer nodes, a smaller seed, no rare branches, the plain order of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from harness.fault import Action
from harness.plan import Plan
from harness.search.shrink_fault import with_schedule
from harness.search.shrink_oracle import Accept
from harness.setup import node_specs
from harness.system import System

SEEDS: Final = range(6)


def smaller_seed(plan: Plan, accept: Accept) -> Plan:
    """A plan that fails with seed 0 as well does not hang on how its own seed lets things interleave."""
    for seed in SEEDS:
        if seed >= plan.seed:
            break
        if (found := accept(replace(plan, seed=seed))) is not None:
            return found
    return plan


def plainer(plan: Plan, accept: Accept) -> Plan:
    """No rare branches, events of one moment in plain random order; what no listed operation depends on as usual."""
    usual = Plan(plan.system, plan.workload)
    for changes in (
        {"rare": False, "order": usual.order},
        {"rare": False},
        {"order": usual.order},
        {"client_timeout_s": usual.client_timeout_s},
        {"rate_hz": usual.rate_hz} if plan.operations is not None else {},
    ):
        candidate = replace(plan, **changes)
        if candidate != plan and (found := accept(candidate)) is not None:
            plan = found
    return plan


def fewer_nodes(plan: Plan, system: System, accept: Accept) -> Plan:
    """As few nodes as will do, from one on: those that faults and clients name, under new names, each client at the
    node it asked; or simply the first ones, with clients as they fall."""
    for count in range(1, plan.nodes):
        candidates = [on_nodes(plan, _first_names(plan, system, count), count)]
        wanted = on_nodes(plan, _wanted_names(plan, system, count), count)
        if wanted is not None and plan.operations:
            candidates.insert(0, _at_their_nodes(wanted, plan, system))
        for smaller in candidates:
            if smaller is not None and (found := accept(smaller)) is not None:
                return found
    return plan


Names = Mapping[str, str]
"""Old name of a node that stays -> its new one."""


def _first_names(plan: Plan, system: System, count: int) -> Names:
    return _names(plan, system, count, lambda node: 0)


def _wanted_names(plan: Plan, system: System, count: int) -> Names:
    """Those that actions name as their own (not only as spares) first, then those that clients ask."""
    front, named, asked = _front(system, plan.nodes), _named(plan), set[str]()
    for operation in plan.operations or ():
        asked.add(operation.node or front[operation.thread % len(front)])
    return _names(plan, system, count, lambda node: 0 if node in named else 1 if node in asked else 2)


def _names(plan: Plan, system: System, count: int, rank: Callable[[str], int]) -> Names:
    before, after = node_specs(system, plan.nodes), node_specs(system, count)
    names: dict[str, str] = {}
    for role in system.roles:
        old = [spec.name for spec in before if spec.role == role]
        new = [spec.name for spec in after if spec.role == role]
        kept = sorted(sorted(old, key=rank)[: len(new)], key=old.index)
        names.update(zip(kept, new, strict=True))
    return names


def _front(system: System, count: int) -> list[str]:
    """The nodes that clients attach to: those of the first role."""
    role = next(iter(system.roles))
    return [spec.name for spec in node_specs(system, count) if spec.role == role]


def _at_their_nodes(smaller: Plan, plan: Plan, system: System) -> Plan:
    """``smaller`` with its threads numbered so that each asks the node that it asked in ``plan``, where that stays."""
    before, after = _front(system, plan.nodes), _front(system, smaller.nodes)
    names = _wanted_names(plan, system, smaller.nodes)
    taken: dict[int, int] = {}
    for thread in sorted({operation.thread for operation in smaller.operations or ()}):
        node = names.get(before[thread % len(before)])
        number = after.index(node) if node in after else thread % len(after)
        while number in taken.values():
            number += len(after)
        taken[thread] = number
    operations = tuple(replace(operation, thread=taken[operation.thread]) for operation in smaller.operations or ())
    return replace(smaller, operations=operations, concurrency=1 + max(taken.values()))


def _named(plan: Plan) -> frozenset[str]:
    """Nodes that actions name as their own, not only as spares."""
    found: set[str] = set()
    for entry in plan.schedule:
        action = entry.action
        found.update(action.get("nodes", ()))
        found.update(node for link in action.get("links", ()) for node in link)
        found.update(action.get("drops", {}))
    return frozenset(found)


def on_nodes(plan: Plan, names: Names, count: int) -> Plan | None:
    """The plan on ``count`` nodes; what it does to a node that is no more, it does no longer. None if a fault is left
    with nothing to do, or an operation's node is no more: that is for another pass."""
    schedule = []
    for entry in plan.schedule:
        action = renamed(entry.action, names)
        if action is None:
            return None
        schedule.append(replace(entry, action=action))
    operations = plan.operations
    if operations is not None:
        if any(operation.node is not None and operation.node not in names for operation in operations):
            return None
        operations = tuple(replace(o, node=None if o.node is None else names[o.node]) for o in operations)
    return with_schedule(replace(plan, nodes=count, operations=operations), tuple(schedule))


def renamed(action: Action, names: Names) -> dict[str, Any] | None:
    """The action on the nodes that stay; None if nothing is left of it. Words such as "leader" stay what they are."""
    gone = {node for node in _all_nodes(action) if node not in names and _is_node(node)}
    result = dict(action)
    if "nodes" in action:
        result["nodes"] = [names.get(node, node) for node in action["nodes"] if node not in gone]
    if "spares" in action:
        result["spares"] = [names.get(node, node) for node in action["spares"] if node not in gone]
    if "count" in action:
        result["count"] = min(action["count"], max(1, len(result.get("spares", result.get("nodes", ())))))
    if "links" in action:
        result["links"] = [[names.get(a, a), names.get(b, b)] for a, b in action["links"] if not {a, b} & gone]
    if "drops" in action:
        kept = {
            names.get(receiver, receiver): [names.get(node, node) for node in senders if node not in gone]
            for receiver, senders in action["drops"].items()
            if receiver not in gone
        }
        result["drops"] = {receiver: senders for receiver, senders in kept.items() if senders}
    aim = next((result[name] for name in ("nodes", "drops", "links") if name in result), True)
    return result if aim else None


def _is_node(name: str) -> bool:
    return name[:1] == "n" and name[1:].isdecimal()


def _all_nodes(action: Action) -> list[str]:
    found = [*action.get("nodes", ()), *action.get("spares", ())]
    found += [node for link in action.get("links", ()) for node in link]
    for receiver, senders in action.get("drops", {}).items():
        found += [receiver, *senders]
    return found
