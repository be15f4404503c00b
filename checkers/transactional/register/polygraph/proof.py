"""A schedule as a proof that a history satisfies a level, checked against the history alone.

It says when each transaction took its snapshot and when it committed. Sources: Cerone and Gotsman 2016 for what a
schedule of snapshot isolation is; the definitions of :mod:`checkers.transactional.lattice` for the rest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.history import INITIAL, RegisterHistory
from checkers.transactional.register.polygraph.schedule import Schedule
from checkers.transactional.transaction import Transaction

Event = tuple[int, bool, int]
"""(step, whether it is a commit, transaction)."""


def objection(history: RegisterHistory, family: Family, order: Order, proof: Schedule) -> str | None:
    """Why the schedule does not prove that the level holds; None if it does. Linear in the history, except where some
    transaction's reads were of no one moment, which parallel snapshots, cursors and update serializability allow."""
    count = len(history)
    begins, commits = proof.begins, proof.commits
    if len(begins) != count or len(commits) != count or any(map(_after, begins, commits)):
        return "a transaction has no begin and commit, in that order"
    if len(set(commits)) != count:
        return "two transactions commit at the same time"
    if family in (Family.ANY, Family.CURSOR, Family.UPDATE) and begins != commits:
        return "a transaction does not take place in one moment"
    check = _Check(history, family, order, proof)
    for first, second in check.conflicts() if family is Family.SNAPSHOT else ():
        return f"transactions {first} and {second} wrote one register at the same time"
    return check.times() or check.reads()


def _after(begin: int, commit: int) -> bool:
    return not 0 <= begin <= commit


@dataclass(slots=True)
class _Check:
    history: RegisterHistory
    family: Family
    order: Order
    proof: Schedule

    def times(self) -> str | None:
        """What had completed before another began has committed before that one's begin."""
        if self.order is Order.NONE:
            return None
        groups: dict[Hashable, list[Transaction]] = {}
        for each in self.history.transactions:
            groups.setdefault(each.session if self.order is Order.SESSION else None, []).append(each)
        for members in groups.values():
            ends = sorted((each.complete, each.number) for each in members if each.complete is not None)
            done, latest = 0, -1
            for each in sorted(members, key=lambda one: one.invoke):
                while done < len(ends) and ends[done][0] < each.invoke:
                    latest = max(latest, self.proof.commits[ends[done][1]])
                    done += 1
                if latest >= self.proof.begins[each.number]:
                    return f"transaction {each.number} began before one that had completed committed"
        return None

    def reads(self) -> str | None:
        """Each read is of the last version committed before its transaction's begin; or the family allows otherwise."""
        begins, commits = self.proof.begins, self.proof.commits
        elsewhere: list[tuple[int, int]] = []
        torn = {second for _, second in self.conflicts()} if self.family is Family.ONE_RW else set()
        for register in self.history.registers:
            ordered = sorted(register.writers, key=commits.__getitem__)
            times = [commits[writer] for writer in ordered]
            wrote = set(ordered)
            for reader, writer, _ in register.reads:
                if writer != INITIAL and commits[writer] >= begins[reader]:
                    return f"transaction {reader} read what {writer} commits only later"
                place = bisect_left(times, begins[reader]) - 1
                if (ordered[place] if place >= 0 else INITIAL) == writer and reader not in torn:
                    continue
                if self.family in (Family.ANY, Family.SNAPSHOT, Family.PREFIX):
                    return f"transaction {reader} read another version than that of its moment"
                if self.family is Family.CURSOR:
                    if reader in wrote:
                        return f"transaction {reader} overwrote another version than it read"
                    continue
                if self.family is Family.UPDATE and self.history.transactions[reader].appends:
                    return f"transaction {reader} wrote, and read another version than that of its moment"
                following = 0 if writer == INITIAL else bisect_right(times, commits[writer])
                missed = [each for each in ordered[following : following + 2] if each != reader]
                elsewhere.extend((reader, each) for each in missed[:1])
        return self.ancestors(elsewhere)

    def ancestors(self, missed: Sequence[tuple[int, int]]) -> str | None:
        """None of the pairs' second ones leads to the first one by dependencies."""
        if not missed:
            return None
        before = self.dependencies()
        for reader, other in missed:
            found, waiting = {reader}, [reader]
            while waiting:
                for each in before[waiting.pop()]:
                    if each == other:
                        return f"transaction {reader} missed what {other} wrote, and depends on it"
                    if each not in found and self.proof.commits[each] > self.proof.commits[other]:
                        found.add(each)
                        waiting.append(each)
        return None

    def dependencies(self) -> list[list[int]]:
        """For each transaction those that it directly depends on; rw, too, among those that wrote, for UPDATE."""
        before: list[list[int]] = [[] for _ in range(len(self.history))]
        for register in self.history.registers:
            ordered = sorted(register.writers, key=self.proof.commits.__getitem__)
            after: dict[int, int] = dict(zip([INITIAL, *ordered], ordered, strict=False))
            for first, second in pairwise(ordered):
                before[second].append(first)
            for reader, writer, _ in register.reads:
                if writer != INITIAL:
                    before[reader].append(writer)
                updates = self.family is Family.UPDATE and self.history.transactions[reader].appends
                if updates and after.get(writer, reader) != reader:
                    before[after[writer]].append(reader)
        self._add_order(before)
        return before

    def _add_order(self, before: list[list[int]]) -> None:
        if self.order is Order.NONE:
            return
        groups: dict[Hashable, list[Transaction]] = {}
        for each in self.history.transactions:
            groups.setdefault(each.session if self.order is Order.SESSION else None, []).append(each)
        for members in groups.values():
            recent: list[Transaction] = []  # not implied by others: the interval order, reduced
            ends = sorted((each for each in members if each.complete is not None), key=lambda each: each.complete or 0)
            done = 0
            for each in sorted(members, key=lambda one: one.invoke):
                while done < len(ends) and (ends[done].complete or 0) < each.invoke:
                    recent = [one for one in recent if (one.complete or 0) >= ends[done].invoke] + [ends[done]]
                    done += 1
                before[each.number].extend(one.number for one in recent)

    def conflicts(self) -> Iterator[tuple[int, int]]:
        """Writers of one register, one after the other, the later of which began before the earlier had committed."""
        begins, commits = self.proof.begins, self.proof.commits
        for register in self.history.registers:
            for first, second in pairwise(sorted(register.writers, key=commits.__getitem__)):
                if begins[second] < commits[first]:
                    yield first, second
