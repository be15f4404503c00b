"""The dependencies of a history under a guess of its version orders, and where they contradict the level: few
transactions around a cycle each.

Nodes are the moments of :mod:`checkers.transactional.register.polygraph.polygraph`, of the whole history, and joints of
the order of sessions and of real time behind them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final

from checkers.transactional.component import components
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.history import INITIAL
from checkers.transactional.register.polygraph.facts import Facts
from checkers.transactional.register.polygraph.schedule import Schedule

SMALL: Final = 24
"""A component of so few transactions is decided as a whole; of a larger one, those on a shortest cycle."""
_CYCLES_MAX: Final = 12
_TWO_MOMENTS: Final = frozenset((Family.SNAPSHOT, Family.PREFIX))


@dataclass(slots=True)
class Dependencies:
    """``after[v]``: the moments that an edge leads to; ``singles``: (reader, what it missed), as far as it matters."""

    facts: Facts
    family: Family
    schedule: Schedule
    shift: int
    after: list[list[int]]
    singles: list[tuple[int, int]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)  # of each moment in the schedule

    def transaction(self, node: int) -> int:
        """Whose moment it is; -1 of a joint."""
        if node >= len(self.steps):
            return -1
        return node - self.shift if self.shift and node >= self.shift else node

    def position(self, node: int) -> int:
        """The step of the moment in the schedule; -1 of a joint."""
        return self.steps[node] if node < len(self.steps) else -1


def dependencies(facts: Facts, family: Family, order: Order, schedule: Schedule) -> Dependencies:
    """Where every two writers of a register wrote in the order of their commits."""
    count = len(facts)
    shift = count if family in _TWO_MOMENTS else 0
    found = Dependencies(facts, family, schedule, shift, [[] for _ in range(count + shift)])
    found.steps = [*schedule.begins, *schedule.commits] if shift else schedule.commits
    if shift:
        for number in range(count):
            found.after[number].append(number + shift)
    _add_order(found, order)
    for versions in version_orders(facts, schedule):
        _add_register(found, versions)
    return found


def version_orders(facts: Facts, schedule: Schedule) -> list[list[int]]:
    """Of each register its versions, in the order of their writers' commits."""
    by_register: list[list[int]] = [[] for _ in facts.initial]
    for version, register in enumerate(facts.registers):
        by_register[register].append(version)
    commits = schedule.commits
    for listed in by_register:
        listed[1:] = sorted(listed[1:], key=lambda version: commits[facts.writers[version]])
    return by_register


def _add_register(found: Dependencies, versions: Sequence[int]) -> None:
    facts, family, shift, after = found.facts, found.family, found.shift, found.after
    plain = family in (Family.ANY, Family.SNAPSHOT, Family.PREFIX)
    commit_to = 0 if family is Family.SNAPSHOT else shift
    for version, following in pairwise([*versions, None]):
        assert version is not None, "only the last one has none after it"
        writer = facts.writers[version]
        if writer != INITIAL:
            out = after[writer + shift]
            out.extend(facts.readers[version])
            if following is not None:
                out.append(facts.writers[following] + commit_to)
        if following is None:
            continue
        missed = facts.writers[following]
        for reader in facts.readers[version]:
            if reader != missed:
                if plain or facts.binds(family, reader, version):
                    after[reader].append(missed + shift)
                elif facts.single(family, reader):
                    found.singles.append((reader, missed))


def _add_order(found: Dependencies, order: Order) -> None:
    if order is Order.NONE:
        return
    count, shift = len(found.facts), found.shift
    for source, following in enumerate(found.facts.successors(order)):
        targets = [target if target < count else target + shift for target in following]
        if source < count:
            found.after[source + shift].extend(targets)
        else:
            found.after.append(targets)


# ---------------------------------------------------------------------------- orders and cycles


def topological(found: Dependencies) -> tuple[list[int], list[int]]:
    """(moments no cycle leads to, each before its successors and else as in the schedule; the other nodes)."""
    after = found.after
    waiting = [0] * len(after)
    for targets in after:
        for target in targets:
            waiting[target] += 1
    heap = [(found.position(node), node) for node, count in enumerate(waiting) if not count]
    heapify(heap)
    order: list[int] = []
    while heap:
        _, node = heappop(heap)
        order.append(node)
        for target in after[node]:
            waiting[target] -= 1
            if not waiting[target]:
                heappush(heap, (found.position(target), target))
    return order, [node for node, count in enumerate(waiting) if count]


def broken(found: Dependencies) -> tuple[list[int], list[list[int]]]:
    """(moments in a topological order, []); or (_, groups of transactions around what the family forbids)."""
    order, rest = topological(found)
    if rest:
        groups: list[list[int]] = []
        inside = set(rest)
        for tied in components(rest, lambda node: [each for each in found.after[node] if each in inside]):
            groups += _around(found, tied)
        return order, groups
    return order, _missed(found, order) if found.singles else []


def _members(found: Dependencies, nodes: Iterable[int]) -> list[int]:
    return sorted({number for number in map(found.transaction, nodes) if number >= 0})


def _around(found: Dependencies, tied: Sequence[int]) -> list[list[int]]:
    """The whole component, or disjoint short cycles of it."""
    everyone = _members(found, tied)
    if len(everyone) <= SMALL:
        return [everyone]
    inside = set(tied)
    backward = [
        (found.position(source) - found.position(target), source, target)
        for source in tied for target in found.after[source]
        if target in inside and 0 <= found.position(target) <= found.position(source)
    ]  # fmt: skip
    backward.sort()
    return _cycles(found, backward, inside, near=True) or _cycles(found, backward, inside, near=False) or [everyone]


def _cycles(
    found: Dependencies, backward: Sequence[tuple[int, int, int]], inside: set[int], *, near: bool
) -> list[list[int]]:  # fmt: skip
    """Disjoint cycles, each through one of the edges that lead backward in the guess (by how far). ``near``: through no
    moment that is not between its two ends there, which is fast; there may be no such cycle."""
    groups: list[list[int]] = []
    used: set[int] = set()
    for _, source, target in backward:
        if used.isdisjoint(_members(found, (source, target))):
            span = (found.position(target), found.position(source)) if near else None
            path = _path(found, target, source, inside, span)
            if path is not None and used.isdisjoint(members := _members(found, path)):
                groups.append(members)
                used.update(members)
        if len(groups) >= _CYCLES_MAX:
            break
    return groups


def _path(
    found: Dependencies, start: int, end: int, inside: set[int], span: tuple[int, int] | None
) -> list[int] | None:
    """The moments of a path with the fewest of them, joints not counted. ``span``: the first and the last step."""
    parents = {start: start}
    queue = deque((start,))
    steps, joints = found.steps, len(found.steps)
    while queue:
        node = queue.popleft()
        if node == end:
            path = [end]
            while path[-1] != start:
                path.append(parents[path[-1]])
            return path
        for target in found.after[node]:
            if target not in parents and target in inside:
                if span is not None and target < joints and not span[0] <= steps[target] <= span[1]:
                    continue
                parents[target] = node
                (queue.append if target < joints else queue.appendleft)(target)
    return None


def _missed(found: Dependencies, order: Sequence[int]) -> list[list[int]]:
    """Cycles with a single: what a reader missed leads back to it."""
    place = [0] * len(found.after)
    for index, node in enumerate(order):
        place[node] = index
    groups: list[list[int]] = []
    used: set[int] = set()
    for reader, missed in found.singles:
        if place[missed] < place[reader]:
            between = _Between(found, place)
            path = between.path(missed, reader)
            if path is not None:
                members = _members(found, path)
                if used.isdisjoint(members):
                    groups.append(members)
                    used.update(members)
                if len(groups) >= _CYCLES_MAX:
                    break
    return groups


@dataclass(slots=True)
class _Between:
    """Paths among what stands between two moments in a topological order."""

    found: Dependencies
    place: list[int]

    def path(self, start: int, end: int) -> list[int] | None:
        limit, place = self.place[end], self.place
        parents = {start: start}
        queue = deque((start,))
        while queue:
            node = queue.popleft()
            for target in self.found.after[node]:
                if place[target] <= limit and target not in parents:
                    parents[target] = node
                    if target == end:
                        path = [end]
                        while path[-1] != start:
                            path.append(parents[path[-1]])
                        return path
                    queue.append(target)
        return None
