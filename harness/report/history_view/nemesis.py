"""What the nemesis did, for the background: the windows in which a fault was in force, and its single operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from harness.fault_window import FaultWindow, fault_windows
from harness.history import History, Op
from harness.report.element import clean
from harness.report.history_view.text_table import told

WINDOWS_MAX: Final = 2_000
EVENTS_MAX: Final = 5_000
_TEXT_MAX: Final = 200

Moment = Callable[[int], int]
"""From a time in nanoseconds to the view's own units; 0 where it is not known."""


def windows(history: History, moment: Moment) -> list[dict[str, Any]]:
    """Name, kind, and first and last position and moment; ``stop`` None: to the end."""
    found = [*fault_windows(history), *_plain_windows(history)]
    kinds = list(dict.fromkeys(window.fault for window in found))
    return [
        {
            "name": clean(str(window), _TEXT_MAX),
            "kind": kinds.index(window.fault),
            "start": window.start,
            "started": moment(window.start_ns),
            "stop": window.stop,
            "stopped": moment(window.stop_ns),
        }
        for window in found[:WINDOWS_MAX]
    ]


def _plain_windows(history: History) -> Iterator[FaultWindow]:
    """The windows between a plain ``start`` and ``stop``, as many histories of Jepsen's have them, twice each."""
    window: FaultWindow | None = None
    for op in _operations(history):
        if op.f == "start" and (window is None or window.stop is not None):
            if window is not None:
                yield window
            window = FaultWindow(str(op.process), op.index, op.time)
        elif op.f == "stop" and window is not None:
            window = replace(window, stop=op.index, stop_ns=op.time)
    if window is not None:
        yield window


def events(history: History, moment: Moment) -> list[dict[str, Any]]:
    """Every line that is not a client's: what it says, and where."""
    found: list[dict[str, Any]] = []
    for op in _operations(history):
        if len(found) == EVENTS_MAX:
            break
        value = "" if op.value is None else f" {told(op.value, _TEXT_MAX)}"
        text = clean(f"{op.process}: {op.type} {op.f}{value}", 2 * _TEXT_MAX)
        found.append({"text": text, "at": op.index, "time": moment(op.time)})
    return found


def _operations(history: History) -> Iterator[Op]:
    if history.processes and min(history.processes) < 0:
        yield from (history[i] for i, process in enumerate(history.processes) if process < 0)
