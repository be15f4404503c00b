"""Figures of a run: latencies and rates in buckets of time, counts per operation. Pure functions of its calls."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from harness.report.run_data import RunData
from harness.report.text import shown

OUTCOMES: Final = ("ok", "info", "fail")
BUCKETS: Final = 120


@dataclass(frozen=True, slots=True)
class Point:
    """A completed operation: when it was invoked and how long it took, in seconds, and how it ended."""

    at_s: float
    latency_s: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Span:
    """The time that plots show, in seconds since operations began."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Bucket:
    """What completed in a stretch of time: counts per outcome, and quantiles of the ok latencies (None without any)."""

    start_s: float
    stop_s: float
    counts: dict[str, int]
    median_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """An operation name's figures; latencies of ok operations in seconds."""

    f: str
    invoked: int
    counts: dict[str, int]
    median_s: float | None
    p99_s: float | None
    max_s: float | None
    errors: tuple[tuple[str, int], ...]


def points(run: RunData) -> list[Point]:
    """All completed operations whose times are known."""
    times = run.history.times
    return [
        Point(times[call.invoke] / 1e9, max(0.0, (times[call.complete] - times[call.invoke]) / 1e9), call.outcome)
        for call in run.calls
        if call.complete is not None and times[call.invoke] >= 0 and times[call.complete] >= 0
    ]


def span(run: RunData) -> Span:
    """From the last full second before operations began to the last line of the history; never empty."""
    start_s = float(max(0, floor(run.main_start_s)))
    end_s = max([time / 1e9 for time in run.history.times[-1000:] if time >= 0], default=0.0)
    return Span(start_s, max(end_s, start_s + 0.001))


def nice_step(span: float, parts: int) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten with which ``span`` has at most ``parts`` steps."""
    if span <= 0:
        return 1.0
    rough = span / parts
    power = 10.0 ** floor(log10(rough))
    return next((factor * power for factor in (1, 2, 2.5, 5) if factor * power >= rough * 0.9999), 10 * power)


def quantile(values: Sequence[float], q: float) -> float | None:
    """The nearest-rank quantile of sorted values."""
    return values[max(0, ceil(q * len(values)) - 1)] if values else None


def buckets(of: Iterable[Point], within: Span) -> list[Bucket]:
    """Equal buckets; an operation belongs to the one in which it completed, at the ends to the nearest."""
    step = nice_step(within.length_s, BUCKETS)
    count = max(1, ceil(within.length_s / step - 1e-9))
    latencies: list[list[float]] = [[] for _ in range(count)]
    totals: list[Counter[str]] = [Counter() for _ in range(count)]
    for point in of:
        index = min(count - 1, max(0, int((point.at_s + point.latency_s - within.start_s) / step)))
        totals[index][point.outcome] += 1
        if point.outcome == "ok":
            latencies[index].append(point.latency_s)
    result = []
    for i, (ok, total) in enumerate(zip(latencies, totals, strict=True)):
        ok.sort()
        counts = {name: total[name] for name in OUTCOMES}
        start_s = within.start_s + i * step
        result.append(Bucket(start_s, start_s + step, counts, quantile(ok, 0.5), quantile(ok, 0.99)))
    return result


def rows(run: RunData, limit: int = 50) -> list[Row]:
    """Figures per operation name, the most frequent first."""
    invoked: Counter[str] = Counter()
    outcomes: dict[str, Counter[str]] = {}
    errors: dict[str, Counter[str]] = {}
    latencies: dict[str, list[float]] = {}
    times = run.history.times
    for call in run.calls:
        invoked[call.f] += 1
        outcomes.setdefault(call.f, Counter())[call.outcome] += 1
        if call.error is not None:
            errors.setdefault(call.f, Counter())[_kind(call.error)] += 1
        if call.outcome == "ok" and call.complete is not None and times[call.invoke] >= 0:
            latencies.setdefault(call.f, []).append((times[call.complete] - times[call.invoke]) / 1e9)
    result = []
    for f, count in invoked.most_common(limit):
        ok = sorted(latencies.get(f, []))
        counts = {name: outcomes[f][name] for name in OUTCOMES}
        common = tuple(errors.get(f, Counter()).most_common(4))
        result.append(Row(f, count, counts, quantile(ok, 0.5), quantile(ok, 0.99), ok[-1] if ok else None, common))
    return result


def _kind(error: object) -> str:
    """What operations with the same trouble have in common: an error's code, without its details."""
    if isinstance(error, (list, tuple)) and error:
        error = error[0]
    return error[:60] if isinstance(error, str) else shown(error, 60)


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten from ``low`` to ``high``, both included."""
    powers = [10.0**power for power in range(-9, 10)]
    return powers[bisect_left(powers, low * 0.999) : bisect_left(powers, high * 1.001)]
