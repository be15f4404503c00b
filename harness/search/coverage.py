"""What a campaign has met: which fault, in which phase of its life, while which operation was under way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from harness.fault_window import FaultWindow, fault_windows
from harness.history import History

Cell = tuple[str, str, str]
"""(fault with its shape, phase, operation in flight)"""

PHASES: Final = ("strikes", "in-force", "heals")
NOTHING: Final = "-"


def cells(history: History) -> dict[Cell, int]:
    """Cell -> how often it was hit: operations under way when a fault struck, begun while it was in force, or under way
    when it was healed."""
    counts: dict[Cell, int] = {}
    for window in fault_windows(history):
        name = _name(window)
        for phase, f in _met(history, window):
            counts[name, phase, f] = counts.get((name, phase, f), 0) + 1
    return counts


def _name(window: FaultWindow) -> str:
    shape = window.value.get("shape") if isinstance(window.value, Mapping) else None
    return f"{window.fault}={shape}" if isinstance(shape, str) else window.fault


def _met(history: History, window: FaultWindow) -> Iterator[tuple[str, str]]:
    stop = len(history) if window.stop is None else window.stop
    struck = healed = False
    for call in history.calls():
        if not isinstance(call.process, int):
            continue
        end = len(history) if call.complete is None else call.complete
        if call.invoke < window.start < end:
            struck = True
            yield "strikes", call.f
        if window.start < call.invoke < stop:
            yield "in-force", call.f
        if call.invoke < stop < end and window.stop is not None:
            healed = True
            yield "heals", call.f
    if not struck:
        yield "strikes", NOTHING
    if not healed:
        yield "heals", NOTHING
