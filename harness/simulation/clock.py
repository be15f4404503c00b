"""The clocks of one simulated node: what its oscillator counts, and a wall clock that faults may bend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from harness.node import Interval
from harness.simulation.oscillator import NS_PER_US, Oscillator, exact_rate

KINDS: Final = {"jump": ("offset_ms",), "strobe": ("offset_ms", "period_ms"), "rate": ("factor",)}


class SimClock:
    """See :class:`harness.node.Clock`; also what ``ClockFaults`` asks of one node. Belongs to the machine: it outlives
    the node's incarnations, and a machine that boots gets a new one.

    ``now_us`` reads virtual time in microseconds; ``wall_origin_ns`` is the wall-clock time, since 1970, at virtual
    time 0. ``offset_ns`` is how far this honest clock is off, for clocks are never exactly equal: at most ``error_ms``,
    the bound that :meth:`interval` states. ``met`` is called whenever a reading is false because a fault bent it. The
    ``oscillator`` drives both clocks (None: one that never drifts); when it runs true again, the wall clock is set.

    All arithmetic is on integers, so that equal runs read equal times. The reading is piecewise linear in true time::

        wall = origin + true + offset + excess + (true - since) * rate + (strobe, in every other period) + drifted

    where each bend begins a new piece at ``since`` with the ``excess`` reached by then; what has ``drifted`` is the
    oscillator's.
    """

    __slots__ = ("_bent", "_error_ns", "_excess_ns", "_met", "_now_us", "_origin_ns", "_rate", "_since_us",
                 "_strobe", "_strobe_since_us", "oscillator")  # fmt: skip

    def __init__(self, now_us: Callable[[], int], wall_origin_ns: int, error_ms: float, met: Callable[[], None],
                 offset_ns: int = 0, oscillator: Oscillator | None = None) -> None:  # fmt: skip
        self._error_ns = round(error_ms * 1e6)
        assert abs(offset_ns) <= self._error_ns, f"an honest clock is off by {offset_ns} ns; it states {error_ms} ms"
        self._now_us, self._origin_ns, self._met = now_us, wall_origin_ns + offset_ns, met
        self.oscillator = Oscillator(now_us) if oscillator is None else oscillator
        self._excess_ns = self._since_us = self._strobe_since_us = 0
        self.unbend()

    def monotonic(self) -> int:
        """Time since the machine booted, as its oscillator counts it; never bent."""
        return self.oscillator.counted_ns()

    def wall(self) -> int:
        now_us = self._now_us()
        if not self._bent and self.oscillator.is_true:
            return self._origin_ns + now_us * NS_PER_US
        excess_ns, drifted_ns = self._excess(now_us), self.oscillator.off_ns
        if excess_ns:
            self._met()
        if drifted_ns:
            self.oscillator.met()
        return self._origin_ns + now_us * NS_PER_US + excess_ns + drifted_ns

    @property
    def offset_ms(self) -> float:
        """How far bends and a drift put the wall clock off, now."""
        return self._off_ns(self._now_us()) / 1e6

    def look(self) -> int:
        """What :meth:`wall` would read, without its being the node's own reading."""
        now_us = self._now_us()
        return self._origin_ns + now_us * NS_PER_US + self._off_ns(now_us)

    def interval(self) -> Interval:
        """The wall clock with the bound that the node believes in. A bent clock lies about it: the bound knows nothing
        of the bend, and the true time may lie outside."""
        wall_ns = self.wall()
        return Interval(wall_ns - self._error_ns, wall_ns + self._error_ns)

    def bend(self, kind: str, amount: Mapping[str, float]) -> None:
        """See :class:`harness.cluster.ClockFaults`. Bends add up: a jump to what was there; a strobe and a rate replace
        the strobe or rate before, and a new rate goes on from the present reading. Raises ValueError for what is none.
        """
        _check(kind, amount)
        now_us = self._now_us()
        self._excess_ns += self._gained(now_us)
        self._since_us, self._bent = now_us, True
        if kind == "jump":
            self._excess_ns += round(amount["offset_ms"] * 1e6)
        elif kind == "strobe":
            self._strobe, self._strobe_since_us = _strobe(amount), now_us
        else:
            rate = exact_rate(amount["factor"]) - 1
            self._rate = rate.numerator, rate.denominator

    def unbend(self) -> None:
        """True again, at once."""
        self._bent = False
        self._excess_ns = self._since_us = self._strobe_since_us = 0
        self._rate = 0, 1
        self._strobe = 0, 1

    def _gained(self, now_us: int) -> int:
        gained, per = self._rate
        return (now_us - self._since_us) * NS_PER_US * gained // per

    def _off_ns(self, now_us: int) -> int:
        return self._excess(now_us) + self.oscillator.off_ns

    def _excess(self, now_us: int) -> int:
        """How far the bends put the reading off, in ns. A strobe begins with its offset."""
        offset_ns, period_us = self._strobe
        away = (now_us - self._strobe_since_us) // period_us % 2 == 0
        return self._excess_ns + self._gained(now_us) + (offset_ns if away else 0)


def _check(kind: str, amount: Mapping[str, float]) -> None:
    if kind not in KINDS or set(amount) != set(KINDS[kind]) or not all(map(math.isfinite, amount.values())):
        raise ValueError(f"read the bend {kind!r} {dict(amount)}; expected one of {KINDS}, with finite numbers")
    if amount.get("period_ms", 1) < 1:
        raise ValueError(f"read a strobe every {amount['period_ms']} ms; expected a period of 1 ms or more")
    if amount.get("factor", 0) < 0:
        raise ValueError(f"read the rate {amount['factor']}; expected 0 or more: a clock that runs backwards is none")


def _strobe(amount: Mapping[str, float]) -> tuple[int, int]:
    return round(amount["offset_ms"] * 1e6), round(amount["period_ms"] * 1000)
