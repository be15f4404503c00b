"""Passes over a plan's faults: fewer of them, set off earlier, doing less to fewer nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from harness.fault import OPERATION, Action
from harness.faults.target import ITS_NODE, SYMBOLS, TARGETS, is_group
from harness.faults.topology import between, drops
from harness.plan import Plan, ScheduledFault
from harness.search.shrink_ddmin import minimize
from harness.search.shrink_figure import simpler_figures
from harness.search.shrink_oracle import Accept

ONE: Final = "one"
SOME_LINKS: Final = "some-links"
"""The shape of an action some of whose links were taken away: no name fits what is left."""
_ONE_WAY: Final = "-one-way"
_ACTIONS_TRIED_MAX: Final = 400

Schedule = tuple[ScheduledFault, ...]


def drop_faults(plan: Plan, accept: Accept) -> Plan:
    """Delta debugging on the schedule."""
    current = plan

    def fails(schedule: Schedule) -> bool:
        nonlocal current
        found = accept(with_schedule(current, schedule))
        current = current if found is None else found
        return found is not None

    minimize(plan.schedule, fails)
    return current


def with_schedule(plan: Plan, schedule: Schedule) -> Plan:
    """The plan with other faults, and ``--faults`` text that names those and no more."""
    return replace(plan, schedule=schedule, faults=",".join(sorted({entry.fault for entry in schedule})) or "none")


def earlier_triggers(plan: Plan, accept: Accept) -> Plan:
    """Smaller counts: the first time rather than the seventh. And armed from the beginning."""
    for place, entry in enumerate(plan.schedule):
        if entry.trigger is None:
            continue
        count = entry.trigger["count"]
        counts = dict.fromkeys(c for c in (1, 2, 3, 4, 5, count // 2, count - 1) if 0 < c < count)
        candidates = [replace(entry, trigger={**entry.trigger, "count": smaller}) for smaller in counts]
        plan = _first(plan, place, candidates, accept)
        entry = plan.schedule[place]  # noqa: PLW2901 (as it is now)
        if entry.start_ns:
            plan = _first(plan, place, [replace(entry, start_ns=0, stop_ns=entry.stop_ns - entry.start_ns)], accept)
    return plan


def timed_faults(plan: Plan, struck_ns: Mapping[int, int], accept: Accept) -> Plan:
    """What a client's operation sets off is set off by the clock instead, when it struck: where the operations are
    listed that says the same, and the operations before it may go. What nodes set off stays so: that says why."""
    for place, entry in enumerate(plan.schedule):
        if entry.trigger is None or entry.trigger["on"] != OPERATION or ITS_NODE in entry.action.get("nodes", ()):
            continue
        start_ns = max(0, struck_ns.get(place, 0))
        stop_ns = start_ns + entry.stop_ns - entry.start_ns
        timed = replace(entry, trigger=None, start_ns=start_ns, stop_ns=min(stop_ns, int(plan.time_limit_s * 1e9)))
        plan = _first(plan, place, [timed], accept)
    return plan


def simpler_actions(plan: Plan, nodes: tuple[str, ...], accept: Accept) -> Plan:
    """Each fault does less: to one node rather than many, on fewer links, without torn writes, by rounder amounts."""
    tried = 0
    for place in range(len(plan.schedule)):
        going = True
        while going and tried < _ACTIONS_TRIED_MAX:
            going = False
            entry = plan.schedule[place]
            for action in simpler(entry.action, nodes):
                tried += 1
                if (found := _put(plan, place, replace(entry, action=action), accept)) is not None:
                    plan, going = found, True
                    break
    return plan


def _first(plan: Plan, place: int, candidates: list[ScheduledFault], accept: Accept) -> Plan:
    """The plan with the first of the candidates that will do."""
    for candidate in candidates:
        if (found := _put(plan, place, candidate, accept)) is not None:
            return found
    return plan


def _put(plan: Plan, place: int, entry: ScheduledFault, accept: Accept) -> Plan | None:
    schedule = (*plan.schedule[:place], entry, *plan.schedule[place + 1 :])
    return None if schedule == plan.schedule else accept(with_schedule(plan, schedule))


def simpler(action: Action, nodes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Actions that do less than this one, or need fewer words, the simplest first. Each is strictly simpler, so taking
    one after another comes to an end."""
    yield from _fewer_nodes(action)
    if "drops" in action:
        yield from _fewer_drops(action, nodes)
    if len(links := action.get("links", ())) > 1:
        for part in _parts(list(links)):
            yield {**action, "shape": SOME_LINKS, "links": part}
    for switch in ("torn", "reordered"):
        if action.get(switch) is True:
            yield {**action, switch: False}
    if action.get("keep") == "some":
        yield {**action, "keep": "none"}  # all that was not synced is lost: nothing is left to a draw
    yield from _smaller_amounts(action)


def _fewer_nodes(action: Action) -> Iterator[dict[str, Any]]:
    named = list(action.get("nodes", ()))
    group = is_group(action)
    if action.get("count", len(action.get("spares", ())) if group else 1) > 1:
        yield {**action, "count": 1}
    if "spares" in action and action.get("count", len(named)) <= len(named) and not group:
        yield {name: value for name, value in action.items() if name not in ("spares", "count")}
    if len(named) > 1:
        for part in _parts(named):
            yield {
                **action,
                "shape": _shape_of_one(action["shape"]) if len(part) == 1 else action["shape"],
                "nodes": part,
            }


def _shape_of_one(shape: str) -> str:
    target = shape.removesuffix(_ONE_WAY)
    if target not in TARGETS or target in SYMBOLS:
        return shape
    return ONE + shape[len(target) :]


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    """Single items, halves, and all but one."""
    seen: list[list[Any]] = []
    half = len(items) // 2
    single, without = [[item] for item in items], [items[:i] + items[i + 1 :] for i in range(len(items))]
    for part in [*single, items[:half], items[half:], *without]:
        if 0 < len(part) < len(items) and part not in seen:
            seen.append(part)
            yield part


def _fewer_drops(action: Action, nodes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """One node alone, if that cuts less; then single links and fewer of them."""
    pairs = _pairs(action["drops"])
    named = [node for node in nodes if any(node in pair for pair in pairs)]
    for node in named:
        alone = drops(between([node], [other for other in named if other != node]))
        if action["shape"] != ONE and len(_pairs(alone)) < len(pairs):
            yield {**action, "shape": ONE, "drops": alone}
    if len(pairs) > 1:
        for part in _parts(pairs):
            yield {**action, "shape": SOME_LINKS, "drops": _drops(part)}


def _pairs(dropped: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(receiver, sender) for receiver, senders in dropped.items() for sender in senders]


def _drops(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    receivers = dict.fromkeys(receiver for receiver, _ in pairs)
    return {receiver: [sender for to, sender in pairs if to == receiver] for receiver in receivers}


def _smaller_amounts(action: Action) -> Iterator[dict[str, Any]]:
    """Figures stand in the action itself, or in its "amount"."""
    amount = action.get("amount", {})
    for name, figure in amount.items():
        for simple in simpler_figures(name, figure):
            yield {**action, "amount": {**amount, name: simple}}
    for name, figure in action.items():
        if isinstance(figure, (int, float)) and not isinstance(figure, bool) and name != "count":
            for simple in simpler_figures(name, figure):
                yield {**action, name: simple}
