"""What the reads of a counter may have returned: every sum of increments that could have been there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from checkers.counter.contents import NEVER, Counter, Increment, Read

SUMS_MAX: Final = 1 << 22
"""The widest range of open sums, and below WORK_MAX the most work, for which every single sum is known; beyond them a
read is held against bounds only, which may be wider than what was possible."""

WORK_MAX: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Possible:
    """What a read may have returned: the sum of what was ``sure`` (of so many increments) and of some of the ``open``
    ones, at least ``low`` and at most ``high``. ``sums`` has bit i set if low + i is possible; None: too wide."""

    sure: int
    surely: int
    open: Sequence[Increment]
    low: int
    high: int
    sums: int | None

    def allows(self, value: int) -> bool:
        inside = self.low <= value <= self.high
        return inside and (self.sums is None or bool(self.sums >> (value - self.low) & 1))


def possibilities(each: Counter, tick: Callable[[int, int], None]) -> Iterator[tuple[Read, Possible]]:
    """The reads in order of invocation, each with what it may have returned. What is sure of one read is so of all
    later ones, so it is added up once; what is open is kept in order of invocation. An increment is in its own read,
    and whatever that brings along had ended when it began, and is sure."""
    ended = sorted((i for i in each.increments if i.complete != NEVER), key=lambda i: -i.complete)
    begun = sorted(each.increments, reverse=True)
    open_: list[Increment] = []
    sure = surely = 0
    for done, read in enumerate(each.reads):
        tick(done, len(each.reads))
        while begun and begun[-1].invoke < read.call.invoke:
            open_.append(begun.pop())
        while ended and ended[-1].complete < read.call.invoke:
            increment = ended.pop()
            sure, surely = sure + increment.delta, surely + 1
            del open_[bisect_left(open_, increment)]
        end, own = read.end, read.own
        beside = takewhile(lambda increment: increment.invoke < end, reversed(begun))  # noqa: B023 (used up at once)
        among = [*open_, *(increment for increment in beside if increment is not own)]
        yield read, _possible(sure + (own.delta if own else 0), surely + (own is not None), among)


def _possible(sure: int, surely: int, open_: Sequence[Increment]) -> Possible:
    """All sums of open increments (in order of invocation) in which none has begun after one that is left out had
    ended."""
    below, above = sum(i.delta for i in open_ if i.delta < 0), sum(i.delta for i in open_ if i.delta > 0)
    first_end = min((i.complete for i in open_), default=NEVER)
    early = bisect_left(open_, first_end, key=lambda i: i.invoke)
    work = len(open_) * (len(open_) - early + 1) * (above - below + 4096)
    if above - below > SUMS_MAX or work > WORK_MAX:
        return Possible(sure, surely, open_, sure + below, sure + above, None)
    sums = _subsets(1 << -below, open_[:early])
    for last in range(early, len(open_)):
        sums |= _with_last(open_, last, -below)
    shift = (sums & -sums).bit_length() - 1
    low, high = sure + below + shift, sure + below + sums.bit_length() - 1
    return Possible(sure, surely, open_, low, high, sums >> shift)


def _subsets(sums: int, increments: Iterable[Increment]) -> int:
    """Bit s + d of the result is set for every set bit s and every sum d of some of the increments."""
    for increment in increments:
        sums |= _shifted(sums, increment.delta)
    return sums


def _with_last(open_: Sequence[Increment], last: int, zero: int) -> int:
    """The sums with ``open_[last]`` and none that began after it: what had ended when it began is in them, too."""
    sums = _shifted(1 << zero, open_[last].delta)
    for increment in open_[:last]:
        shifted = _shifted(sums, increment.delta)
        sums = shifted if increment.complete < open_[last].invoke else sums | shifted
    return sums


def _shifted(sums: int, delta: int) -> int:
    return sums << delta if delta >= 0 else sums >> -delta
