"""A guess of how a history happened: the transactions begun and committed one by one, none before what it depends on.

A transaction waits for those from which it read, for those that had completed before it began, before it overwrites a
version for all who read that version, and for the writers that had completed before its own version was last read
(Gibbons, Korach 1997). Real time is respected first even where the level does not ask for it: that is how the history
most probably was. Where nothing can go on, a transaction may begin, which is all its reads need, and commit later; if
the level does not allow that either, the oldest that waits goes on all the same, and the guess has a flaw there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from typing import Final

from checkers.transactional.lattice import Family
from checkers.transactional.register.history import INITIAL
from checkers.transactional.register.polygraph.facts import Facts

SPLIT: Final = frozenset((Family.SNAPSHOT, Family.PREFIX, Family.ONE_RW))
"""A transaction may commit later than its reads take place."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """``begins[t]`` and ``commits[t]``: when, in steps; the same number where both are one step. ``flaws``: how often
    a transaction went on that should have waited."""

    begins: list[int]
    commits: list[int]
    flaws: int

    def order(self) -> list[int]:
        """The transactions by their commits."""
        return sorted(range(len(self.commits)), key=self.commits.__getitem__)


def schedule(
    facts: Facts, family: Family, groups: Sequence[int], before: Mapping[int, Sequence[int]] | None = None
) -> Schedule:
    """``groups[t]``: inside a group, what had completed comes before what began later. ``before[t]``: what else must
    commit before t does."""
    run = _Run(facts, family, groups, before or {})
    run.execute()
    return Schedule(run.begins, run.commits, run.flaws)


@dataclass(slots=True)
class _Group:
    """The members of a group: those not yet admitted by invocation, those not yet committed by completion."""

    arriving: list[int]
    leaving: list[int]
    arrived: int = 0
    left: int = 0


@dataclass(slots=True)
class _Run:
    facts: Facts
    family: Family
    groups: Sequence[int]
    before: Mapping[int, Sequence[int]]
    begins: list[int] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    flaws: int = 0
    step: int = 0
    current: list[int] = field(default_factory=list)  # register -> version
    unread: list[int] = field(default_factory=list)  # version -> readers that have not begun
    missing: list[int] = field(default_factory=list)  # transaction -> sources and the like that have not committed
    priority: list[float] = field(default_factory=list)
    ready: list[tuple[float, int]] = field(default_factory=list)
    blocked: list[tuple[float, int]] = field(default_factory=list)  # lazily cleaned
    on_version: dict[int, list[int]] = field(default_factory=dict)
    on_commit: dict[int, list[int]] = field(default_factory=dict)
    locks: dict[int, int] = field(default_factory=dict)
    last_seen: list[float] = field(default_factory=list)  # version -> last invocation that shows it was there
    chain: list[int] = field(default_factory=list)  # version -> first of those each read, and written over by a reader
    completions: list[tuple[list[float], list[int]]] = field(default_factory=list)
    overtaken: list[int] = field(default_factory=list)  # register -> how many of its versions, by completion, are there
    grouped: list[_Group] = field(default_factory=list)
    admitted: bytearray = field(default_factory=bytearray)

    def execute(self) -> None:
        self.prepare()
        done = 0
        for group in self.grouped:
            self.admit(group)
        total = len(self.facts)
        ready, commits = self.ready, self.commits
        while done < total:
            while ready:
                _, number = heappop(ready)
                if commits[number] < 0 and not self.waits(number):
                    self.commit(number)
                    done += 1
            if done < total and not self.begin_one():
                self.flaws += 1
                self.commit(self.oldest())
                done += 1

    # ------------------------------------------------------------------ what is known before

    def prepare(self) -> None:
        facts, count = self.facts, len(self.facts)
        self.begins, self.commits, self.admitted = [-1] * count, [-1] * count, bytearray(count)
        self.current = list(facts.initial)
        self.missing = [0] * count
        binding = self.family in (Family.UPDATE, Family.CURSOR)
        self.unread = [
            sum(facts.binds(self.family, each, version) for each in listed) if binding else len(listed)
            for version, listed in enumerate(facts.readers)
        ]
        self.priority = list(facts.ended)
        self.last_seen = [0.0] * len(facts.writers)
        began, ended, priority = facts.began, facts.ended, self.priority
        for version, writer in enumerate(facts.writers):
            listed = facts.readers[version]
            seen: float = max([began[each] for each in listed]) if listed else 0
            if writer != INITIAL:
                for reader in listed:
                    self.missing[reader] += 1
                    if ended[reader] < priority[writer]:
                        priority[writer] = ended[reader]
                seen = max(seen, began[writer])
            self.last_seen[version] = seen
        for number, earlier in self.before.items():
            self.missing[number] += len(earlier)
            for each in earlier:
                self.on_commit.setdefault(each, []).append(number)
                priority[each] = min(priority[each], priority[number])
        self.prepare_chains()
        self.prepare_writers()
        self.prepare_groups()

    def prepare_chains(self) -> None:
        """Nothing comes between a version and that of a reader who wrote over it: they were there together."""
        facts, seen = self.facts, self.last_seen
        following: dict[int, int] = {}
        for number, written in enumerate(facts.writes):
            for version in written if facts.reads[number] else ():
                register = facts.registers[version]
                for read in facts.reads[number]:
                    if facts.registers[read] == register and facts.writers[read] != INITIAL:
                        following.setdefault(read, version)
        self.chain = list(range(len(facts.writers)))
        for first in following.keys() - set(following.values()):
            chain = [first]
            inside = {first}
            while following.get(chain[-1], first) not in inside:  # reads that contradict each other may close a circle
                chain.append(following[chain[-1]])
                inside.add(chain[-1])
            for later, version in zip(reversed(chain), reversed(chain[:-1]), strict=False):
                seen[version] = max(seen[version], seen[later])
            for version in chain:
                self.chain[version] = first

    def prepare_writers(self) -> None:
        ended = self.facts.ended
        writers = self.facts.writers
        by_register: list[list[int]] = [[] for _ in self.facts.initial]
        for version, register in enumerate(self.facts.registers):
            if writers[version] != INITIAL:
                by_register[register].append(version)
        for listed in by_register:
            listed.sort(key=lambda version: ended[writers[version]])
            self.completions.append(([ended[writers[version]] for version in listed], listed))
        self.overtaken = [0] * len(by_register)

    def prepare_groups(self) -> None:
        members: dict[int, list[int]] = {}
        for number, group in enumerate(self.groups):
            members.setdefault(group, []).append(number)
        ended = self.facts.ended
        place: dict[int, int] = {}
        for group, listed in members.items():
            place[group] = len(self.grouped)
            self.grouped.append(_Group(listed, sorted(listed, key=ended.__getitem__)))
        self.groups = [place[group] for group in self.groups]

    # ------------------------------------------------------------------ steps

    def admit(self, group: _Group) -> None:
        """Those that began before anything that has not committed had completed."""
        leaving, arriving, commits = group.leaving, group.arriving, self.commits
        while group.left < len(leaving) and commits[leaving[group.left]] >= 0:
            group.left += 1
        limit = self.facts.ended[leaving[group.left]] if group.left < len(leaving) else inf
        while group.arrived < len(arriving) and self.facts.began[arriving[group.arrived]] < limit:
            number = arriving[group.arrived]
            group.arrived += 1
            self.admitted[number] = True
            if not self.missing[number] and commits[number] < 0:
                heappush(self.ready, (self.priority[number], number))

    def waits(self, number: int) -> bool:
        """Whether it must; if so, it is looked at again after what it waits for."""
        facts, own = self.facts, self.begins[number] < 0
        for version in facts.writes[number]:
            register = facts.registers[version]
            now = self.current[register]
            left = self.unread[now]
            if left and not (left == 1 and own and number in facts.readers[now] and self.counts(number, now)):
                self.on_version.setdefault(now, []).append(number)
                return self.block(number)
            holder = self.locks.get(register, number)
            other = holder if holder != number else self.overdue(register, version)
            if other >= 0:
                self.on_commit.setdefault(~other, []).append(number)
                return self.block(number)
        return False

    def counts(self, number: int, version: int) -> bool:
        return self.family not in (Family.UPDATE, Family.CURSOR) or self.facts.binds(self.family, number, version)

    def block(self, number: int) -> bool:
        heappush(self.blocked, (self.priority[number], number))
        return True

    def overdue(self, register: int, version: int) -> int:
        """A writer of the register that had completed before the version was last seen, and has not committed; -1 if
        there is none."""
        ends, listed = self.completions[register]
        writers, commits, chain = self.facts.writers, self.commits, self.chain
        place = self.overtaken[register]
        while place < len(listed) and commits[writers[listed[place]]] >= 0:
            place += 1
        self.overtaken[register] = place
        limit = bisect_left(ends, self.last_seen[version], place)
        for other in listed[place:limit]:
            if commits[writers[other]] < 0 and chain[other] != chain[version]:
                return writers[other]
        return -1

    def begin(self, number: int) -> None:
        self.begins[number] = self.step
        facts, unread, selective = self.facts, self.unread, self.family in (Family.UPDATE, Family.CURSOR)
        for version in facts.reads[number]:
            if selective and not facts.binds(self.family, number, version):
                continue
            unread[version] -= 1
            if unread[version] <= 1 and version in self.on_version:
                self.wake(self.on_version.pop(version))

    def wake(self, numbers: Sequence[int]) -> None:
        for each in numbers:
            if self.commits[each] < 0:
                heappush(self.ready, (self.priority[each], each))

    def commit(self, number: int) -> None:
        if self.begins[number] < 0:
            self.begin(number)
        self.commits[number] = self.step
        self.step += 1
        facts, missing = self.facts, self.missing
        for version in facts.writes[number]:
            register = facts.registers[version]
            overwritten, self.current[register] = self.current[register], version
            if self.locks.get(register) == number:
                del self.locks[register]
            if overwritten in self.on_version:
                self.wake(self.on_version.pop(overwritten))
            for reader in facts.readers[version]:
                missing[reader] -= 1
                if not missing[reader] and self.admitted[reader] and self.commits[reader] < 0:
                    heappush(self.ready, (self.priority[reader], reader))
        for each in self.on_commit.pop(number, ()):
            missing[each] -= 1
            if not missing[each] and self.admitted[each]:
                self.wake((each,))
        if ~number in self.on_commit:
            self.wake(self.on_commit.pop(~number))
        group = self.grouped[self.groups[number]]
        if group.left < len(group.leaving) and group.leaving[group.left] == number:
            self.admit(group)

    # ------------------------------------------------------------------ where nothing can go on

    def begin_one(self) -> bool:
        """Whether some transaction that waits could begin at least, its commit to follow."""
        if self.family not in SPLIT:
            return False
        locking = self.family is not Family.PREFIX
        facts = self.facts
        candidates = sorted({each for each in self.blocked if self.commits[each[1]] < 0})
        self.blocked[:] = candidates
        for _, number in candidates:
            registers = [facts.registers[version] for version in facts.writes[number]]
            free = self.begins[number] < 0 and facts.reads[number] and not (
                locking and any(register in self.locks for register in registers))  # fmt: skip
            if free:
                self.begin(number)
                self.step += 1
                if locking:
                    self.locks.update(dict.fromkeys(registers, number))
                self.wake((number,))
                return True
        return False

    def oldest(self) -> int:
        """Of those that wait for an overwrite only, the first; or else any."""
        heapify(self.blocked)
        while self.blocked:
            _, number = heappop(self.blocked)
            if self.commits[number] < 0:
                return number
        for group in self.grouped:
            while group.left < len(group.leaving) and self.commits[group.leaving[group.left]] >= 0:
                group.left += 1
        fronts = [group.leaving[group.left] for group in self.grouped if group.left < len(group.leaving)]
        return min(fronts, key=lambda number: (self.priority[number], number))
