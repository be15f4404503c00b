"""Availability: when did no operation of a kind succeed? A result of its own, apart from validity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from harness.history import INVOKE, OK, History

GAP_MIN_S: Final = 1.0
WINDOWS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Availability:
    """Of the operations named ``f`` in the main phase: how many were invoked and succeeded, the longest time between
    successes, and the ``windows`` (start, end; seconds since the main phase began) of at least GAP_MIN_S in which some
    were asked for and none succeeded, at most WINDOWS_MAX of them, the longest."""

    f: str
    invocations: int
    ok: int
    longest_gap_s: float
    windows: tuple[tuple[float, float], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "f": self.f,
            "invocations": self.invocations,
            "ok": self.ok,
            "longest_gap_s": round(self.longest_gap_s, 3),
            "windows": [[round(start, 3), round(end, 3)] for start, end in self.windows],
        }


def availability(history: History, start_ns: int, end_ns: int) -> tuple[Availability, ...]:
    """One :class:`Availability` per operation name that clients asked between the two times, in order of name."""
    asked: dict[str, list[int]] = {}
    succeeded: dict[str, list[int]] = {}
    for code, process, f, time in zip(history.types, history.processes, history.fs, history.times, strict=True):
        if process >= 0 and start_ns <= time < end_ns and code in (INVOKE, OK):
            (asked if code == INVOKE else succeeded).setdefault(history.f_names[f], []).append(time)
    return tuple(_of(f, asked[f], succeeded.get(f, []), start_ns, end_ns) for f in sorted(asked))


def _of(f: str, asked: list[int], succeeded: list[int], start_ns: int, end_ns: int) -> Availability:
    gaps, next_asked = [], 0
    for start, end in zip([start_ns, *succeeded], [*succeeded, end_ns], strict=True):
        before = next_asked
        while next_asked < len(asked) and asked[next_asked] <= end:
            next_asked += 1
        if next_asked > before:  # somebody asked in this gap; silence that nobody broke says nothing
            gaps.append((start, end))
    gaps.sort(key=lambda gap: gap[0] - gap[1])
    windows = [(_seconds(a - start_ns), _seconds(b - start_ns)) for a, b in gaps if _seconds(b - a) >= GAP_MIN_S]
    longest_s = _seconds(gaps[0][1] - gaps[0][0]) if gaps else 0.0
    return Availability(f, len(asked), len(succeeded), longest_s, tuple(sorted(windows[:WINDOWS_MAX])))


def _seconds(ns: int) -> float:
    return ns / 1e9
