"""Failure detectors: from the times of its heartbeats, guess whether the other side is still there.

A suspicion is no proof: a slow node and a dead one look the same from outside. Every detector trades the time until a
crash is noticed for suspicions that are false, and they differ in who strikes the balance:

* ``fixed``: a constant timeout, chosen by a person.
* ``adaptive``: the mean gap between heartbeats and four mean deviations, both learnt as TCP learns its retransmission
  timeout (Jacobson, "Congestion Avoidance and Control", SIGCOMM 1988; RFC 6298).
* ``phi``: the gaps are taken to be normally distributed; phi is how unlikely a silence of this length is, as minus its
  decimal logarithm, and is compared with a threshold (Hayashibara et al., "The phi Accrual Failure Detector", 2004).

Kleppmann, "Designing Data-Intensive Applications", ch. 8, "Timeouts and Unbounded Delays", names the three.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, Literal, Protocol

from harness.node import Clock

Kind = Literal["fixed", "adaptive", "phi"]
KINDS: Final[tuple[Kind, ...]] = ("fixed", "adaptive", "phi")

GAIN_MEAN: Final = 1 / 8  # RFC 6298's alpha
GAIN_DEVIATION: Final = 1 / 4  # and beta
DEVIATIONS: Final = 4
GAPS_MIN: Final = 3  # where hardly any gap differs from the mean: two lost heartbeats in a row are no death
PHI_MAX: Final = 8.0  # one false suspicion in 10^8 heartbeats, if gaps were normally distributed: Akka's default
WINDOW: Final = 1000  # as in Hayashibara et al.
SPREAD_MIN: Final = 1 / 4  # of the mean: no clockwork is so exact that a moment's lateness proves death


class FailureDetector(Protocol):
    """One side's view of the other. It starts out as if a heartbeat had just been heard."""

    def heard(self, *, beat: bool = True) -> None:
        """A sign of life arrived. Whatever is not a regular heartbeat says nothing about when the next one is due."""

    def silent_ms(self) -> float:
        """Milliseconds since the last sign of life."""

    def suspects(self, patience_ms: float = 0) -> bool:
        """Whether it suspects the other side, and did so ``patience_ms`` ago already."""


def failure_detector(kind: str, clock: Clock, timeout_ms: float) -> FailureDetector:
    """A detector by its option's text, one of ``KINDS``. ``timeout_ms`` is the silence that a fixed one suspects; the
    others do so only until they have heard enough to know better."""
    match kind:
        case "fixed":
            return FixedTimeout(clock, timeout_ms)
        case "adaptive":
            return AdaptiveTimeout(clock, timeout_ms)
        case "phi":
            return PhiAccrual(clock, timeout_ms)
    raise ValueError(f"read the failure detector {kind!r}; expected one of {', '.join(KINDS)}")


class Silence:
    """How long nothing was heard, on the monotonic clock, and the gaps between heartbeats."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard_ns = clock.monotonic()
        self._beat_ns: int | None = None

    def end(self, *, beat: bool) -> float | None:
        """A sign of life; the gap since the last heartbeat in milliseconds, if this is one and there was one."""
        self._heard_ns = self._clock.monotonic()
        if not beat:
            return None
        before_ns, self._beat_ns = self._beat_ns, self._heard_ns
        return None if before_ns is None else (self._heard_ns - before_ns) / 1e6

    @property
    def ms(self) -> float:
        return (self._clock.monotonic() - self._heard_ns) / 1e6


class FixedTimeout:
    """Suspects when nothing was heard for ``timeout_ms``, which may be set anew at any time."""

    def __init__(self, clock: Clock, timeout_ms: float) -> None:
        self._silence = Silence(clock)
        self.timeout_ms = timeout_ms

    def heard(self, *, beat: bool = True) -> None:
        self._silence.end(beat=beat)

    def silent_ms(self) -> float:
        return self._silence.ms

    def suspects(self, patience_ms: float = 0) -> bool:
        return self._silence.ms >= self.timeout_ms + patience_ms


class AdaptiveTimeout:
    """Suspects when nothing was heard for the mean gap and four mean deviations; ``timeout_ms`` before the second
    heartbeat. After a false suspicion the long gap is one more gap, and the next timeout is longer."""

    def __init__(self, clock: Clock, timeout_ms: float) -> None:
        self._silence = Silence(clock)
        self._mean_ms: float | None = None
        self._deviation_ms = 0.0
        self.timeout_ms = timeout_ms

    def heard(self, *, beat: bool = True) -> None:
        gap_ms = self._silence.end(beat=beat)
        if gap_ms is not None:
            self._learn(gap_ms)

    def silent_ms(self) -> float:
        return self._silence.ms

    def suspects(self, patience_ms: float = 0) -> bool:
        return self._silence.ms >= self.timeout_ms + patience_ms

    def _learn(self, gap_ms: float) -> None:
        if self._mean_ms is None:
            self._mean_ms, self._deviation_ms = gap_ms, gap_ms / 2
        else:
            error_ms = gap_ms - self._mean_ms
            self._deviation_ms += (abs(error_ms) - self._deviation_ms) * GAIN_DEVIATION
            self._mean_ms += error_ms * GAIN_MEAN
        self.timeout_ms = max(self._mean_ms + DEVIATIONS * self._deviation_ms, GAPS_MIN * self._mean_ms)


class PhiAccrual:
    """Suspects when ``phi`` reaches ``phi_max``. Until the second heartbeat it takes gaps to be such that this happens
    after ``timeout_ms``; the last ``WINDOW`` gaps are remembered."""

    def __init__(self, clock: Clock, timeout_ms: float, phi_max: float = PHI_MAX) -> None:
        self._silence = Silence(clock)
        self._timeout_ms, self._phi_max = timeout_ms, phi_max
        self._gaps_us: deque[int] = deque()  # whole numbers: their sums stay exact
        self._sum = self._sum_of_squares = 0

    def heard(self, *, beat: bool = True) -> None:
        gap_ms = self._silence.end(beat=beat)
        if gap_ms is not None:
            self._learn(round(gap_ms * 1000))

    def silent_ms(self) -> float:
        return self._silence.ms

    def suspects(self, patience_ms: float = 0) -> bool:
        return self.phi(self._silence.ms - patience_ms) >= self._phi_max

    def phi(self, silent_ms: float) -> float:
        """Minus the decimal logarithm of the probability that a heartbeat comes after a longer silence than this."""
        if not self._gaps_us:
            return self._phi_max * silent_ms / self._timeout_ms
        mean_ms, deviation_ms = self._moments_ms()
        later = math.erfc((silent_ms - mean_ms) / (deviation_ms * math.sqrt(2))) / 2
        return math.inf if later == 0 else max(0.0, -math.log10(later))

    def _moments_ms(self) -> tuple[float, float]:
        """Mean and standard deviation of the gaps; the latter at least ``SPREAD_MIN`` of the former."""
        n = len(self._gaps_us)
        mean_us = self._sum / n
        variance = (n * self._sum_of_squares - self._sum**2) / (n * n)
        return mean_us / 1000, max(math.sqrt(variance), SPREAD_MIN * mean_us, 1000) / 1000

    def _learn(self, gap_us: int) -> None:
        self._gaps_us.append(gap_us)
        self._sum += gap_us
        self._sum_of_squares += gap_us * gap_us
        if len(self._gaps_us) > WINDOW:
            oldest = self._gaps_us.popleft()
            self._sum -= oldest
            self._sum_of_squares -= oldest * oldest
