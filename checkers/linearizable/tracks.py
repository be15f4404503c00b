"""Queues whose values are not distinct: puts and takes as two tracks, which are laid side by side.

The n-th take of a first-in-first-out queue returns what the n-th put put. So an order of all puts and an order of all
takes are sought that agree value by value; the content of the queue need not be known. Two such orders merge into a
linearization if and only if no put stands at the place of a take, or before it, that had completed when the put was
invoked. (In a circle of what must come before what, puts precede puts and takes takes by their order; the n-th put
precedes the n-th take; and a put that precedes a take in time alone closes no circle.) An operation that found the
queue empty stands at a place in both tracks before which everything comes before it, and after which all comes after.

A configuration is which puts, takes and such observers have their places, and how many were used of those that perhaps
took effect: interchangeable classes again, of which fewer are better. Of puts of the same value that could come next
the one that completes first does: what can still be placed afterwards is the same or more. So it is with takes, unless
there are observers, who look at when the takes before them were invoked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from operator import le
from typing import Final, Literal

from checkers.linearizable.limit import Limit
from checkers.linearizable.model import EMPTY, UNKNOWN, Selective
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import completion

_CLOCK_EVERY: Final = 128

Used = tuple[int, ...]
# What came before; the put and the take at the next place: a number on its track, or the complement of a class's
# number. The put is None where the value was there at first; the take is None where an observer stands alone.
Way = tuple["Way | None", int | None, int | None]


@dataclass(frozen=True, slots=True)
class Laid:
    """``order``: a linearization where valid. ``places``: how many places of both tracks were laid."""

    outcome: Literal["valid", "invalid", "time", "memory"]
    order: tuple[Operation, ...]
    places: int
    configurations: int


class _Track:
    """Operations by completion, of which some were placed: the first one that was not is ``head``, and ``mask`` tells
    which of those open at its completion were, by their distance from it."""

    def __init__(self, operations: Iterable[Operation], values: bool = True) -> None:
        self.operations = sorted(operations, key=completion)
        self.completes = [completion(each) for each in self.operations]
        self.invokes = [each.invoke for each in self.operations]
        self.values: list[Hashable] = [_value(each) if values else None for each in self.operations]
        self._open: list[tuple[int, ...]] = []
        by_invocation = sorted(range(len(self.operations)), key=self.invokes.__getitem__)
        running: list[int] = []
        at = 0
        for head, complete in enumerate(self.completes):
            while at < len(by_invocation) and self.invokes[by_invocation[at]] < complete:
                running.append(by_invocation[at])
                at += 1
            running = sorted(each for each in running if each >= head)
            self._open.append(tuple(running))

    def deadline(self, head: int) -> float:
        """When the first operation without a place completes."""
        return self.completes[head] if head < len(self.completes) else inf

    def ready(self, head: int, mask: int) -> Iterator[int]:
        """Those that may come next, the first to complete first."""
        if head < len(self._open):
            for each in self._open[head]:
                if not mask >> (each - head) & 1:
                    yield each

    @staticmethod
    def placed(head: int, mask: int, each: int) -> tuple[int, int]:
        """Head and mask once it is placed, too."""
        mask |= 1 << (each - head)
        while mask & 1:
            head, mask = head + 1, mask >> 1
        return head, mask


def _value(operation: Operation) -> Hashable:
    step = operation.step
    value: Hashable = step.given[0] if step.f == "put" else step.returned
    return value


@dataclass(frozen=True, slots=True)
class _Class:
    """Operations that perhaps took effect, by invocation. ``value`` UNKNOWN: a take of nobody knows what."""

    put: bool
    value: Hashable
    invokes: tuple[int, ...]
    operations: tuple[Operation, ...]


Config = tuple[int, int, int, int, int, int, float]  # heads and masks of puts, takes, observers; latest take placed


def decide(key: KeyHistory, limit: Limit) -> Laid | None:
    """Whether the queue's operations have an order; None where anything else is done than to put and to take."""
    if key.model.kind != "queue" or any(o.step.f not in ("put", "take") for o in (*key.required, *key.optional)):
        return None
    return _Tracks(key).lay(limit)


def needed(key: KeyHistory, limit: Limit) -> tuple[Operation, ...]:
    """Of a queue that has no order the operations up to the first completion by which that can be seen."""
    operations = sorted(key.required, key=completion)
    none, enough = 0, len(operations)  # the first so many have an order; the first so many have none
    while none + 1 < enough and not limit.expired():
        middle = (none + enough) // 2
        laid = decide(_until(key, operations, middle), limit)
        if laid is not None and laid.outcome == "invalid":
            enough = middle
        else:
            none = middle
    return tuple(operations[:enough])


def _until(key: KeyHistory, operations: Sequence[Operation], count: int) -> KeyHistory:
    """The history until so many operations completed: those that were running then perhaps took effect."""
    now = completion(operations[count - 1])
    running = (replace(each, complete=None) for each in operations[count:] if each.invoke < now)
    changing = (each for each in running if not key.model.observes(each.step))
    optional = sorted((*key.optional, *changing), key=_invocation)
    return replace(key, required=tuple(operations[:count]), optional=tuple(optional))


class _Tracks:
    def __init__(self, key: KeyHistory) -> None:
        self._initial: Sequence[Hashable] = key.initial
        self._puts = _Track(each for each in key.required if each.step.f == "put")
        self._takes = _Track(e for e in key.required if e.step.f == "take" and e.step.returned != EMPTY)
        self._observers = _Track(
            (e for e in key.required if e.step.f == "take" and e.step.returned == EMPTY), values=False
        )
        self._classes = _classes(key)
        self._puts_of = {each.value: number for number, each in enumerate(self._classes) if each.put}
        self._takes_of = {each.value: number for number, each in enumerate(self._classes) if not each.put}

    def lay(self, limit: Limit) -> Laid:
        """Place by place, depth first: required operations before others, what completes first before what later."""
        waiting: list[tuple[int, Config, Way | None, Used]] = []
        waiting.append((0, *self._observe(0, (0, 0, 0, 0, 0, 0, -inf), None), (0,) * len(self._classes)))
        met: dict[tuple[int, Config], list[Used]] = {}
        visited = furthest = 0
        while waiting:
            place, config, way, used = waiting.pop()
            furthest = max(furthest, place)
            if config[2] == len(self._takes.operations) and config[4] == len(self._observers.operations):
                return Laid("valid", self._merge(way), place, visited)
            known = met.setdefault((place, config), [])
            if any(all(map(le, other, used)) for other in known):
                continue
            known[:] = [other for other in known if not all(map(le, used, other))]
            known.append(used)
            visited += 1
            if visited > limit.configurations or (visited % _CLOCK_EVERY == 0 and limit.expired()):
                return Laid("time" if limit.expired() else "memory", (), furthest, visited)
            found = [
                (place + 1, *self._observe(place + 1, after, (way, put, take)), more)
                for after, more, put, take in self._next(place, config, used)
            ]
            waiting.extend(reversed(found))
        return Laid("invalid", (), furthest, visited)

    def _observe(self, place: int, config: Config, way: Way | None) -> tuple[Config, Way | None]:
        """All observers are placed that may stand here."""
        puts, puts_mask, takes, takes_mask, head, mask, latest = config
        if head == len(self._observers.operations) or place < len(self._initial):
            return config, way
        if latest > self._puts.deadline(puts):
            return config, way
        deadline = min(self._puts.deadline(puts), self._takes.deadline(takes))
        ready: int | None = -1
        while ready is not None:
            ready = next((o for o in self._observers.ready(head, mask) if self._observers.invokes[o] < deadline), None)
            if ready is not None:
                head, mask = _Track.placed(head, mask, ready)
                way = (way, ready, None)
        return (puts, puts_mask, takes, takes_mask, head, mask, latest), way

    def _next(self, place: int, config: Config, used: Used) -> Iterator[tuple[Config, Used, int | None, int]]:
        """Each put that may come next, with each take that may return its value."""
        puts, puts_mask, takes, takes_mask, head, mask, latest = config
        observers = self._observers.deadline(head)
        bound = min(self._takes.deadline(takes), observers)  # by then the put was invoked
        for value, put, (puts_after, mask_after), used_after in self._putting(place, puts, puts_mask, used, bound):
            for take, (takes_after, takes_mask_after), invoke, used_then in self._taking(
                value, takes, takes_mask, used_after, observers
            ):
                now = max(latest, invoke) if self._observers.operations else latest
                after = (puts_after, mask_after, takes_after, takes_mask_after, head, mask, now)
                yield after, used_then, put, take

    def _putting(
        self, place: int, head: int, mask: int, used: Used, bound: float
    ) -> Iterator[tuple[Hashable, int | None, tuple[int, int], Used]]:
        """The value, the put (None: it was there at first), head and mask of the puts, and what is used."""
        if place < len(self._initial):
            yield self._initial[place], None, (head, mask), used
            return
        tried = set()
        for each in self._puts.ready(head, mask):
            value = self._puts.values[each]
            if value not in tried and self._puts.invokes[each] < bound:
                tried.add(value)
                yield value, each, _Track.placed(head, mask, each), used
        for value, number in self._puts_of.items():
            if value not in tried:
                more = self._use(number, used, min(bound, self._puts.deadline(head)))
                if more is not None:
                    yield value, ~number, (head, mask), more

    def _taking(
        self, value: Hashable, head: int, mask: int, used: Used, bound: float
    ) -> Iterator[tuple[int, tuple[int, int], float, Used]]:
        """The take, head and mask of the takes, its invocation, and what is used."""
        for each in self._takes.ready(head, mask):
            if self._takes.values[each] == value and self._takes.invokes[each] < bound:
                yield each, _Track.placed(head, mask, each), self._takes.invokes[each], used
                if not self._observers.operations:
                    return
        bound = min(bound, self._takes.deadline(head))
        for wanted in (value, UNKNOWN):
            number = self._takes_of.get(wanted)
            more = None if number is None else self._use(number, used, bound)
            if number is not None and more is not None:
                yield ~number, (head, mask), self._classes[number].invokes[used[number]], more
                if not self._observers.operations:
                    return

    def _use(self, number: int, used: Used, bound: float) -> Used | None:
        """One more of the class, if there is one that was invoked by then."""
        count, invokes = used[number], self._classes[number].invokes
        if count == len(invokes) or invokes[count] > bound:
            return None
        return (*used[:number], count + 1, *used[number + 1 :])

    def _merge(self, way: Way | None) -> tuple[Operation, ...]:
        """One order of both tracks: puts as early as the takes that had completed allow."""
        steps = []
        while way is not None:
            way, put, take = way
            steps.append((put, take))
        fresh = [iter(each.operations) for each in self._classes]
        puts: list[Operation | None] = []
        takes: list[Operation] = []
        observers: list[tuple[int, Operation]] = []  # with the number of places before
        for put, take in reversed(steps):
            if take is None:
                assert put is not None, "a place has a take, or an observer stands there"
                observers.append((len(takes), self._observers.operations[put]))
                continue
            known = put is None  # it was there at first
            puts.append(None if known or put is None else self._puts.operations[put] if put >= 0 else next(fresh[~put]))
            takes.append(self._takes.operations[take] if take >= 0 else next(fresh[~take]))
        placed = {each.invoke for each in puts if each is not None}
        by_invocation = sorted(self._puts.operations, key=_invocation)
        puts.extend(each for each in by_invocation if each.invoke not in placed)
        return tuple(_merged(puts, takes, observers))


def _invocation(operation: Operation) -> int:
    return operation.invoke


def _merged(
    puts: Sequence[Operation | None], takes: Sequence[Operation], observers: Sequence[tuple[int, Operation]]
) -> Iterator[Operation]:
    taken, seen = 0, 0
    for place, put in enumerate(puts):
        until = taken
        if put is not None:
            early = (i for i in range(taken, min(place, len(takes))) if (takes[i].complete or inf) < put.invoke)
            until = max(early, default=taken - 1) + 1
        while seen < len(observers) and observers[seen][0] <= place:
            yield from takes[taken : observers[seen][0]]
            taken = max(taken, observers[seen][0])
            yield observers[seen][1]
            seen += 1
        yield from takes[taken:until]
        taken = max(taken, until)
        if put is not None:
            yield put
    for at, observer in observers[seen:]:
        yield from takes[taken:at]
        taken = max(taken, at)
        yield observer
    yield from takes[taken:]


def _classes(key: KeyHistory) -> tuple[_Class, ...]:
    """The optional operations, by what they put or take; those that cannot matter are left out."""
    needed: Sequence[bool] = [True] * len(key.optional)
    if isinstance(key.model, Selective):
        needed = key.model.relevant(
            [each.step for each in key.required], [each.step for each in key.optional], key.initial
        )
    grouped: defaultdict[tuple[bool, Hashable], list[Operation]] = defaultdict(list)
    chosen = [each for each, matters in zip(key.optional, needed, strict=True) if matters]
    for each in sorted(chosen, key=lambda operation: operation.invoke):
        if each.step.returned != EMPTY:
            grouped[each.step.f == "put", _value(each)].append(each)
    return tuple(
        _Class(put, value, tuple(each.invoke for each in operations), tuple(operations))
        for (put, value), operations in grouped.items()
    )
