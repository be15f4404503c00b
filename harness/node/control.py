"""The harness's own way to a node, apart from the data network: questions about its state."""

from __future__ import annotations

import socket
from collections.abc import Callable

from harness.node.env import Message
from harness.node.feed import Feed
from harness.node.listener import Answer, Listener, Report
from harness.node.wire import Envelope

Question = Callable[[], Message]


class ControlPort:
    """Answers ``{"type": "status"}``, ``{"type": "events"}`` (see ``Feed.ask``), ``{"type": "messages"}`` (see
    ``MessageFaults.ask``) and, with what the program says to it, ``{"type": "ask", "message": {...}}``, from the
    moment the process is up."""

    def __init__(
        self,
        name: str,
        status: Question,
        feed: Feed,
        messages: Callable[[Message], Message],
        ask: Callable[[Message, Answer], None],
        report: Report,
    ) -> None:
        self._questions: dict[str, Callable[[Message, Answer], None]] = {
            "status": lambda body, answer: answer.reply(status()),
            "events": feed.ask,
            "messages": lambda body, answer: _answer(answer, messages, body),
            "ask": ask,
        }
        self._listener = Listener(name, self._deliver, report)

    async def open(self, sock: socket.socket) -> None:
        await self._listener.open(sock)

    def _deliver(self, envelope: Envelope, answer: Answer) -> None:
        kind = envelope.body.get("type")
        question = self._questions.get(kind) if isinstance(kind, str) else None
        if question is None:
            answer.refuse(f"read the type {str(kind)[:40]!r}; expected one of {', '.join(self._questions)}")
        else:
            question(envelope.body, answer)


def _answer(answer: Answer, question: Callable[[Message], Message], body: Message) -> None:
    try:
        answer.reply(question(body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        answer.refuse(f"{type(error).__name__}: {error}")
