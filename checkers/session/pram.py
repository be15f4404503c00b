"""PRAM: whether one session can put all writes in an order, each session's in its own, that explains its reads.

Lipton and Sandberg, "PRAM: A Scalable Shared Memory" (1988). A read comes after the writes that it shows, and after all
that their sessions had written before: these are what it has *seen*, a count of writes per chain (a chain is a
session's writes, one after the other). Whoever has seen a write of the register that it reads, but another one's value,
has that other one later; if it had seen the other one before, it must have seen this one by then, too, and so it goes
on until nothing new follows (as Bouajjani et al., "On Verifying Causal Consistency", POPL 2017, saturate per session).
What is left has an order: before each read, in turn, what it has seen and was not yet there.

Most sessions of most histories need none of this: they follow an order of all writes near that of time
(:mod:`checkers.session.track`). The rest is exact for reads in a given order. Where reads of a session overlap, what
their certain order violates is violated; else their possible orders are tried, and if too many were in vain, nobody
knows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Final

from checkers.session.operation import Atom, Operation, by_session, place_of
from checkers.session.ordered import Graph
from checkers.session.ranked import Ranking
from checkers.session.scene import Object, Scene, operations_of
from checkers.session.track import tracks
from checkers.session.view import Seen, View, Writes, writes_of
from checkers.session.violation import PRAM, Step, Violation

Tick = Callable[[], None]
_PASSES_MAX: Final = 10_000
_OVERLAPPING_MAX: Final = 8  # reads of which all orders are tried
_ORDERS_MAX: Final = 256


def examine(
    scene: Scene, ranks: Mapping[Atom, Ranking], tick: Tick, only: Collection[str] | None = None
) -> tuple[list[Violation], str | None]:
    """A violation per session that has one; and why it is not known of some, if so. ``only``: the sessions to look at,
    by their names; all, if it is None."""
    along = list(tracks(scene, ranks))
    writes = writes_of(scene)
    found: list[Violation] = []
    doubt: str | None = None
    for session, operations in by_session(operations_of(scene)).items():
        if not any(not operation.is_write and operation.clear for operation in operations):
            continue
        if only is not None and scene.sessions[session] not in only:
            continue
        tick()
        if any(track.is_followed(scene, operations) for track in along):
            continue
        each = _Session(scene, writes, ranks, operations, tick)
        violation, is_known = each.decided(overlapping=not scene.linear[session])
        if not is_known:
            doubt = f"{scene.sessions[session]}'s reads overlap, and no order of them that was tried explains them all"
        if violation is not None:
            found.append(violation)
    return found, doubt


class _Session:
    """One session's reads, against all writes."""

    def __init__(
        self, scene: Scene, writes: Writes, ranks: Mapping[Atom, Ranking], operations: Sequence[Operation], tick: Tick
    ) -> None:
        self._scene, self._writes, self._operations, self._tick = scene, writes, operations, tick
        self._ranks = ranks
        session = operations[0].session
        self._own_chains = [number for number, chain in enumerate(writes.chains) if chain.session == session]
        self._inside: dict[int, list[Operation]] = {}  # the writes of each of its calls
        for each in operations:
            if each.is_write:
                self._inside.setdefault(each.invoke, []).append(each)
        self._reads = [each for each in operations if not each.is_write and each.clear]

    def decided(self, *, overlapping: bool) -> tuple[Violation | None, bool]:
        """A violation, if there is one, and whether that is known."""
        if not overlapping:
            return self.judge(self._reads), True
        violation = self.judge(None)
        if violation is not None:
            return violation, True
        is_few = len(self._reads) <= _OVERLAPPING_MAX
        orders = _orders(self._reads) if is_few else iter((self._reads, sorted(self._reads, key=_end)))
        found = []
        for order in islice(orders, _ORDERS_MAX):
            found.append(self.judge(order))
            if found[-1] is None:
                return None, True
        if found[0] is None or not is_few or len(found) == _ORDERS_MAX:
            return None, False
        everything = {*self._operations, *(write for chain in self._writes.chains for write in chain.writes)}
        return replace(found[0], witness=tuple(sorted(everything, key=place_of))), True

    def judge(self, order: Sequence[Operation] | None) -> Violation | None:
        """A violation with the reads in that order; or, if it is None, in their session's, which leaves some open."""
        view = View(self._writes)
        for number in self._writes.needs:
            view.mark(self._write(number))
        for _ in range(_PASSES_MAX):
            view.forget()
            before = len(view.steps)
            passed = self._overlapping(view) if order is None else self._in_turn(view, order)
            violation = next(passed, None)
            if violation is not None or len(view.steps) == before:
                return violation or self._cycle(view)
            cycle = self._cycle(view)
            if cycle is not None:
                return cycle
        raise AssertionError("every pass forces something new")

    def _write(self, number: int) -> Operation:
        chain, position = self._writes.place[number]
        return self._writes.chains[chain].writes[position]

    def _in_turn(self, view: View, order: Sequence[Operation]) -> Iterator[Violation]:
        """Each read sees what the session had seen, and had written, by then."""
        waiting = sorted((each for each in self._operations if each.is_write and each.complete is not None), key=_end)
        waiting.reverse()
        for read in order:
            self._tick()
            while waiting and _end(waiting[-1])[0] < read.invoke:
                view.see(Seen(waiting.pop()))
            for each in self._inside.get(read.invoke, ()):
                if each.precedes(read):
                    view.see(Seen(each))
            yield from self._read(view, read)

    def _overlapping(self, view: View) -> Iterator[Violation]:
        """Each read sees what had been seen, and written, before it for certain."""
        for read in self._reads:
            self._tick()
            view.forget()
            earlier = [each for each in self._operations if each.precedes(read)]
            for each in earlier:
                if each.is_write:
                    view.see(Seen(each))
                elif each.clear:
                    for source in each.sources:
                        view.see(Seen(source, read=each))
            yield from self._read(view, read)

    def _read(self, view: View, read: Operation) -> Iterator[Violation]:
        known = view.shown.get(read.key, ())  # what the session read before; a list goes on from there
        start = len(known) if read.sources[: len(known)] == known else 0
        view.shown[read.key] = read.sources
        for source in read.sources[start:]:
            view.see(Seen(source, read=read))
        each = self._scene.objects[read.key]
        if each.kind == "register":
            yield from self._register(view, read)
        else:
            yield from self._elements(view, read, each, start)
        yield from self._future(view, read)

    def _register(self, view: View, read: Operation) -> Iterator[Violation]:
        """The write that the read shows is the last one of its key that it has seen."""
        source = read.sources[0] if read.sources else None
        ranking = self._ranks.get(read.key) if self._scene.versions else None
        for chain, (positions, writes) in self._writes.of_key.get(read.key, {}).items():
            at = bisect_left(positions, view.counts.get(chain, 0)) - 1
            if at < 0 or writes[at] is source:
                continue
            if source is None or source.precedes(writes[at]):
                yield self._violation(view, read, writes[at], source)
            elif ranking is not None and ranking.ranks[writes[at].number] > ranking.ranks[source.number]:
                yield self._violation(view, read, writes[at], None)
            elif not writes[at].precedes(source):
                view.force(Step(writes[at], source, "read", (read,)))

    def _elements(self, view: View, read: Operation, each: Object, start: int) -> Iterator[Violation]:
        """Of its key the read shows all that it has seen; a list in the order of the writes."""
        seen = [(writes, bisect_left(positions, view.counts.get(chain, 0)))
                for chain, (positions, writes) in self._writes.of_key.get(read.key, {}).items()]  # fmt: skip
        if sum(count for _, count in seen) != len(read.sources):  # it has seen all of these, and more
            shown = {source.number for source in read.sources}
            missing = next(w for writes, count in seen for w in writes[:count] if w.number not in shown)
            yield self._violation(view, read, missing, None)
            return
        for first, second in pairwise(read.sources[max(start - 1, 0) :]) if each.kind == "list" else ():
            if second.precedes(first):
                yield Violation(PRAM, read.key, read.session, (second, read), second, read, seen=first)
            elif not first.precedes(second):
                view.force(Step(first, second, "shown", (read,)))

    def _future(self, view: View, read: Operation) -> Iterator[Violation]:
        """A read has not seen what its session wrote only afterwards."""
        for chain in self._own_chains:
            count = view.counts.get(chain, 0)
            # In a chain one comes after the other: if any was written afterwards, the last one was.
            if count and read.precedes(self._writes.chains[chain].writes[count - 1]):
                yield self._violation(view, read, self._writes.chains[chain].writes[count - 1], None)

    def _violation(self, view: View, read: Operation, write: Operation, older: Operation | None) -> Violation:
        """The read has seen a write that it does not show; ``older``, which it shows, came before that one."""
        reasons = view.why(write)
        certain = [read, write, *((older,) if older is not None else ()), *view.grounds(reasons)]
        witness = tuple(sorted(dict.fromkeys(certain), key=place_of))
        return Violation(PRAM, read.key, read.session, witness, write, read, steps=tuple(_story(reasons)))

    def _cycle(self, view: View) -> Violation | None:
        """Writes each of which comes before the next one, and the last one before the first."""
        if not view.steps:
            return None
        cycle = next(_graph(self._writes, view.steps.values()).cycles(), None)
        if cycle is None:
            return None
        certain: dict[Operation, None] = {}
        done: set[tuple[int, int]] = set()
        for step in cycle:
            certain.update(dict.fromkeys((step.first, step.second)))
            certain |= view.grounds(view.behind(step, certain, done))
        read = next(step.reads[0] for step in cycle if step.reads)
        witness = tuple(sorted(certain, key=place_of))
        return Violation(PRAM, read.key, read.session, witness, steps=cycle)


def _end(operation: Operation) -> tuple[int, int]:
    assert operation.complete is not None, "an ok operation has completed"
    return operation.complete, operation.place


def _orders(reads: Sequence[Operation]) -> Iterator[Sequence[Operation]]:
    """The orders of a few reads that keep their session's."""
    if not reads:
        yield ()
    for first in reads:
        if not any(other.precedes(first) for other in reads):
            rest = [other for other in reads if other is not first]
            yield from ((first, *order) for order in _orders(rest))


def _graph(writes: Writes, steps: Iterable[Step]) -> Graph:
    """The forced steps, and the sessions' order between the writes that they are about."""
    graph = Graph()
    ends: dict[int, set[int]] = {}
    listed = list(steps)
    waiting = [operation for step in listed for operation in (step.first, step.second)]
    for step in listed:
        graph.add(step)
    for number, before in writes.needs.items():
        chain, position = writes.place[number]
        write = writes.chains[chain].writes[position]
        for first in before:
            graph.add(Step(first, write, "session"))
            waiting += [first, write]
    for operation in waiting:
        chain, position = writes.place[operation.number]
        ends.setdefault(chain, set()).add(position)
    for chain, positions in ends.items():
        for at, next_ in pairwise(sorted(positions)):
            each = writes.chains[chain].writes
            graph.add(Step(each[at], each[next_], "session"))
    return graph


def _story(reasons: Sequence[Seen]) -> Iterator[Step]:
    """How the session had seen the write, step by step."""
    for reason in reasons:
        if reason.read is not None:
            yield Step(reason.write, reason.write, "read", (reason.read,))
        elif reason.step is not None:
            yield reason.step
        elif reason.later is not None:
            yield Step(reason.write, reason.later, "session")
        else:
            yield Step(reason.write, reason.write, "own")
