"""The pictures of an anomaly: its transactions as a graph where its evidence is edges, its operations on a timeline.

The same pictures stand in a run's report and, with :func:`drawings`, each in an SVG file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from harness.history import INVOKE, Call, History
from harness.report.band import Band
from harness.report.dependency_graph import LINES_MAX, NODES_MAX, Arrow, Node, dependency_graph
from harness.report.element import Markup, clean, element, raw
from harness.report.style import COLOURS, DRAWING
from harness.report.text import duration, operation, seconds, shown
from harness.report.timeline import Bar, timeline
from harness.result import Anomaly, Result

DRAWN_MAX: Final = 10
"""Anomalies that are drawn, the first ones."""
OPERATIONS_MAX: Final = 12
LAST: Final = 2
_LINE_MAX: Final = 60
_UNSAFE: Final = re.compile("[^A-Za-z0-9-]+")
_STYLE: Final = element("style", raw(COLOURS), raw(DRAWING))
_GROUND: Final = element("rect", width="100%", height="100%", class_="ground")

Edges = Sequence[Mapping[str, Any]]


def drawings(result: Result, history: History) -> Iterator[tuple[str, str]]:
    """The name of a file and its SVG, two for each of the first anomalies whose evidence is edges between transactions,
    else one."""
    for number, anomaly in enumerate(result.anomalies[:DRAWN_MAX], 1):
        stem = f"{number}-{_UNSAFE.sub('-', anomaly.type)}"
        calls = {call.invoke: call for call in _calls(history, anomaly)}
        graph = graph_of(anomaly.details, calls)
        if graph is not None:
            yield f"{stem}-graph.svg", _alone(graph)
        if calls:
            drawn = sorted(chosen(list(calls.values())), key=lambda call: call.invoke)
            yield f"{stem}-timeline.svg", _alone(timeline_of(history, drawn, ()))


def _calls(history: History, anomaly: Anomaly) -> Iterator[Call]:
    """The clients' operations that an anomaly names by either of their lines, each once, in its order."""
    partners = history.partners
    seen = dict.fromkeys(
        partners[line] if 0 <= partners[line] < line else line
        for line in anomaly.operations
        if 0 <= line < len(history) and history.processes[line] >= 0
    )
    for line in seen:
        if history.types[line] == INVOKE:
            yield call_at(history, line)


def call_at(history: History, invoke: int) -> Call:
    """The operation that was invoked there."""
    op, end = history[invoke], history.partners[invoke]
    answer = history[end] if end > invoke else None
    outcome = answer.type if answer is not None and answer.type != "invoke" else "info"
    return Call(invoke, end if answer is not None else None, history.processes[invoke], op.f, op.value,
                None if answer is None else answer.value, outcome, op.key,
                None if answer is None else answer.error)  # fmt: skip


def _alone(picture: Markup) -> str:
    """A picture that needs no page around it, on a ground of its own."""
    opening, _, rest = picture.partition(">")
    named = opening.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{named}>{_STYLE}{_GROUND}{rest}\n"


def chosen(calls: list[Call]) -> list[Call]:
    """The first and the last few: what an anomaly names last is often the read that shows it."""
    return calls if len(calls) <= OPERATIONS_MAX else calls[: OPERATIONS_MAX - LAST] + calls[-LAST:]


def graph_of(details: Mapping[str, Any], calls: Mapping[int, Call]) -> Markup | None:
    """The graph of an anomaly whose details hold edges between transactions, by the lines of their invocations; None
    where there are none, or too many for a picture. What is said of a case that was ruled out has a question mark."""
    certain = [(each, "") for each in _edges(details.get("edges"))]
    cases = [case for name in ("cases", "forced") for case in _objects(details.get(name))]
    doubtful = [(each, "?") for case in cases for each in _edges(case.get("edges") or case.get("otherwise"))]
    found = [(edge, mark) for edge, mark in (*certain, *doubtful) if {edge["from"], edge["to"]} <= calls.keys()]
    lines = list(dict.fromkeys(line for edge, _ in found for line in (edge["from"], edge["to"])))
    if not 2 <= len(lines) <= NODES_MAX:
        return None
    arrows = dict.fromkeys(
        Arrow(lines.index(edge["from"]), lines.index(edge["to"]), str(edge.get("type"))[:20] + mark, _on(edge))
        for edge, mark in found
    )
    keys = [{repr(edge.get("key")) for edge, _ in found if line in (edge["from"], edge["to"])} for line in lines]
    nodes = [_node(calls[line], about) for line, about in zip(lines, keys, strict=True)]
    return dependency_graph(nodes, list(arrows), "Why there is no order of these")


def _edges(data: Any) -> list[Mapping[str, Any]]:
    return [each for each in _objects(data) if isinstance(each.get("from"), int) and isinstance(each.get("to"), int)]


def _objects(data: Any) -> list[Mapping[str, Any]]:
    return [each for each in data if isinstance(each, Mapping)] if isinstance(data, list | tuple) else []


def _on(edge: Mapping[str, Any]) -> str:
    if "key" not in edge:
        return ""
    values = edge.get("elements") or edge.get("values")
    told = " → ".join(shown(each, 12) for each in values) if isinstance(values, list | tuple) else ""
    return f"{shown(edge['key'], 12)}: {told}" if told else shown(edge["key"], 12)


def _node(call: Call, keys: Collection[str]) -> Node:
    """Of a long transaction, what it did to the keys of its edges is shown."""
    value = call.result if call.outcome == "ok" else call.argument
    told = list(value) if isinstance(value, list | tuple) else []
    lines = tuple(map(_micro_operation, told)) or (shown(value, _LINE_MAX),)
    if len(lines) > LINES_MAX:
        about = [line for line, each in zip(lines, told, strict=True) if _key(each) in keys]
        lines = (*about[: LINES_MAX - 1], "…") if about else lines
    words = operation(call.f, call.argument, call.result, call.outcome, 400)
    return Node(f"T{call.invoke}, process {call.process}"[:40], lines, f"{words}; process {call.process}")


def _key(told: Any) -> str | None:
    return repr(told[1]) if isinstance(told, list | tuple) and len(told) == 3 else None


def _micro_operation(told: Any) -> str:
    if not isinstance(told, list | tuple) or len(told) != 3:
        return shown(told, _LINE_MAX)
    f, key, value = told
    sign = " = " if f in ("r", "rp") else " "
    return clean(f"{f!s:.12} {shown(key, 16)}{sign}{shown(value, 40)}", _LINE_MAX)


def times(history: History, call: Call) -> tuple[float, float | None]:
    """When it began and was seen to end, in seconds; the order in the history where there are no times."""
    known = history.times
    if known[call.invoke] < 0 or (call.complete is not None and known[call.complete] < 0):
        return float(call.invoke), None if call.outcome == "info" or call.complete is None else float(call.complete)
    end = None if call.outcome == "info" or call.complete is None else known[call.complete] / 1e9
    return known[call.invoke] / 1e9, end


def bar(history: History, call: Call) -> Bar:
    """The operation on a timeline."""
    start, stop = times(history, call)
    words = operation(call.f, call.argument, call.result, call.outcome)
    title = f"{words}; process {call.process}, from {seconds(start, 4)}" + (
        f", {call.outcome} after {duration(max(0.0, stop - start))}" if stop is not None else ", outcome unknown"
    )
    if call.key is not None:
        words = f"{shown(call.key, 16)}: {words}"
    return Bar(f"process {call.process}"[:14], words, start, stop, call.outcome, title)


def timeline_of(history: History, calls: Sequence[Call], behind: Sequence[Band]) -> Markup:
    """The operations on a timeline, with the faults behind them."""
    bars = [bar(history, call) for call in calls]
    first, last = min(each.start_s for each in bars), max(each.seen_s for each in bars)
    near = [band for band in behind if band.stop_s >= first and band.start_s <= last]
    return timeline(bars, near, "The operations that show it")
