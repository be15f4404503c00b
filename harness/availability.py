"""Availability: when did no operation of a kind succeed? A result of its own, apart from validity."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final

from harness.history import INVOKE, OK, History

GAP_MIN_S: Final = 1.0
WINDOWS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Availability:
    """Of the operations named ``f`` in the main phase: how many were invoked and succeeded, the longest time for
    which somebody waited for an answer, and the ``windows`` (start, end; seconds since the main phase began) of at
    least GAP_MIN_S in which some were asked for and none succeeded, at most WINDOWS_MAX of them, the longest."""

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


def availability(
    history: History, start_ns: int, end_ns: int, answers: Collection[str] = ()
) -> tuple[Availability, ...]:
    """One :class:`Availability` per operation name that clients asked between the two times, in order of name.

    ``answers`` are errors by which a system that works refuses (a compare-and-set that met another value): whoever got
    one did not wait in vain, though it is no success.
    """
    found: dict[str, _Gaps] = {}
    errors = history.errors if history.errors is not None else repeat(None)
    columns = zip(history.types, history.processes, history.fs, history.times, errors, strict=False)
    for code, process, f, time, error in columns:
        if process < 0 or not start_ns <= time < end_ns:
            continue
        name = history.f_names[f]
        if code == INVOKE:
            found.setdefault(name, _Gaps()).asked(time)
        elif name in found:
            found[name].answered(time, is_ok=code == OK, refused=isinstance(error, str) and error in answers)
    return tuple(found[f].availability(f, start_ns, end_ns) for f in sorted(found))


@dataclass(slots=True)
class _Gaps:
    """The times in which somebody waited for a success, or had waited in vain: from the first moment at which an
    operation was asked for and none had succeeded since, to the next success. Silence that nobody broke is none."""

    invocations: int = 0
    ok: int = 0
    waiting: int = 0
    since: int | None = None
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def asked(self, time: int) -> None:
        self.invocations += 1
        self.waiting += 1
        self.since = time if self.since is None else self.since

    def answered(self, time: int, *, is_ok: bool, refused: bool) -> None:
        self.waiting = max(0, self.waiting - 1)  # it may have been asked for before the main phase
        if not is_ok and not refused:
            return
        self.ok += is_ok
        if self.since is not None:
            self.gaps.append((self.since, time))
        self.since = time if self.waiting > 0 else None

    def availability(self, f: str, start_ns: int, end_ns: int) -> Availability:
        gaps = [*self.gaps, (self.since, end_ns)] if self.since is not None else self.gaps
        gaps = sorted(gaps, key=lambda gap: gap[0] - gap[1])
        windows = [(_seconds(a - start_ns), _seconds(b - start_ns)) for a, b in gaps if _seconds(b - a) >= GAP_MIN_S]
        longest_s = _seconds(gaps[0][1] - gaps[0][0]) if gaps else 0.0
        return Availability(f, self.invocations, self.ok, longest_s, tuple(sorted(windows[:WINDOWS_MAX])))


def _seconds(ns: int) -> float:
    return ns / 1e9
