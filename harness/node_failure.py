"""What nodes told by events: how they stopped by themselves, and whatever else a verdict asks for.

A failed assertion is an anomaly, another error leaves no valid verdict. A node whose disk failed and that stopped
because of it ("disk-failure"), that would not serve from a corrupt one ("disk-corrupt"), or that ended with the
database that it kept ("exit"), did what it should: that is no failure of the node's, and no more is said of it here
than of one that was killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from harness.node.failure import ASSERTION, CRASH, EXIT
from harness.result import Anomaly

__all__ = ["ASSERTION", "CRASH", "EVENTS", "NodeFailure", "exits_of", "failures_of", "node_failures", "read_events"]

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
    return failures_of(read_events(folder, (ASSERTION, CRASH)))


def failures_of(events: Iterable[Mapping[str, Any]]) -> list[NodeFailure]:
    """The failures among events, each a mapping as in events.jsonl ({"name", "node", "incarnation", "fields", ...})."""
    return [_failure(event) for event in events if event.get("name") in (ASSERTION, CRASH)]


def exits_of(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which nodes ended since what they keep did, in words: no failure of theirs, but good to know."""
    return [_exit(event) for event in events if event.get("name") == EXIT]


def _exit(event: Mapping[str, Any]) -> str:
    fields = event.get("fields")
    fields = fields if isinstance(fields, Mapping) else {}
    who = f"node {str(event.get('node', '?'))[:100]} (incarnation {event.get('incarnation')})"
    if "process" not in fields:  # a command of the keeper's
        return f"{who} ended in {str(fields.get('where'))[:100]}: {str(fields.get('error'))[:400]}"
    told = str(fields.get("words", ""))[-400:]
    return f"{who} ended with its {str(fields['process'])[:100]}, which had status {fields.get('status')}: {told}"


def read_events(folder: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The events of those names in ``folder/<node>/events.jsonl``, in order of node, then as they were told.

    "node" is the folder's name, whatever the line says. A line that names one of them and cannot be read (torn, by a
    kill or a full disk; too long; too deep) may be the worst of news: it stands here as a crash that says so.
    """
    words = [f'"name":{json.dumps(name)}' for name in names]
    for path in sorted(folder.glob(f"*/{EVENTS}")):
        if path.is_file():  # and no pipe, which would let us wait for ever
            yield from _events(path, names, words)


def _events(path: Path, names: Sequence[str], words: Sequence[str]) -> Iterator[dict[str, Any]]:
    node = path.parent.name
    with open(path, encoding="utf-8", errors="replace") as stream:
        for _ in range(_LINES_MAX):
            line = stream.readline(_LINE_CHARS_MAX)
            if not line:
                return
            if not any(word in line for word in words):
                continue
            if len(line) >= _LINE_CHARS_MAX:
                yield _unread(node, f"an event longer than {_LINE_CHARS_MAX:,} characters, which is not read")
            elif (event := _event(node, line)) is not None and event.get("name") in names:
                yield event


def _event(node: str, line: str) -> dict[str, Any] | None:
    try:
        event: Any = json.loads(line)
    except (ValueError, RecursionError):
        return _unread(node, "an event that would be evidence and cannot be read")
    return {**event, "node": node} if isinstance(event, dict) else None


def _unread(node: str, error: str) -> dict[str, Any]:
    return {"name": CRASH, "node": node, "incarnation": 0, "fields": {"where": "?", "error": error}}


def _failure(event: Mapping[str, Any]) -> NodeFailure:
    fields = event.get("fields")
    fields = fields if isinstance(fields, Mapping) else {}
    where, error = (str(fields.get(name, ""))[:1000] for name in ("where", "error"))
    incarnation = event.get("incarnation")
    incarnation = incarnation if isinstance(incarnation, int) else 0
    return NodeFailure(event["name"], str(event.get("node", "?"))[:100], incarnation, where, error)
