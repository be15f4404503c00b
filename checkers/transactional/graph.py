"""The direct serialization graph (Adya 1999) of a history of lists, with the order of sessions and of real time.

Nodes are the numbers of transactions, and above them *joints*, which stand for no transaction and keep the graph linear
in the history: a joint of real time follows everything that had completed before some invocation; a joint of a list's
tail leads to every append that no read shows. An edge is ``target << 3 | kind``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import Final

from checkers.transactional.transaction import Transaction
from checkers.transactional.version_order import Inference, Versions

WW, WR, RW, PROCESS, REALTIME, NEXT = range(6)
"""Kinds of edges: the next version of a list; its version read; a version read, and the next one; the order inside a
session; completed before the other began; and, out of a joint of a tail only, on to one of its writers."""
KINDS: Final = ("ww", "wr", "rw", "process", "realtime", "next")
KIND_BITS: Final = 3
KIND_MASK: Final = 7


class Graph:
    """``successors[v]`` are the encoded edges out of node v; nodes from ``transactions`` on are joints."""

    __slots__ = ("successors", "transactions")

    def __init__(self, transactions: int) -> None:
        self.transactions: Final = transactions
        self.successors: Final[list[list[int]]] = [[] for _ in range(transactions)]

    def joint(self) -> int:
        self.successors.append([])
        return len(self.successors) - 1

    def add(self, source: int, target: int, kind: int) -> None:
        self.successors[source].append(target << KIND_BITS | kind)


def build(inference: Inference) -> Graph:
    """Every edge of every kind between committed transactions."""
    graph = Graph(len(inference.transactions))
    for versions in inference.versions.values():
        _add_versions(graph, versions)
    committed = [inference.transactions[number] for number in inference.committed]
    add_sessions(graph, committed)
    add_completion_order(graph, committed, REALTIME)
    return graph


def _add_versions(graph: Graph, versions: Versions) -> None:
    writers, successors = versions.writers, graph.successors
    last = None
    for writer in writers:
        if writer != last:
            if last is not None:
                successors[last].append(writer << KIND_BITS | WW)
            last = writer
    if last is not None:
        for writer in versions.tail:
            if writer != last:
                successors[last].append(writer << KIND_BITS | WW)
    end = len(writers)
    at_end: dict[int, None] = {}
    for reader, seen, _ in versions.reads:
        if seen and writers[seen - 1] != reader:
            successors[writers[seen - 1]].append(reader << KIND_BITS | WR)
        if seen < end:
            if writers[seen] != reader:
                successors[reader].append(writers[seen] << KIND_BITS | RW)
        elif versions.tail:
            at_end[reader] = None
    if at_end:
        _add_tail(graph, versions.tail, at_end)


def _add_tail(graph: Graph, tail: Sequence[int], readers: Iterable[int]) -> None:
    """From each reader of the last version that anybody read to every writer of a later one but itself."""
    places = {writer: place for place, writer in enumerate(tail)}
    after = [graph.joint() for _ in tail]  # after[i] leads to tail[i:], before[i] to tail[:i + 1]
    for place, joint in enumerate(after):
        graph.add(joint, tail[place], NEXT)
        if place + 1 < len(after):
            graph.add(joint, after[place + 1], NEXT)
    before: list[int] = []
    for reader in readers:
        place = places.get(reader, -1)
        if place + 1 < len(tail):
            graph.add(reader, after[place + 1], RW)
        if place > 0:
            if not before:
                before = _joints_before(graph, tail)
            graph.add(reader, before[place - 1], RW)


def _joints_before(graph: Graph, tail: Sequence[int]) -> list[int]:
    before = [graph.joint() for _ in tail]
    for place, joint in enumerate(before):
        graph.add(joint, tail[place], NEXT)
        if place:
            graph.add(joint, before[place - 1], NEXT)
    return before


def add_sessions(graph: Graph, committed: Sequence[Transaction]) -> None:
    """The order inside sessions, edges of the kind PROCESS: one after the other, or by joints where they overlap."""
    sessions: dict[Hashable, list[Transaction]] = {}
    for transaction in committed:
        sessions.setdefault(transaction.session, []).append(transaction)
    for members in sessions.values():
        if all(_before(first, second) for first, second in pairwise(members)):
            for first, second in pairwise(members):
                graph.add(first.number, second.number, PROCESS)
        else:
            add_completion_order(graph, members, PROCESS)


def _before(first: Transaction, second: Transaction) -> bool:
    return first.complete is not None and first.complete < second.invoke


def add_completion_order(graph: Graph, members: Sequence[Transaction], kind: int) -> None:
    """Completed before the other's invocation: a chain of joints, one per invocation that follows a completion."""
    ends = sorted((each.complete, each.number) for each in members if each.complete is not None)
    done, joint = 0, -1
    for transaction in members:
        if done < len(ends) and ends[done][0] < transaction.invoke:
            previous, joint = joint, graph.joint()
            if previous >= 0:
                graph.add(previous, joint, kind)
            while done < len(ends) and ends[done][0] < transaction.invoke:
                graph.add(ends[done][1], joint, kind)
                done += 1
        if joint >= 0:
            graph.add(joint, transaction.number, kind)
