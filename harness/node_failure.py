"""Nodes that stopped by themselves: a failed assertion is an anomaly, another error leaves no valid verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from harness.result import Anomaly

ASSERTION: Final = "assertion"
CRASH: Final = "crash"
EVENTS: Final = "events.jsonl"

_LINES_MAX: Final = 2_000_000
_LINE_CHARS_MAX: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """One incarnation of a node that ended with an error of its own; ``where`` and ``error`` are the node's words."""

    kind: Literal["assertion", "crash"]
    node: str
    incarnation: int
    where: str
    error: str

    def __str__(self) -> str:
        verb = "stopped at a failed assertion" if self.kind == ASSERTION else "crashed"
        return f"node {self.node} (incarnation {self.incarnation}) {verb} in {self.where}: {self.error}"

    def anomaly(self) -> Anomaly:
        return Anomaly(ASSERTION, (), str(self), {"node": self.node, "incarnation": self.incarnation})


def node_failures(folder: Path) -> list[NodeFailure]:
    """The failures in the events that were fetched into ``folder/<node>/``, in order of node."""
    return [
        failure
        for path in sorted(folder.glob(f"*/{EVENTS}"))
        if path.is_file()  # and no pipe, which would let us wait for ever
        for failure in _failures(path)
        if failure is not None
    ]


def _failures(path: Path) -> Iterator[NodeFailure | None]:
    with open(path, encoding="utf-8", errors="replace") as stream:
        for _ in range(_LINES_MAX):
            line = stream.readline(_LINE_CHARS_MAX)
            if not line:
                return
            if f'"name":"{ASSERTION}"' in line or f'"name":"{CRASH}"' in line:
                yield _failure(path.parent.name, line) if len(line) < _LINE_CHARS_MAX else _unread(path.parent.name)


def _unread(node: str) -> NodeFailure:
    """What is too long to be read may be the worst of news: then no verdict is valid."""
    return NodeFailure(CRASH, node, 0, "?", f"an event longer than {_LINE_CHARS_MAX:,} characters, which is not read")


def _failure(node: str, line: str) -> NodeFailure | None:
    try:
        event: Any = json.loads(line)
    except (ValueError, RecursionError):  # torn, by a kill or a full disk; what it would have said may be the worst
        return NodeFailure(CRASH, node, 0, "?", "an event that names an assertion or a crash and cannot be read")
    if not isinstance(event, dict) or event.get("name") not in (ASSERTION, CRASH):
        return None
    fields = event.get("fields")
    fields = fields if isinstance(fields, dict) else {}
    where, error = (str(fields.get(name, ""))[:1000] for name in ("where", "error"))
    incarnation = event.get("incarnation")
    return NodeFailure(event["name"], node, incarnation if isinstance(incarnation, int) else 0, where, error)
