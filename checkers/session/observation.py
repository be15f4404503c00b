"""Reads of what cannot have been there, whatever the order: no guarantee allows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from checkers.session.operation import Operation
from checkers.session.ordered import Graph
from checkers.session.scene import Object, Scene, begun_writes
from checkers.session.violation import (
    ABORTED_READ,
    DUPLICATE_ELEMENTS,
    FUTURE_READ,
    GARBAGE_READ,
    INCOMPATIBLE_ORDER,
    Step,
    Violation,
)


def observations(scene: Scene, each: Object) -> Iterator[Violation]:
    """What is wrong with the reads of one object by themselves."""
    for read in each.reads:
        if not read.clear:
            yield from _wrong(scene, each, read)
    if each.kind == "list":
        graph = Graph()
        add_shown(graph, each)
        for cycle in graph.cycles():
            readers = tuple(dict.fromkeys(step.reads[0] for step in cycle))
            yield Violation(INCOMPATIBLE_ORDER, each.key, readers[0].session, readers, steps=cycle)


def add_shown(graph: Graph, each: Object) -> None:
    """The order in which the reads of a list show its elements."""
    known: set[tuple[int, int]] = set()
    for read in sorted(each.reads, key=lambda read: -len(read.shown)):
        for first, second in pairwise(read.sources):
            if (first.number, second.number) not in known:
                known.add((first.number, second.number))
                graph.add(Step(first, second, "shown", (read,)))


def _wrong(scene: Scene, each: Object, read: Operation) -> Iterator[Violation]:
    counts = Counter((read.value,) if each.kind == "register" else read.shown)
    for atom, times in counts.items():
        begun = begun_writes(each, read, atom)
        if each.kind == "register" and atom == scene.initial:
            continue
        if begun:
            if each.kind == "list" and times > len(begun):
                acknowledged = tuple(write for write in begun if write.complete is not None)
                yield Violation(DUPLICATE_ELEMENTS, each.key, read.session, (read,), later=begun[0], reader=read,
                                steps=tuple(Step(write, write, "session") for write in acknowledged[1:]))  # fmt: skip
        elif later := each.writes.get(atom):
            yield Violation(FUTURE_READ, each.key, read.session, (read,), later=later[0], reader=read)
        elif failed := each.failed.get(atom):
            yield Violation(ABORTED_READ, each.key, read.session, (read,), later=failed, reader=read)
        else:
            yield Violation(GARBAGE_READ, each.key, read.session, (read,), seen=None, reader=read)
