"""A run on disk: its folder, what is written there and when.

``store/<plan name>/<time>/`` holds ``plan.json`` (written before anything happens), ``history.jsonl`` (appended as it
happens, so it survives a crash of the harness), ``faults.jsonl``, ``nodes/<name>/*.log``, ``results.json`` and
``report.html``. ``store/latest`` and ``store/<plan name>/latest`` point to the run that began last.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from harness.formats import jsonl
from harness.history import Op
from harness.plan import Plan

PLAN: Final = "plan.json"
HISTORY: Final = "history.jsonl"
RESULTS: Final = "results.json"
FAULTS: Final = "faults.jsonl"
TRACE: Final = "trace.jsonl"
NODES: Final = "nodes"
LATEST: Final = "latest"


class HistorySink(Protocol):
    """Where a run's operations go, one after another."""

    def append(self, op: Op) -> None:
        """Raises TypeError or ValueError, and keeps nothing, for a value that is not JSON."""

    def close(self) -> None: ...


class Place(Protocol):
    """Where a run leaves what it leaves: its folder, or memory. ``nodes`` is None where logs are not wanted."""

    @property
    def path(self) -> Path: ...
    @property
    def nodes(self) -> Path | None: ...
    def open_history(self) -> HistorySink: ...


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def history(self) -> Path:
        return self.path / HISTORY

    @property
    def nodes(self) -> Path:
        return self.path / NODES

    @property
    def plan(self) -> Path:
        return self.path / PLAN

    def open_history(self) -> HistoryWriter:
        """Begin the history. Raises FileExistsError if there is one."""
        return HistoryWriter(self.history)

    def write_plan(self, plan: Plan) -> None:
        replace_file(self.plan, json.dumps(plan.as_json(), indent=2) + "\n")

    def write_results(self, results: Mapping[str, Any]) -> None:
        replace_file(self.path / RESULTS, json.dumps(results, indent=2) + "\n")

    def write_faults(self, applications: Iterable[Mapping[str, Any]]) -> None:
        replace_file(self.path / FAULTS, "".join(json.dumps(application) + "\n" for application in applications))


def plan_name(plan: Plan) -> str:
    """The folder name of a plan's runs: system and workload, in characters that any file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]|^\.+", "_", f"{Path(plan.system).stem}-{plan.workload}")[:100]


def create_folder(store: Path, plan: Plan, now: datetime | None = None) -> RunFolder:
    """A new folder for a run of ``plan``, with the plan in it. Raises OSError if ``store`` cannot be written.

    The name is the local time; runs that begin within the same millisecond get a number, by whoever is first.
    """
    parent = store / plan_name(plan)
    parent.mkdir(parents=True, exist_ok=True)
    stamp = (now or datetime.now()).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    number = 0
    while True:
        path = parent / (stamp if number == 0 else f"{stamp}-{number}")
        try:
            path.mkdir()
            break
        except FileExistsError:
            number += 1
    folder = RunFolder(path)
    folder.write_plan(plan)
    for link in (store / LATEST, parent / LATEST):
        _point(link, path)
    return folder


def replace_file(path: Path, text: str) -> None:
    """Replace a file as a whole: a reader sees the old one or the new one. Never writes through a link, be it in the
    place of the file or of the one that is written first."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    with open(scratch, "x", encoding="utf-8") as stream:
        stream.write(text)
    scratch.replace(path)


def _point(link: Path, target: Path) -> None:
    """Let ``link`` point to ``target``, relatively and atomically: at no moment is there no link."""
    scratch = link.with_name(f".{link.name}.{target.name}.{os.getpid()}")
    scratch.symlink_to(os.path.relpath(target, link.parent))
    scratch.replace(link)


class HistoryWriter:
    """Appends operations to ``history.jsonl``; each line has left this process when :meth:`append` returns.

    What has been handed to the kernel survives the harness's death by any signal; only the machine's own would lose it.
    """

    def __init__(self, path: Path) -> None:
        """Begin a new history. Raises FileExistsError if there is one."""
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115 (closed by close)
        self._put(jsonl.header())

    def append(self, op: Op) -> None:
        """Raises TypeError or ValueError, and writes nothing, for a value that is not JSON."""
        self._put(jsonl.dump(op))

    def _put(self, line: str) -> None:
        data = memoryview(line.encode() + b"\n")
        while data:  # an unbuffered write may be short, on a full disk for instance; the next one then raises
            data = data[self._file.write(data) or 0 :]

    def close(self) -> None:
        self._file.close()


class MemoryFolder:
    """In the place of a run's folder: nothing is written, and ``operations`` are what the history would have. Their
    values are what JSON makes of them, as in a history that was read."""

    def __init__(self) -> None:
        self.operations: list[Op] = []

    @property
    def path(self) -> Path:
        return Path("memory")

    @property
    def nodes(self) -> Path | None:
        return None

    def open_history(self) -> MemoryFolder:
        return self

    def append(self, op: Op) -> None:
        """Raises TypeError or ValueError for a value that is not JSON."""
        plain = {name: _as_read(getattr(op, name)) for name in _FREE if not _is_plain(getattr(op, name))}
        self.operations.append(replace(op, **plain) if plain else op)

    def close(self) -> None:
        """Nothing is open."""


_FREE: Final = ("value", "error", "key", "session", "extra")


def _is_plain(value: Any) -> bool:
    return value is None or value.__class__ is int or value.__class__ is str


def _as_read(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))
