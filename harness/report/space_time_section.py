"""The report's section with the space-time diagrams of a simulated run's anomalies."""

from __future__ import annotations

from typing import Final

from harness.fault_window import fault_windows
from harness.report.element import Child, Markup, clean, element
from harness.report.run_data import JsonObject, RunData, objects_of, text_of
from harness.report.space_time import NAME, picture
from harness.report.space_time_scene import Scene, compose
from harness.result import Anomaly

DRAWN_MAX: Final = 2
LATE: Final = frozenset({"divergence"})
"""Anomalies that show at the very end, long after they came about: for these the whole run is drawn."""


def messages(run: RunData) -> Markup | None:
    """A diagram for each of the first anomalies, or of the whole run if there is none; None without a trace."""
    if run.trace is None:
        return None
    found: list[Anomaly | None] = [_anomaly(entry) for entry in objects_of(run.results, "anomalies")[:DRAWN_MAX]]
    drawn: list[Child] = []
    before: Scene | None = None
    for anomaly in found or [None]:
        around = None if anomaly is not None and anomaly.type in LATE else anomaly
        scene = compose(run.trace, run.history, fault_windows(run.history), around, run.origin_ns // 1000)
        if scene is None or (before is not None and scene.boxes == before.boxes):
            continue
        before = scene
        words = None if anomaly is None else element("p", clean(anomaly.explanation, 300), class_="note")
        drawn.append(element("article", words, element("div", picture(scene), class_="scroll")))
    if not drawn:
        return None
    return element("section", element("h2", NAME), drawn, id="messages")


def _anomaly(entry: JsonObject) -> Anomaly:
    positions = entry.get("operations")
    numbers = tuple(p for p in positions if type(p) is int) if isinstance(positions, list) else ()
    return Anomaly(text_of(entry, "type"), numbers, text_of(entry, "explanation"))
