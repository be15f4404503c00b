"""The search for any model, completion by completion, in which what nobody sees needs no place of its own.

What ``sweep`` is to registers this is to all other models. An operation that changes something has its *duty* until it
could have stood somewhere without a trace: where it would have left the state as it was, or just before another one
that overwrites all it does. From then on it need not take effect where anybody can see it, but still can, until it
completes. A configuration at a completion is the state, and its *cost*, a set of bits: open observers that have not
seen their answer; open operations that were placed; open operations that have their duty; operations that perhaps took
effect and were placed, counted in unary. One whose cost is a subset of another's makes the other superfluous.

What may not be left out is placed when it is about to complete, at the end of a chain of others (just-in-time
linearization: Lowe 2017). Of the chains that do the same only one is followed:

* An observer sees its answer as soon as it can.
* Of operations with the same step the one that completes first is placed; one that perhaps took effect comes last.
* Of two neighbours that can change places the one that completes first goes first. (So what does not matter to those
  after it in the chain is not in it.) Nothing is placed straight before what overwrites it.
* With a model that tells which steps never matter to each other, only what may matter to the rank, or to an observer
  that waits, is placed at all.

Of all linearizations from a configuration on, take one in which the fewest operations leave a trace; of these one with
the least sum of ranks of those that do; of these the one in which the fewest stand after one that completes later. All
exchanges lead towards it. A configuration is dead if the model knows that an open observer cannot come to its answer
any more with what may yet take effect.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from checkers.guard import OutOfTimeError
from checkers.linearizable.automaton import Automaton
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Foreseeing, Independent, Overwriting, State
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.schedule import Schedule

_CLOCK_EVERY: Final = 64

Way = tuple["Way | None", int, int]  # what came before; before which completion; a rank, or a class's complement


class _Node(NamedTuple):
    """A place in a chain. ``last``: the operation placed last, None if it may be followed by anything; ``before``: the
    state before it."""

    state: int
    cost: int
    last: int | None
    before: int
    way: Way | None


class JustInTime:
    """The search, which can be interrupted.

    Optional operations are at first counted within each chain only: what is invalid even then is invalid. If the order
    found needs more of some class than there are, it is counted from then on, and the search begins again (see
    ``supply``)."""

    def __init__(self, key: KeyHistory, arrays: Schedule, automaton: Automaton) -> None:
        self._arrays, self._automaton = arrays, automaton
        self._relations = _Relations(key, arrays)
        self._level: dict[int, list[tuple[int, Way | None]]] = {0: [(0, None)]}
        self.rank = 0
        self.needed = 0  # where there is no order, the ranks up to this one show it
        self.visited = 0
        self.order: tuple[Operation, ...] | None = None

    def go(self, configurations: int, limit: Limit) -> bool:
        """Visit about that many more; whether there is an ``order``, or certainly none. Raises
        :class:`checkers.guard.OutOfTimeError`."""
        stop = self.visited + configurations
        while self._level:
            if self.rank == len(self._arrays):
                way = next(iter(self._level.values()))[0][1]
                try:
                    self.order = tuple(_Placing(self._arrays, self._automaton, self._relations).follow(way))
                except _OverdrawnError as error:
                    self._relations.count(error.number)
                    self._level, self.rank, self.needed = {0: [(0, None)]}, 0, 0
                else:
                    return True
            if self.visited >= stop:
                return False
            self._step(limit)
        return True

    @property
    def explained(self) -> int:
        """How many completions some order explains, as far as is known."""
        return 0 if self._arrays.classes else self.rank

    def _step(self, limit: Limit) -> None:
        """From before a completion to before the next one; the rank stays where it is if there is no way."""
        here = _Moment(self.rank, self._arrays, self._automaton, self._relations, limit)
        after: defaultdict[int, list[tuple[int, Way | None]]] = defaultdict(list)
        try:
            for state, costs in self._level.items():
                for cost, way in costs:
                    for state_after, cost_after, way_after in here.through(state, cost, way):
                        _keep(after[state_after], cost_after, way_after)
        finally:
            self.visited += here.nodes
        self.needed = max(self.needed, here.needed())
        self._level = dict(after)
        self.rank += bool(self._level)


class _OverdrawnError(Exception):
    """An order needs more operations of a class than there are."""

    def __init__(self, number: int) -> None:
        super().__init__(f"class {number}")
        self.number = number


def _keep(met: list[tuple[int, Way | None]], cost: int, way: Way | None) -> None:
    """Remember the configuration, unless one at least as good was met; forget those that are no better."""
    for other, _ in met:
        if not other & ~cost:
            return
    if met:
        met[:] = [pair for pair in met if cost & ~pair[0]]
    met.append((cost, way))


def _covered(met: list[int], cost: int) -> bool:
    return any(not other & ~cost for other in met)


class _Relations:
    """What the model says of the steps, and what is the same at every moment."""

    def __init__(self, key: KeyHistory, arrays: Schedule) -> None:
        model = key.model
        self._arrays, self._model = arrays, model
        self._overwrites: dict[tuple[int, int], bool] = {}
        self._independent: dict[tuple[int, int], bool] = {}
        self.overwriting = model if isinstance(model, Overwriting) else None
        self.independence = model if isinstance(model, Independent) else None
        self.foreseeing = model if isinstance(model, Foreseeing) else None
        self.slots = max((bit.bit_length() for bit in arrays.bits), default=0)
        self.bases = [2 * self.slots]
        for each in arrays.classes:
            self.bases.append(self.bases[-1] + len(each.invokes))
        self.lasting = (1 << self.bases[0]) - 1  # the bits that outlast a chain
        self.arriving: list[list[int]] = [[] for _ in range(len(arrays) + 1)]
        self.arrival = [bisect_left(arrays.completes, operation.invoke) for operation in arrays.operations]
        for rank, arrival in enumerate(self.arrival):
            self.arriving[arrival].append(rank)

    def count(self, number: int) -> None:
        """From now on how many of the class are used is never forgotten."""
        self.lasting |= ((1 << len(self._arrays.classes[number].invokes)) - 1) << self.bases[number]

    def overwrites(self, later: int, earlier: int) -> bool:
        if self.overwriting is None:
            return False
        known = self._overwrites.get((later, earlier))
        if known is None:
            known = self.overwriting.overwrites(self._arrays.steps[later], self._arrays.steps[earlier])
            self._overwrites[later, earlier] = known
        return known

    def independent(self, one: int, other: int) -> bool:
        if self.independence is None:
            return False
        known = self._independent.get((one, other))
        if known is None:
            known = self.independence.independent(self._arrays.steps[one], self._arrays.steps[other])
            self._independent[one, other] = self._independent[other, one] = known
        return known


class _Moment:
    """The rank ``rank`` is about to complete. ``nodes`` counts the places in chains; ``lost`` are observers that some
    configuration can never satisfy."""

    def __init__(self, rank: int, arrays: Schedule, automaton: Automaton, relations: _Relations, limit: Limit) -> None:
        self.rank, self.nodes, self.lost, self._limit = rank, 0, 0, limit
        self._arrays, self._automaton, self._relations = arrays, automaton, relations
        self._bit, self._slots = arrays.bits[rank], relations.slots
        self._watching = arrays.watching[rank]
        self._observing = sum(arrays.bits[each] for each in self._watching)
        # By step what changes anything, ranks with their bits, first the one that completes first.
        self._changing: dict[int, list[tuple[int, int]]] = {}
        for each in arrays.open[rank]:
            if not arrays.observers[arrays.step_of[each]]:
                self._changing.setdefault(arrays.step_of[each], []).append((each, arrays.bits[each]))
        now = arrays.completes[rank]
        invoked = ((number, bisect_left(each.invokes, now)) for number, each in enumerate(arrays.classes))
        self._classes = [(number, (1 << count) - 1) for number, count in invoked if count]
        self._new = 0
        for each in relations.arriving[rank]:
            shift = 0 if arrays.observers[arrays.step_of[each]] else self._slots
            self._new |= arrays.bits[each] << shift
        self._seen: dict[int, tuple[int, int]] = {}
        self._overwritten: dict[int, int] = {}
        self._relevant: dict[int, frozenset[int] | None] = {}
        self._met: defaultdict[tuple[int, int | None, int], list[int]] = defaultdict(list)
        self._attainable: list[tuple[int, Callable[[State], bool]]] | None = None

    def through(self, state: int, cost: int, way: Way | None) -> Iterator[tuple[int, int, Way | None]]:
        """The configurations after the rank completed."""
        self._visit()
        bit = self._bit
        settled = self._settle(state, cost | self._new)
        if settled < 0:
            return
        cost = settled
        if self._observing & bit:
            if not cost & bit:
                yield state, cost, way
                return
            keep = self._relations.lasting & ~bit
        else:
            duty = bit << self._slots
            if cost & bit:
                yield state, cost & ~bit, way
                return
            if not cost & duty:
                # What leaves the state as it is can, now that it completes, stand here, and what it overwrites before.
                step = self._arrays.step_of[self.rank]
                idle = self._automaton.after(state, step) == state
                yield state, cost & ~self._overwriting(step) if idle else cost, way
            keep = self._relations.lasting & ~(bit | duty)
        for reached in self._chains(_Node(state, cost, None, 0, way)):
            yield reached.state, reached.cost & keep, reached.way

    def _settle(self, state: int, cost: int) -> int:
        """The cost once all has been seen that can be seen in the state; -1 if something never can be any more."""
        known = self._seen.get(state)
        if known is None:
            known = self._seen[state] = self._look(state)
        seen, lost = known
        cost &= ~seen
        if cost & lost:
            self.lost |= cost & lost
            return -1
        return cost

    def needed(self) -> int:
        """The last rank without which the way would go on."""
        return max([self.rank, *(each for each in self._watching if self.lost & self._arrays.bits[each])])

    def _look(self, state: int) -> tuple[int, int]:
        arrays, after = self._arrays, self._automaton.after
        seen = lost = 0
        for each in self._watching:
            if after(state, arrays.step_of[each]) >= 0:
                seen |= arrays.bits[each]
        for step, ranks in self._changing.items():
            if after(state, step) == state:
                for _, bit in ranks:
                    seen |= bit << self._slots
        if self._relations.foreseeing is not None:
            content = self._automaton.state(state)
            for bit, attainable in self._attaining():
                if not seen & bit and not attainable(content):
                    lost |= bit
        return seen, lost

    def _attaining(self) -> list[tuple[int, Callable[[State], bool]]]:
        """Of each open observer from which states it may come to its answer, with what may take effect before."""
        if self._attainable is None:
            self._attainable = []
            arrays, foreseeing = self._arrays, self._relations.foreseeing
            assert foreseeing is not None, "asked for only then"
            for each in self._watching:
                ranks = {*range(self.rank, each), *arrays.open[each]}
                steps = [arrays.step_of[other] for other in ranks if not arrays.observers[arrays.step_of[other]]]
                for every in arrays.classes:
                    steps.extend([every.step] * bisect_left(every.invokes, arrays.completes[each]))
                possible = [arrays.steps[step] for step in steps]
                observer = arrays.steps[arrays.step_of[each]]
                self._attainable.append((arrays.bits[each], foreseeing.attainable(observer, possible)))
        return self._attainable

    def _chains(self, start: _Node) -> Iterator[_Node]:
        met, waiting = self._met, deque([start])
        due = self._bit if self._observing & self._bit else self._bit << self._slots
        while waiting:
            here = waiting.popleft()
            known = met[here.state, here.last, here.before]
            if _covered(known, here.cost) or (here.last is not None and _covered(met[here.state, None, 0], here.cost)):
                continue
            known.append(here.cost)
            self._visit()
            for placed, there in self._next(here):
                if placed == self.rank or (start.cost & due and not there.cost & due):
                    yield there
                if placed != self.rank and (due != self._bit or there.cost & due):
                    waiting.append(there)

    def _visit(self) -> None:
        self.nodes += 1
        if self.nodes % _CLOCK_EVERY == 0 and self._limit.expired():
            raise OutOfTimeError
        if self.nodes > self._limit.configurations:
            raise MemoryError("one completion has too many configurations")

    def _next(self, here: _Node) -> Iterator[tuple[int, _Node]]:
        """What may be placed next, and where that leads."""
        state, cost, last = here.state, here.cost, here.last
        row, after = self._automaton.rows[state], self._automaton.after
        relevant = self._matters(cost & self._observing)
        tried = set()
        for step, ranks in self._changing.items():
            if relevant is not None and step not in relevant:
                continue
            state_after = row.get(step)
            if state_after is None:
                state_after = after(state, step)
            if state_after < 0 or (state_after == state and not cost & self._overwriting(step)):
                continue
            for each, bit in self._first(cost, state_after, step, ranks):
                tried.add(step)
                if last is None or not self._superfluous(here, each, step, state_after):
                    there = self._place(here, each, step, state_after, (cost | bit) & ~(bit << self._slots))
                    if there is not None:
                        yield each, there
        for number, invoked in self._classes:
            step = self._arrays.classes[number].step
            if step in tried or (relevant is not None and step not in relevant):
                continue
            state_after = after(state, step)
            base = self._relations.bases[number]
            used = (cost >> base) & invoked
            if state_after < 0 or state_after == state or used == invoked:
                continue
            if last is None or not self._superfluous(here, ~number, step, state_after):
                there = self._place(here, ~number, step, state_after, cost | (used + 1) << base)
                if there is not None:
                    yield ~number, there

    def _first(self, cost: int, state: int, step: int, ranks: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Of the operations with a step that may be placed the first to complete; and, unless two such steps in a row
        do no more than one, the first of those that do not have a duty where it has, or the other way."""
        if len(ranks) == 1:
            return ranks if not cost & ranks[0][1] else []
        ready = [pair for pair in ranks if not cost & pair[1]]
        if len(ready) < 2 or self._automaton.after(state, step) == state:
            return ready[:1]
        duties = cost >> self._slots
        has_duty = bool(duties & ready[0][1])
        other = next((pair for pair in ready if bool(duties & pair[1]) != has_duty), None)
        return [ready[0]] if other is None else [ready[0], other]

    def _place(self, here: _Node, each: int, step: int, state: int, cost: int) -> _Node | None:
        cost &= ~self._overwriting(step)
        settled = self._settle(state, cost)
        if settled < 0:
            return None
        last = each if settled == cost else None
        return _Node(state, settled, last, here.state if last is not None else 0, (here.way, self.rank, each))

    def _overwriting(self, step: int) -> int:
        """The duties that are done where the step is placed."""
        duties = self._overwritten.get(step)
        if duties is None:
            others = (ranks for other, ranks in self._changing.items() if self._relations.overwrites(step, other))
            duties = sum(bit for ranks in others for _, bit in ranks) << self._slots
            self._overwritten[step] = duties
        return duties

    def _superfluous(self, here: _Node, each: int, step: int, state: int) -> bool:
        """Whether what was placed last, and has shown nothing to anybody, need not stand before this."""
        last = here.last
        if last is None:
            return False
        last_step = self._arrays.step_of[last] if last >= 0 else self._arrays.classes[~last].step
        if self._relations.overwrites(step, last_step):
            return True
        if not _later(last, each):
            return False
        between = self._automaton.after(here.before, step)
        return between >= 0 and self._automaton.after(between, last_step) == state

    def _matters(self, observing: int) -> frozenset[int] | None:
        """The steps that may matter to the rank, to these observers, or to each other for their sake; None: all."""
        if self._relations.independence is None:
            return None
        if observing not in self._relevant:
            self._relevant[observing] = self._reach(observing)
        return self._relevant[observing]

    def _reach(self, observing: int) -> frozenset[int]:
        arrays, independent = self._arrays, self._relations.independent
        steps = {*self._changing, *(arrays.classes[number].step for number, _ in self._classes)}
        waiting = [arrays.step_of[each] for each in self._watching if observing & arrays.bits[each]]
        waiting.append(arrays.step_of[self.rank])
        found = {step for step in waiting if step in steps}
        while waiting:
            here = waiting.pop()
            more = [step for step in steps if step not in found and not independent(here, step)]
            found.update(more)
            waiting.extend(more)
        return frozenset(found)


def _later(one: int, other: int) -> bool:
    """Whether the first completes later: all without an answer do, of these the classes with higher numbers."""
    if one >= 0 and other >= 0:
        return one > other
    return one < 0 and (other >= 0 or one < other)


class _Placing:
    """The order of the operations on a way. ``spots``: of an operation the place where it would leave no trace."""

    def __init__(self, arrays: Schedule, automaton: Automaton, relations: _Relations) -> None:
        self._arrays, self._automaton, self._relations = arrays, automaton, relations
        self._state = 0
        self._placed = [False] * len(arrays)
        self._spots: dict[int, list[int]] = {}
        self._pieces: list[list[int]] = []
        self._used = [0] * len(arrays.classes)

    def follow(self, way: Way | None) -> Iterator[Operation]:
        changes = []
        while way is not None:
            way, at, placed = way
            changes.append((at, placed))
        for rank, arriving in enumerate(self._relations.arriving[: len(self._arrays)]):
            self._see(arriving)
            while changes and changes[-1][0] == rank:
                self._change(rank, changes.pop()[1])
            if not self._placed[rank]:
                self._complete(rank)
        fresh = [iter(each.operations) for each in self._arrays.classes]
        for piece in self._pieces:
            for step in piece:
                yield self._arrays.operations[step] if step >= 0 else next(fresh[~step])

    def _see(self, ranks: Sequence[int]) -> None:
        """Observers see their answers here, and what changes nothing would leave no trace here."""
        arrays, here = self._arrays, []
        spot: list[int] = []
        for each in ranks:
            after = self._automaton.after(self._state, arrays.step_of[each])
            if self._placed[each] or after < 0:
                continue
            if arrays.observers[arrays.step_of[each]]:
                here.append(each)
                self._placed[each] = True
            elif after == self._state:
                self._spots.setdefault(each, spot)
        self._pieces += [here, spot]

    def _change(self, rank: int, placed: int) -> None:
        arrays = self._arrays
        step = arrays.step_of[placed] if placed >= 0 else arrays.classes[~placed].step
        self._overwrite(rank, step)
        self._pieces.append([placed])
        if placed >= 0:
            self._placed[placed] = True
        else:
            used, invokes = self._used[~placed], arrays.classes[~placed].invokes
            if used == len(invokes) or invokes[used] > arrays.completes[rank]:
                raise _OverdrawnError(~placed)
            self._used[~placed] += 1
        self._state = self._automaton.after(self._state, step)
        self._see(arrays.open[rank])

    def _overwrite(self, rank: int, step: int) -> None:
        """What the step overwrites would leave no trace just before it."""
        arrays = self._arrays
        spot: list[int] = []
        for each in arrays.open[rank]:
            if not arrays.observers[arrays.step_of[each]] and self._relations.overwrites(step, arrays.step_of[each]):
                self._spots.setdefault(each, spot)
        self._pieces.append(spot)

    def _complete(self, rank: int) -> None:
        step = self._arrays.step_of[rank]
        self._placed[rank] = True
        if self._automaton.after(self._state, step) == self._state:
            self._overwrite(rank, step)
            self._pieces.append([rank])
        else:
            self._spots[rank].append(rank)
