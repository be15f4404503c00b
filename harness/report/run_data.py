"""What a run left in its folder, as far as it can be read: the report's only input.

A run may have been interrupted at any moment, so every file may be missing or cut off. What could not be read is a
line in ``problems``, and the report is made of the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from harness.file import read_bounded, read_json
from harness.formats import FormatError, read_history
from harness.history import Call, History, HistoryError
from harness.store import TRACE
from harness.trace import Trace, TraceError
from harness.trace import read as read_trace

FAULTS_MAX: Final = 5_000
LOGS_MAX: Final = 500

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Log:
    """A file fetched from a node: its path as parts below the run's folder, its size."""

    node: str
    parts: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RunData:
    """One run. ``calls`` are the history's operations, ``by_position`` finds one by either of its two lines. All times
    count from the first client operation, as in the checkers' words; the main phase began at ``main_start_s``. Only a
    ``trace``, of a simulated run, keeps its own clock, of which ``origin_ns`` is the time of that operation."""

    name: str
    plan: JsonObject
    results: JsonObject
    history: History
    calls: tuple[Call, ...]
    faults: tuple[JsonObject, ...]
    logs: tuple[Log, ...]
    problems: tuple[str, ...] = ()
    by_position: Mapping[int, Call] = field(default_factory=dict)
    main_start_s: float = 0.0
    trace: Trace | None = None
    origin_ns: int = 0


def read_run(folder: Path) -> RunData:
    """Read a run's folder; never raises for what is in it."""
    problems: list[str] = []
    history, calls = _history(folder / "history.jsonl", problems)
    results = _object(folder / "results.json", problems)
    trace = _trace(folder / TRACE, problems)
    origin_ns = history.origin_ns
    start_ns = number_of(results, "main_start_ns")
    _count_from(history, origin_ns)
    return RunData(
        name=f"{folder.resolve().parent.name}/{folder.resolve().name}",
        plan=_object(folder / "plan.json", problems),
        results=results,
        main_start_s=0.0 if start_ns is None else max(0.0, (start_ns - origin_ns) / 1e9),
        history=history,
        calls=calls,
        faults=tuple(_from_origin(entry, origin_ns) for entry in _lines(folder / "faults.jsonl", problems)),
        logs=tuple(islice(_logs(folder), LOGS_MAX)),
        problems=tuple(problems),
        by_position={
            position: call for call in calls for position in (call.invoke, call.complete) if position is not None
        },
        trace=trace,
        origin_ns=origin_ns,
    )


def _trace(path: Path, problems: list[str]) -> Trace | None:
    """The message trace, which only failing simulated runs have."""
    if not path.exists():
        return None
    try:
        return read_trace(path)
    except (OSError, TraceError) as error:
        problems.append(f"{path.name}: {error}")
        return None


def _history(path: Path, problems: list[str]) -> tuple[History, tuple[Call, ...]]:
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no regular file")
        history = read_history(path)
        return history, tuple(history.calls())
    except (OSError, FormatError, HistoryError, RecursionError) as error:
        problems.append(f"history.jsonl: {error}")
        return History(), ()


def _count_from(history: History, origin_ns: int) -> None:
    """Set the clock of a history that nobody else has: a run's begins with its cluster, and readers want operations."""
    for index, time in enumerate(history.times):
        history.times[index] = time if time < 0 else max(0, time - origin_ns)


def _from_origin(entry: JsonObject, origin_ns: int) -> JsonObject:
    times = {name: number_of(entry, name) for name in ("started_ns", "stopped_ns")}
    return {**entry, **{name: max(0, time - origin_ns) for name, time in times.items() if time is not None}}


def _object(path: Path, problems: list[str]) -> JsonObject:
    try:
        data = read_json(path)
    except (OSError, ValueError) as error:
        problems.append(f"{path.name}: {error}")
        return {}
    if not isinstance(data, dict):
        problems.append(f"{path.name}: read {type(data).__name__}; expected an object")
        return {}
    return data


def _lines(path: Path, problems: list[str]) -> tuple[JsonObject, ...]:
    """The objects of a JSONL file; no file means no faults."""
    if not path.exists():
        return ()
    try:
        entries = [json.loads(line) for line in read_bounded(path).splitlines()[:FAULTS_MAX] if line.strip()]
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path.name}: {error}")
        return ()
    return tuple(entry for entry in entries if isinstance(entry, dict))


def _logs(folder: Path) -> list[Log]:
    paths = sorted(path for path in (folder / "nodes").rglob("*") if path.is_file() and not path.is_symlink())
    parts = [path.relative_to(folder).parts for path in paths]
    return [Log(part[1], part, path.stat().st_size) for part, path in zip(parts, paths, strict=True) if len(part) > 2]


def text_of(data: JsonObject, name: str, otherwise: str = "") -> str:
    """A field that should be text."""
    value = data.get(name)
    return value if isinstance(value, str) else otherwise


def number_of(data: JsonObject, name: str) -> float | None:
    """A field that should be a number; None if it is not."""
    value = data.get(name)
    return (
        float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18 else None
    )


def object_of(data: JsonObject, name: str) -> JsonObject:
    """A field that should be an object; empty if it is not."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def objects_of(data: JsonObject, name: str) -> list[JsonObject]:
    """A field that should be a list of objects; what is none is left out."""
    value = data.get(name)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
