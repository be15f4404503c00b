"""The verdict on long forks, and each of them in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

from checkers.guard import guarded
from checkers.long_fork.order import Edge, Graph, build, cycles
from checkers.long_fork.reading import Scene, Strange, Write, read
from checkers.value import plain
from harness.history import INVOKE, Call, History
from harness.result import Anomaly, Reason, Result

EXPECT: Final = "long-fork"
LONG_FORK, FRACTURED_READ, G_SINGLE = "long-fork", "fractured-read", "G-single"
ANOMALIES_MAX: Final = 8  # of a type
_TOLD_MAX: Final = 8


def check(history: History, *, time_limit_s: float | None = None) -> Result:
    """Whether no two transactions see two writes in opposite orders: all see prefixes of one order of the writes.

    Invalid: at most ANOMALIES_MAX anomalies of a type, of forks a shortest one of each group of keys that hang
    together. Operations are both halves of the transactions, in the order of the explanation. Linear but for the search
    of a shortest circle. Raises :class:`harness.history.HistoryError`.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    return guarded(EXPECT, lambda: _judge(history, deadline), method="read-graph")


def _judge(history: History, deadline: float | None) -> Result:
    scene = read(history)
    graph = build(scene)
    found = [_strange(scene, each) for each in [*scene.strange, *graph.strange]]
    found += [_cycle(scene, each) for each in cycles(graph, deadline)]
    counts = Counter(each.type for each in found)
    told: Counter[str] = Counter()
    anomalies = []
    for each in sorted(found, key=lambda anomaly: len(anomaly.operations)):
        told[each.type] += 1
        if told[each.type] <= ANOMALIES_MAX:
            anomalies.append(each)
    doubt = None if anomalies else _doubt(scene, graph)
    return Result(
        valid=False if anomalies else True if doubt is None else "unknown",
        expect=EXPECT,
        method="read-graph",
        reason=None if doubt is None else doubt[0],
        explanation=None if doubt is None else doubt[1],
        anomalies=tuple(anomalies),
        operations=history.types.count(INVOKE),
        details={
            "transactions": len(scene.transactions),
            "keys": len(scene.writers_of_key),
            "group_reads": graph.tested,
            "anomalies": dict(counts),
        },
    )


def _doubt(scene: Scene, graph: Graph) -> tuple[Reason, str] | None:
    if graph.unclear is not None:
        text = (
            f"several transactions wrote one key (as {scene.text(graph.unclear)}); expected each key to be written once"
        )
        return Reason.UNSUPPORTED, f"{text}: the order of their writes is not known"
    if graph.tested < 2:
        return Reason.TOO_FEW_OK, "fewer than two transactions read several keys: there is nothing to compare"
    return None


def _name(call: Call) -> str:
    return f"T{call.invoke}"


def _operations(calls: Sequence[Call]) -> tuple[int, ...]:
    halves = (half for call in calls for half in (call.invoke, call.complete))
    return tuple(dict.fromkeys(half for half in halves if half is not None))


def _strange(scene: Scene, strange: Strange) -> Anomaly:
    reader, other = _name(strange.reader), "" if strange.other is None else _name(strange.other)
    itself = "itself, later," if strange.other is strange.reader else f"{other}, which began after that,"
    why = {
        "internal": "though it had read or written that key differently just before",
        "garbage-read": "and nobody wrote that",
        "G1a": f"and {other}, which wrote that, had failed",
        "future-read": f"and it was {itself} that wrote it",
    }[strange.type]
    text = f"{reader} (process {strange.reader.process}) read {scene.text(strange.read)}, {why}."
    calls = [strange.reader] if strange.other is None else [strange.other, strange.reader]
    return Anomaly(strange.type, _operations(calls), text, {"key": plain(scene.key(strange.read.key))})


def _cycle(scene: Scene, edges: Sequence[Edge]) -> Anomaly:
    """Beginning with what was missed: the edges out of a reader to a writer."""
    calls = [scene.transactions[edge.source >> 1].call for edge in edges]
    missed = sum(_is_missed(edge) for edge in edges)
    type_ = LONG_FORK if missed > 1 else FRACTURED_READ if len(edges) == 2 else G_SINGLE
    readers = [place for place, edge in enumerate(edges) if edge.source % 2]
    told = [_reader_text(scene, edges[place - 1], edges[place]) for place in readers]
    texts = [*told[:_TOLD_MAX], *([f"and {len(told) - _TOLD_MAX} more"] if len(told) > _TOLD_MAX else [])]
    closing = {
        LONG_FORK: f"no order of the writes explains these {len(told)}"
        if len(told) > 2
        else "they saw the two writes in opposite orders",
        FRACTURED_READ: "it saw one half of that transaction and not the other",
        G_SINGLE: "no order of the writes explains both" if len(told) == 2 else "no order of the writes explains these",
    }[type_]
    writers = [place for place, edge in enumerate(edges) if not edge.source % 2]
    details: dict[str, Any] = {
        "readers": [calls[place].invoke for place in readers],
        "writers": [calls[place].invoke for place in writers],
        "keys": [plain(scene.key(each.write.key)) for each in edges if each.write is not None],
    }
    return Anomaly(
        type_, _operations([calls[place] for place in (*readers, *writers)]), f"{'; '.join(texts)}: {closing}.", details
    )


def _is_missed(edge: Edge) -> bool:
    return bool(edge.source % 2) and edge.source != edge.target + 1


def _reader_text(scene: Scene, into: Edge, out: Edge) -> str:
    """What one transaction saw, and what it missed or wrote itself after that."""
    call = scene.transactions[out.source >> 1].call
    assert into.write is not None, "a reader comes after what it saw"
    saw = f"{_name(call)} (process {call.process}) saw {_whose(scene, into.source, into.write)}"
    if out.write is None:
        wrote = scene.transactions[out.source >> 1].wrote
        return f"{saw} and then wrote {', '.join(scene.text(Write(*each)) for each in list(wrote.items())[:3])}"
    return f"{saw} and missed {_whose(scene, out.target, out.write)}"


def _whose(scene: Scene, node: int, write: Write) -> str:
    return f"{_name(scene.transactions[node >> 1].call)}'s {scene.text(write)}"
