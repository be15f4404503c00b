"""Guarantees of sets, and of lists whose reads are not prefixes of one another: which elements a read must show.

What a read shows is what was visible to it, element by element; of a list, in the order of versions besides, which must
agree with how the reads show the elements and with what the guarantee demands of the order of writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checkers.session.observation import add_shown
from checkers.session.operation import Atom, Operation, by_session
from checkers.session.ordered import Graph
from checkers.session.scene import Object
from checkers.session.violation import (
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    READ_YOUR_WRITES,
    WRITES_FOLLOW_READS,
    Step,
    Violation,
)
from checkers.session.walk import frontiers, walk


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a session had read before its write: each element with the read that showed it."""

    elements: frozenset[Atom]
    by: Mapping[Atom, Operation]


def violations(name: str, each: Object) -> Iterator[Violation]:
    """The violations of one of the four guarantees on one object."""
    sessions = by_session([*each.happened, *each.reads])
    if name == READ_YOUR_WRITES:
        for operations in sessions.values():
            yield from _own_missing(each, operations)
    elif name == MONOTONIC_READS:
        for operations in sessions.values():
            yield from _less(each, operations)
    elif name == MONOTONIC_WRITES:
        yield from _without_earlier(each, sessions)
    elif name == WRITES_FOLLOW_READS:
        yield from _without_what_was_read(each, sessions)


def _own_missing(each: Object, operations: Sequence[Operation]) -> Iterator[Violation]:
    """Reads without what their session had written. Of several such writes the first is told."""
    own: dict[Atom, Operation] = {}
    for read, newly, inside in walk(operations):
        own.update((write.value, write) for write in newly if write.is_write and write.value not in own)
        inner = {write.value: write for write in inside if write.is_write}
        if read.is_write or not (own or inner):
            continue
        shown = frozenset(read.shown)
        missing = [write for atom, write in (own | inner).items() if atom not in shown]
        if missing:
            yield Violation(READ_YOUR_WRITES, each.key, read.session, (missing[0], read), missing[0], read,
                            staleness_versions=len(missing))  # fmt: skip


def _less(each: Object, operations: Sequence[Operation]) -> Iterator[Violation]:
    reads = [operation for operation in operations if not operation.is_write]
    for read, before in frontiers(reads, reads):
        shown = frozenset(read.shown)
        for earlier in before:
            gone = [atom for atom in earlier.shown if atom not in shown]
            if gone:
                seen = next((write for write in earlier.sources if write.value == gone[0]), None)
                yield Violation(MONOTONIC_READS, each.key, read.session, (earlier, read), earlier, read, seen=seen,
                                staleness_versions=len(set(gone)))  # fmt: skip
                break


def _without_earlier(each: Object, sessions: Mapping[int, Sequence[Operation]]) -> Iterator[Violation]:
    """Reads of an element without one that its session had written before."""
    needs: dict[int, list[Operation]] = {}
    graph = _shown_graph(each)
    for operations in sessions.values():
        writes = [operation for operation in operations if operation.is_write]
        for write, before in frontiers(writes, writes):
            needs[write.number] = before
            for first in before:
                graph.add(Step(first, write, "session"))
    for read in each.reads:
        shown = frozenset(read.shown)
        missing = next(((first, write) for write in read.sources for first in needs.get(write.number, ())
                        if first.value not in shown), None)  # fmt: skip
        if missing is not None:
            yield Violation(MONOTONIC_WRITES, each.key, missing[1].session, (missing[0], read), *missing, reader=read)
    yield from _cyclic(MONOTONIC_WRITES, each, graph)


def _without_what_was_read(each: Object, sessions: Mapping[int, Sequence[Operation]]) -> Iterator[Violation]:
    """Reads of an element without what its session had read before it wrote it."""
    seen: dict[int, _Seen] = {}
    graph = _shown_graph(each)
    for operations in sessions.values():
        for write, known, reads in _knowledge(operations):
            seen[write.number] = known
            for source, earlier in reads.values():
                graph.add(Step(source, write, "read", (earlier,)))
    for read in each.reads:
        shown = frozenset(read.shown)
        for write in read.sources:
            known = seen[write.number]
            if not known.elements <= shown:
                gone = next(atom for atom in known.by if atom in known.elements and atom not in shown)
                yield Violation(WRITES_FOLLOW_READS, each.key, write.session, (known.by[gone], read), known.by[gone],
                                write, reader=read)  # fmt: skip
                break
    yield from _cyclic(WRITES_FOLLOW_READS, each, graph)


_Last = dict[int, tuple[Operation, Operation]]


def _knowledge(operations: Sequence[Operation]) -> Iterator[tuple[Operation, _Seen, _Last]]:
    """Each write with all that its session had read before it; and the last element of each read, with a read that
    showed it so."""
    by: dict[Atom, Operation] = {}
    elements: frozenset[Atom] = frozenset()
    last: _Last = {}
    for write, newly, inside in walk(operations):
        for read in newly:
            if not read.is_write:
                last.update(
                    (source.number, (source, read)) for source in read.sources[-1:] if source.number not in last
                )
                for atom in read.shown:
                    by.setdefault(atom, read)
        if not write.is_write:
            continue
        own = [read for read in inside if not read.is_write]
        if len(by) > len(elements) or own:
            elements = frozenset(by)
        if own:
            inner = by | {atom: read for read in own for atom in read.shown if atom not in by}
            inner_last = {source.number: (source, read) for read in own for source in read.sources[-1:]}
            yield write, _Seen(frozenset(inner), inner), inner_last | last
        else:
            yield write, _Seen(elements, by), last


def _shown_graph(each: Object) -> Graph:
    graph = Graph()
    if each.kind == "list":
        add_shown(graph, each)
    return graph


def _cyclic(name: str, each: Object, graph: Graph) -> Iterator[Violation]:
    """What a list's reads show in an order that the guarantee forbids."""
    for cycle in graph.cycles() if each.kind == "list" else ():
        certain = dict.fromkeys(operation for step in cycle for operation in _certain(step))
        session = next((step.first.session for step in cycle if step.reason == "session"), cycle[0].second.session)
        yield Violation(name, each.key, session, tuple(certain), steps=cycle)


def _certain(step: Step) -> Sequence[Operation]:
    return (step.first,) if step.reason == "session" else step.reads
