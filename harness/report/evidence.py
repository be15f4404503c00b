"""The anomalies of a run: each in words, on a timeline, and operation by operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.history import Call
from harness.report.band import Band
from harness.report.drawing import chosen, graph_of, timeline_of, times
from harness.report.element import Child, Markup, clean, element
from harness.report.run_data import JsonObject, RunData, objects_of, text_of
from harness.report.text import count, duration, operation, seconds, shown

SHOWN_MAX: Final = 3
LISTED_MAX: Final = 50
AFTER_S: Final = 2.0
EXPLANATION_MAX: Final = 1_500


def anomalies(run: RunData, bands: Sequence[Band]) -> Markup | None:
    """The section; None if there are none."""
    found = objects_of(run.results, "anomalies")
    if not found:
        return None
    details = [_anomaly(run, entry, bands) for entry in found[:SHOWN_MAX]]
    more: Child = None
    if len(found) > SHOWN_MAX:
        listed = found[SHOWN_MAX:LISTED_MAX]
        items = [element("li", _badge(entry), " ", clean(text_of(entry, "explanation"), 300)) for entry in listed]
        rest = len(found) - SHOWN_MAX - len(listed)
        items += [element("li", f"and {count(rest)} more, in results.json")] if rest else []
        more = element(
            "details", element("summary", f"{count(len(found) - SHOWN_MAX)} more anomalies"), element("ul", items)
        )
    title = "What went wrong" if len(found) == 1 else f"What went wrong: {count(len(found))} anomalies"
    return element("section", element("h2", title), details, more, id="anomalies")


def _badge(anomaly: JsonObject) -> Markup:
    return element("span", clean(text_of(anomaly, "type", "anomaly"), 60), class_="badge")


def calls_of(run: RunData, anomaly: JsonObject) -> list[Call]:
    """The operations that an anomaly names by either of their lines, each once, in its order."""
    positions = anomaly.get("operations")
    named = [p for p in positions if isinstance(p, int)] if isinstance(positions, list) else []
    found = {run.by_position[p].invoke: run.by_position[p] for p in named if p in run.by_position}
    return list(found.values())


def _anomaly(run: RunData, anomaly: JsonObject, bands: Sequence[Band]) -> Markup:
    calls = calls_of(run, anomaly)
    drawn = sorted(chosen(calls), key=lambda call: call.invoke)
    explanation = clean(text_of(anomaly, "explanation", "no explanation"), EXPLANATION_MAX)
    parts: list[Child] = [element("p", _badge(anomaly), " ", explanation, class_="explanation")]
    if drawn:
        graph = graph_of(_details(anomaly), run.by_position)
        parts.append(None if graph is None else element("div", graph, class_="scroll"))
        parts.append(element("div", timeline_of(run.history, drawn, bands), class_="scroll"))
        parts.append(_table(run, drawn, bands))
    if len(calls) > len(drawn):
        rest = f"{count(len(calls) - len(drawn))} more operations that it names are not shown."
        parts.append(element("p", rest, class_="note"))
    return element("article", parts)


def _details(anomaly: JsonObject) -> JsonObject:
    details = anomaly.get("details")
    return details if isinstance(details, dict) else {}


def _table(run: RunData, calls: Sequence[Call], bands: Sequence[Band]) -> Markup:
    keyed = any(call.key is not None for call in calls)
    nodes = run.history.nodes
    head = ["index", "process", *(["key"] if keyed else []), "operation", "outcome", "began", "took", "fault"]
    body = []
    for call in calls:
        start, stop = times(run.history, call)
        node = nodes[call.complete] if nodes and call.complete is not None else None
        took = "–" if stop is None else duration(max(0.0, stop - start))
        cells: list[Child] = [
            _cell(str(call.invoke), "number"),
            _cell(f"{call.process}" + (f" at {node[:20]}" if isinstance(node, str) else ""), "number"),
            *([_cell(shown(call.key, 40))] if keyed else []),
            _cell(operation(call.f, call.argument, call.result, "ok", 90), "value"),
            element("td", element("span", call.outcome, class_=f"outcome {call.outcome}"), _error(call.error)),
            _cell(seconds(start, 3), "number"),
            _cell(took, "number"),
            _cell(_faults(bands, start, start if stop is None else stop)),
        ]
        body.append(element("tr", cells))
    return element(
        "div",
        element(
            "table", element("thead", element("tr", [element("th", name) for name in head])), element("tbody", body)
        ),
        class_="scroll",
    )


def _faults(bands: Sequence[Band], start_s: float, stop_s: float) -> str:
    """The faults in force during an operation; failing that the one that ended shortly before it."""
    during = dict.fromkeys(band.words for band in bands if band.start_s <= stop_s and start_s <= band.stop_s)
    if during:
        return ", ".join(during)
    before = [band for band in bands if 0 <= start_s - band.stop_s <= AFTER_S]
    if not before:
        return "–"
    last = max(before, key=lambda band: band.stop_s)
    return f"{duration(start_s - last.stop_s)} after {last.words}"


def _cell(text: str, css: str | None = None) -> Markup:
    return element("td", text, class_=css)


def _error(error: Any) -> Markup | None:
    return None if error is None else element("span", shown(error, 80), class_="error")
