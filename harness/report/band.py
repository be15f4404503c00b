"""Fault windows as bands behind plots: when which fault was in force, in seconds on the plots' axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.fault_window import fault_windows
from harness.report.element import Child, Markup, element
from harness.report.run_data import JsonObject, RunData, number_of, object_of, text_of
from harness.report.text import cut, seconds

BANDS_MAX: Final = 1_000
NAMES_MAX: Final = 12
COLOURS: Final = 6


@dataclass(frozen=True, slots=True)
class Band:
    """One application of a fault, from ``start_s`` to ``stop_s``, and what it did in words; ``colour`` is a number of
    the style sheet's."""

    fault: str
    colour: int
    start_s: float
    stop_s: float
    words: str

    @property
    def title(self) -> str:
        return f"{self.words}, {seconds(self.start_s)} to {seconds(self.stop_s)}"

    @property
    def css(self) -> str:
        return f"fault-{self.colour}"


def bands(run: RunData, end_s: float) -> tuple[Band, ...]:
    """From ``faults.jsonl``; where there is none (an interrupted run), from the history. None stops after ``end_s``."""
    applied = [entry for entry in run.faults if number_of(entry, "started_ns") is not None]  # others never struck
    entries = [_from_application(entry, end_s) for entry in applied] or [
        (window.fault, window.start_ns / 1e9, _stop(window.stop_ns, end_s), str(window))
        for window in fault_windows(run.history)
    ]
    colours = {name: i % COLOURS for i, name in enumerate(dict.fromkeys(entry[0] for entry in entries))}
    return tuple(Band(fault, colours[fault], start, stop, words) for fault, start, stop, words in entries[:BANDS_MAX])


def _from_application(entry: JsonObject, end_s: float) -> tuple[str, float, float, str]:
    start_ns, stop_ns = number_of(entry, "started_ns"), number_of(entry, "stopped_ns")
    start_s = 0.0 if start_ns is None else start_ns / 1e9
    return text_of(entry, "fault", "?"), start_s, _stop(stop_ns, end_s), what(entry)


def _stop(time_ns: float | None, end_s: float) -> float:
    return min(end_s, time_ns / 1e9) if time_ns is not None and time_ns >= 0 else end_s


def what(entry: JsonObject) -> str:
    """What an application did, in words: ``partition isolate-leader (n3)``."""
    done = object_of(entry, "done") or object_of(entry, "action")
    nodes = done.get("nodes")
    names = _names(nodes) if isinstance(nodes, list) else _sides(object_of(done, "drops"))
    words = [text_of(entry, "fault", "?"), text_of(done, "shape"), f"({names})" if names else ""]
    return " ".join(word for word in words if word)


def _names(nodes: Sequence[object]) -> str:
    more = f" and {len(nodes) - NAMES_MAX} more" if len(nodes) > NAMES_MAX else ""
    return ", ".join(node[:30] if isinstance(node, str) else "?" for node in nodes[:NAMES_MAX]) + more


def _sides(drops: JsonObject) -> str:
    """Who does not hear whom, where that is two groups: ``n1 | n2, n3``, or one way ``n1 to n2, n3``; else nothing."""
    deaf: dict[tuple[str, ...], list[str]] = {}
    for receiver, senders in drops.items():
        if isinstance(senders, list):
            deaf.setdefault(tuple(sorted(str(sender) for sender in senders)), []).append(receiver)
    if len(deaf) == 1:
        ((senders_of_all, receivers),) = deaf.items()
        return f"{_names(senders_of_all)} to {_names(receivers)}"
    return " | ".join(_names(group) for group in deaf.values()) if len(deaf) == 2 else ""


@dataclass(frozen=True, slots=True)
class Axis:
    """A time axis: ``scale`` turns seconds into pixels, ``left`` and ``right`` are its ends in pixels."""

    scale: Callable[[float], float]
    left: float
    right: float


def draw(drawn: Sequence[Band], axis: Axis, top: float, height: float, named: bool = True) -> list[Markup]:
    """The bands as rectangles, if ``named`` with their names where these fit."""
    return [shape for band in drawn if (shape := _draw(band, axis, top, height, named)) is not None]


def _draw(band: Band, axis: Axis, top: float, height: float, named: bool) -> Markup | None:
    left, right = (axis.scale(at) for at in (band.start_s, band.stop_s))
    if right <= axis.left or left >= axis.right:
        return None
    left, right = max(left, axis.left), min(right, axis.right)
    wide = max(right - left, 1.5)
    label: Child = None
    if named and (name := cut(band.fault, (wide - 6) / 6.0)):
        label = element("text", name, x=left + 4, y=top + 12, class_="band-label")
    rect = element("rect", x=left, y=top, width=wide, height=height, class_="band-area")
    return element("g", element("title", band.title), rect, label, class_=f"band {band.css}")
