"""The oscillator of one simulated machine: its clocks and timers count by it, and it may run too slow or too fast."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final

NS_PER_US: Final = 1000
_DENOMINATOR_MAX: Final = 10**9  # a rate is kept to a billionth; what a float adds below that is noise of its own


def exact_rate(factor: float) -> Fraction:
    """A rate as it is kept."""
    return Fraction(factor).limit_denominator(_DENOMINATOR_MAX)


class Oscillator:
    """Belongs to the machine, as its clock does. ``now_us`` reads true virtual time in microseconds; ``met`` is to be
    called whenever something is measured, or a wait begins, while the rate is false.

    All arithmetic is on integers, so that equal runs count equally. What is counted is piecewise linear in true time,
    and never jumps or falls::

        counted = reached + (true - since) * rate

    where each change of the rate begins a new piece. Only here is a duration of its own made a true one.
    """

    __slots__ = ("_booted_us", "_now_us", "_rate", "_reached_ns", "_settled_ns", "_since_us", "is_true", "met")

    def __init__(self, now_us: Callable[[], int], met: Callable[[], None] = lambda: None) -> None:
        self._now_us, self.met = now_us, met
        self._booted_us = self._since_us = now_us()
        self._reached_ns = self._settled_ns = 0
        self._rate = Fraction(1)
        self.is_true = True

    def run_at(self, factor: float) -> Fraction:
        """Run at ``factor`` times the true rate from now on; 1 ends the drift, and with it what :attr:`off_ns` tells.
        By how much longer what is being waited for takes now. Raises ValueError for a factor of 0 or less."""
        if not (math.isfinite(factor) and (rate := exact_rate(factor)) > 0):
            raise ValueError(f"read the drift {factor}; expected a factor above 0: an oscillator that stands is none")
        self._reached_ns, self._since_us = self._counted_ns(), self._now_us()
        stretch, self._rate = self._rate / rate, rate
        self.is_true = rate == 1
        if self.is_true:
            self._settled_ns = self._ahead_ns()
        return stretch

    def counted_ns(self) -> int:
        """The time since the machine booted, as it counts it."""
        if self.is_true:
            return (self._now_us() - self._since_us) * NS_PER_US + self._reached_ns
        self.met()
        return self._counted_ns()

    @property
    def off_ns(self) -> int:
        """How far a clock that showed the right time of day when the drift began is off by now."""
        return 0 if self.is_true else self._ahead_ns() - self._settled_ns

    def true_ms(self, ms: float) -> float:
        """How long a wait of ``ms`` by this machine's timers takes in truth."""
        if self.is_true:
            return ms
        self.met()
        return -(-round(ms * 1000) * self._rate.denominator // self._rate.numerator) / 1000

    def _counted_ns(self) -> int:
        passed_ns = (self._now_us() - self._since_us) * NS_PER_US
        return self._reached_ns + passed_ns * self._rate.numerator // self._rate.denominator

    def _ahead_ns(self) -> int:
        return self._counted_ns() - (self._now_us() - self._booted_us) * NS_PER_US
