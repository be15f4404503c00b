"""Figures of a run, by name: what measured claims are about. A name may have an operation after a colon.

* ``ok-per-second:F``   operations F that succeeded, per second of load
* ``median-ms:F``       median time from invocation to success, in milliseconds; ``p99-ms:F`` the 99th percentile
* ``outage-s:F``        the longest time for which somebody waited for a success of F
* ``answered-share:F``  of the operations F asked for while all faults were in force, those that succeeded before a heal
* ``leader-changes``    leaders beyond the first one
* ``staleness-ms:F``    how old the oldest answer was: the time from the end of the write that overwrote a version to
                        the begin of a read that still showed it (versions are whole numbers, written once, rising)
* ``differed-share``    1 if replicas were seen to differ while the load was on, else 0
* ``minority-available:F+G`` 1 if nodes cut off from a majority answered each of F and G well, begun a client's timeout
                        after the cut
* ``linearizable``      1 if the run was valid, 0 if it was not; for workloads that judge linearizability
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import median, quantiles
from typing import Final

from harness.claims.observed import Observed
from harness.claims.replicas import differed
from harness.claims.timed import Timed, ending_of, load
from harness.claims.traffic import Traffic, traffic
from harness.fault_window import FaultWindow
from harness.setup import node_specs

Figure = Callable[[Observed, str], float | None]


class UnknownFigureError(LookupError):
    """A figure that is none; the text says what was read and what was expected."""


def figure(name: str, run: Observed) -> float | None:
    """A figure of the run; None where the run has nothing to take it from. Raises UnknownFigureError."""
    kind, _, f = name.partition(":")
    if kind not in FIGURES:
        raise UnknownFigureError(f"read the figure {name!r}; expected one of {', '.join(FIGURES)}")
    found = FIGURES[kind](run, f)
    return None if found is None else round(found, 6)


def _good(run: Observed, f: str) -> list[Timed]:
    """Operations of that name that succeeded while the load was on."""
    return [
        operation
        for operation in load(run.operations)
        if operation.f == f and operation.ok and run.start_ns <= operation.done_ns <= run.end_ns
    ]


def _ok_per_second(run: Observed, f: str) -> float | None:
    load_s = (run.end_ns - run.start_ns) / 1e9
    return len(_good(run, f)) / load_s if load_s > 0 else None


def _latencies_ms(run: Observed, f: str) -> list[float]:
    return [(operation.done_ns - operation.begun_ns) / 1e6 for operation in _good(run, f)]


def _median_ms(run: Observed, f: str) -> float | None:
    latencies = _latencies_ms(run, f)
    return median(latencies) if latencies else None


def _p99_ms(run: Observed, f: str) -> float | None:
    latencies = _latencies_ms(run, f)
    return quantiles(latencies, n=100, method="inclusive")[98] if len(latencies) > 1 else None


def _outage_s(run: Observed, f: str) -> float | None:
    return next((entry["longest_gap_s"] for entry in run.results["availability"] if entry["f"] == f), None)


def _answered_share(run: Observed, f: str) -> float | None:
    around = traffic(load(run.operations), run.windows, run.plan.client_timeout_s).get(f, Traffic())
    return around.answered / around.asked if around.asked else None


def _leader_changes(run: Observed, f: str) -> float | None:
    return len(run.elected_ns) - 1 if run.elected_ns else None


def _staleness_ms(run: Observed, f: str) -> float | None:
    """Of the reads that are behind, the oldest; 0 where none is."""
    reads = [operation for operation in _good(run, f) if type(operation.value) is int]
    if not reads:
        return None
    written: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for operation in run.operations:
        if operation.f == "write" and operation.ok and type(operation.value) is int:
            written[repr(operation.key)].append((operation.value, operation.done_ns))
    return max(_age_ms(read, written[repr(read.key)]) for read in reads)


def _age_ms(read: Timed, writes: Sequence[tuple[int, int]]) -> float:
    newer = [done_ns for version, done_ns in writes if version > read.value and done_ns < read.begun_ns]
    return (read.begun_ns - min(newer)) / 1e6 if newer else 0.0


def _differed_share(run: Observed, f: str) -> float:
    return float(differed(run.operations, run.end_ns))


def _minority_available(run: Observed, f: str) -> float | None:
    cuts = [(window, minority) for window in run.windows if (minority := _minority(run, window))]
    if not cuts:
        return None
    good = [operation for operation in load(run.operations) if operation.ok]
    patience_ns = round(run.plan.client_timeout_s * 1e9)
    answered = {name for window, minority in cuts for name in _answered(good, window, minority, patience_ns)}
    return float(answered >= set(f.split("+")))


def _answered(good: Sequence[Timed], window: FaultWindow, nodes: Collection[str], patience_ns: int) -> set[str]:
    """The names of the operations that these nodes answered well under the fault."""
    from_ns, to_ns = window.done_ns + patience_ns, ending_of(window)
    return {each.f for each in good if each.node in nodes and from_ns <= each.begun_ns and each.done_ns < to_ns}


def _minority(run: Observed, window: FaultWindow) -> set[str]:
    """The nodes that a partition has left with no majority to talk to, themselves included."""
    drops = window.value.get("drops") if isinstance(window.value, Mapping) else None
    if window.fault != "partition" or not isinstance(drops, Mapping):
        return set()
    nodes = [spec.name for spec in node_specs(run.system, run.plan.nodes)]
    cut = {(sender, receiver) for receiver, senders in drops.items() for sender in senders}

    def heard(node: str) -> int:
        return sum((other, node) not in cut and (node, other) not in cut for other in nodes)

    return {node for node in nodes if heard(node) <= len(nodes) // 2}


def _linearizable(run: Observed, f: str) -> float | None:
    return None if run.results["checked"] == "unknown" else float(run.results["checked"])


FIGURES: Final[Mapping[str, Figure]] = {
    "ok-per-second": _ok_per_second,
    "median-ms": _median_ms,
    "p99-ms": _p99_ms,
    "outage-s": _outage_s,
    "answered-share": _answered_share,
    "leader-changes": _leader_changes,
    "staleness-ms": _staleness_ms,
    "differed-share": _differed_share,
    "minority-available": _minority_available,
    "linearizable": _linearizable,
}
