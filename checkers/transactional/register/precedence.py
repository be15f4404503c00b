"""The order of sessions or of real time, as what it is: an order of intervals inside each group of transactions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from checkers.transactional.lattice import Order
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.transaction import Transaction

_UNRELATED: Final = ()


@dataclass(frozen=True, slots=True)
class Completed:
    """Some transactions of one group that have a completion, by that: ``ends`` ascend."""

    ends: tuple[int, ...]
    members: tuple[Transaction, ...]

    def latest(self, before: int, source: int, related: bool) -> Iterator[int]:
        """Of those completed before that line, all but ``source``, without what others of them imply: what came before
        another of them or, if ``related`` says that it is of this group, before the source (a number)."""
        began = -1
        for place in range(bisect_left(self.ends, before) - 1, -1, -1):
            member = self.members[place]
            if self.ends[place] < began:
                return
            if member.number == source:
                if related:
                    began = max(began, member.invoke)
                continue
            began = max(began, member.invoke)
            yield member.number


@dataclass(frozen=True, slots=True)
class Groups:
    """``of[i]``: the group of transaction i, among whose members what completed before another began came before it."""

    transactions: Sequence[Transaction]
    of: Sequence[int]

    def completed(self, numbers: Sequence[int]) -> dict[int, Completed]:
        """By group, those of the given transactions that have a completion."""
        by_group: dict[int, list[tuple[int, int]]] = {}
        for number in numbers:
            complete = self.transactions[number].complete
            if complete is not None:
                by_group.setdefault(self.of[number], []).append((complete, number))
        found = {}
        for group, listed in by_group.items():
            listed.sort()
            ends, members = tuple(end for end, _ in listed), tuple(self.transactions[number] for _, number in listed)
            found[group] = Completed(ends, members)
        return found

    def chains(self) -> list[list[int]]:
        """The transactions in chains, each inside a group, in which one comes before the next; few, if not fewest: a
        new one begins only where all of the group are busy."""
        free: dict[int, list[tuple[int, int]]] = {}
        chains: list[list[int]] = []
        for each, group in zip(self.transactions, self.of, strict=True):
            waiting = free.setdefault(group, [])
            if waiting and waiting[0][0] < each.invoke:
                _, chain = heappop(waiting)
                chains[chain].append(each.number)
            else:
                chain = len(chains)
                chains.append([each.number])
            if each.complete is not None:
                heappush(waiting, (each.complete, chain))
        return chains


def groups_of(history: RegisterHistory, order: Order) -> Groups:
    """Sessions; or, in real time, one group of all; or, without an order, each transaction by itself."""
    transactions = history.transactions
    if order is Order.NONE:
        return Groups(transactions, range(len(transactions)))
    if order is Order.REALTIME:
        return Groups(transactions, [0] * len(transactions))
    codes: dict[Hashable, int] = {}
    return Groups(transactions, [codes.setdefault(each.session, len(codes)) for each in transactions])
