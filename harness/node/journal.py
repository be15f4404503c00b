"""Files that grow by whole lines and are complete up to the last one when the process is killed: log and events."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

from harness.node.feed import Feed

JOURNAL_BYTES_MAX: Final = 64 * 1024 * 1024
LINE_CHARACTERS_MAX: Final = 16 * 1024


class Journal:
    """Appends lines to a file, each with one system call. Past the bound, or on a full disk, it counts them as lost."""

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._bytes = os.fstat(self._fd).st_size
        self.lost = 0

    def append(self, line: str, *, last: bool = False) -> None:
        """Add a line; ``last`` words have room even past the bound."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        if self._bytes + len(data) > JOURNAL_BYTES_MAX and not last:
            self.lost += 1
            return
        try:
            self._bytes += os.write(self._fd, data)
        except OSError:
            self.lost += 1


class Record:
    """What a node leaves behind for people (log) and for the harness (events), which ``feed`` also has while they
    happen."""

    def __init__(self, name: str, incarnation: int, log: str, events: str) -> None:
        self._name, self._incarnation = name, incarnation
        self._log, self._events = Journal(log), Journal(events)
        self.feed = Feed(incarnation)

    def log(self, text: str) -> None:
        stamp = time.strftime("%H:%M:%S", time.gmtime())
        text = text[:LINE_CHARACTERS_MAX]
        self._log.append(f"{stamp}.{time.time_ns() // 1_000_000 % 1000:03d} {self._name}/{self._incarnation} {text}")
        self.feed.log(text)

    def event(self, name: str, fields: dict[str, Any], *, last: bool = False) -> None:
        """One JSON line: name, node, incarnation, both clocks, fields. TypeError or ValueError if it is not JSON.

        ``last``: how this incarnation ends. A verdict hangs on it, so no earlier chatter may crowd it out.
        """
        line = {
            "name": name,
            "node": self._name,
            "incarnation": self._incarnation,
            "time_wall_ns": time.time_ns(),
            "time_monotonic_ns": time.monotonic_ns(),
            "fields": fields,
        }
        self._events.append(json.dumps(line, allow_nan=False, separators=(",", ":")), last=last)
        self.feed.event(name, fields)

    @property
    def lost(self) -> int:
        """Lines that could not be kept."""
        return self._log.lost + self._events.lost
