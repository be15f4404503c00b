"""The clocks of one simulated node: true virtual time, and a wall clock that faults may bend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from harness.node import Interval

NS_PER_US: Final = 1000
KINDS: Final = {"jump": ("offset_ms",), "strobe": ("offset_ms", "period_ms"), "rate": ("factor",)}
_DENOMINATOR_MAX: Final = 10**9  # a rate is kept to a billionth; what a float adds below that is noise of its own


class SimClock:
    """See :class:`harness.node.Clock`; also what ``ClockFaults`` asks of one node. Belongs to the machine: it outlives
    the node's incarnations, and a machine that boots gets a new one.

    ``now_us`` reads virtual time in microseconds; ``wall_origin_ns`` is the wall-clock time, since 1970, at virtual
    time 0. ``offset_ns`` is how far this honest clock is off, for clocks are never exactly equal: at most ``error_ms``,
    the bound that :meth:`interval` states. ``met`` is called whenever a reading is false because a fault bent it.

    All arithmetic is on integers, so that equal runs read equal times. The reading is piecewise linear in true time::

        wall = origin + true + offset + excess + (true - since) * rate + (strobe, in every other period)

    where each bend begins a new piece at ``since`` with the ``excess`` reached by then.
    """

    __slots__ = ("_bent", "_booted_us", "_drift", "_error_ns", "_excess_ns", "_met", "_now_us", "_origin_ns",
                 "_since_us", "_strobe", "_strobe_since_us")  # fmt: skip

    def __init__(self, now_us: Callable[[], int], wall_origin_ns: int, error_ms: float, met: Callable[[], None],
                 offset_ns: int = 0) -> None:  # fmt: skip
        self._error_ns = round(error_ms * 1e6)
        assert abs(offset_ns) <= self._error_ns, f"an honest clock is off by {offset_ns} ns; it states {error_ms} ms"
        self._now_us, self._origin_ns, self._met = now_us, wall_origin_ns + offset_ns, met
        self._booted_us = now_us()
        self._excess_ns = self._since_us = self._strobe_since_us = 0
        self.unbend()

    def monotonic(self) -> int:
        """True time since this clock was made, which is when the machine booted; never bent."""
        return (self._now_us() - self._booted_us) * NS_PER_US

    def wall(self) -> int:
        now_us = self._now_us()
        if not self._bent:
            return self._origin_ns + now_us * NS_PER_US
        excess_ns = self._excess(now_us)
        if excess_ns:
            self._met()
        return self._origin_ns + now_us * NS_PER_US + excess_ns

    @property
    def offset_ms(self) -> float:
        """How far a bend puts the reading off, now."""
        return self._excess(self._now_us()) / 1e6 if self._bent else 0.0

    def look(self) -> int:
        """What :meth:`wall` would read, without its being the node's own reading."""
        return self._origin_ns + self._now_us() * NS_PER_US + (self._excess(self._now_us()) if self._bent else 0)

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
        self._excess_ns += self._drifted(now_us)
        self._since_us, self._bent = now_us, True
        if kind == "jump":
            self._excess_ns += round(amount["offset_ms"] * 1e6)
        elif kind == "strobe":
            self._strobe, self._strobe_since_us = _strobe(amount), now_us
        else:
            rate = Fraction(amount["factor"]).limit_denominator(_DENOMINATOR_MAX) - 1
            self._drift = rate.numerator, rate.denominator

    def unbend(self) -> None:
        """True again, at once."""
        self._bent = False
        self._excess_ns = self._since_us = self._strobe_since_us = 0
        self._drift = 0, 1
        self._strobe = 0, 1

    def _drifted(self, now_us: int) -> int:
        gained, per = self._drift
        return (now_us - self._since_us) * NS_PER_US * gained // per

    def _excess(self, now_us: int) -> int:
        """How far the bends put the reading off, in ns. A strobe begins with its offset."""
        offset_ns, period_us = self._strobe
        away = (now_us - self._strobe_since_us) // period_us % 2 == 0
        return self._excess_ns + self._drifted(now_us) + (offset_ns if away else 0)


def _check(kind: str, amount: Mapping[str, float]) -> None:
    if kind not in KINDS or set(amount) != set(KINDS[kind]) or not all(map(math.isfinite, amount.values())):
        raise ValueError(f"read the bend {kind!r} {dict(amount)}; expected one of {KINDS}, with finite numbers")
    if amount.get("period_ms", 1) < 1:
        raise ValueError(f"read a strobe every {amount['period_ms']} ms; expected a period of 1 ms or more")
    if amount.get("factor", 0) < 0:
        raise ValueError(f"read the rate {amount['factor']}; expected 0 or more: a clock that runs backwards is none")


def _strobe(amount: Mapping[str, float]) -> tuple[int, int]:
    return round(amount["offset_ms"] * 1e6), round(amount["period_ms"] * 1000)
