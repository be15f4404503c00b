"""What nodes tell, fetched while it happens: each node's control port is asked again and again, and holds its answer
until there is something (``harness.node.feed``), so that an event is here within milliseconds.

Nodes are not believed blindly: an answer that is not one is thrown away, and the node is asked again after a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from harness.cluster import NodeEvent
from harness.node import Message
from harness.node.feed import BATCH_MAX, EVENT, FAILPOINT, HOLD_S, LOG, NUMBER_MAX

ANSWER_MS_MAX: Final = (HOLD_S + 1.5) * 1000
RETRY_S: Final = 0.02
RUBBISH_S: Final = 0.5
NAME_CHARACTERS_MAX: Final = 200

Ask = Callable[[Message], Awaitable[Message | None]]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a node's feed was read: its incarnation, and the number of the last entry. None: not begun."""

    incarnation: int | None = None
    after: int | None = None

    def question(self) -> dict[str, Any]:
        return {"type": "events", "incarnation": self.incarnation, "after": self.after}


async def follow(node: str, ask: Ask, notify: Callable[[NodeEvent], None], logs: Collection[str] = ()) -> None:
    """Call ``notify`` with all that ``node`` tells from the first answer on, over all its incarnations, until this is
    cancelled; and with each log line that has one of the texts ``logs`` in it, under that text as its name. ``ask``
    gives the control port's answer to a question, or None if there is none."""
    cursor = Cursor()
    besides = {"logs": sorted(logs)} if logs else {}
    while True:
        answer = await ask({**cursor.question(), **besides})
        if answer is None:
            await asyncio.sleep(RETRY_S)
            continue
        try:
            cursor, events = news(node, answer, cursor)
        except ValueError:
            await asyncio.sleep(RUBBISH_S)
            continue
        for event in events:
            notify(event)
        if not events:
            await asyncio.sleep(0.001)  # a node that answers nothing at once shall not keep us busy


def news(node: str, answer: Message, cursor: Cursor) -> tuple[Cursor, list[NodeEvent]]:
    """The events in an answer, and how far the feed has been read with them. Raises ValueError."""
    incarnation: Any = answer.get("incarnation")
    after: Any = answer.get("next")
    entries: Any = answer.get("events")
    known = cursor.incarnation or 0
    if not _is_number(incarnation) or incarnation < known or not _is_number(after):
        raise ValueError(f"read {str(answer)[:200]}; expected an incarnation from {known} on and the next number")
    if incarnation == cursor.incarnation and cursor.after is not None and after < cursor.after:
        raise ValueError(f"read the next number {after}; expected one from {cursor.after} on")
    if not isinstance(entries, list) or len(entries) > BATCH_MAX:
        raise ValueError(f"read {str(entries)[:200]}; expected at most {BATCH_MAX} events")
    return Cursor(incarnation, after), [_event(node, incarnation, entry) for entry in entries]


def _event(node: str, incarnation: int, entry: Any) -> NodeEvent:
    told = entry if isinstance(entry, dict) else {}
    kind, name, fields = told.get("kind"), told.get("name"), told.get("fields")
    named = isinstance(name, str) and len(name) <= NAME_CHARACTERS_MAX
    if kind not in (EVENT, FAILPOINT, LOG) or not named or not isinstance(fields, dict):
        raise ValueError(
            f"read {str(entry)[:200]}; expected an event, a failpoint or a log line with a name and fields"
        )
    return NodeEvent(str(kind), node, incarnation, str(name), fields)


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= NUMBER_MAX
