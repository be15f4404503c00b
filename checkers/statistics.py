"""Statistics of a history: how many operations of each name succeeded, how fast, and when none did.

After Jepsen's ``stats`` checker (jepsen.checker/stats), which wants of every operation that was asked for that it
succeeded at least once: what never did was not tested. So the verdict is valid if each did, and unknown
(too-few-ok-operations) if some did not; it is never invalid, for that nothing succeeded is no error of a history. The
figures are in ``details``: over all operations, and by name, by node (where operations have one) and by process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from checkers.guard import guarded
from checkers.quantile import quantiles_ms
from harness.history import FAIL, INFO, INVOKE, OK, History
from harness.result import Reason, Result

EXPECT: Final = "statistics"
GAP_MIN_NS: Final = 1_000_000_000
GROUPS_MAX: Final = 100
GAPS_MAX: Final = 100
_NAME_CHARS_MAX: Final = 60


@dataclass(slots=True)
class _Tally:
    """What became of some operations. Those that never completed count as "info". Times are in ns, where known."""

    ok: int = 0
    fail: int = 0
    info: int = 0
    latencies_ns: list[int] = field(default_factory=list)
    asked_ns: list[int] = field(default_factory=list)
    succeeded_ns: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.ok + self.fail + self.info

    def add(self, outcome: int, invoked_ns: int, completed_ns: int) -> None:
        self.ok += outcome == OK
        self.fail += outcome == FAIL
        self.info += outcome == INFO
        if invoked_ns >= 0:
            self.asked_ns.append(invoked_ns)
        if outcome == OK and completed_ns >= 0:
            self.succeeded_ns.append(completed_ns)
            if 0 <= invoked_ns <= completed_ns:
                self.latencies_ns.append(completed_ns - invoked_ns)

    def as_json(self, span_ns: int) -> dict[str, Any]:
        """Rates are per second of the whole history's ``span_ns``; latencies are those of ok operations."""
        return {
            "count": self.count,
            "ok": self.ok,
            "fail": self.fail,
            "info": self.info,
            "ok_share": round(self.ok / self.count, 6) if self.count else None,
            "ok_hz": round(self.ok / (span_ns / 1e9), 3) if span_ns > 0 else None,
            "latencies_ms": quantiles_ms(self.latencies_ns),
        }


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """The figures of a history. Linear, but for sorting; the time limit is unused.

    ``details``: ``all``, ``by_f``, ``by_node``, ``by_process`` (GROUPS_MAX of each, those with most operations), each
    with counts of ok, fail and info, the share and rate of ok ones, and quantiles of their latencies; ``seconds`` from
    the first to the last line of a client; ``gaps``: per name the times of at least a second, in seconds since the
    first, that began with a success (or the beginning), and ended with the next (or the end), and in which some were
    asked for (GAPS_MAX of each, the longest). Raises :class:`harness.history.HistoryError`.
    """
    return guarded(EXPECT, lambda: _judge(history), method="counts")


def _judge(history: History) -> Result:
    everything, by_f, by_node, by_process = _Tally(), _Groups(), _Groups(), _Groups()
    for start, outcome, end in _operations(history):
        invoked_ns, completed_ns = history.times[start], history.times[end] if end >= 0 else -1
        tallies = [everything, by_f[history.f_names[history.fs[start]]], by_process[history.processes[start]]]
        if (node := _node(history, start, end)) is not None:
            tallies.append(by_node[node])
        for tally in tallies:
            tally.add(outcome, invoked_ns, completed_ns)
    first_ns, last_ns = _span(history)
    never = sorted(f for f, tally in by_f.tallies.items() if not tally.ok)
    told = _told(everything.count, never, by_f)
    return Result(
        valid="unknown" if told else True,
        expect=EXPECT,
        method="counts",
        reason=Reason.TOO_FEW_OK if told else None,
        explanation=told,
        operations=everything.count,
        details={
            "seconds": round((last_ns - first_ns) / 1e9, 3),
            "all": everything.as_json(last_ns - first_ns),
            "by_f": by_f.as_json(last_ns - first_ns),
            "by_node": by_node.as_json(last_ns - first_ns),
            "by_process": by_process.as_json(last_ns - first_ns),
            "gaps": {f[:_NAME_CHARS_MAX]: _gaps(tally, first_ns, last_ns) for f, tally in by_f.largest()},
        },
    )


class _Groups:
    """Tallies by whatever operations have in common."""

    def __init__(self) -> None:
        self.tallies: dict[Any, _Tally] = {}

    def __getitem__(self, group: Any) -> _Tally:
        found = self.tallies.get(group)
        if found is None:
            found = self.tallies[group] = _Tally()
        return found

    def largest(self) -> Sequence[tuple[Any, _Tally]]:
        """Those with most operations, in order of their names."""
        chosen = sorted(self.tallies.items(), key=lambda entry: -entry[1].count)[:GROUPS_MAX]
        return sorted(chosen, key=lambda entry: entry[0])

    def as_json(self, span_ns: int) -> dict[str, Any]:
        return {str(group)[:_NAME_CHARS_MAX]: tally.as_json(span_ns) for group, tally in self.largest()}


def _operations(history: History) -> Iterator[tuple[int, int, int]]:
    """Each client operation: where it was invoked, what became of it, and where (-1: it never completed)."""
    partners = history.partners
    for start, (code, process) in enumerate(zip(history.types, history.processes, strict=True)):
        if code == INVOKE and process >= 0:
            end = partners[start]
            yield start, history.types[end] if end >= 0 else INFO, end


def _node(history: History, start: int, end: int) -> Any:
    """The node that answered, or else the one that was asked; None if there is none."""
    if not history.nodes:
        return None
    return (history.nodes[end] if end >= 0 else None) or history.nodes[start]


def _span(history: History) -> tuple[int, int]:
    """The first and the last time of a client's line, in ns; 0 and 0 if there is none."""
    times = [time for time, process in zip(history.times, history.processes, strict=True) if process >= 0 <= time]
    return (min(times), max(times)) if times else (0, 0)


def _told(count: int, never: Sequence[str], by_f: _Groups) -> str | None:
    if not count:
        return "there is no client operation in this history"
    if not never:
        return None
    listed = ", ".join(f"{f[:_NAME_CHARS_MAX]} ({by_f[f].count} asked)" for f in never[:GROUPS_MAX])
    return f"no operation succeeded of these: {listed}; what never succeeds is not tested"


def _gaps(tally: _Tally, first_ns: int, last_ns: int) -> list[list[float]]:
    """The times without a success in which somebody asked, in seconds since ``first_ns``."""
    gaps, asked, position = [], sorted(tally.asked_ns), 0
    for start, end in pairwise([first_ns, *sorted(tally.succeeded_ns), last_ns]):
        before = position
        while position < len(asked) and asked[position] < end:
            position += 1
        if position > before and end - start >= GAP_MIN_NS:
            gaps.append((start, end))
    gaps = sorted(sorted(gaps, key=lambda gap: gap[0] - gap[1])[:GAPS_MAX])
    return [[round((start - first_ns) / 1e9, 3), round((end - first_ns) / 1e9, 3)] for start, end in gaps]
