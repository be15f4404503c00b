"""The search for any model: over what may be placed next, depth first, remembering configurations; and its rivals.

A configuration is (first rank k not yet placed, mask of later ranks placed, state, optional operations used). What is
left out, and why that is allowed:

* A placeable operation that only observes is placed at once: moved to the front of any linearization it changes
  nothing.
* Of placeable operations with the same step only the one that completes first is tried: two of them can change places.
  An optional operation counts as completing last.
* An optional operation is not tried straight before another that could as well come first (from the state before, both
  orders lead to the same state): the optional one has no deadline, and goes later. Of two optional ones that commute
  the class with the lower number goes first. One that changes nothing is not needed.
* A configuration that differs from an earlier one only in having used more optional operations is dropped.

All hold together: of the linearizations with the fewest optional operations, take those in which these stand latest; of
them one in which the observers stand earliest, then one in which equal steps stand in the order of their completions.
Each exchange above leads towards it, and none away.

Depth first finds an order soon where there are many; completion by completion (``just_in_time``) soon sees that there
is none. Either may be a thousand times faster: ``race``. Queues that only put and take have a search of their own
(``tracks``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import le
from typing import Final, Literal

from checkers.guard import OutOfTimeError
from checkers.linearizable.automaton import Automaton
from checkers.linearizable.just_in_time import JustInTime
from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.schedule import Schedule, schedule

Used = tuple[int, ...]
Trail = tuple["Trail | None", int]  # what came before, and a rank (>= 0) or the complement of a class's number
Outcome = Literal["valid", "invalid", "time", "memory"]

_CLOCK_EVERY: Final = 256
_FIRST_TURN: Final = 2_000  # configurations; then twice as many each time


@dataclass(slots=True)
class Configuration:
    """``pending``: the state before, and the class of, the optional operation that was placed last; None if the last
    one was no optional one."""

    rank: int
    mask: int
    state: int
    used: Used
    pending: tuple[int, int] | None
    trail: Trail | None


@dataclass(frozen=True, slots=True)
class Walked:
    """``order``: a linearization where valid. ``refuted``: where invalid, operations that no order explains, in order
    of completion. ``rank``: how many completions, at least, some order explains."""

    outcome: Outcome
    order: tuple[Operation, ...]
    refuted: tuple[Operation, ...]
    rank: int
    configurations: int
    winner: str


class Walk:
    """One way through the configurations, which can be interrupted."""

    def __init__(self, arrays: Schedule, automaton: Automaton) -> None:
        self._arrays, self._automaton = arrays, automaton
        self._waiting = [Configuration(0, 0, 0, (0,) * len(arrays.classes), None, None)]
        self._least: dict[int, dict[tuple[int, int, tuple[int, int] | None], list[Used]]] = {}
        self.rank = 0
        self.visited = 0
        self.order: tuple[Operation, ...] | None = None

    def go(self, configurations: int, limit: Limit) -> bool:
        """Visit that many more; whether there is an ``order``, or certainly none."""
        stop = self.visited + configurations
        while self._waiting:
            here = self._waiting.pop()
            self._settle(here)
            self.rank = max(self.rank, here.rank)
            if here.rank == len(self._arrays):
                self.order = _order(self._arrays, here.trail)
                return True
            if self._covered(here):
                continue
            self.visited += 1
            self._waiting.extend(self._successors(here))
            if self.visited >= stop or (self.visited % _CLOCK_EVERY == 0 and limit.expired()):
                return False
        return True

    @property
    def explained(self) -> int:
        """How many completions some order explains."""
        return self.rank

    @property
    def needed(self) -> int:
        """Where there is no order, the ranks up to this one show it."""
        return self.rank

    def _settle(self, c: Configuration) -> None:
        """Place every placeable observer of the present state, and step over the ranks placed."""
        arrays, after = self._arrays, self._automaton.after
        bits, step_of, watching, end = arrays.bits, arrays.step_of, arrays.watching, len(arrays)
        while c.rank < end:
            for each in watching[c.rank]:
                if not c.mask & bits[each] and after(c.state, step_of[each]) >= 0:
                    c.mask |= bits[each]
                    c.pending = None
                    c.trail = (c.trail, each)
            if not c.mask & bits[c.rank]:
                return
            while c.rank < end and c.mask & bits[c.rank]:
                c.mask ^= bits[c.rank]
                c.rank += 1

    def _covered(self, c: Configuration) -> bool:
        """Whether a configuration at least as good was met before; if not, this one is remembered."""
        level = self._least.setdefault(c.rank, {})
        if c.pending is not None and any(_within(used, c.used) for used in level.get((c.mask, c.state, None), ())):
            return True
        met = level.setdefault((c.mask, c.state, c.pending), [])
        if any(_within(used, c.used) for used in met):
            return True
        if c.used:
            met[:] = [used for used in met if not _within(c.used, used)]
        met.append(c.used)
        return False

    def _successors(self, c: Configuration) -> list[Configuration]:
        """What may come next, the most promising last: what completes first."""
        arrays, after = self._arrays, self._automaton.after
        tried: set[int] = set()
        found = []
        for each in arrays.open[c.rank]:
            step = arrays.step_of[each]
            if c.mask & arrays.bits[each] or step in tried:
                continue
            tried.add(step)
            state = after(c.state, step)
            if state >= 0 and not self._commutes(c.pending, step, state):
                trail = (c.trail, each)
                found.append(Configuration(c.rank, c.mask | arrays.bits[each], state, c.used, None, trail))
        found.extend(self._optional(c, tried))
        found.reverse()
        return found

    def _optional(self, c: Configuration, tried: set[int]) -> Iterator[Configuration]:
        now = self._arrays.completes[c.rank]
        for number, each in enumerate(self._arrays.classes):
            used = c.used[number]
            if used == len(each.invokes) or each.invokes[used] > now or each.step in tried:
                continue
            state = self._automaton.after(c.state, each.step)
            if state < 0 or state == c.state:
                continue
            if c.pending is None or number >= c.pending[1] or not self._commutes(c.pending, each.step, state):
                more = (*c.used[:number], used + 1, *c.used[number + 1 :])
                yield Configuration(c.rank, c.mask, state, more, (c.state, number), (c.trail, ~number))

    def _commutes(self, pending: tuple[int, int] | None, step: int, state: int) -> bool:
        """Whether the pending optional operation and the step lead to ``state`` in the other order, too."""
        if pending is None:
            return False
        between = self._automaton.after(pending[0], step)
        return between >= 0 and self._automaton.after(between, self._arrays.classes[pending[1]].step) == state


def _within(used: Used, other: Used) -> bool:
    return used == other or all(map(le, used, other))


TWO_TRACKS: Final = "two-tracks"
_RIVALS: Final[Mapping[str, Callable[[KeyHistory, Schedule, Automaton], Walk | JustInTime]]] = {
    "depth-first": lambda _, arrays, automaton: Walk(arrays, automaton),
    "just-in-time": JustInTime,
}
WALKS: Final = tuple(_RIVALS)
ALL: Final = (TWO_TRACKS, *WALKS)


def race(key: KeyHistory, limit: Limit, names: Sequence[str] = ALL) -> Walked:
    """Decide one object by all of these searches that can, in turn, until one is at its end. Raises
    :class:`checkers.linearizable.problem.TooLarge`."""
    if TWO_TRACKS in names:
        found = _by_tracks(key, limit)
        if found is not None:
            return found
    arrays = schedule(key)
    automaton = Automaton(key, arrays)
    walks = {name: _RIVALS[name](key, arrays, automaton) for name in names if name in _RIVALS}
    turn, left = _FIRST_TURN, limit.configurations
    while walks:
        for name, walk in walks.items():
            before = walk.visited
            try:
                done = walk.go(min(turn, left), limit.at_most(configurations=left))
            except OutOfTimeError:
                done = False
            except MemoryError:  # how far they came is more than nothing
                done, left = False, 0
            left -= walk.visited - before
            if done or left <= 0 or limit.expired():
                return _walked(arrays, automaton, walks, name if done else "", left)
        turn *= 2
    return Walked("memory", (), (), 0, 0, "")


def _walked(
    arrays: Schedule, automaton: Automaton, walks: Mapping[str, Walk | JustInTime], winner: str, left: int
) -> Walked:
    rank = max(walk.explained for walk in walks.values())
    visited = sum(walk.visited for walk in walks.values())
    if not winner:
        return Walked("memory" if left <= 0 else "time", (), (), rank, visited, winner)
    walk = walks[winner]
    if walk.order is not None:
        return Walked("valid", walk.order, (), len(arrays), visited, winner)
    # Foresight looked at all answers, not only at those of the ranks that were reached.
    needed = len(arrays) if automaton.hopeless else walk.needed + 1
    return Walked("invalid", (), arrays.operations[:needed], rank, visited, winner)


def _by_tracks(key: KeyHistory, limit: Limit) -> Walked | None:
    """What the queues' own search finds within its share; None if it does not apply, or the others are to go on."""
    from checkers.linearizable import tracks  # for queues alone

    laid = tracks.decide(key, limit.share(2).at_most(configurations=limit.configurations // 2))
    if laid is None or laid.outcome in ("time", "memory"):
        return None
    refuted = () if laid.outcome == "valid" else tracks.needed(key, limit)
    explained = len(key.required) if laid.outcome == "valid" else max(0, len(refuted) - 1)
    return Walked(laid.outcome, laid.order, refuted, explained, laid.configurations, TWO_TRACKS)


def _order(arrays: Schedule, trail: Trail | None) -> tuple[Operation, ...]:
    """The operations along a trail; the n-th use of a class is its n-th invocation."""
    steps = []
    while trail is not None:
        trail, step = trail
        steps.append(step)
    fresh = [iter(each.operations) for each in arrays.classes]
    return tuple(arrays.operations[step] if step >= 0 else next(fresh[~step]) for step in reversed(steps))
