"""What one session has seen of all writes, chain by chain, and how it came to see each of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from checkers.session.operation import Atom, Operation, by_session
from checkers.session.scene import Scene
from checkers.session.violation import Step
from checkers.session.walk import frontiers


@dataclass(slots=True)
class Chain:
    """Writes of one session, one after the other."""

    session: int
    writes: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Writes:
    """All writes that happened. ``place``: each one's chain and position by its number; ``needs``: what comes straight
    before it in other chains; ``of_key``: of each key the chains, positions and writes."""

    chains: Sequence[Chain]
    place: Mapping[int, tuple[int, int]]
    needs: Mapping[int, Sequence[Operation]]
    of_key: Mapping[Atom, Mapping[int, tuple[list[int], list[Operation]]]]


def writes_of(scene: Scene) -> Writes:
    """The writes in chains."""
    chains: list[Chain] = []
    place: dict[int, tuple[int, int]] = {}
    needs: dict[int, Sequence[Operation]] = {}
    of_key: dict[Atom, dict[int, tuple[list[int], list[Operation]]]] = {}
    for session, operations in by_session(w for each in scene.objects.values() for w in each.happened).items():
        open_: list[int] = []
        for write, before in frontiers(operations, operations):
            chain = next((c for c in open_ if chains[c].writes[-1].precedes(write)), None)
            if chain is None:
                chain = len(chains)
                chains.append(Chain(session))
                open_.append(chain)
            place[write.number] = chain, len(chains[chain].writes)
            chains[chain].writes.append(write)
            others = [each for each in before if place[each.number][0] != chain]
            if others:
                needs[write.number] = others
            positions, of_chain = of_key.setdefault(write.key, {}).setdefault(chain, ([], []))
            positions.append(place[write.number][1])
            of_chain.append(write)
    return Writes(chains, place, needs, of_key)


@dataclass(frozen=True, slots=True)
class Seen:
    """Why a chain was seen up to a write: ``read`` shows it; else it comes before ``later``, which was seen: forced by
    a read (``step``), or in its session."""

    write: Operation
    read: Operation | None = None
    later: Operation | None = None
    step: Step | None = None


@dataclass(slots=True)
class View:
    """What one session has seen; ``log``: of each chain the counts in order of time, with their reasons; ``forced``:
    each write with what must come before it; ``marked``: the positions of these in each chain; ``shown``: what the last
    read of each key showed; ``steps`` and ``causes``: all that was forced, and how the first of the two had been seen
    by then."""

    writes: Writes
    counts: dict[int, int] = field(default_factory=dict)
    log: dict[int, list[tuple[int, Seen]]] = field(default_factory=dict)
    forced: dict[int, list[Step]] = field(default_factory=dict)
    marked: dict[int, list[int]] = field(default_factory=dict)
    steps: dict[tuple[int, int], Step] = field(default_factory=dict)
    shown: dict[Atom, tuple[Operation, ...]] = field(default_factory=dict)
    causes: dict[tuple[int, int], tuple[Seen, ...]] = field(default_factory=dict)

    def see(self, reason: Seen) -> None:
        """Add a write with all that comes before it."""
        waiting = [reason]
        while waiting:
            each = waiting.pop()
            chain, position = self.writes.place[each.write.number]
            count = self.counts.get(chain, 0)
            if position < count:
                continue
            self.counts[chain] = position + 1
            self.log.setdefault(chain, []).append((position + 1, each))
            marked = self.marked.get(chain, ())
            for at in marked[bisect_left(marked, count) : bisect_left(marked, position + 1)]:
                later = self.writes.chains[chain].writes[at]
                waiting += [Seen(step.first, later=later, step=step) for step in self.forced.get(later.number, ())]
                waiting += [Seen(first, later=later) for first in self.writes.needs.get(later.number, ())]

    def force(self, step: Step) -> bool:
        """Note that a write comes before another one; whether that is new."""
        key = step.first.number, step.second.number
        if key in self.steps:
            return False
        self.steps[key] = step
        self.causes[key] = self.why(step.first)
        self.forced.setdefault(step.second.number, []).append(step)
        self.mark(step.second)
        return True

    def mark(self, write: Operation) -> None:
        chain, position = self.writes.place[write.number]
        marked = self.marked.setdefault(chain, [])
        at = bisect_left(marked, position)
        if at == len(marked) or marked[at] != position:
            insort(marked, position)

    def forget(self) -> None:
        """Begin again, with what was forced."""
        self.counts.clear()
        self.shown.clear()
        self.log.clear()

    def why(self, write: Operation) -> tuple[Seen, ...]:
        """How the session came to see the write: from what it read or wrote back to it."""
        path: list[Seen] = []
        wanted: Operation | None = write
        while wanted is not None:
            chain, position = self.writes.place[wanted.number]
            log = self.log[chain]
            reason = log[bisect_right(log, position, key=_count)][1]
            path.append(reason)
            wanted = reason.later
        return tuple(path[::-1])

    def grounds(self, reasons: Iterable[Seen]) -> dict[Operation, None]:
        """All operations that these reasons rest on."""
        found: dict[Operation, None] = {}
        done: set[tuple[int, int]] = set()
        waiting = list(reasons)
        while waiting:
            reason = waiting.pop()
            found[reason.write] = None
            if reason.read is not None:
                found[reason.read] = None
            if reason.step is not None:
                waiting += self.behind(reason.step, found, done)
        return found

    def behind(self, step: Step, found: dict[Operation, None], done: set[tuple[int, int]]) -> Sequence[Seen]:
        """What a forced step rests on, if it was not looked at yet."""
        key = step.first.number, step.second.number
        if key in done or key not in self.causes:
            return ()
        done.add(key)
        found.update(dict.fromkeys((step.first, step.second, *step.reads)))
        return self.causes[key]


def _count(entry: tuple[int, Seen]) -> int:
    return entry[0]
