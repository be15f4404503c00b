"""The order of the events of a question: what is forced of it, and a literal for every other pair that is asked for.

Every event has a moment of its own, also one that is not taken: that one may be anywhere in its interval, and does
nothing there. Forced pairs are kept transitively closed. Of the other literals only those that were asked for exist; an
assignment of them that goes round in a circle is ruled out when it is met (``circles``), circle by circle: most never
are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Final

from checkers.linearizable.problem import TooLarge
from checkers.linearizable.symbolic.formula import FALSE, TRUE, Formula

CIRCLES_MAX: Final = 400  # ruled out at a time
TRIANGLES_MAX: Final = 400_000
EVENTS_MAX: Final = 10_000  # the forced order takes the square of that in bits, a few times


class CircularError(Exception):
    """Two events are forced to be before each other."""


class Order:
    """Events are numbers from 0. ``pairs`` gives the two events of a variable: it says the first is before the second.

    ``after[a]`` and ``ahead[a]`` are bit sets of the events forced after and before a. Raises :class:`TooLarge`.
    """

    def __init__(self, formula: Formula, intervals: Sequence[tuple[int, float]]) -> None:
        if len(intervals) > EVENTS_MAX:
            raise TooLarge(f"a question to z3 about {len(intervals)} operations together; {EVENTS_MAX} are the most")
        self._formula = formula
        self.after, self.ahead = _closed(intervals)
        self.pairs: dict[int, tuple[int, int]] = {}
        self._variables: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.after)

    def before(self, a: int, b: int) -> int:
        """The literal that a is before b."""
        if self.after[a] >> b & 1:
            return TRUE
        if self.after[b] >> a & 1:
            return FALSE
        if a > b:
            return -self.before(b, a)
        if (a, b) not in self._variables:
            self._variables[a, b] = variable = self._formula.variable()
            self.pairs[variable] = (a, b)
        return self._variables[a, b]

    def force(self, a: int, b: int) -> list[int]:
        """From now on a is before b; the literals that this makes true. Raises :class:`CircularError`."""
        if a == b or self.after[b] >> a & 1:
            raise CircularError
        if self.after[a] >> b & 1:
            return []
        made: list[int] = []
        later = self.after[b] | 1 << b
        for x in bits(self.ahead[a] | 1 << a):
            new = later & ~self.after[x]
            self.after[x] |= new
            for y in bits(new):
                self.ahead[y] |= 1 << x
                made.extend(self._made(x, y))
        return made

    def _made(self, a: int, b: int) -> Iterator[int]:
        pair, sign = ((a, b), 1) if a < b else ((b, a), -1)
        if pair in self._variables:
            yield sign * self._variables[pair]

    def close(self, triangles_max: int = TRIANGLES_MAX) -> None:
        """Rule out, up to that many, the circles of three events, two or three of whose pairs have a literal: these
        are nearly all that a solver runs into."""
        loose = [0] * len(self)
        for a, b in self._variables:
            if not (self.after[a] >> b | self.after[b] >> a) & 1:
                loose[a] |= 1 << b
                loose[b] |= 1 << a
        for clause in islice(self._triangles(loose), triangles_max):
            self._formula.add(*clause)

    def _triangles(self, loose: Sequence[int]) -> Iterator[tuple[int, ...]]:
        for a, partners in enumerate(loose):
            for b in bits(partners):
                for c in self._next(b, partners):
                    yield -self.before(a, b), self.before(a, c)
                for c in bits(partners & loose[b] >> b << b) if a < b else ():
                    circle = self.before(a, b), self.before(b, c), self.before(c, a)
                    yield circle
                    yield -circle[0], -circle[1], -circle[2]

    def _next(self, a: int, among: int) -> Iterator[int]:
        """Of these, those forced after a with none of them between."""
        among &= self.after[a]
        direct = among
        for b in bits(among):
            if direct >> b & 1:
                direct &= ~self.after[b]
        yield from bits(direct)

    def arrange(self, holds: Callable[[int], bool | None], present: int) -> tuple[list[int], list[list[int]]]:
        """The events of the bit set ``present`` in an order that the literals allow; or, if there is none, circles:
        lists of literals that cannot all hold. ``holds`` says None of a variable that is free to hold or not."""
        follows = [self.after[a] & present if present >> a & 1 else 0 for a in range(len(self))]
        literals: dict[tuple[int, int], int] = {}
        for variable, (a, b) in self.pairs.items():
            value = holds(variable) if present >> a & present >> b & 1 else None
            if value is None or (self.after[a] >> b | self.after[b] >> a) & 1:
                continue
            first, second = (a, b) if value else (b, a)
            literals[first, second] = variable if value else -variable
            follows[first] |= 1 << second
        arranged, rest = _sorted(follows, present)
        return arranged, list(_circles(follows, literals, rest)) if rest else []


def _closed(intervals: Sequence[tuple[int, float]]) -> tuple[list[int], list[int]]:
    """Of every interval the later and the earlier ones, as bit sets."""
    count = len(intervals)
    by_begin, by_end = (sorted(range(count), key=lambda i: intervals[i][at]) for at in (0, 1))
    begins, ends = [intervals[i][0] for i in by_begin], [intervals[i][1] for i in by_end]
    later, earlier = [0] * (count + 1), [0] * (count + 1)
    for i in range(count):
        later[count - i - 1] = later[count - i] | 1 << by_begin[count - i - 1]
        earlier[i + 1] = earlier[i] | 1 << by_end[i]
    after = [later[bisect_right(begins, end)] for _, end in intervals]
    ahead = [earlier[bisect_left(ends, begin)] for begin, _ in intervals]
    return after, ahead


def bits(of: int) -> Iterator[int]:
    """The numbers in a bit set, ascending."""
    while of:
        lowest = of & -of
        yield lowest.bit_length() - 1
        of ^= lowest


def _sorted(follows: Sequence[int], present: int) -> tuple[list[int], int]:
    """As many events as can be put in order, and the rest: those on circles, or after one."""
    waits = dict.fromkeys(bits(present), 0)
    for a in waits:
        for b in bits(follows[a]):
            waits[b] += 1
    free = [a for a, count in waits.items() if not count]
    arranged: list[int] = []
    while free:
        a = free.pop()
        arranged.append(a)
        present ^= 1 << a
        for b in bits(follows[a]):
            waits[b] -= 1
            if not waits[b]:
                free.append(b)
    return arranged, present


def _circles(follows: Sequence[int], literals: dict[tuple[int, int], int], rest: int) -> Iterator[list[int]]:
    """For every literal on a circle a shortest one through it, up to CIRCLES_MAX different ones."""
    met: set[frozenset[int]] = set()
    for a, b in literals:
        if not rest >> a & rest >> b & 1:
            continue
        path = _path(follows, b, a, rest)
        if path is None:
            continue
        steps = [(a, b), *pairwise(path)]
        circle = [literals[step] for step in steps if step in literals]
        if frozenset(circle) not in met:
            met.add(frozenset(circle))
            yield circle
            if len(met) == CIRCLES_MAX:
                return


def _path(follows: Sequence[int], begin: int, end: int, within: int) -> list[int] | None:
    """A shortest way from one event to another."""
    layers, seen = [1 << begin], 1 << begin
    while not layers[-1] >> end & 1:
        reached = 0
        for a in bits(layers[-1]):
            reached |= follows[a]
        reached &= within & ~seen
        if not reached:
            return None
        seen |= reached
        layers.append(reached)
    path = [end]
    for layer in reversed(layers[:-1]):
        path.append(next(a for a in bits(layer) if follows[a] >> path[-1] & 1))
    return path[::-1]
