"""What this node tells while it happens: its last events, kept for whoever asks, and waits until there are some.

Keeping one costs an append to a ring. It is put into JSON only when somebody asks, and failpoints, which may be passed
at every step, are kept only while somebody does. Of log lines only those are told that have a text in them that whoever
asks is looking for; the first ones, before anybody could ask, are kept for a while.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from harness.node.env import Message
from harness.node.listener import Answer

KEPT_MAX: Final = 1024
BATCH_MAX: Final = 256
FIELDS_CHARACTERS_MAX: Final = 4096
HOLD_S: Final = 1.0
WATCHED_S: Final = 5.0
WAITING_MAX: Final = 16
NUMBER_MAX: Final = 1 << 62

EVENT: Final = "event"
FAILPOINT: Final = "failpoint"
LOG: Final = "log"

TEXTS_MAX: Final = 32
TEXT_CHARACTERS_MAX: Final = 200
LINE_CHARACTERS_MAX: Final = 1000
FIRST_LINES_MAX: Final = 256

Entry = tuple[str, str, Mapping[str, Any]]


class Feed:
    """The feed of one incarnation. Entries are numbered from 1; who has seen number N asks for those ``after`` N.

    ``watched`` says that somebody asked within the last seconds.
    """

    def __init__(self, incarnation: int) -> None:
        self._incarnation = incarnation
        self._kept: deque[Entry] = deque(maxlen=KEPT_MAX)
        self._told = 0
        self._waiting: dict[Answer, tuple[int, asyncio.TimerHandle]] = {}
        self._unwatch: asyncio.TimerHandle | None = None
        self._texts: tuple[str, ...] = ()
        self._first_lines: deque[str] | None = deque(maxlen=FIRST_LINES_MAX)
        self.watched = False

    def event(self, name: str, fields: Mapping[str, Any]) -> None:
        """The program told an event."""
        self._kept.append((EVENT, name, fields))
        self._told += 1
        if self._waiting:
            self._answer_all()

    def failpoint(self, name: str) -> None:
        """The program passed a failpoint. Worth a call only while ``watched``."""
        self._kept.append((FAILPOINT, name, {}))
        self._told += 1
        if self._waiting:
            self._answer_all()

    def log(self, line: str) -> None:
        """The program logged a line. It is told once for each text in it that is looked for: literally, no pattern."""
        if self._first_lines is not None:
            self._first_lines.append(line[:LINE_CHARACTERS_MAX])
        for text in self._texts:
            if text in line:
                self._kept.append((LOG, text, {"line": line[:LINE_CHARACTERS_MAX]}))
                self._told += 1
                if self._waiting:
                    self._answer_all()

    def ask(self, body: Message, answer: Answer) -> None:
        """Answer ``{"type": "events", "incarnation": i, "after": N, "logs": [TEXT, ...]}`` (without logs: no log lines
        are asked for): at once if there is something after N, else as
        soon as there is, or after HOLD_S. Two questions are answered at once in any case: with N null, by where to
        begin; with another incarnation's N, from the beginning of this one."""
        after, incarnation = body.get("after"), body.get("incarnation")
        if after is not None and (type(after) is not int or not 0 <= after <= NUMBER_MAX):
            answer.refuse(f"read after {str(after)[:40]!r}; expected a number or null")
            return
        texts = body.get("logs", [])
        if not _are_texts(texts):
            answer.refuse(f"read logs {str(texts)[:40]!r}; expected up to {TEXTS_MAX} texts")
            return
        self._note_watcher()
        if texts:
            self._look_for(tuple(texts), from_the_beginning=after is not None and incarnation != self._incarnation)
        if after is None:
            answer.reply(self._news(self._told))
        elif incarnation != self._incarnation:
            answer.reply(self._news(0))
        elif after < self._told or len(self._waiting) >= WAITING_MAX:
            answer.reply(self._news(after))
        else:
            timer = asyncio.get_running_loop().call_later(HOLD_S, self._expire, answer)
            self._waiting[answer] = after, timer

    def _news(self, after: int) -> Message:
        """Up to BATCH_MAX entries after number ``after``; ``next`` is the number of the last of them, ``lost`` how many
        before the first are no longer kept."""
        oldest = self._told - len(self._kept)
        begin = max(after, oldest)
        skipped = begin - oldest
        entries = [self._kept[i] for i in range(skipped, min(len(self._kept), skipped + BATCH_MAX))]
        return {
            "incarnation": self._incarnation,
            "next": min(begin, self._told) + len(entries),
            "lost": begin - after,
            "events": [{"kind": kind, "name": name, "fields": _short(fields)} for kind, name, fields in entries],
        }

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for answer, (after, timer) in waiting.items():
            timer.cancel()
            answer.reply(self._news(after))

    def _expire(self, answer: Answer) -> None:
        after, _ = self._waiting.pop(answer)
        answer.reply(self._news(after))

    def _note_watcher(self) -> None:
        self.watched = True
        if self._unwatch is not None:
            self._unwatch.cancel()
        self._unwatch = asyncio.get_running_loop().call_later(WATCHED_S, self._forget_watcher)

    def _forget_watcher(self) -> None:
        self.watched = False
        self._texts = ()

    def _look_for(self, texts: tuple[str, ...], *, from_the_beginning: bool) -> None:
        """Tell of lines with these texts from now on, or, to somebody who knew an earlier incarnation, from the first
        line on."""
        first, self._first_lines = self._first_lines, None
        self._texts = texts
        for line in first if first is not None and from_the_beginning else ():
            self.log(line)


def _are_texts(texts: Any) -> bool:
    return (
        isinstance(texts, list)
        and len(texts) <= TEXTS_MAX
        and all(isinstance(text, str) and 0 < len(text) <= TEXT_CHARACTERS_MAX for text in texts)
    )


def _short(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields, if they are not too long for a message; they are in the journal all the same."""
    return fields if len(json.dumps(fields)) <= FIELDS_CHARACTERS_MAX else {}
