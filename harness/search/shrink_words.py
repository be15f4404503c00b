"""A plan in words: one line per operation and fault, in order of time.

::

    5 nodes, 2 clients, 1.2 s, seed 0
    after 3rd vote-granted: kill its node, for 0.3 s
    0.300 s  c0 write 3 -> n1
    0.400 s  partition n1 | n2 n3, until 0.900 s
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from harness.fault import Action, Trigger
from harness.faults.target import SYMBOLS
from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.search.shrink_size import plural

LINES_MAX: Final = 60
TEXT_CHARACTERS_MAX: Final = 160


def plan_lines(plan: Plan, front: Sequence[str]) -> Iterator[str]:
    """The plan's world, then what happens in it. ``front`` are the nodes that clients attach to."""
    yield _world(plan)
    lines = [(-1 if entry.trigger else entry.start_ns, _fault(entry)) for entry in plan.schedule]
    lines += [(operation.time_ns, _operation(operation, front)) for operation in plan.operations or ()]
    lines.sort(key=lambda line: line[0])
    yield from (text for _, text in lines[:LINES_MAX])
    if len(lines) > LINES_MAX:
        yield f"... and {len(lines) - LINES_MAX} more"
    if plan.operations is None:
        yield f"operations: as the workload draws them, {plan.rate_hz:g}/s"


def _world(plan: Plan) -> str:
    parts = [plural(plan.nodes, "node"), plural(plan.concurrency, "client"), f"{plan.time_limit_s:g} s"]
    parts += [f"-o {name}={value}" for name, value in plan.options.items()]
    parts += [f"bug {bug}" for bug in plan.bugs]
    parts += [] if plan.order == "uniform" else [f"order {plan.order}"]
    return ", ".join([*parts, f"seed {plan.seed}"])


def _seconds(time_ns: int) -> str:
    return f"{time_ns / 1e9:.3f} s"


def _operation(operation: ScheduledOperation, front: Sequence[str]) -> str:
    value = "" if operation.value is None else f" {_short(operation.value)}"
    key = "" if operation.key is None else f" of key {_short(operation.key)}"
    node = operation.node or (front[operation.thread % len(front)] if front else "?")
    return f"{_seconds(operation.time_ns)}  c{operation.thread} {operation.f}{value}{key} -> {node}"


def _fault(entry: ScheduledFault) -> str:
    what = f"{entry.fault} {_aim(entry.action)}{_amounts(entry.action)}"
    if entry.trigger is None:
        return f"{_seconds(entry.start_ns)}  {what}, until {_seconds(entry.stop_ns)}"
    armed = f", not before {_seconds(entry.start_ns)}" if entry.start_ns else ""
    return f"{Trigger.from_json(entry.trigger)}: {what}, for {_seconds(entry.stop_ns - entry.start_ns)}{armed}"


def _aim(action: Action) -> str:
    """Whom it strikes."""
    if "drops" in action:
        return _cut(action["drops"])
    if "links" in action:
        links = action["links"]
        listed = ", ".join(f"{a} to {b}" for a, b in links[:4])
        return listed if len(links) <= 4 else f"{action['shape']} ({plural(len(links), 'link')})"
    nodes = [{"its-node": "its node", "leader": "the leader"}.get(node, node) for node in action["nodes"]]
    more = action.get("count", len(nodes)) - len(nodes)
    others = f" and {plural(more, 'other')}" if more > 0 else ""
    shape = action["shape"]
    aim = " ".join(nodes) + others
    return aim if shape in (*SYMBOLS, "one", "minority", "majority", "all") else f"{shape} ({aim})"


def _cut(drops: Mapping[str, Sequence[str]]) -> str:
    """A cut both ways as two sides, if that is what it is; else who no longer hears whom."""
    left = next(iter(drops))
    sides = {left, *(node for node in drops if set(drops[node]) == set(drops[left]))}
    others = set(drops[left])
    if not sides & others and set(drops) == sides | others and all(set(drops[node]) == sides for node in others):
        small, large = sorted((sorted(sides), sorted(others)), key=lambda side: (len(side), side))
        return f"{' '.join(small)} | {' '.join(large)}"
    return ", ".join(f"{receiver} hears not {' '.join(senders)}" for receiver, senders in drops.items())


def _amounts(action: Action) -> str:
    plain = {name: value for name, value in action.items() if isinstance(value, (bool, int, float)) and name != "count"}
    figures = {**plain, **action.get("amount", {})}
    words = [str(action[name]) for name in ("kind", "direction") if name in action and action[name] != "both"]
    words += [f"keep {action['keep']}"] if action.get("keep") == "none" else []
    for name, value in figures.items():
        if isinstance(value, bool):
            words += [name] if value else []
        else:
            words.append(f"{name.replace('_', ' ')} {value:g}")
    return f" ({', '.join(words)})" if words else ""


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= TEXT_CHARACTERS_MAX else text[:TEXT_CHARACTERS_MAX] + "..."
