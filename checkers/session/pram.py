"""PRAM: whether one session can put all writes in an order, each session's in its own, that explains its reads.

Lipton and Sandberg, "PRAM: A Scalable Shared Memory" (1988). A read comes after the writes that it shows, and after all
that their sessions had written before: these are what it has *seen*, a count of writes per chain (a chain is a
session's writes, one after the other). Whoever has seen a write of the register that it reads, but another one's value,
has that other one later; if it had seen the other one before, it must have seen this one by then, too, and so it goes
on until nothing new follows (as Bouajjani et al., "On Verifying Causal Consistency", POPL 2017, saturate per session).
What is left has an order: before each read, in turn, what it has seen and was not yet there.

That is exact for a session that does one thing after the other. Where operations of a session overlap, what is found to
be violated is; what is not holds if it holds with them in the order of their invocations, and else nobody knows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from checkers.session.operation import Atom, Operation, by_session, place_of
from checkers.session.ordered import Graph
from checkers.session.ranked import Ranking
from checkers.session.scene import Object, Scene, operations_of
from checkers.session.view import Seen, View, Writes, writes_of
from checkers.session.violation import PRAM, Step, Violation

Tick = Callable[[], None]
_PASSES_MAX: Final = 10_000


def examine(
    scene: Scene, ranks: Mapping[Atom, Ranking], tick: Tick, only: Collection[str] | None = None
) -> tuple[list[Violation], str | None]:
    """A violation per session that has one; and why it is not known of some, if so. ``only``: the sessions to look at,
    by their names; all, if it is None."""
    writes = writes_of(scene)
    found: list[Violation] = []
    doubt: str | None = None
    for session, operations in by_session(operations_of(scene)).items():
        if not any(not operation.is_write and operation.clear for operation in operations):
            continue
        if only is not None and scene.sessions[session] not in only:
            continue
        each = _Session(scene, writes, ranks, operations, tick)
        violation = each.judge(overlapping=not scene.linear[session])
        if violation is None and not scene.linear[session]:
            violation = each.judge(overlapping=False)
            if violation is not None:
                doubt = doubt or (f"{scene.sessions[session]}'s operations overlap, and which of their orders could "
                                  "explain its reads was not found out")  # fmt: skip
                violation = None
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
        self._reads = [each for each in operations if not each.is_write and each.clear]

    def judge(self, *, overlapping: bool) -> Violation | None:
        view = View(self._writes)
        for number in self._writes.needs:
            view.mark(self._write(number))
        for _ in range(_PASSES_MAX):
            view.forget()
            before = len(view.steps)
            passed = self._overlapping(view) if overlapping else self._in_turn(view)
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

    def _in_turn(self, view: View) -> Iterator[Violation]:
        """Each read sees what the session had seen, and had written, by then."""
        own: set[int] = set()
        for operation in self._operations:
            self._tick()
            if operation.is_write:
                view.see(Seen(operation))
                own.add(operation.number)
            elif operation.clear:
                yield from self._read(view, operation, own)

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
            later = {each.number for each in self._operations if each.is_write and read.precedes(each)}
            yield from self._read(view, read, None, later)

    def _read(
        self, view: View, read: Operation, own: set[int] | None, later: Iterable[int] = ()
    ) -> Iterator[Violation]:
        for source in read.sources:
            view.see(Seen(source, read=read))
        each = self._scene.objects[read.key]
        if each.kind == "register":
            yield from self._register(view, read)
        else:
            yield from self._elements(view, read, each)
        yield from self._future(view, read, own, later)

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

    def _elements(self, view: View, read: Operation, each: Object) -> Iterator[Violation]:
        """Of its key the read shows all that it has seen; a list in the order of the writes."""
        shown = {source.number for source in read.sources}
        for chain, (positions, writes) in self._writes.of_key.get(read.key, {}).items():
            seen = writes[: bisect_left(positions, view.counts.get(chain, 0))]
            missing = next((write for write in seen if write.number not in shown), None)
            if missing is not None:
                yield self._violation(view, read, missing, None)
                return
        for first, second in pairwise(read.sources) if each.kind == "list" else ():
            if second.precedes(first):
                yield Violation(PRAM, read.key, read.session, (second, read), second, read, seen=first)
            elif not first.precedes(second):
                view.force(Step(first, second, "shown", (read,)))

    def _future(self, view: View, read: Operation, own: set[int] | None, later: Iterable[int]) -> Iterator[Violation]:
        """A read has not seen what its session wrote only afterwards."""
        for chain in self._own_chains:
            each, count = self._writes.chains[chain], view.counts.get(chain, 0)
            wrong: Operation | None
            if not count:
                continue
            if own is None:
                wrong = next((write for write in each.writes[:count] if write.number in later), None)
            else:
                last = each.writes[count - 1]
                wrong = last if last.number not in own and read.precedes(last) else None
            if wrong is not None:
                yield self._violation(view, read, wrong, None)

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
